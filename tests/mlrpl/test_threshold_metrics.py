"""Precision, recall and F1 of decisions against scikit-learn."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.metrics import interpolated_average_precision
from mlrpl.threshold_metrics import above, decision_scores, mean_by_positives, top


def random_set(rows: int = 80, columns: int = 6, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = rng.choice([PRESENT, UNKNOWN, ABSENT], (rows, columns), p=[0.3, 0.2, 0.5])
    return rng.random((rows, columns)), labels.astype(np.int8)


def test_overall_figures_equal_scikit_learns_micro_average_of_the_known_pairs() -> None:
    scores, labels = random_set()
    known = labels != UNKNOWN

    found = asdict(decision_scores(above(scores, 0.4), labels))

    truth, said = labels[known] == PRESENT, scores[known] >= 0.4
    assert found["OP"] == pytest.approx(precision_score(truth, said))
    assert found["OR"] == pytest.approx(recall_score(truth, said))
    assert found["OF1"] == pytest.approx(
        2 * found["OP"] * found["OR"] / (found["OP"] + found["OR"])
    )


def test_figures_by_category_equal_the_means_of_scikit_learns() -> None:
    scores, labels = random_set(seed=1)

    found = asdict(decision_scores(above(scores), labels))

    columns = [
        (y[y != UNKNOWN] == PRESENT, s[y != UNKNOWN] >= 0.5)
        for y, s in zip(labels.T, scores.T, strict=True)
    ]
    precision = np.mean([precision_score(*column, zero_division=0) for column in columns])
    recall = np.mean([recall_score(*column) for column in columns])
    assert found["CP"] == pytest.approx(precision)
    assert found["CR"] == pytest.approx(recall)
    assert found["CF1"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_unknown_truth_counts_nowhere() -> None:
    scores, labels = random_set(seed=2)
    changed = np.where(labels == UNKNOWN, 1 - scores, scores)

    assert decision_scores(above(changed), labels) == decision_scores(above(scores), labels)


def test_each_category_may_have_a_threshold_of_its_own() -> None:
    scores = np.array([[0.2, 0.2], [0.6, 0.6]])

    assert above(scores, np.array([0.1, 0.6])).tolist() == [[True, False], [True, True]]


def test_the_top_three_are_said_whatever_their_scores() -> None:
    scores = np.array([[0.1, 0.4, 0.3, 0.2], [0.9, 0.9, 0.9, 0.9], [np.nan, 0.1, 0.1, 0.1]])

    assert top(scores).tolist() == [
        [False, True, True, True],
        [True, True, True, False],
        [False, True, True, True],
    ]
    assert top(scores, 9).all()
    with pytest.raises(ValueError, match="count must be at least 1"):
        top(scores, 0)


def test_a_category_without_a_present_label_has_no_part_in_the_means() -> None:
    labels = np.array([[PRESENT, ABSENT], [ABSENT, ABSENT]], np.int8)
    said = np.array([[True, True], [False, False]])

    found = decision_scores(said, labels)

    assert (found.CP, found.CR, found.CF1) == (1.0, 1.0, 1.0)
    assert (found.OP, found.OR) == (0.5, 1.0)


@pytest.mark.parametrize("said", [False, True])
def test_nothing_present_gives_zeros_and_no_warning(said: bool) -> None:
    labels = np.full((3, 2), UNKNOWN, dtype=np.int8)

    found = decision_scores(np.full((3, 2), said), labels)

    assert (found.OP, found.OR, found.OF1, found.CP, found.CR, found.CF1) == (0,) * 6


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        decision_scores(np.zeros((2, 2), bool), np.zeros((2, 3), np.int8))


def test_eleven_points_equal_those_on_scikit_learns_curve() -> None:
    scores, labels = random_set(rows=150)

    found = interpolated_average_precision(scores, labels)

    for column in range(labels.shape[1]):
        known = labels[:, column] != UNKNOWN
        precision, recall, _ = precision_recall_curve(
            labels[known, column] == PRESENT, scores[known, column]
        )
        # The last point, precision 1 at recall 0, is scikit-learn's own: nothing was said there.
        reached = [recall[:-1] >= tenth / 10 - 1e-12 for tenth in range(11)]
        points = [precision[:-1][at].max() for at in reached]
        assert found[column] == pytest.approx(np.mean(points))


def test_eleven_points_by_hand() -> None:
    scores = np.array([[4.0], [3.0], [2.0], [1.0]])
    labels = np.array([[PRESENT], [ABSENT], [UNKNOWN], [PRESENT]], np.int8)

    # Recalls 0 to 0.5 are reached with precision 1, the others with 2 of 3.
    expected = (6 * 1 + 5 * 2 / 3) / 11
    assert interpolated_average_precision(scores, labels)[0] == pytest.approx(expected)


def test_without_a_present_label_there_are_no_eleven_points() -> None:
    labels = np.array([[ABSENT, UNKNOWN], [ABSENT, UNKNOWN]], np.int8)

    assert np.isnan(interpolated_average_precision(np.ones((2, 2)), labels)).all()


def test_categories_are_averaged_by_their_present_training_labels() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.5, 0.9, np.nan, 0.7])
    positives = np.array([0, 1, 5, 6, 21, 2, 20])

    found = mean_by_positives(values, positives)

    assert found == {
        "1-5": pytest.approx(0.25),
        "6-20": pytest.approx(0.6),
        ">20": pytest.approx(0.9),
    }
    assert np.isnan(mean_by_positives(values[:1], positives[:1])["1-5"])
