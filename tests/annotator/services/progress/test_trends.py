from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from annotator.services.app import Services
from annotator.services.knowledge import calibration
from annotator.services.progress import growth
from annotator.store.activity import Growth, Pace
from annotator.wire.probe import ProbeAnswerRequest

IMAGES, CATEGORIES = 6, 3
ABOVE, BELOW = 3.0, -3.0

Publish = Callable[..., int]
Answer = Callable[..., None]
HoldOut = Callable[[], None]


def test_a_probability_is_held_against_the_share_of_present_answers() -> None:
    probability = np.array([0.05, 0.05, 0.85, 0.85, 0.85, 1.0])
    present = np.array([False, False, True, True, False, True])

    rows = calibration.reliability(probability, present)

    assert [(r["low"], r["answers"]) for r in rows] == [(0.0, 2), (0.8, 3), (0.9, 1)]
    assert rows[1]["observed"] == pytest.approx(2 / 3)
    assert rows[0]["observed_low"] == 0.0
    assert 0.2 < rows[1]["observed_low"] < 0.25  # Wilson's interval of 2 in 3: 0.21 to 0.94
    assert rows[1]["observed_high"] == pytest.approx(0.939, abs=0.001)


def test_the_calibration_needs_thirty_present_held_out_answers_and_leaves_rankings_out(
    services: Services,
    six_scores: Any,
    monkeypatch: pytest.MonkeyPatch,
    publish: Publish,
    answer: Answer,
    hold_out: HoldOut,
) -> None:
    publish(six_scores, ranked=(2,))
    hold_out()
    pairs = [(i, c, "present") for i in range(1, 7) for c in (1, 2, 3)]
    answer("a", *pairs)

    few = services.progress.trends()["calibration"]
    monkeypatch.setattr(calibration, "CALIBRATION_PRESENT", 12)
    answer("b", (1, 1, "absent"))
    answer("c", (1, 1, "present"))
    services.progress._trends._cache._until = 0.0
    enough = services.progress.trends()["calibration"]

    assert (few["present"], few["bins"]) == (12, [])
    assert [(b["low"], b["answers"], b["observed"]) for b in enough["bins"]] == [
        (0.0, 6, 1.0),
        (0.9, 6, 1.0),
    ]


def test_blind_answers_come_before_held_out_ones_where_there_are_enough(
    services: Services,
    six_scores: Any,
    monkeypatch: pytest.MonkeyPatch,
    publish: Publish,
    answer: Answer,
    hold_out: HoldOut,
) -> None:
    publish(six_scores, prior_shift={"0": 0.2})
    hold_out()
    answer("a", *((i, 1, "present") for i in range(1, 7)))
    for question in services.probing.card("Ann", "c")["questions"]:
        said = {"probe": question["probe"], "card": "c", "state": "present", "ms": 900}
        services.probing.answer("Ann", ProbeAnswerRequest(**said))
    monkeypatch.setattr(calibration, "CALIBRATION_PRESENT", 6)
    few = services.progress.trends()["calibration"]
    monkeypatch.setattr(calibration, "MIN_PROBES", 10)
    answer("b", (1, 1, "absent"))

    enough = services.progress.trends()["calibration"]

    assert (few["on"], few["answers"], few["seen"]) == ("held_out", 6, False)
    assert (enough["on"], enough["answers"], enough["seen"]) == ("probes", 10, True)
    told = sum(b["answers"] * abs(b["predicted"] - b["observed"]) for b in enough["bins"])
    assert enough["error"] == pytest.approx(told / 10)


def pace(**changes: Any) -> Pace:
    values: dict[str, Any] = {
        "name": "Ann",
        "decisions": 0,
        "active_seconds": 0.0,
        "single_decisions": 0,
        "single_seconds": 0.0,
        "median_seconds": None,
        "present": 0,
        "absent": 0,
        "checks": 0,
        "checks_agreed": 0,
    }
    return Pace(**{**values, **changes})


def test_the_growth_ends_with_now_and_suggestions_stand_until_the_next_version() -> None:
    start = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
    hours = [start + timedelta(hours=h) for h in (0, 0.1, 20)]
    grown = Growth(hours, np.array([1, 2, 5]), np.array([0, 4, 4]))

    row = growth.growth_row(grown, start, [], start + timedelta(hours=30))

    assert row["step"] == "hour"
    assert [(p["at"][:16], p["present"], p["absent"]) for p in row["points"]] == [
        ("2026-01-01T10:30", 0, 0),
        ("2026-01-01T11:00", 2, 4),
        ("2026-01-02T07:00", 5, 4),
        ("2026-01-02T16:30", 5, 4),
    ]
    assert growth.step_of(timedelta(hours=1))[0] == "minute"


def test_the_report_of_an_empty_project_has_every_part(services: Services) -> None:
    found = services.progress.trends()

    assert found["growth"] == {"step": "", "points": [], "suggested": []}
    assert found["people"] == []
    assert found["calibration"]["bins"] == []


def test_trends_follow_answers_but_rest_after_a_long_count(
    services: Services, clock: Any, answer: Answer
) -> None:
    answer("a", (1, 1, "present"), ms=2000)
    clock.forward(5)
    first = services.progress.trends()
    answer("b", (1, 2, "present"), ms=2000, at=clock().isoformat())
    services.progress._trends._cache._until = float("inf")
    resting = services.progress.trends()
    services.progress._trends._cache._until = 0.0
    later = services.progress.trends()

    assert first is resting
    assert [p["answers"] for p in later["people"]] == [2]
    assert later["growth"]["points"][-1]["present"] == 2
