"""Hiding labels for experiments."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels, known_mask


def full_labels(rows: int = 400, columns: int = 20) -> np.ndarray:
    present = np.random.default_rng(7).random((rows, columns)) < 0.2
    return np.where(present, PRESENT, ABSENT).astype(np.int8)


def test_only_unknown_labels_are_not_known() -> None:
    labels = np.array([[PRESENT, UNKNOWN, ABSENT]], np.int8)

    assert known_mask(labels).tolist() == [[True, False, True]]


@pytest.mark.parametrize(
    "kind", ["uniform", "positives_only", "one_positive_per_image", "frequency_biased"]
)
def test_what_stays_is_as_it_was_and_the_original_is_untouched(kind) -> None:
    labels = full_labels()
    before = labels.copy()

    hidden = hide_labels(labels, 0.5, kind, np.random.default_rng(0))

    assert (labels == before).all()
    assert hidden.dtype == np.int8
    assert (hidden[hidden != UNKNOWN] == labels[hidden != UNKNOWN]).all()


def test_uniform_keeps_the_same_share_of_both_signs() -> None:
    labels = full_labels()

    hidden = hide_labels(labels, 0.1, "uniform", np.random.default_rng(0))

    for state in (PRESENT, ABSENT):
        assert (hidden == state).sum() / (labels == state).sum() == pytest.approx(0.1, abs=0.02)


def test_positives_only_keeps_no_absent_label() -> None:
    labels = full_labels()

    assert (hide_labels(labels, 1, "positives_only", np.random.default_rng(0)) != ABSENT).all()
    assert (
        hide_labels(labels, 1, "positives_only", np.random.default_rng(0)) == PRESENT
    ).sum() == (labels == PRESENT).sum()


def test_one_positive_per_image_keeps_one_where_there_is_any() -> None:
    labels = full_labels()
    labels[3] = ABSENT

    hidden = hide_labels(labels, 1, "one_positive_per_image", np.random.default_rng(0))

    assert (hidden == PRESENT).sum(axis=1).tolist() == (labels == PRESENT).any(axis=1).tolist()
    assert (hidden != ABSENT).all()


def test_the_one_positive_is_drawn_evenly() -> None:
    labels = np.tile(np.array([PRESENT, ABSENT, PRESENT], np.int8), (2000, 1))

    hidden = hide_labels(labels, 1, "one_positive_per_image", np.random.default_rng(0))

    assert (hidden[:, 0] == PRESENT).mean() == pytest.approx(0.5, abs=0.05)


def test_large_things_stay_more_often_and_absent_labels_as_often_as_asked() -> None:
    labels = full_labels(4000)
    sizes = np.where(np.arange(20) < 10, 1.0, 3.0) * np.ones((4000, 1))

    hidden = hide_labels(labels, 0.2, "size_biased", np.random.default_rng(0), sizes=sizes)

    kept = (hidden == PRESENT).sum(axis=0) / (labels == PRESENT).sum(axis=0)
    assert kept[:10].mean() == pytest.approx(0.1, abs=0.02)
    assert kept[10:].mean() == pytest.approx(0.3, abs=0.02)
    assert (hidden == ABSENT).sum() / (labels == ABSENT).sum() == pytest.approx(0.2, abs=0.01)


def test_what_has_no_size_stays_only_when_all_others_do() -> None:
    labels = np.full((2000, 2), PRESENT, np.int8)
    sizes = np.tile([0.0, 5.0], (2000, 1))

    few = hide_labels(labels, 0.4, "size_biased", np.random.default_rng(0), sizes=sizes)
    many = hide_labels(labels, 0.75, "size_biased", np.random.default_rng(0), sizes=sizes)

    assert (few != UNKNOWN).mean(axis=0).tolist() == pytest.approx([0.0, 0.8], abs=0.03)
    assert (many != UNKNOWN).mean(axis=0).tolist() == pytest.approx([0.5, 1.0], abs=0.03)


def test_frequent_categories_keep_a_larger_share_of_both_signs() -> None:
    labels = np.full((3000, 2), ABSENT, np.int8)
    labels[:300, 0] = PRESENT
    labels[:900, 1] = PRESENT

    hidden = hide_labels(labels, 0.2, "frequency_biased", np.random.default_rng(0))

    assert (hidden != UNKNOWN).mean(axis=0).tolist() == pytest.approx([0.1, 0.3], abs=0.03)
    assert (hidden == PRESENT).sum(axis=0).tolist() == pytest.approx([30, 270], abs=40)


def test_a_fixed_number_of_each_sign_is_drawn_for_every_category() -> None:
    labels = full_labels()
    labels[:, 0] = ABSENT
    labels[:3, 0] = PRESENT
    labels[3:50, 1] = UNKNOWN

    hidden = hide_labels(labels, 1, "fixed_per_category", np.random.default_rng(0), count=7)

    assert (hidden == PRESENT).sum(axis=0).tolist() == [3] + [7] * 19
    assert (hidden == ABSENT).sum(axis=0).tolist() == [7] * 20
    assert (hidden[hidden != UNKNOWN] == labels[hidden != UNKNOWN]).all()


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("size_biased", {}),
        ("size_biased", {"sizes": np.ones((2, 2))}),
        ("size_biased", {"sizes": np.full((400, 20), -1.0)}),
        ("fixed_per_category", {"count": -1}),
    ],
)
def test_missing_sizes_and_negative_counts_are_refused(kind, wrong) -> None:
    with pytest.raises(ValueError, match=r"sizes|count"):
        hide_labels(full_labels(), 0.5, kind, np.random.default_rng(0), **wrong)


@pytest.mark.parametrize(("keep", "kind"), [(1.5, "uniform"), (0.5, "some")])
def test_nonsense_is_refused(keep, kind) -> None:
    with pytest.raises(ValueError, match=r"keep must lie|unknown kind"):
        hide_labels(full_labels(), keep, kind, np.random.default_rng(0))
