"""Probes move probabilities to what is really there, by as much as there are of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from mlrpl.decision.prior_shift import (
    CATEGORY_STRENGTH,
    GLOBAL_STRENGTH,
    MIN_CATEGORY_PROBES,
    MIN_PROBES,
    MOST,
    expected_calibration_error,
    prior_shift,
)


def probes(*rates: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return probes of which `(asked, found)` are of category 0, 1, and so on."""
    categories = np.repeat(np.arange(len(rates)), [asked for asked, _ in rates])
    present = np.concatenate([np.arange(asked) < found for asked, found in rates])
    return categories, present


def test_too_few_probes_move_nothing() -> None:
    shift = prior_shift(np.full(2, 0.1), np.full(2, 900), *probes((MIN_PROBES - 1, 40), (0, 0)))

    assert shift.tolist() == [0, 0]
    assert prior_shift(np.full(2, 0.1), np.full(2, 900), *probes((0, 0), (0, 0))).tolist() == [0, 0]


def test_probes_that_find_what_was_said_move_nothing() -> None:
    shift = prior_shift(np.array([0.2, 0.4]), np.full(2, 900), *probes((100, 20), (100, 40)))

    assert shift == pytest.approx([0, 0])


def test_by_hand_with_few_probes_a_category() -> None:
    few = MIN_CATEGORY_PROBES - 1
    categories, present = np.repeat(np.arange(4), few), np.zeros(4 * few, dtype=bool)

    shift = prior_shift(np.full(4, 0.2), np.full(4, 50), categories, present)

    rate = 0.2 * GLOBAL_STRENGTH / (4 * few + GLOBAL_STRENGTH)
    assert shift == pytest.approx(np.full(4, logit(rate) - logit(0.2)))


def test_a_category_moves_on_by_its_own_probes() -> None:
    shift = prior_shift(np.full(2, 0.2), np.full(2, 100), *probes((60, 24), (60, 0)))

    own = (24 + 0.2 * CATEGORY_STRENGTH) / (60 + CATEGORY_STRENGTH)
    assert shift[0] == pytest.approx(logit(own) - logit(0.2))  # over both nothing is to move
    assert shift[1] < 0


def test_more_probes_move_more_and_no_number_of_them_moves_far() -> None:
    sizes = [
        prior_shift(np.full(1, 0.5), np.full(1, 900), *probes((asked, found)))[0]
        for asked, found in ((60, 18), (200, 60), (100_000, 0))
    ]

    assert 0 > sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] == -MOST


def test_categories_without_probabilities_stay_and_say_nothing() -> None:
    means, counts = np.array([np.nan, 0.2, 0.3]), np.array([100, 100, 0])

    shift = prior_shift(means, counts, *probes((500, 500), (60, 12), (30, 30)))

    assert shift == pytest.approx([0, 0, 0])


def test_shifted_probabilities_are_nearer_to_what_is_there() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(-3, 1.0, size=20_000)
    present = rng.random(20_000) < expit(truth)
    said = truth + 1.2  # fitted to answers of which more were present
    asked = rng.choice(20_000, 400, replace=False)

    shift = prior_shift(
        np.array([expit(said).mean()]), np.array([20_000]), np.zeros(400, int), present[asked]
    )

    before = expected_calibration_error(expit(said), present)
    after = expected_calibration_error(expit(said + shift), present)
    assert after < before / 2


def test_the_calibration_error_by_hand() -> None:
    probability = np.array([0.1, 0.1, 0.9, 1.0])

    found = expected_calibration_error(probability, np.array([False, True, True, True]))

    assert found == pytest.approx((0.8 + 0.1) / 4)
    assert np.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)))


def test_arrays_have_to_agree() -> None:
    with pytest.raises(ValueError, match="one length"):
        prior_shift(np.zeros(2), np.zeros(3, int), np.zeros(1, int), np.zeros(1, dtype=bool))
