"""Agreement of people against published values, and doubt by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from mlrpl.decision.agreement import (
    MOST_BUNDLES,
    alpha_of,
    alpha_parts,
    cohen_kappa,
    doubt,
    interval,
    kappa_of,
    kappa_parts,
    krippendorff_alpha,
    likely_errors,
    resampled,
)
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def test_kappa_agrees_with_scikit_learn_on_what_both_answered() -> None:
    rng = np.random.default_rng(0)
    one = rng.choice([ABSENT, PRESENT], 200, p=[0.7, 0.3])
    other = np.where(rng.random(200) < 0.2, -one, one)
    partly = np.where(rng.random(200) < 0.3, UNKNOWN, other)

    found = cohen_kappa(one, partly)

    both = partly != UNKNOWN
    assert found == pytest.approx(cohen_kappa_score(one[both], partly[both]))


def test_alpha_of_two_people_by_hand() -> None:
    answers = np.array(
        [
            [PRESENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, PRESENT, ABSENT],
            [PRESENT, PRESENT, PRESENT, ABSENT, ABSENT, PRESENT, ABSENT, ABSENT, ABSENT, ABSENT],
        ]
    )

    # The worked example of Krippendorff's "Computing Krippendorff's alpha-reliability", part A.
    assert krippendorff_alpha(answers) == pytest.approx(0.095, abs=5e-4)


def test_alpha_ignores_pairs_that_one_person_answered_alone() -> None:
    shared = np.array([[PRESENT, ABSENT, PRESENT], [PRESENT, ABSENT, ABSENT]])
    with_alone = np.hstack([shared, [[PRESENT, UNKNOWN], [UNKNOWN, ABSENT]]])

    assert krippendorff_alpha(with_alone) == pytest.approx(krippendorff_alpha(shared))


def test_full_agreement_is_one_and_no_overlap_is_no_number() -> None:
    both = np.array([PRESENT, ABSENT, PRESENT])
    alone = np.array([UNKNOWN, UNKNOWN, UNKNOWN])

    assert cohen_kappa(both, both) == 1
    assert krippendorff_alpha(np.stack([both, both, alone])) == 1
    assert math.isnan(cohen_kappa(both, alone))
    assert math.isnan(krippendorff_alpha(np.stack([both, alone])))
    assert math.isnan(krippendorff_alpha(np.full((2, 4), PRESENT)))
    assert math.isnan(cohen_kappa(np.full(4, PRESENT), np.full(4, PRESENT)))


def test_doubt_is_the_probability_of_the_opposite() -> None:
    p = np.array([0.9, 0.9, 0.9, np.nan])

    found = doubt(p, np.array([PRESENT, ABSENT, UNKNOWN, PRESENT]))

    assert found == pytest.approx([0.1, 0.9, 0.0, 0.0])


def test_a_label_is_likely_wrong_where_it_looks_like_the_other_kind() -> None:
    p = np.array([[0.9], [0.8], [0.05], [0.1], [0.95], [0.2]])
    labels = np.array([[PRESENT], [PRESENT], [PRESENT], [ABSENT], [ABSENT], [ABSENT]])

    found = likely_errors(p, labels)

    # Present ones average 0.58, absent ones 0.42.
    assert found[:, 0].tolist() == [False, False, True, False, True, False]


def test_with_labels_of_one_sign_nothing_is_doubted() -> None:
    p = np.array([[0.1], [0.9]])

    assert not likely_errors(p, np.full((2, 1), PRESENT)).any()


def test_parts_of_pairs_add_up_to_the_figures() -> None:
    rng = np.random.default_rng(4)
    answers = rng.choice([ABSENT, UNKNOWN, PRESENT], (3, 60))

    parts = alpha_parts(answers)
    cells = kappa_parts(answers[0], answers[1])

    assert alpha_of(parts[:30].sum(0) + parts[30:].sum(0)) == pytest.approx(
        krippendorff_alpha(answers)
    )
    assert kappa_of(cells[:30].sum(0) + cells[30:].sum(0)) == pytest.approx(
        cohen_kappa(answers[0], answers[1])
    )


def test_pairs_of_one_image_are_drawn_together() -> None:
    parts = np.array([[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])

    drawn = resampled(parts, np.array([7, 7, 9]), np.random.default_rng(5), times=300)

    allowed = {(2.0, 2.0), (6.0, 6.0), (10.0, 10.0)}  # twice the first, one of each, twice the last
    assert {tuple(row) for row in drawn.tolist()} == allowed


def test_a_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(6)
    truth = krippendorff_alpha(two_people(rng, 200_000))
    hits = 0

    for _ in range(100):
        answers = two_people(rng, 200)
        sums = resampled(alpha_parts(answers), np.arange(200), rng)
        low, high = interval(alpha_of(sums))
        hits += low <= truth <= high

    assert 86 <= hits <= 100  # 95 % of 100, and what chance and a skewed figure take away


def test_many_images_are_drawn_in_bundles_and_spread_alike() -> None:
    rng = np.random.default_rng(8)
    parts = rng.random((3 * MOST_BUNDLES, 1))

    drawn = resampled(parts, np.arange(len(parts)), rng, times=2000)

    assert drawn.mean() == pytest.approx(parts.sum(), rel=0.01)
    # The sum of n draws has the variance of n single ones.
    assert drawn.std() == pytest.approx(parts.std() * len(parts) ** 0.5, rel=0.1)


def test_an_interval_is_none_where_most_draws_have_no_figure() -> None:
    assert np.isnan(interval(np.array([np.nan, np.nan, 1.0]))).all()
    assert interval(np.array([0.5, 0.5, np.nan])) == (0.5, 0.5)


def two_people(rng: np.random.Generator, pairs: int) -> np.ndarray:
    truth = rng.random(pairs) < 0.3
    said = truth ^ (rng.random((2, pairs)) < 0.1)
    return np.where(said, PRESENT, ABSENT)
