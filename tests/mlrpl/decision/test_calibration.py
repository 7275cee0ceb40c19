"""Probabilities from scores, and the one rule that decides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from mlrpl.decision.calibration import (
    Calibration,
    _penalised,
    decide,
    fit_calibration,
    probabilities,
    ranked_only,
    ranking_threshold,
    raw_threshold,
)
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def answers(slope: float, intercepts: list[float], each: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    categories = np.repeat(np.arange(len(intercepts)), each)
    scores = rng.normal(-1, 2, len(categories))
    p = 1 / (1 + np.exp(-(slope * scores + np.array(intercepts)[categories])))
    return scores, categories, np.where(rng.random(len(p)) < p, PRESENT, ABSENT)


def test_it_finds_the_slope_and_intercepts_that_made_the_answers() -> None:
    found = fit_calibration(*answers(1.7, [-1.0, 0.5, 1.0], 4000), 3)

    assert found.slope == pytest.approx(1.7, abs=0.1)
    assert found.intercepts == pytest.approx([-1.0, 0.5, 1.0], abs=0.15)


def test_the_gradient_is_that_of_the_cost() -> None:
    scores, categories, labels = answers(1.0, [0.0, -1.0], 20)
    data = (scores, categories, (labels == PRESENT).astype(float), np.ones(40), 1.0)

    error = check_grad(
        lambda x: _penalised(x, *data)[0],
        lambda x: _penalised(x, *data)[1],
        np.array([0.3, -0.2, 0.5, -0.4]),
    )

    assert error < 1e-4


def test_without_any_answer_a_score_is_read_as_the_logit_that_it_is() -> None:
    found = fit_calibration(np.zeros(0), np.zeros(0, int), np.zeros(0, int), 2)

    assert found.slope == 1
    assert found.intercepts.tolist() == [0, 0]
    assert probabilities(np.array([0.0, np.log(3)]), found) == pytest.approx([0.5, 0.75])


def test_a_category_without_an_answer_gets_the_common_mean() -> None:
    scores, categories, labels = answers(1.0, [-2.0, -2.0], 500)

    found = fit_calibration(scores, categories, labels, 3)

    assert found.intercepts[2] == pytest.approx(found.intercepts[:2].mean(), abs=0.2)


def test_few_answers_move_an_intercept_less_than_many() -> None:
    few = fit_calibration(np.zeros(2), np.zeros(2, int), np.full(2, PRESENT), 5)
    many = fit_calibration(np.zeros(200), np.zeros(200, int), np.full(200, PRESENT), 5)

    assert 0 < few.intercepts[0] < many.intercepts[0]


@pytest.mark.parametrize("label", [PRESENT, ABSENT])
def test_answers_of_one_sign_and_perfect_scores_stay_finite(label) -> None:
    one_sign = fit_calibration(np.linspace(-50, 50, 40), np.zeros(40, int), np.full(40, label), 1)
    scores = np.linspace(-1e4, 1e4, 40)
    perfect = fit_calibration(scores, np.zeros(40, int), np.where(scores > 0, 1, -1), 1)

    for found in (one_sign, perfect):
        assert found.slope > 0
        assert np.isfinite([found.slope, *found.intercepts]).all()


def test_unknown_answers_and_scores_that_are_no_number_take_no_part() -> None:
    scores, categories, labels = answers(1.0, [0.0, 1.0], 50)
    plain = fit_calibration(scores, categories, labels, 2)

    more = fit_calibration(
        np.append(scores, [np.nan, 3.0]),
        np.append(categories, [0, 0]),
        np.append(labels, [PRESENT, UNKNOWN]),
        2,
    )

    assert (more.slope, *more.intercepts) == (plain.slope, *plain.intercepts)


def test_a_weight_counts_like_repetition() -> None:
    scores, categories, labels = answers(1.0, [0.0, 1.0], 30)

    weighted = fit_calibration(scores, categories, labels, 2, np.full(60, 2.0))
    twice = fit_calibration(*(np.tile(a, 2) for a in (scores, categories, labels)), 2)

    assert weighted.intercepts == pytest.approx(twice.intercepts, abs=1e-3)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        fit_calibration(np.zeros(3), np.zeros(2, int), np.zeros(3, int), 1)
    with pytest.raises(ValueError, match="0 to 0"):
        fit_calibration(np.zeros(1), np.ones(1, int), np.ones(1, int), 1)
    with pytest.raises(ValueError, match="spread"):
        fit_calibration(np.zeros(1), np.zeros(1, int), np.ones(1, int), 1, spread=0)


def test_a_score_at_its_threshold_is_suggested_and_nan_never_is() -> None:
    scores = np.array([[0.5, 0.5, np.nan]], np.float32)

    assert decide(scores, np.array([0.5, 0.6, -np.inf])).tolist() == [[True, False, False]]


def test_the_raw_threshold_is_where_the_probability_is_reached() -> None:
    calibration = Calibration(slope=2.0, intercepts=np.array([-1.0, 3.0]))

    raw = raw_threshold(calibration, 0.8)

    assert probabilities(raw, calibration) == pytest.approx([0.8, 0.8])
    with pytest.raises(ValueError, match="between 0 and 1"):
        raw_threshold(calibration, 1.0)


def test_five_answers_of_each_sign_make_a_probability() -> None:
    categories = np.repeat([0, 1, 2], [10, 9, 10])
    labels = np.array([1] * 5 + [-1] * 5 + [1] * 5 + [-1] * 4 + [1] * 5 + [-1] * 4 + [0])

    assert ranked_only(categories, labels, 4).tolist() == [False, True, True, True]


def test_twice_the_expected_number_of_pairs_is_suggested() -> None:
    scores = np.random.default_rng(0).permutation(1000).astype(np.float32)

    threshold = ranking_threshold(scores, present_count=4, images=200)

    assert decide(scores, np.array(threshold)).sum() == 2 * 4 / 200 * 1000


def test_at_least_three_pairs_and_at_most_their_share_are_suggested() -> None:
    scores = np.arange(100, dtype=np.float32)

    def suggested(scores, present, images):
        return decide(scores, np.array(ranking_threshold(scores, present, images))).sum()

    assert suggested(scores, 0, 100) == 3
    assert suggested(scores, 90, 100) == 15
    assert suggested(scores[:6], 3, 6) == 0
    assert suggested(scores[:7], 3, 7) == 1


def test_ties_never_lead_to_more_suggestions_than_allowed() -> None:
    tied = np.zeros(50, np.float32)
    some = np.array([2, 1, 1, 1, *[0] * 46], np.float32)

    assert not decide(tied, np.array(ranking_threshold(tied, 1, 50))).any()
    assert decide(some, np.array(ranking_threshold(some, 1, 50))).sum() == 1


def test_a_category_without_scores_has_a_finite_threshold() -> None:
    assert np.isfinite(ranking_threshold(np.full(4, np.nan), 1, 4))
    assert np.isfinite(ranking_threshold(np.zeros(0), 0, 0))
