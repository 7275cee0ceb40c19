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


@pytest.mark.parametrize("kind", ["uniform", "positives_only", "one_positive_per_image"])
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


@pytest.mark.parametrize(("keep", "kind"), [(1.5, "uniform"), (0.5, "some")])
def test_nonsense_is_refused(keep, kind) -> None:
    with pytest.raises(ValueError, match=r"keep must lie|unknown kind"):
        hide_labels(full_labels(), keep, kind, np.random.default_rng(0))
