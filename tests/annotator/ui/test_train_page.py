from __future__ import annotations

import re
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from annotator.errors import AnnotatorError, NotFound
from annotator.services.training.comparison import ChangesRow, MethodsRow
from annotator.ui import train_views as views
from annotator.ui.charts import loss_chart, method_chart
from annotator.ui.figures_page import COUNT_SECONDS
from annotator.ui.train_page import AS_SET, CHALLENGERS, PARTS, TrainPage


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(services: Any, clock: Clock) -> TrainPage:
    return TrainPage(services, now=clock)


def by(name: str | None) -> Any:
    return SimpleNamespace(cookies={} if name is None else {"annotator_name": name})


def redrawn(outputs: tuple[Any, ...]) -> bool:
    return isinstance(outputs[4], str)


def look(page: TrainPage, seen: Any = None) -> tuple[Any, ...]:
    return page.tick(seen, None, None, None)


def test_the_first_look_draws_everything_and_the_next_only_the_trainer(page: TrainPage) -> None:
    first = look(page)
    second = look(page, first[3])

    assert redrawn(first)
    assert len(first) == len(second) == 4 + PARTS + CHALLENGERS
    assert not redrawn(second)
    assert "waits for answers" in second[0]


def test_what_the_next_training_waits_for_follows_the_answers(
    page: TrainPage, services: Any, clock: Clock
) -> None:
    seen = look(page)[3]
    services.progress.counts["answered"] += 1

    soon = look(page, seen)
    clock.now += COUNT_SECONDS
    later = look(page, seen)

    assert not redrawn(soon)
    assert redrawn(later)


def test_the_end_of_a_training_shows_a_version_that_was_not_promoted(
    page: TrainPage, services: Any
) -> None:
    services.progress.trainer["state"] = "training"
    seen = look(page)[3]
    services.progress.trainer["state"] = "idle"

    assert redrawn(look(page, seen))


def test_the_loss_is_drawn_while_a_training_runs(page: TrainPage, services: Any) -> None:
    services.progress.loss = [{"step": 1.0, "loss": 0.7}, {"step": 2.0, "loss": 0.5}]

    waiting = look(page)
    services.progress.trainer["state"] = "training"
    training = look(page)

    assert waiting[1]["visible"] is False
    assert training[1]["visible"] is True
    assert training[2]["visible"] is True


def measured(**changes: Any) -> dict[str, Any]:
    category = {"name": "<b>dog</b>", "gain": 0.2, "low": -0.05, "high": 0.4}
    return {
        "outcome": "worse", "note": "hst is worse.", "against": 7, "gain": -0.0123, "low": -0.02,
        "high": -0.004, "pairs": 1234, "seconds": 200.0, "categories": [category], **changes,
    }  # fmt: skip


def challengers(*last: dict[str, Any] | None) -> dict[str, Any]:
    rows = [
        {
            "name": f"m{n}",
            "does": "does <it>",
            "state": "waiting",
            "says": "Again later.",
            "last": m,
        }
        for n, m in enumerate(last)
    ]
    return {"on": True, "says": "m1 learns now.", "rows": rows}


def test_every_look_shows_who_challenges_the_version_in_use(page: TrainPage, services: Any) -> None:
    before = look(page)
    services.training.challengers = challengers(measured(), None)

    after = look(page, before[3])

    assert (before[-2], before[-1]["visible"]) == (
        '<p class="pg-sum">Off.</p>',
        False,
    )
    assert "m1 learns now." in after[-2]
    assert "worse (against version 7)" in after[-2]
    assert "−1.2 (−2.0 to −0.4)" in after[-2]
    assert "does &lt;it&gt;" in after[-2]
    assert after[-1]["visible"] is True


def test_gains_by_category_are_shown_on_demand(page: TrainPage, services: Any) -> None:
    none = page.gains()
    services.training.challengers = challengers(measured(), measured(categories=[]))

    some = page.gains()

    assert "No challenger has been compared yet" in none
    assert some.count("against version 7") == 1
    assert "&lt;b&gt;dog&lt;/b&gt;" in some
    assert "+20.0" in some
    assert "−5.0 to +40.0" in some


