"""Average precision against scikit-learn, and its intervals."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.metrics import (
    _Ranking,
    average_precision,
    bootstrap_interval,
    evaluated,
    mean_average_precision,
    paired_bootstrap,
    paired_bootstrap_by_category,
    random_order,
)


def random_set(rows: int = 60, columns: int = 7, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = rng.choice([PRESENT, UNKNOWN, ABSENT], (rows, columns), p=[0.3, 0.2, 0.5])
    return rng.standard_normal((rows, columns)), labels.astype(np.int8)


def by_scikit_learn(scores, labels, weights=None) -> list[float]:
    found = []
    for s, y in zip(scores.T, labels.T, strict=True):
        known = y != UNKNOWN
        w = None if weights is None else weights[known]
        found.append(average_precision_score(y[known] == PRESENT, s[known], sample_weight=w))
    return found


def test_it_equals_scikit_learn_on_the_known_labels() -> None:
    scores, labels = random_set()

    assert average_precision(scores, labels) == pytest.approx(by_scikit_learn(scores, labels))


def test_redrawn_images_count_as_often_as_they_are_drawn() -> None:
    scores, labels = random_set()
    weights = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60)).astype(float)

    found = _Ranking(scores, labels).mean(weights)

    assert found == pytest.approx(np.mean(by_scikit_learn(scores, labels, weights)))


def test_by_hand() -> None:
    scores = np.array([[4.0], [3.0], [2.0], [1.0]])
    labels = np.array([[PRESENT], [ABSENT], [UNKNOWN], [PRESENT]], np.int8)

    assert average_precision(scores, labels)[0] == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_ties_count_against_the_ranking_in_any_order_of_the_images() -> None:
    labels = np.array([[PRESENT], [ABSENT], [ABSENT]], np.int8)

    for order in ([0, 1, 2], [2, 1, 0]):
        assert average_precision(np.zeros((3, 1)), labels[order])[0] == pytest.approx(1 / 3)


def test_a_score_that_is_not_a_number_is_the_lowest() -> None:
    scores = np.array([[np.nan], [-5.0], [-np.inf]])
    labels = np.array([[PRESENT], [ABSENT], [ABSENT]], np.int8)

    assert average_precision(scores, labels)[0] == pytest.approx(1 / 3)


def test_a_category_without_a_present_label_has_no_precision_and_does_not_count() -> None:
    scores, labels = random_set()
    labels[:, 2] = ABSENT

    each = average_precision(scores, labels)

    assert np.isnan(each[2])
    assert mean_average_precision(scores, labels) == pytest.approx(np.nanmean(each))


def test_too_few_known_labels_leave_a_category_out() -> None:
    labels = np.array([[PRESENT, PRESENT], [PRESENT, ABSENT], [ABSENT, UNKNOWN]], np.int8)

    assert evaluated(labels, min_present=2).tolist() == [True, False]
    assert evaluated(labels, min_absent=2).tolist() == [False, False]
    assert np.isnan(mean_average_precision(np.zeros((3, 2)), labels, min_present=3))


def test_a_random_order_is_exact() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([[PRESENT, PRESENT, ABSENT]] * 2 + [[ABSENT, PRESENT, ABSENT]] * 3, np.int8)

    tried = np.mean([average_precision(rng.random((5, 3)), labels) for _ in range(4000)], axis=0)

    assert random_order(labels)[:2] == pytest.approx(tried[:2], abs=0.01)
    assert np.isnan(random_order(labels)[2])


def test_the_interval_holds_the_value_and_narrows_with_more_images() -> None:
    few, many = (bootstrap_interval(*random_set(n), repeats=200) for n in (40, 1000))

    assert few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 2


def test_a_paired_bootstrap_sees_which_scores_are_better() -> None:
    noise, labels = random_set(300)
    good = noise + 2.0 * (labels == PRESENT)

    better = paired_bootstrap(noise, good, labels, repeats=200)
    worse = paired_bootstrap(good, noise, labels, repeats=200)
    same = paired_bootstrap(good, good, labels, repeats=50)

    assert better.low > 0
    assert worse.high < 0
    assert (same.low, same.value, same.high) == (0, 0, 0)


def test_the_same_seed_gives_the_same_interval() -> None:
    scores, labels = random_set()

    assert bootstrap_interval(scores, labels, seed=3) == bootstrap_interval(scores, labels, seed=3)


def test_nothing_to_measure_gives_nan_throughout() -> None:
    labels = np.zeros((4, 2), np.int8)

    interval = bootstrap_interval(np.zeros((4, 2)), labels)
    paired = paired_bootstrap(np.zeros((4, 2)), np.zeros((4, 2)), labels)

    assert np.isnan([interval.value, interval.low, paired.value, paired.high]).all()


def test_shapes_that_differ_and_levels_outside_are_refused() -> None:
    scores, labels = random_set()

    with pytest.raises(ValueError, match="differ in shape"):
        average_precision(scores[:-1], labels)
    with pytest.raises(ValueError, match="level must lie"):
        bootstrap_interval(scores, labels, level=1.0, repeats=2)


def test_scores_of_several_models_are_compared_within_the_images_of_each() -> None:
    first, labels = random_set(60, 4)
    second, _ = random_set(60, 4, seed=1)
    groups = np.arange(60) % 3
    shifted = second * (1 + groups[:, None]) + 10 * groups[:, None]

    overall, each = paired_bootstrap_by_category(first, shifted, labels, groups=groups, repeats=50)
    same = paired_bootstrap_by_category(first, second, labels, groups=groups, repeats=50)

    assert (overall, each) == same
    present = np.array([(labels[groups == g] == PRESENT).sum(axis=0) for g in range(3)])
    expected = [
        np.average(
            [by_scikit_learn(s[groups == g], labels[groups == g]) for g in range(3)],
            axis=0,
            weights=present,
        )
        for s in (first, second)
    ]
    values = [interval.value for interval in each]
    np.testing.assert_allclose(values, expected[1] - expected[0])
    assert overall.value == pytest.approx(np.mean(values))


def test_a_paired_bootstrap_by_category_is_that_of_each_category_alone() -> None:
    first, labels = random_set(60, 4)
    second, _ = random_set(60, 4, seed=1)

    overall, each = paired_bootstrap_by_category(first, second, labels, repeats=50)

    alone = [
        paired_bootstrap(first[:, [c]], second[:, [c]], labels[:, [c]], repeats=50)
        for c in range(4)
    ]
    np.testing.assert_allclose([astuple(i) for i in each], [astuple(i) for i in alone])
    assert overall == paired_bootstrap(first, second, labels, repeats=50)
    assert overall.value == pytest.approx(np.mean([interval.value for interval in each]))
    assert paired_bootstrap_by_category(first[:, :0], second[:, :0], labels[:, :0])[1] == []
