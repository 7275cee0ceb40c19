from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from annotator.services.progress.quality import QualityRow
from annotator.services.progress.stopping import StoppingRow
from annotator.ui import quality_views as views

NOW = {
    "error": 0.12, "wrong_present": 40, "lost": 60, "wrong_share": 0.08, "lost_share": 0.12,
    "open_error": 0.02,
}  # fmt: skip
LATER = {**NOW, "wrong_share": 0.06, "lost_share": 0.09, "error": 0.09}
STOP = {
    "goal": {"coverage": 1.0, "error": 0.05},
    "pairs": 10_000, "open": 5_000, "filled": 0, "coverage": 0.5, "covered": False,
    "reached": False, "note": "", "counted_at": "2026-03-01T10:00:00+00:00",
    "pace": {
        "single_seconds": 1.8, "grid_seconds": 1.0, "single_share": 1.0, "recorded": 90,
        "an_hour": 2_000.0,
    },
    "now": NOW,
    "later": {**LATER, "pairs": 2_000, "present": 300, "coverage": 0.7},
    "answers_needed": 3_000,
    "forecast": {"answers": 3_000, "seconds": 5_400.0},
    "probes": {"answers": 12, "wrong": 0, "needed": 50, "used": False},
    "left_out": 0,
    "promised": {"present": 0, "wrong": 0, "lost": 0},
}  # fmt: skip
ROW = {
    "id": 1, "name": "<b>cat</b>", "pairs": 40, "independent": 10, "agreed": 36, "people": 2,
    "alpha": 0.81, "alpha_low": 0.7, "alpha_high": 0.92,
    "kappa": 0.8, "kappa_low": 0.69, "kappa_high": 0.91,
}  # fmt: skip
APART = {"blind": 200, "shown": 900, "needed": 139, "agreed_blind": 0.84, "agreed_shown": 0.9}


def quality(**changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("difference", "low", "high", "agreed_blind", "agreed_shown"))
    anchoring = {"blind": 9, "shown": 300, "needed": 139, **nothing}
    shown = {
        "people": 2, "needed": 20, "overall": ROW, "categories": [ROW], "annotators": [],
        "anchoring": anchoring, "note": "",
    }  # fmt: skip
    return dict(TypeAdapter(QualityRow).validate_python({**shown, **changes}, strict=True))


def goal_html(**changes: Any) -> str:
    stop = TypeAdapter(StoppingRow).validate_python({**STOP, **changes}, strict=True)
    return views.goal_html(stop)


def anchored(difference: float, low: float, high: float) -> str:
    row = {**APART, "difference": difference, "low": low, "high": high}
    return views.anchoring_note(quality(anchoring=row))


def test_the_hour_stands_between_now_and_the_goal() -> None:
    shown = goal_html()

    assert "About 90 minutes of work left</b> <span>for 3,000 answers until" in shown
    assert ">after an hour, 2,000 pairs</th>" in shown
    assert "<td>50.0%</td><td>70.0%</td><td>100%</td>" in shown
    assert "<td>8.0%</td><td>6.0%</td><td>at most 5%</td>" in shown
    assert "<td>12.0%</td><td>9.0%</td><td>at most 5%</td>" in shown
    assert "100 of 5,000 wrong now, 2.0%" in shown
    assert "50 answers to probes (pairs drawn at random and asked without" in shown


def test_what_is_left_out_of_the_expectation_is_said() -> None:
    probes = {"answers": 80, "wrong": 3, "needed": 50, "used": True}

    promised = {"present": 300, "wrong": 15, "lost": 80}

    shown = goal_html(left_out=1, filled=7_000, promised=promised, probes=probes)

    assert "Corrected by 80 answers to probes" in shown
    assert "of which the model got 3 wrong" in shown
    assert "1 pair without a percentage is not counted" in shown
    assert "Of the 7,000 pairs filled in, 15 wrong and 80 lost ones are counted" in shown
    assert "certificate" not in goal_html()