def test_predictors_are_shown_with_what_they_are_worth_and_by_category_on_demand(
    page: TrainPage, services: Any
) -> None:
    before, none = page.show(None, None, None)[-2:], page.predictor_gains()
    services.predictors.measured = [
        {
            "name": "<i>scores</i>", "weight": 0.5, "with": 0.61, "without": 0.5, "gain": 0.11,
            "low": 0.02, "high": 0.2, "pairs": 1200, "present": 90,
            "categories": [{"category": "<b>dog</b>", "with": 0.7, "without": 0.25}],
        }
    ]  # fmt: skip

    after, some = page.show(None, None, None)[-2:], page.predictor_gains()

    assert "not measured yet" in before[0]
    assert before[1]["visible"] is False
    assert "No predictor has been measured yet" in none
    assert "&lt;i&gt;scores&lt;/i&gt;" in after[0]
    for shown in ("61.0%", "50.0%", "1,200", "helps", "Measured by version 7"):
        assert shown in after[0]
    assert after[1]["visible"] is True
    for shown in ("&lt;b&gt;dog&lt;/b&gt;", "70.0%", "25.0%"):
        assert shown in some


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (measured(outcome="failed", note="It broke.", gain=None, against=None), "It broke."),
        (measured(outcome="out_of_time", gain=None), "took too long"),
        (measured(outcome="won", gain=0.01, low=0.001, high=0.02), "better, so it took the place"),
    ],
)
def test_what_came_of_a_challenger(
    page: TrainPage, services: Any, result: dict[str, Any], says: str
) -> None:
    services.training.challengers = challengers(result)

    assert says in look(page)[-2]


def test_one_point_of_loss_is_no_line() -> None:
    assert loss_chart([{"step": 1.0, "loss": 0.7}]) is None
    two = loss_chart([{"step": 1.0, "loss": 0.7}, {"step": 2.0, "loss": 0.6}])
    assert two is not None
    assert two.to_dict()["layer"][0]["encoding"]["x"]["axis"]["values"] == [1, 2]


def test_the_chosen_version_stays_chosen_when_others_arrive(
    page: TrainPage, services: Any, fakes: ModuleType
) -> None:
    services.progress.versions = [fakes.version(1), fakes.version(2, promoted=True, map=0.25)]

    kept = page.show(1, None, None)[4]
    gone = page.show(9, None, None)[4]

    assert kept["value"] == 1
    assert gone["value"] is None
    assert kept["choices"] == [("2 · hst · 25.0% · in use", 2), ("1 · hst", 1)]


def test_the_newest_two_versions_are_offered_for_comparison(
    page: TrainPage, services: Any, fakes: ModuleType
) -> None:
    services.progress.versions = [fakes.version(n) for n in (1, 2, 3)]

    shown = page.show(None, None, None)
    chosen = page.show(None, 1, 2)

    assert (shown[7]["value"], shown[8]["value"]) == (2, 3)
    assert (chosen[7]["value"], chosen[8]["value"]) == (1, 2)
    assert shown[10]["visible"] is False


def test_without_two_versions_there_is_nothing_to_compare(
    page: TrainPage, services: Any, fakes: ModuleType
) -> None:
    none = page.show(None, None, None)
    services.progress.versions = [fakes.version(1)]
    one = page.show(None, None, None)

    assert none[10]["value"] == views.NOT_TWO
    assert one[10]["value"] == views.ONE_VERSION
    assert [one[n]["visible"] for n in (7, 8, 9)] == [False] * 3
    assert [none[n]["visible"] for n in (1, 2, 3)] == [True, False, False]
    assert [one[n]["visible"] for n in (1, 2, 3)] == [False, True, True]


def test_the_button_says_which_version_it_goes_back_to(page: TrainPage, services: Any) -> None:
    nowhere = page.show(None, None, None)
    services.training.back_to = 4
    somewhere = page.show(None, None, None)

    assert nowhere[5]["interactive"] is False
    assert somewhere[5]["value"] == "Roll back to version 4"
    assert somewhere[6] == 4


