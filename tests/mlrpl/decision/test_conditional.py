"""Known labels of an image move its other scores, unless the model expected them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from mlrpl.decision.conditional import (
    ErrorCorrelation,
    contributions,
    fit_correlation,
    standardised_errors,
    update,
)
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def pairs(rng: np.random.Generator, count: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Return a model that sees half of what makes categories 0 and 1 appear together."""
    hidden, third = rng.standard_normal(count), rng.standard_normal(count)
    latent = np.stack([hidden, hidden + 0.3 * rng.standard_normal(count), third], 1)
    labels = np.where(latent > 0.5, PRESENT, ABSENT)
    return np.full((count, 3), 0.31), labels


CORRELATED = ErrorCorrelation(
    np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 1.0]]), np.full((3, 3), 100)
)


def test_errors_that_go_together_are_found_and_others_are_not() -> None:
    probabilities, labels = pairs(np.random.default_rng(0))

    found = fit_correlation(probabilities, labels)

    assert found.correlation[0, 1] > 0.5
    assert abs(found.correlation[0, 2]) < 0.1
    assert found.together[0, 1] == 4_000


def test_a_surprising_present_label_raises_what_goes_with_it_and_nothing_else() -> None:
    z = logit(np.array([0.1, 0.2, 0.2]))

    moved = update(z, np.array([PRESENT, UNKNOWN, UNKNOWN]), CORRELATED)

    assert moved[1] > z[1]
    assert moved[2] == z[2]
    assert moved[0] == z[0]


def test_what_the_model_expected_moves_next_to_nothing() -> None:
    expected, surprising = np.array([6.0, -1.0, 0.0]), np.array([-2.0, -1.0, 0.0])
    labels = np.array([PRESENT, UNKNOWN, UNKNOWN])

    calm = update(expected, labels, CORRELATED)[1] - expected[1]
    strong = update(surprising, labels, CORRELATED)[1] - surprising[1]

    assert 0 < calm < 0.05 * strong


def test_an_absent_label_lowers() -> None:
    z = logit(np.array([0.7, 0.5, 0.5]))

    assert update(z, np.array([ABSENT, UNKNOWN, UNKNOWN]), CORRELATED)[1] < z[1]


def test_by_hand_with_one_known_label() -> None:
    z = logit(np.array([0.2, 0.5, 0.5]))

    moved = update(z, np.array([PRESENT, UNKNOWN, UNKNOWN]), CORRELATED, ridge=1.0, strength=0.5)

    assert moved[1] == pytest.approx(0.5 * 0.8 / 2 * (0.8 / 0.4))


def test_no_known_label_changes_nothing_and_missing_scores_stay_missing() -> None:
    z = np.array([0.3, np.nan, -1.0])

    untouched = update(z, np.full(3, UNKNOWN), CORRELATED)
    with_missing = update(z, np.array([PRESENT, UNKNOWN, UNKNOWN]), CORRELATED)

    assert np.array_equal(untouched, z, equal_nan=True)
    assert np.isnan(with_missing[1])
    assert np.isfinite(with_missing[[0, 2]]).all()


def test_contributions_add_up_to_the_move() -> None:
    z, labels = np.array([0.0, 0.5, -0.5]), np.array([PRESENT, UNKNOWN, ABSENT])

    parts = contributions(z, labels, CORRELATED)

    assert parts.shape == (3, 2)
    assert update(z, labels, CORRELATED)[1] == pytest.approx(0.5 + 0.5 * parts[1].sum())


def test_few_images_together_are_hardly_believed() -> None:
    probabilities, labels = pairs(np.random.default_rng(1), 10)

    few = fit_correlation(probabilities, labels)

    assert abs(few.correlation[0, 1]) < 0.05


def test_never_known_together_means_no_correlation_and_the_matrix_stays_a_correlation() -> None:
    rng = np.random.default_rng(2)
    labels = rng.choice([ABSENT, UNKNOWN, PRESENT], (500, 6))
    labels[:, 0] = np.where(labels[:, 1] == UNKNOWN, labels[:, 0], UNKNOWN)

    found = fit_correlation(rng.random((500, 6)), labels, shrinkage=1.0)

    assert found.together[0, 1] == 0
    assert np.linalg.eigvalsh(found.correlation)[0] > -1e-9
    assert np.diag(found.correlation) == pytest.approx(1)


def test_the_update_makes_held_out_labels_likelier() -> None:
    probabilities, labels = pairs(np.random.default_rng(3))
    errors = fit_correlation(probabilities[:2_000], labels[:2_000])
    shown = labels[2_000:].copy()
    shown[:, 1:] = UNKNOWN
    z = logit(probabilities[2_000:])

    after = expit(np.array([update(z[i], shown[i], errors) for i in range(len(z))]))[:, 1]

    present = labels[2_000:, 1] == PRESENT
    likelihood = [
        np.log(np.where(present, p, 1 - p)).mean() for p in (probabilities[2_000:, 1], after)
    ]
    assert likelihood[1] > likelihood[0] + 0.05


def test_errors_are_measured_in_standard_deviations() -> None:
    found = standardised_errors(np.array([0.5, 0.2, 0.0]), np.array([PRESENT, ABSENT, PRESENT]))

    assert found[:2] == pytest.approx([1.0, -0.5])
    assert found[2] == pytest.approx(0.99 / np.sqrt(0.01 * 0.99))


@pytest.mark.parametrize("shrinkage", [0.0, -1.0, float("nan")])
def test_shrinkage_has_to_be_positive(shrinkage: float) -> None:
    with pytest.raises(ValueError, match="shrinkage"):
        fit_correlation(np.zeros((2, 2)), np.zeros((2, 2), int), shrinkage=shrinkage)


def test_shapes_have_to_agree() -> None:
    with pytest.raises(ValueError, match=r"\(N, C\)"):
        fit_correlation(np.zeros((2, 2)), np.zeros((2, 3), int))
