from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from annotator.ui import progress_views as views
from annotator.ui.charts import calibration_chart, growth_chart, version_chart
from annotator.ui.progress_page import COUNT_SECONDS, PARTS, ProgressPage

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
PACE = {"decisions": 120, "active_seconds": 300.5, "per_minute": 23.96, "needed": 50}
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


def redrawn(outputs: tuple[Any, ...]) -> bool:
    return isinstance(outputs[1], str)


def calibration(**changes: Any) -> dict[str, Any]:
    shown = {"version": 1, "needed": 30, "present": 40, "answers": 80, "bins": [BIN], "seen": False}
    return {**shown, **changes}


def drawn(chart: Any) -> list[list[dict[str, Any]]]:
    return list(chart.to_dict()["datasets"].values())


def test_the_first_look_draws_everything(page: ProgressPage, services: Any) -> None:
    outputs = page.tick(None)

    assert redrawn(outputs)
    assert len(outputs) == 1 + PARTS
    assert outputs[0] == [0.0, 30.0, 100.0]
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
    assert outputs[6]["visible"] is True


def test_an_empty_project_says_in_each_place_what_will_be_there(page: ProgressPage) -> None:
    outputs = page.show()

    assert [outputs[n]["visible"] for n in (3, 5, 7, 9, 12, 13)] == [False] * 6
    assert "once there is a version" in outputs[1]
    assert "cannot be told yet" in outputs[2]
    assert "Nothing is answered yet" in outputs[4]
    assert "There is no version yet" in outputs[6]
    assert "30 present answers" in outputs[8]
    assert "Nobody has answered" in outputs[10]
    assert "nothing to compare" in outputs[11]


def test_an_empty_project_divides_by_nothing(fakes: ModuleType) -> None:
    shown = views.counts_html(dict.fromkeys(fakes.COUNTS, 0))

    assert "0.0% of 0 pairs" in shown


def test_the_bar_is_as_long_as_what_is_known(fakes: ModuleType) -> None:
    shown = views.counts_html(fakes.COUNTS)

    assert "width:15.000%" in shown  # 18 of 120
    assert "width:10.000%" in shown  # 12 of 120
    assert "30 answered, 0 filled, 90 open" in shown


def test_what_is_left_names_the_pace_the_pairs_and_its_roughness() -> None:
    left = {
        "seconds": 10_750.0,
        "pairs": 4300,
        "per_minute": 24.0,
        "decisions": 312,
        "untaught": 1,
    }

    shown = views.remaining_html(left, PACE, 1)

    assert "About 3 hours" in shown
    assert "24 decisions a minute for the 4,300 pairs" in shown
    assert "A rough figure, from 312 decisions" in shown
    assert "1 category is not counted" in shown


def test_too_few_decisions_give_no_estimate() -> None:
    shown = views.remaining_html(None, PACE, 1)

    assert "after 50 measured decisions" in shown
    assert "About" not in shown


def test_the_chart_of_answers_stacks_both_signs_and_draws_suggestions_beside_them() -> None:
    at = ["2026-03-01T10:00:00+00:00", "2026-03-01T11:00:00+00:00"]
    growth = {
        "step": "hour",
        "points": [
            {"at": at[0], "present": 0, "absent": 0},
            {"at": at[1], "present": 5, "absent": 9},
        ],
        "suggested": [{"at": at[1], "pairs": 70}],
    }

    chart = growth_chart(growth)

    assert chart is not None
    pairs = sorted(
        (row["kind"], row["pairs"]) for rows in drawn(chart) for row in rows if row["pairs"]
    )
    assert pairs == [("absent", 9), ("present", 5), ("suggested", 70)]
    assert "14 pairs are answered, drawn by the hour" in views.growth_note(growth)


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
    assert "Of the 40 held-out pairs that it gave 80% to 90%, people said present to 30" in note
    assert "better here than it is" not in note
    assert "better here than it is" in views.calibration_note(calibration(seen=True))


def test_annotators_are_listed_with_their_pace_and_their_checks() -> None:
    nothing = dict.fromkeys(("present_share", "per_minute", "median_seconds", "agreement"))
    table = views.people_table([PERSON, {**PERSON, "name": "Bob", **nothing}])

    assert table.iloc[0].tolist() == ["Ann", 120, 130, 40, 24.0, 2.2, "90% of 20"]
    assert table.iloc[1].tolist()[3:] == ["", "", "", ""]
    assert "24 a minute" in views.people_note([PERSON], PACE)


def test_sentences_are_text() -> None:
    assert views.note_html("<b>${1}</b>") == '<p class="pg-note">&lt;b&gt;${1}&lt;/b&gt;</p>'


def test_tables_have_their_columns_even_when_empty() -> None:
    assert views.people_table([]).columns[0] == "name"
    assert views.category_table([]).columns[0] == "category"


def test_a_ranked_category_is_told_from_a_calibrated_one(services: Any) -> None:
    rows = services.progress.overview()["categories"]
    rows[2]["calibrated"] = None

    table = views.category_table(rows)

    assert list(table["score"]) == ["probability", "ranking only", "none yet"]


def test_the_note_says_how_far_the_percentages_were_off_and_on_what_that_was_measured() -> None:
    asked = calibration(ece=0.043, ece_on="probes", ece_pairs=1200)

    assert "1,200 blind questions" in views.calibration_note(asked)
    assert "off by 4 points" in views.calibration_note(asked)
    assert "held-out answers" in views.calibration_note(asked | {"ece_on": "held_out"})
    assert "points on average" not in views.calibration_note(calibration())