def test_training_is_asked_for_in_the_annotators_name(page: TrainPage, services: Any) -> None:
    nothing = (AS_SET, None, None, None)
    assert page.train(AS_SET, AS_SET, *nothing, by("Ann")) == "Training is queued."
    assert page.train("hst", "yes", *nothing, by("Bob")) == "Training is queued."
    assert page.train("hst", "no", *nothing, by("Bob")) == "Training is queued."
    assert services.training.asked == [
        ("Ann", None, None),
        ("Bob", "hst", True),
        ("Bob", "hst", False),
    ]


def test_each_method_offers_its_own_numbers_as_they_usually_are(page: TrainPage) -> None:
    method, *both = page.options("partial_bce")
    _, *one = page.options(AS_SET)

    assert method == "partial_bce"
    assert [n["visible"] for n in both] == [True, True, False]
    assert [n["value"] for n in both] == [10, 0.1, None]
    assert [n["visible"] for n in one] == [True, False, False]  # the project's is hst
    assert both[0]["label"] == "Passes"


def test_the_numbers_of_the_method_go_with_the_training(page: TrainPage, services: Any) -> None:
    page.train("partial_bce", AS_SET, "partial_bce", 20, None, None, by("Ann"))
    first = services.training.options
    page.train("hst", AS_SET, "partial_bce", 20, 0.1, None, by("Ann"))

    assert first == {"epochs": 20}
    assert services.training.options == {}  # the page had not shown those of hst yet


def test_no_button_works_without_a_name(page: TrainPage, services: Any) -> None:
    for press in (
        lambda: page.train(AS_SET, AS_SET, AS_SET, None, None, None, by(None)),
        lambda: page.cancel(by(None)),
        lambda: page.promote(1, by(None)),
    ):
        with pytest.raises(AnnotatorError, match="top of the page first"):
            press()
    assert services.training.asked == []


def test_the_percentages_of_any_version_can_be_looked_at(page: TrainPage) -> None:
    chart, note = page.calibration(2)

    assert chart["visible"] is False
    assert "there are 4" in note
    assert "Choose a version first" in page.calibration(None)[1]
    with pytest.raises(NotFound, match="deleted to save space"):
        page.calibration(1)


def test_promoting_needs_a_choice(page: TrainPage, services: Any) -> None:
    assert page.promote(None, by("Ann")) == "Choose a version first."
    assert "Version 3" in page.promote(3, by("Ann"))
    assert services.training.asked == [("Ann", 3)]


def test_a_dead_worker_is_shown_with_the_cure(services: Any) -> None:
    said = "<The trainer was killed>; start it with: annotator work PROJECT"
    dead = {"worker_alive": False, "state": "off", "message": said}

    shown = views.trainer_html({**services.progress.trainer, **dead})

    assert "&lt;The trainer was killed&gt;; start it with: annotator work PROJECT" in shown
    assert 'data-state="off"' in shown


def test_a_trainer_that_is_starting_is_not_said_to_have_stopped(services: Any) -> None:
    starting = {"worker_alive": False, "state": "starting", "message": "The trainer is starting."}

    shown = views.trainer_html({**services.progress.trainer, **starting})

    assert "The trainer is starting." in shown
    assert 'data-state="starting"' in shown


def test_what_is_wrong_with_the_version_in_use_stands_beside_the_trainer(services: Any) -> None:
    shown = views.trainer_html(services.progress.trainer, "config.toml <is> damaged")

    assert "gives no suggestions: config.toml &lt;is&gt; damaged" in shown


def test_what_the_trainer_waits_for_is_shown(services: Any) -> None:
    waiting = {"state": "waiting", "message": "the features cannot be read"}

    shown = views.trainer_html({**services.progress.trainer, **waiting})

    assert "the features cannot be read" in shown
    assert 'data-state="waiting"' in shown


def test_training_shows_its_share_its_loss_and_its_epoch(services: Any) -> None:
    trainer = {
        **services.progress.trainer,
        "state": "training",
        "stage": "learning",
        "done": 3,
        "total": 20,
        "loss": 0.41234,
        "epoch": 3,
        "epochs": 10,
    }

    shown = views.trainer_html(trainer)

    assert 'value="0.1500"' in shown
    assert "15% · loss 0.412 · epoch 3 of 10 · 3 of 20" in shown


