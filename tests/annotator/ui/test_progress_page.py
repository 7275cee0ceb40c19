from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from pydantic import TypeAdapter

from annotator.services.knowledge.calibration import CalibrationReport
from annotator.services.progress.growth import GrowthRow
from annotator.services.progress.trends import PersonPace
from annotator.ui import progress_views as views
from annotator.ui.charts import calibration_chart, growth_chart, version_chart
from annotator.ui.figures_page import COUNT_SECONDS
from annotator.ui.progress_page import (
    PARTS,
    WIDGETS,
    ProgressPage,
    goal_parts,
    quality_parts,
    trend_parts,
)

COUNTED = (
    *("images", "visited", "pairs", "answered", "filled", "open", "present", "absent"),
    *("conflicts", "suggestions"),
)

PERSON = {
    "name": "Ann",
    "decisions": 120,
    "answers": 130,
    "present_share": 0.4,
    "per_minute": 23.96,
    "active_seconds": 300.5,
    "median_seconds": 2.25,
    "checks": 20,
    "agreement": 0.9,
}
PACE = {"decisions": 120, "active_seconds": 300.5, "per_minute": 23.96}
BIN = {
    "low": 0.8,
    "high": 0.9,
    "predicted": 0.85,
    "observed": 0.75,
    "observed_low": 0.6,
    "observed_high": 0.9,
    "answers": 40,
}


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


NAMES = (
    *("counts", "curve", "curve note"),
    *("growth", "growth note", "calibration", "calibration note", "people", "people note"),
    *("goal", "agreement note", "agreement", "agreement people", "anchoring note", "categories"),
)


def by_name(outputs: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(NAMES, outputs[1:], strict=True))


def redrawn(outputs: tuple[Any, ...]) -> bool:
    return isinstance(outputs[1], str)


def calibration(**changes: Any) -> dict[str, Any]:
    shown = {
        "version": 1, "needed": 30, "present": 40, "answers": 80, "bins": [BIN], "seen": False,
        "on": "held_out", "error": 0.021, "ece": None, "ece_on": None, "ece_pairs": None,
    }  # fmt: skip
    return dict(TypeAdapter(CalibrationReport).validate_python({**shown, **changes}, strict=True))


def drawn(chart: Any) -> list[list[dict[str, Any]]]:
    return list(chart.to_dict()["datasets"].values())


def test_the_first_look_draws_everything(page: ProgressPage, services: Any) -> None:
    outputs = page.tick(None)

    assert redrawn(outputs)
    assert len(outputs) == 1 + PARTS
    assert (outputs[0]["known"], outputs[0]["at"], outputs[0]["outdated"]) == (
        [30, 0],
        100.0,
        False,
    )
    assert services.progress.overviews == 1


def test_while_nothing_changes_nothing_is_counted(page: ProgressPage, services: Any) -> None:
    seen = page.tick(None)[0]

    outputs = page.tick(seen)

    assert not redrawn(outputs)
    assert services.progress.overviews == 1


def test_answers_redraw_the_page_only_now_and_then(
    page: ProgressPage, services: Any, clock: Clock
) -> None:
    seen = page.tick(None)[0]
    services.progress.counts["answered"] += 1

    soon = page.tick(seen)
    clock.now += COUNT_SECONDS
    later = page.tick(seen)

    assert not redrawn(soon)
    assert redrawn(later)


def test_a_new_version_shows_at_once(page: ProgressPage, services: Any, fakes: ModuleType) -> None:
    seen = page.tick(None)[0]
    services.progress.version = 1
    services.progress.versions = [fakes.version(1, map=0.5, map_low=0.4, map_high=0.6)]

    outputs = page.tick(seen)

    assert redrawn(outputs)
    assert by_name(outputs)["curve"]["visible"] is True


def test_an_empty_project_says_in_each_place_what_will_be_there(page: ProgressPage) -> None:
    found = by_name(page.look())

    plots = ("growth", "curve", "calibration", "people", "agreement", "agreement people")
    assert [found[name]["visible"] for name in plots] == [False] * 6
    assert "cannot be estimated yet" in found["goal"]
    assert "Nothing is answered yet" in found["growth note"]
    assert "There is no version yet" in found["curve note"]
    assert "30 present answers" in found["calibration note"]
    assert "Nobody has answered" in found["people note"]
    assert "nothing to compare" in found["agreement note"]


