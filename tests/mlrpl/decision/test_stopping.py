"""What more answers would bring, by hand on a few pairs."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.decision.stopping import (
    BINS,
    Filled,
    after,
    answers_needed,
    correction,
    counted,
    expected,
    nothing_open,
)


def test_open_pairs_are_counted_with_their_probabilities() -> None:
    pairs = counted(np.array([[0.0004, 0.0004, np.nan], [1.0, 0.5, 0.9996]]))

    assert pairs.pairs == 5
    assert pairs.counts[0] == 2
    assert pairs.present[0] == pytest.approx(0.0008)
    assert pairs.counts[BINS - 1] == 2
    assert pairs.counts[500] == 1


def test_the_error_of_a_completed_set_by_hand() -> None:
    pairs = counted(np.array([0.9, 0.8, 0.3, 0.1]))

    found = expected(pairs, known_present=3)

    assert found.wrong_present == pytest.approx(0.1 + 0.2)
    assert found.lost == pytest.approx(0.3 + 0.1)
    assert found.wrong_share == pytest.approx(0.3 / (3 + 2))
    assert found.lost_share == pytest.approx(0.4 / (3 + 0.9 + 0.8 + 0.3 + 0.1))
    assert found.open_error == pytest.approx(0.7 / 4)
    assert found.error == max(found.wrong_share, found.lost_share)


def test_deciding_everything_absent_is_no_way_to_a_small_error() -> None:
    rare = counted(np.full(1000, 0.03))

    found = expected(rare, known_present=0)

    assert found.open_error == pytest.approx(0.03)
    assert found.error == pytest.approx(1)


def test_a_threshold_moves_what_is_called_present() -> None:
    pairs = counted(np.array([0.3, 0.6]))

    low, high = (expected(pairs, known_present=0, threshold=t) for t in (0.2, 0.7))

    assert low.wrong_present == pytest.approx(0.7 + 0.4)
    assert low.lost == 0
    assert high.wrong_present == 0
    assert high.lost == pytest.approx(0.9)


def test_the_most_doubtful_pairs_are_answered_first() -> None:
    pairs = counted(np.array([0.02, 0.45, 0.55, 0.99]))

    left, found = after(pairs, 2)

    assert np.flatnonzero(left.counts).tolist() == [20, 990]
    assert found == pytest.approx(0.45 + 0.55)
    assert expected(left, known_present=1).open_error == pytest.approx((0.02 + 0.01) / 2)


def test_part_of_a_step_is_answered_in_proportion() -> None:
    pairs = counted(np.full(10, 0.4))

    left, found = after(pairs, 4)

    assert left.pairs == pytest.approx(6)
    assert left.present.sum() == pytest.approx(2.4)
    assert found == pytest.approx(1.6)


def test_more_answers_than_pairs_leave_nothing_open() -> None:
    left, found = after(counted(np.array([0.4, 0.9])), 1e6)

    assert left.pairs == 0
    assert found == pytest.approx(1.3)
    assert expected(left, known_present=1.3).error == 0


def test_where_nothing_is_open_nothing_can_go_wrong() -> None:
    found = expected(nothing_open(), known_present=0)

    assert (found.error, found.open_error, found.wrong_present) == (0, 0, 0)


def test_parts_add_up() -> None:
    parts = [counted(np.array([0.1, 0.9])), counted(np.array([0.5]))]

    both = parts[0] + parts[1]

    assert both.pairs == 3
    assert both.present.sum() == pytest.approx(1.5)


def test_measured_errors_correct_the_expected_ones_and_never_beyond_all_pairs() -> None:
    pairs = counted(np.array([0.9, 0.1]))

    twice = expected(pairs, known_present=1, factor=2)
    absurd = expected(pairs, known_present=1, factor=1000)

    assert (twice.wrong_present, twice.lost) == (pytest.approx(0.2), pytest.approx(0.2))
    assert absurd.wrong_present == 1
    assert absurd.open_error == 1
    assert absurd.lost_share <= 1


@pytest.mark.parametrize(
    ("wrong", "believed", "factor"), [(0, 0.0, 1), (0, 3.0, 0.25), (7, 3.0, 2)]
)
def test_a_correction_is_drawn_to_none(wrong: int, believed: float, factor: float) -> None:
    assert correction(wrong, believed) == factor


def test_answers_are_needed_until_the_error_is_small_enough() -> None:
    pairs = counted(np.array([0.45] * 10 + [0.98] * 90))

    needed = answers_needed(pairs, 0.02, known_present=0)

    before, at = (after(pairs, n) for n in (needed - 1, needed))
    assert 0 < needed < 100
    assert expected(at[0], known_present=at[1]).error <= 0.02
    assert expected(before[0], known_present=before[1]).error > 0.02


def test_a_goal_that_is_met_needs_no_answers_and_a_goal_of_none_needs_all() -> None:
    pairs = counted(np.array([0.9, 0.2, 0.6]))

    assert answers_needed(pairs, 1.0, known_present=1) == 0
    assert answers_needed(pairs, 0.0, known_present=1) == 3
    assert answers_needed(nothing_open(), 0.0, known_present=1) == 0


def test_what_is_filled_in_adds_to_both_shares_and_no_answer_takes_it_away() -> None:
    pairs = counted(np.full(100, 0.1))
    filled = Filled(present=50, wrong=5, lost=20)

    found = expected(pairs, known_present=100, filled=filled)

    assert found.wrong_share == pytest.approx(5 / 150)
    assert found.lost_share == pytest.approx((10 + 20) / (145 + 30))
    assert found.lost == pytest.approx(10)
    assert answers_needed(pairs, 0.05, known_present=100, filled=filled) is None
    assert answers_needed(pairs, 0.15, known_present=100, filled=filled) in range(1, 100)
