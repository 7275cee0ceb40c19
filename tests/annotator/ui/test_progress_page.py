from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from annotator.errors import AnnotatorError
from annotator.ui import progress_views as views
from annotator.ui.progress_page import BY_METHOD, COUNT_SECONDS, ProgressPage


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(services: Any, clock: Clock) -> ProgressPage:
    return ProgressPage(services, now=clock)


def by(name: str | None) -> Any:
    return SimpleNamespace(cookies={} if name is None else {"annotator_name": name})


def redrawn(outputs: tuple[Any, ...]) -> bool:
    return isinstance(outputs[2], str)


def test_the_first_look_draws_everything(page: ProgressPage, services: Any) -> None:
    outputs = page.tick(None, None)

    assert redrawn(outputs)
    assert len(outputs) == 9
    assert outputs[1] == [0.0, 30.0, 100.0]
    assert services.progress.overviews == 1


def test_while_nothing_changes_only_the_trainer_is_looked_at(
    page: ProgressPage, services: Any
) -> None:
    seen = page.tick(None, None)[1]

    outputs = page.tick(seen, None)

    assert not redrawn(outputs)
    assert "waits for answers" in outputs[0]
    assert services.progress.overviews == 1


def test_answers_redraw_the_tables_only_now_and_then(
    page: ProgressPage, services: Any, clock: Clock
) -> None:
    seen = page.tick(None, None)[1]
    services.progress.counts["answered"] += 1

    soon = page.tick(seen, None)
    clock.now += COUNT_SECONDS
    later = page.tick(seen, None)

    assert not redrawn(soon)
    assert redrawn(later)


def test_a_new_version_shows_at_once(page: ProgressPage, services: Any, fakes: ModuleType) -> None:
    seen = page.tick(None, None)[1]
    services.progress.version = 1
    services.progress.versions = [fakes.version(1, map=0.5, map_low=0.4, map_high=0.6)]

    outputs = page.tick(seen, None)

    assert redrawn(outputs)
    assert outputs[4]["visible"] is True
    assert outputs[5]["visible"] is False


def test_the_chosen_version_stays_chosen_when_others_arrive(
    page: ProgressPage, services: Any, fakes: ModuleType
) -> None:
    services.progress.versions = [fakes.version(1), fakes.version(2, promoted=True, map=0.25)]

    kept = page.show(1)[-1]
    gone = page.show(9)[-1]

    assert kept["value"] == 1
    assert gone["value"] is None
    assert kept["choices"] == [("2 · hst · 25.0% · in use", 2), ("1 · hst", 1)]


def test_before_there_is_a_figure_there_is_a_sentence_and_no_plot(
    services: Any, fakes: ModuleType, page: ProgressPage
) -> None:
    services.progress.versions = [fakes.version(1)]

    outputs = page.show(None)

    assert outputs[2]["visible"] is False
    assert outputs[3]["visible"] is True
    assert views.version_table([fakes.version(1)])["held-out mAP"][0] == "no figure yet"


def test_training_is_asked_for_in_the_annotators_name(page: ProgressPage, services: Any) -> None:
    assert page.train(BY_METHOD, by("Ann")) == "Training is queued."
    assert page.train("hst", by("Bob")) == "Training is queued."
    assert services.progress.asked == [("Ann", None), ("Bob", "hst")]


def test_no_button_works_without_a_name(page: ProgressPage, services: Any) -> None:
    for press in (
        lambda: page.train(BY_METHOD, by(None)),
        lambda: page.cancel(by(None)),
        lambda: page.promote(1, by(None)),
    ):
        with pytest.raises(AnnotatorError, match="Label page first"):
            press()
    assert services.progress.asked == []


def test_promoting_needs_a_choice(page: ProgressPage, services: Any) -> None:
    assert page.promote(None, by("Ann")) == "Choose a version first."
    assert "Version 3" in page.promote(3, by("Ann"))
    assert services.progress.asked == [("Ann", 3)]


def test_a_dead_worker_is_shown_with_the_cure(services: Any) -> None:
    trainer = {**services.progress.trainer, "worker_alive": False, "state": "training"}

    shown = views.trainer_html(trainer)

    assert "labelling goes on" in shown
    assert "annotator work PROJECT" in shown
    assert 'data-state="off"' in shown


def test_training_shows_its_share_and_loss(services: Any) -> None:
    trainer = {
        **services.progress.trainer,
        "state": "training",
        "stage": "epoch 3 of 20",
        "done": 3,
        "total": 20,
        "loss": 0.41234,
    }

    shown = views.trainer_html(trainer)

    assert 'value="0.1500"' in shown
    assert "15% · loss 0.412" in shown


def test_training_that_has_not_counted_yet_is_at_nothing(services: Any) -> None:
    shown = views.trainer_html({**services.progress.trainer, "state": "embedding", "total": 0})

    assert "0%" in shown


def test_what_a_failed_job_said_is_text(services: Any) -> None:
    trainer = {**services.progress.trainer, "state": "failed", "message": "<img src=x> ${1}"}

    shown = views.trainer_html(trainer)

    assert "&lt;img src=x&gt;" in shown
    assert "<img" not in shown


def test_an_empty_project_divides_by_nothing(fakes: ModuleType) -> None:
    shown = views.counts_html(dict.fromkeys(fakes.COUNTS, 0))

    assert "0.0% of 0 pairs" in shown


def test_the_bar_is_as_long_as_what_is_known(fakes: ModuleType) -> None:
    shown = views.counts_html(fakes.COUNTS)

    assert "width:15.000%" in shown  # 18 of 120
    assert "width:10.000%" in shown  # 12 of 120
    assert "30 answered, 0 filled, 90 open" in shown


def test_the_plot_shows_every_version_with_a_figure_and_its_interval(fakes: ModuleType) -> None:
    versions = [
        fakes.version(1),
        fakes.version(2, map=0.4, map_low=0.3, map_high=0.55),
        fakes.version(3, map=0.5, promoted=True),
    ]

    chart = views.version_plot(versions)

    assert chart is not None
    drawn = next(iter(chart.to_dict()["datasets"].values()))
    figures = [(d["held-out mAP"], d["low"], d["high"], d["used"]) for d in drawn]
    assert figures == [
        (pytest.approx(40), pytest.approx(30), pytest.approx(55), "not in use"),
        (pytest.approx(50), pytest.approx(50), pytest.approx(50), "in use"),
    ]


def test_the_newest_version_comes_first_in_the_table(fakes: ModuleType) -> None:
    table = views.version_table([fakes.version(1), fakes.version(2, promoted=True)])

    assert list(table["version"]) == [2, 1]
    assert list(table["in use"]) == ["yes", ""]


def test_tables_have_their_columns_even_when_empty() -> None:
    assert views.version_table([]).columns[0] == "version"
    assert views.category_table([]).columns[0] == "category"


def test_a_ranked_category_is_told_from_a_calibrated_one(services: Any) -> None:
    table = views.category_table(services.progress.overview()["categories"])

    assert list(table["score"]) == ["probability", "ranking only", "ranking only"]