def test_what_is_still_being_counted_says_so_and_comes_by_itself(
    page: ProgressPage, services: Any
) -> None:
    counted = services.stopping.shown
    services.stopping.shown, services.stopping.number = None, 0

    first = page.look()
    meanwhile = page.tick(first[0])
    services.stopping.shown, services.stopping.number = counted, 1
    then = page.tick(meanwhile[0])

    assert "being computed" in by_name(first)["goal"]
    assert first[0]["outdated"]
    assert not isinstance(by_name(meanwhile)["goal"], str)
    assert "cannot be estimated yet" in by_name(then)["goal"]
    assert not redrawn(then)
    assert not then[0]["outdated"]


def test_no_part_of_a_large_project_is_missing_while_it_is_counted() -> None:
    drawn = {
        "trends": trend_parts(None),
        "goal": goal_parts(None),
        "quality": quality_parts(None),
    }

    assert {k: len(parts) for k, parts in drawn.items()} | {
        "overview": 3,
        "categories": 1,
    } == WIDGETS
    assert sum(views.COUNTING in parts for parts in drawn.values()) == 3
    shown = views.counts_html(dict.fromkeys(COUNTED, 7) | {"conflicts": None}, about=True)
    assert "about 7" in shown
    assert "…" in shown


def test_an_empty_project_divides_by_nothing(fakes: ModuleType) -> None:
    shown = views.counts_html(dict.fromkeys(fakes.COUNTS, 0))

    assert "0.0% of 0 pairs" in shown


def test_the_bar_is_as_long_as_what_is_known(fakes: ModuleType) -> None:
    shown = views.counts_html(fakes.COUNTS)

    assert "width:15.000%" in shown  # 18 of 120
    assert "width:10.000%" in shown  # 12 of 120
    assert "30 answered, 0 filled, 90 open" in shown


def test_the_chart_of_answers_stacks_both_signs_and_draws_suggestions_beside_them(
    fakes: ModuleType,
) -> None:
    at = ["2026-03-01T10:00:00+00:00", "2026-03-01T11:00:00+00:00"]
    growth = {
        "step": "hour",
        "points": [
            {"at": at[0], "present": 0, "absent": 0, "filled": 0},
            {"at": at[1], "present": 5, "absent": 9, "filled": 0},
        ],
        "suggested": [{"at": at[1], "pairs": 70}],
    }

    chart = growth_chart(fakes.checked(GrowthRow, growth))

    assert chart is not None
    pairs = sorted(
        (row["kind"], row["pairs"]) for rows in drawn(chart) for row in rows if row["pairs"]
    )
    assert pairs == [("absent", 9), ("present", 5), ("suggested", 70)]
    assert "14 pairs are answered, plotted by the hour" in views.growth_note(growth)
    assert "certificate" not in views.growth_note(growth)


def test_what_certificates_filled_in_stands_on_top_of_the_answers() -> None:
    at = ["2026-03-01T10:00:00+00:00", "2026-03-01T11:00:00+00:00"]
    points = [
        {"at": t, "present": 5, "absent": 9, "filled": n} for t, n in zip(at, (0, 60), strict=True)
    ]

    chart = growth_chart({"step": "hour", "points": points, "suggested": []})

    assert chart is not None
    assert chart.to_dict()["layer"][0]["encoding"]["y"]["axis"]["tickCount"] == 5
    rows = [row for part in drawn(chart) for row in part if row["kind"] == "filled in"]
    assert [row["pairs"] for row in rows] == [0, 60]
    note = views.growth_note({"step": "hour", "points": points, "suggested": []})
    assert "60 more are filled in under a certificate" in note


def test_charts_of_few_pairs_have_whole_numbers_at_their_axes(fakes: ModuleType) -> None:
    point = {"at": "2026-03-01T10:00:00+00:00", "present": 1, "absent": 2, "filled": 0}
    versions = [fakes.version(n, map=0.4, trained_answers=n) for n in (1, 2)]

    growth = growth_chart({"step": "hour", "points": [point], "suggested": []})
    curve = version_chart(versions)

    assert growth is not None
    assert curve is not None
    assert growth.to_dict()["layer"][0]["encoding"]["y"]["axis"]["values"] == [0, 1, 2, 3]
    assert curve.to_dict()["layer"][1]["encoding"]["x"]["axis"]["values"] == [1, 2]