def test_a_goal_that_answers_cannot_reach_is_said() -> None:
    shown = goal_html(open=0, left_out=0, answers_needed=None, forecast=None)
    some_open = goal_html(answers_needed=None, forecast=None)

    assert "No pair is open,</b> <span>but the goal is not reached" in shown
    assert "No number of answers about open pairs" in shown
    assert "More answers alone do not reach the goal" in some_open


def test_where_no_answer_is_needed_there_is_no_forecast() -> None:
    shown = goal_html(answers_needed=0, forecast=None)

    assert "work left" not in shown
    assert "No more answers are needed" in shown
    assert "the 5,000 pairs still open can be filled in on the" in shown


def test_a_reached_goal_is_said_with_its_numbers() -> None:
    goal = {"coverage": 0.5, "error": 0.15}

    shown = goal_html(goal=goal, reached=True)
    done = goal_html(open=0, coverage=1.0, now=None, reached=True)

    assert "The goal is reached:" in shown
    assert "50.0% of 10,000 pairs are answered or filled in (goal 50%)" in shown
    assert "12.0%" in shown
    assert "none is open" in done


def test_what_stands_in_the_way_of_a_figure_is_one_sentence() -> None:
    shown = goal_html(note="There are too few.")

    assert shown == '<p class="pg-note">There are too few.</p>'


def test_agreement_is_never_without_its_counts() -> None:
    note = views.agreement_note(quality())
    table = views.agreement_table(quality())

    assert "2 people answered 40 pairs in common and agreed on 36 (90%)" in note
    assert "10 of these pairs were answered independently, without seeing" in note
    assert table.iloc[0].tolist() == [
        *("<b>cat</b>", 40, 10, "90% of 40", "0.80 (0.69 to 0.91)", "0.81 (0.70 to 0.92)")
    ]


def test_too_few_pairs_get_no_range_and_say_how_many_they_are() -> None:
    few = {**ROW, "pairs": 12, "agreed": 12, "alpha_low": None, "kappa": None}

    table = views.agreement_table(quality(categories=[few]))

    assert table.iloc[0].tolist()[-2:] == ["", "0.81 (too few pairs: 12)"]


def test_categories_that_agree_least_come_first_and_those_with_few_pairs_last() -> None:
    better, few = {**ROW, "name": "dog", "agreed": 40}, {**ROW, "name": "ox", "pairs": 1}
    few["agreed"] = 0

    table = views.agreement_table(quality(categories=[few, better, ROW]))

    assert table["category"].tolist() == ["<b>cat</b>", "dog", "ox"]


def test_where_nothing_can_be_compared_the_reason_is_said() -> None:
    row = quality(note="All from one person.", overall=None, categories=[])

    assert "All from one person." in views.agreement_note(row)
    assert views.agreement_table(row).empty
    assert views.person_table(row).empty


def test_each_person_is_shown_with_what_was_compared() -> None:
    def some(agreed: int, compared: int) -> dict[str, int]:
        return {"agreed": agreed, "compared": compared}

    person = {"name": "Ann", "others": some(36, 40), "blind": some(9, 10)}
    person |= {"checks": some(0, 0), "own": some(4, 4)}

    table = views.person_table(quality(annotators=[person]))

    assert table.iloc[0].tolist() == ["Ann", "90% of 40", "90% of 10", "", "100% of 4"]


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((0.06, 0.02, 0.1), "6 points more often when they see it (range 2 to 10 points)"),
        ((-0.06, -0.1, -0.02), "contradict the model 6 points more often"),
        ((0.01, -0.03, 0.05), "do not agree with the model noticeably more often"),
    ],
)
def test_following_the_model_is_told_with_its_range(
    figures: tuple[float, float, float], said: str
) -> None:
    shown = anchored(*figures)

    assert said in shown
    assert "90% of 900 answers" in shown
    assert "84% of 200 answers to probes" in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "too few probe answers at the same percentages, 9; about 139 are needed"),
        ({"blind": 200, "shown": 20}, "too few answers with the percentage shown"),
        ({"blind": 0, "shown": 0}, "can be measured once there are answers to probes"),
    ],
)
def test_too_few_answers_for_the_comparison_are_counted(changes: dict[str, int], said: str) -> None:
    row = {**quality()["anchoring"], **changes}

    assert said in views.anchoring_note(quality(anchoring=row))
