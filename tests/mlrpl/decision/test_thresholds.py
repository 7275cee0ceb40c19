"""Thresholds for the best F1 and for a precision, from probabilities alone."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.decision.thresholds import SHRINKAGE, f1_threshold, precision_threshold, shrunk


def test_the_f1_threshold_is_half_of_the_f1_that_it_reaches() -> None:
    rng = np.random.default_rng(0)
    said = rng.beta(0.3, 1.5, 20_000)
    present = rng.random(20_000) < said

    threshold = f1_threshold(said)

    def f1(at: float) -> float:
        return float(2 * (present & (said >= at)).sum() / (present.sum() + (said >= at).sum()))

    assert threshold == pytest.approx(f1(threshold) / 2, abs=0.01)
    assert all(f1(threshold) >= f1(other) - 0.005 for other in (0.1, 0.2, 0.5, 0.7, 0.9))


def test_the_precision_threshold_reaches_it_and_no_more_than_needed() -> None:
    rng = np.random.default_rng(1)
    said = rng.beta(0.3, 1.5, 20_000)
    present = rng.random(20_000) < said

    threshold = precision_threshold(said, 0.9)

    assert present[said >= threshold].mean() == pytest.approx(0.9, abs=0.02)
    assert precision_threshold(said, 0.6) < threshold


def test_by_hand() -> None:
    said = np.array([0.9, np.nan, 0.6, 0.1])

    assert f1_threshold(said) == 0.6
    assert precision_threshold(said, 0.75) == 0.6
    assert precision_threshold(said, 0.76) == 0.9
    assert precision_threshold(said, 0.95) == 0.95  # nothing reaches it


def test_without_a_pair_there_are_still_thresholds_and_none_is_at_the_edge() -> None:
    assert f1_threshold(np.zeros(0)) == 0.5
    assert precision_threshold(np.full(3, np.nan), 0.8) == 0.8
    assert f1_threshold(np.zeros(5)) > 0
    assert precision_threshold(np.ones(5), 0.8) < 1


def test_few_present_answers_draw_to_the_common_threshold() -> None:
    found = shrunk(np.array([0.2, 0.2, 0.2]), 0.6, np.array([0, int(SHRINKAGE), 1_000_000]))

    assert found == pytest.approx([0.6, 0.4, 0.2], abs=1e-4)


@pytest.mark.parametrize("precision", [0.0, 1.0, float("nan")])
def test_a_precision_that_cannot_be_wished_for_is_refused(precision: float) -> None:
    with pytest.raises(ValueError, match="precision"):
        precision_threshold(np.array([0.5]), precision)