def test_the_curve_shows_every_version_with_a_figure_and_its_interval(fakes: ModuleType) -> None:
    versions = [
        fakes.version(1),
        fakes.version(2, map=0.4, map_low=0.3, map_high=0.55),
        fakes.version(3, map=0.5, promoted=True),
    ]

    chart = version_chart(versions)

    assert chart is not None
    figures = [
        (d["answers"], d["held-out mAP"], d["low"], d["high"], d["used"]) for d in drawn(chart)[0]
    ]
    assert figures == [
        (20, *map(pytest.approx, (40, 30, 55)), "not in use"),
        (30, *map(pytest.approx, (50, 50, 50)), "in use"),
    ]


def test_a_version_without_a_figure_gets_a_sentence_and_no_curve(fakes: ModuleType) -> None:
    assert version_chart([fakes.version(1)]) is None
    assert "No held-out figure yet" in views.version_note([fakes.version(1)])
    assert "second version" in views.version_note([fakes.version(1, map=0.5)])


def test_too_few_held_out_answers_give_a_sentence_and_no_calibration() -> None:
    few = calibration(bins=[], present=6)

    assert calibration_chart(few) is None
    assert "there are 6" in views.calibration_note(few)


def test_the_calibration_says_in_words_what_one_point_means() -> None:
    shown = calibration()

    chart = calibration_chart(shown)

    assert chart is not None
    assert any(row.get("observed") == 75 for rows in drawn(chart) for row in rows)
    note = views.calibration_note(shown)
    assert "From 80 answers on held-out images" in note
    assert "off by 2.1 points" in note
    assert "Of the 40 pairs that it gave 80% to 90%, people answered present for 30" in note
    assert "better here than it is" not in note
    assert "calibrated on these very answers" in views.calibration_note(calibration(seen=True))


def test_the_calibration_says_how_many_probes_it_is_drawn_from() -> None:
    note = views.calibration_note(calibration(on="probes", answers=2263, seen=True))

    assert "From 2,263 answers to probes" in note
    assert "calibrated this version" in note


def test_annotators_are_listed_with_their_pace_and_their_checks(fakes: ModuleType) -> None:
    nothing = dict.fromkeys(("present_share", "per_minute", "median_seconds", "agreement"))
    people = [PERSON, {**PERSON, "name": "Bob", **nothing}]
    table = views.people_table(fakes.checked(list[PersonPace], people))

    assert table.iloc[0].tolist() == ["Ann", 120, 130, 40, 24.0, 2.2, "90% of 20"]
    assert table.iloc[1].tolist()[3:] == ["", "", "", ""]
    assert "24 a minute" in views.people_note([PERSON], PACE)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(51.2, "66 decisions in 51 seconds of work"), (100.0, "66 decisions in 1.7 minutes of work")],
)
def test_the_time_that_people_worked_fits_to_their_pace(seconds: float, said: str) -> None:
    pace = {"decisions": 66, "active_seconds": seconds, "per_minute": 66 * 60 / seconds}

    assert said in views.people_note([PERSON], pace)


def test_sentences_are_text() -> None:
    assert views.note_html("<b>${1}</b>") == '<p class="pg-note">&lt;b&gt;${1}&lt;/b&gt;</p>'


def test_tables_have_their_columns_even_when_empty() -> None:
    assert views.people_table([]).columns[0] == "name"


def test_the_note_says_how_far_the_percentages_were_off_and_on_what_that_was_measured() -> None:
    asked = calibration(ece=0.043, ece_on="probes", ece_pairs=1200)

    assert "1,200 probe answers" in views.calibration_note(asked)
    assert "off by 4.3 points" in views.calibration_note(asked)
    assert "held-out answers" in views.calibration_note(asked | {"ece_on": "held_out"})
    assert "When this version was made" not in views.calibration_note(calibration())
