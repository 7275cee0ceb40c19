"""What the work screens say of somebody's day, and of the images that are done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotator.services.app import Services
from annotator.services.progress import working_day
from annotator.services.progress.forecast import Forecasts
from annotator.settings import changed
from annotator.wire.recording import BackRequest

Answer = Callable[..., None]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing stay behind the answers."""
    monkeypatch.setattr(working_day, "AGAIN_SECONDS", -1.0)


def today(services: Services, name: str = "Ann") -> dict[str, Any]:
    return dict(services.progress.state(name)["today"])


@pytest.mark.usefixtures("now")
def test_a_day_begins_after_a_break_as_long_as_a_night(
    services: Services, clock: Any, answer: Answer
) -> None:
    answer("yesterday", (1, 1, "present"))
    clock.forward(8 * 3600)
    before = today(services)
    answer("early", (2, 1, "present"), (2, 2, "absent"))
    clock.forward(6 * 3600)
    answer("late", (3, 1, "present"))

    assert before == {"answers": 0, "per_minute": None}
    assert today(services)["answers"] == 3
    assert today(services, "Bob")["answers"] == 0


@pytest.mark.usefixtures("now")
def test_what_is_taken_back_or_changed_counts_once_at_most(
    services: Services, answer: Answer
) -> None:
    answer("a", (1, 1, "present"))
    answer("b", (1, 1, "absent"))
    answer("c", (2, 1, "present"))
    both = today(services)["answers"]
    services.recording.undo("Ann", BackRequest(op="d"))

    assert (both, today(services)["answers"]) == (2, 1)


@pytest.mark.usefixtures("now")
def test_the_pace_leaves_breaks_out_and_waits_for_a_minute_of_work(
    services: Services, clock: Any, answer: Answer
) -> None:
    for number in range(5):
        answer(f"a{number}", (1 + number, 1, "present"), ms=10_000)
        clock.forward(10)
    few = today(services)["per_minute"]
    clock.forward(600)
    answer("b", (1, 2, "present"), ms=10_000)

    assert few is None  # 50 seconds
    assert today(services)["per_minute"] == pytest.approx(6)


def test_images_are_done_when_no_pair_of_them_is_open(
    services: Services, answer: Answer, fill_in: Callable[..., int]
) -> None:
    none = services.progress.state()["images_done"]
    answer("a", *((1, c, "absent") for c in (1, 2, 3)), (2, 1, "present"))
    answered = services.progress.state()["images_done"]
    fill_in(absent=[(1, 1), (1, 2), (2, 0)])
    filled = services.progress.state()["images_done"]
    services.curation.add(["zebra"])

    assert (none, answered, filled) == (0, 1, 2)
    assert services.progress.state()["images_done"] == 0


def test_what_follows_by_the_hierarchy_is_not_open(services: Services, answer: Answer) -> None:
    wished = {"cat": ["bird"], "dog": ["bird"]}
    services.project.settings = changed(services.project.settings, {"hierarchy": wished})
    answer("a", (1, 3, "absent"), (2, 1, "present"))

    implied = services.progress.state()["images_done"]
    services.project.settings = changed(services.project.settings, {"hierarchy": {"ant": ["cat"]}})

    assert implied == 1
    assert services.progress.state()["images_done"] == 0


def test_an_image_out_of_use_is_not_done(services: Services, answer: Answer) -> None:
    answer("a", *((1, c, "absent") for c in (1, 2, 3)))
    services.removed_images.remove(["0.png"])

    state = services.progress.state()

    assert (state["images"], state["images_done"]) == (5, 0)


def test_the_time_left_is_that_of_the_progress_page_and_is_not_counted_all_the_time(
    services: Services,
) -> None:
    class Watch:
        def __init__(self) -> None:
            self.seconds = 0.0

        def __call__(self) -> float:
            return self.seconds

    row: dict[str, Any] = dict(services.stopping.report())
    watch, asked = Watch(), []

    class Report:
        def latest(self) -> Any:
            asked.append(1)
            return type("Counted", (), {"figures": row})

    forecasts = Forecasts(Report(), watch)  # type: ignore[arg-type]
    nothing = forecasts.left()
    row["forecast"] = {"answers": 3000, "seconds": 7200.0}
    kept = forecasts.left()
    watch.seconds = 60.0

    assert (nothing, kept, forecasts.left()) == ("", "", "about 2 hours")
    assert len(asked) == 2