def test_training_that_has_not_counted_yet_is_at_nothing(services: Any) -> None:
    shown = views.trainer_html({**services.progress.trainer, "state": "embedding", "total": 0})

    assert "0%" in shown


def test_what_a_failed_job_said_is_text(services: Any) -> None:
    trainer = {**services.progress.trainer, "state": "failed", "message": "<img src=x> ${1}"}

    shown = views.trainer_html(trainer)

    assert "&lt;img src=x&gt;" in shown
    assert "<img" not in shown


def cells_of(table: str) -> list[list[str]]:
    """Return the texts of the rows of a table, in order."""
    return [re.findall("<td>(.*?)</td>", row) for row in table.split("<tr>")[2:]]


def test_the_newest_version_comes_first_in_the_table(fakes: ModuleType) -> None:
    shown = views.versions_html(
        [fakes.version(1), fakes.version(2, promoted=True, note="<b>kept</b>")]
    )

    newest, oldest = cells_of(shown)
    assert newest[:2] == ["2", "yes"]
    assert oldest[:2] == ["1", ""]
    assert newest[3] == "no figure yet"
    assert newest[-1] == "&lt;b&gt;kept&lt;/b&gt;"


def test_the_table_says_how_far_the_percentages_of_a_version_were_off(fakes: ModuleType) -> None:
    measured = fakes.version(2, ece=0.043, ece_on="probes", ece_pairs=1200)

    newest, oldest = cells_of(views.versions_html([fakes.version(1), measured]))

    assert (newest[5], oldest[5]) == ("4.3 points (1,200 probes)", "")


def test_changes_link_to_the_images_and_names_are_text(page: TrainPage) -> None:
    shown = page.changes(2, 3)

    assert '<a href="./#7"><img src="./img/256/7"' in shown
    assert "<b>1</b> suggestion appeared, <b>0</b> disappeared" in shown
    assert "&lt;i&gt;cat&lt;/i&gt;" in shown
    assert "<i>" not in shown


def test_a_version_is_not_compared_with_itself(page: TrainPage) -> None:
    assert "two different versions" in page.changes(2, 2)
    assert "two different versions" in page.changes(None, 2)


def test_a_version_without_scores_says_so(page: TrainPage) -> None:
    with pytest.raises(NotFound, match="deleted to save space"):
        page.changes(1, 2)


def test_versions_that_agree_say_so(fakes: ModuleType) -> None:
    same = {"older": 1, "newer": 2, "appeared": 0, "disappeared": 0}
    same |= {"categories_changed": 0, "categories": [], "images": []}

    assert "exactly the same" in views.changes_html(fakes.checked(ChangesRow, same))


def test_methods_stand_side_by_side_with_how_they_were_measured(fakes: ModuleType) -> None:
    common = {"promoted": False, "answers": 100, "seconds": 2.0, "map_low": 0.4, "map_high": 0.6}
    row = {
        "pairs": 90,
        "categories": 3,
        "images": 40,
        "held_out_images": 60,
        "methods": [
            {**common, "number": 1, "method": "hst", "map": 0.5, "measured_now": True},
            {**common, "number": 2, "method": "sarb", "map": None, "measured_now": False},
        ],
    }

    compared = fakes.checked(MethodsRow, row)
    shown = views.methods_html(compared)
    chart = method_chart(compared["methods"])

    assert "50.0% (40.0% to 60.0%)" in shown
    assert "no figure yet" in shown
    assert "same 90 answers in 3 categories" in shown
    assert "on 40 of 60 held-out images" in shown
    assert chart is not None
    assert [d["method"] for d in next(iter(chart.to_dict()["datasets"].values()))] == [
        "hst (version 1)"
    ]


def test_before_anything_can_be_measured_the_comparison_says_why(page: TrainPage) -> None:
    chart, said = page.compare_methods()

    assert chart["visible"] is False
    assert "nothing to compare" in said
