"""Training data that do not fit are refused before anything is learned from them."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.data import Dimensions
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.training import TrainingData

LABELS = np.zeros((5, 2), np.int8)


@pytest.mark.parametrize("wrong", [2, -2, 100])
def test_a_label_that_is_none_is_refused(wrong: int) -> None:
    labels = LABELS.copy()
    labels[3, 1] = wrong

    with pytest.raises(ValueError, match=r"labels must be -1 .* 0 .* or 1 .*, got"):
        TrainingData(labels)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"weights": np.ones((5, 3))}, r"weights must have the shape \(N, 2\), got \(5, 3\)"),
        ({"weights": np.ones(5)}, r"weights must have the shape \(N, 2\), got \(5,\)"),
        ({"shown": np.ones((5, 1), bool)}, r"shown must have the shape \(N, 2\), got \(5, 1\)"),
        ({"shown": np.ones((4, 2), bool)}, "shown has 4 rows for 5 images"),
        ({"pooled": np.ones((5, 2, 2))}, r"pooled must have the shape \(N, D\), got \(5, 2, 2\)"),
        ({"tokens": np.ones((5, 2))}, r"tokens must have the shape \(N, P, T\), got \(5, 2\)"),
    ],
)
def test_an_array_of_another_shape_is_refused(arrays: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingData(LABELS, **arrays)


def test_labels_need_a_column_for_each_category() -> None:
    with pytest.raises(ValueError, match=r"labels must be \(N, C\)"):
        TrainingData(np.zeros(5, np.int8))


@pytest.mark.parametrize("name", ["pooled", "tokens"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_features_in_use_that_are_no_numbers_are_counted(name: str, dtype: type) -> None:
    features = np.ones((9000, 2, 2), dtype)
    features[4100, 0, 0] = np.nan
    features[8999, 1, 1] = np.inf
    features[7, 0, 1], features[7, 1, 0] = np.inf, -np.inf
    arrays = {name: features if name == "tokens" else features.reshape(9000, 4)}
    labels = np.zeros((9000, 2), np.int8)
    order = np.random.default_rng(0).permutation(9000)

    with pytest.raises(ValueError, match=f"{name} has 3 rows in use .* the first is row 7;"):
        TrainingData(labels, **arrays, rows=order)
    others = order[~np.isin(order, [7, 4100, 8999])]
    assert len(TrainingData(labels, **arrays, rows=others)) == 8997


def test_large_features_whose_sum_overflows_are_numbers_all_the_same() -> None:
    pooled = np.full((5, 10), 3e38, np.float32)

    assert len(TrainingData(LABELS, pooled=pooled)) == 5


def test_features_that_nobody_may_write_to_are_read(tmp_path) -> None:
    np.save(tmp_path / "pooled.npy", np.ones((5, 3), np.float16))
    mapped = np.load(tmp_path / "pooled.npy", mmap_mode="r")

    batch = TrainingData(LABELS, pooled=mapped).batch(np.array([1, 4]))

    assert batch.features.pooled.shape == (2, 3)


def test_data_of_other_dimensions_than_the_method_are_refused() -> None:
    data = TrainingData(LABELS, pooled=np.ones((5, 3)), tokens=np.ones((5, 2, 4)))

    data.check_dimensions(Dimensions(2, 3, 2, 4))
    data.check_dimensions(Dimensions(2, 3))
    for wrong in (Dimensions(3, 3), Dimensions(2, 4), Dimensions(2, 3, 2, 5)):
        with pytest.raises(ValueError, match="the method was built for"):
            data.check_dimensions(wrong)


def test_what_was_shown_and_left_unmarked_is_absent_with_a_weight_of_its_own() -> None:
    labels = np.array([[PRESENT, UNKNOWN], [UNKNOWN, ABSENT], [UNKNOWN, UNKNOWN]], np.int8)
    weights = np.full((3, 2), 0.8, np.float32)
    shown = np.array([[True, True], [True, True], [False, False]])

    seen = TrainingData(labels, weights=weights, shown=shown, shown_weight=0.25)

    assert seen.labels.tolist() == [[PRESENT, ABSENT], [ABSENT, ABSENT], [UNKNOWN, UNKNOWN]]
    assert seen.weights is not None
    assert seen.weights[0] == pytest.approx([0.8, 0.25])
    assert seen.weights[1] == pytest.approx([0.25, 0.8])
    assert labels[0, 1] == UNKNOWN


def test_visits_that_weigh_nothing_change_nothing() -> None:
    labels = np.array([[PRESENT, UNKNOWN]], np.int8)

    seen = TrainingData(labels, shown=np.ones((1, 2), bool), shown_weight=0.0)

    assert (seen.labels == labels).all()
    with pytest.raises(ValueError, match="shown_weight must lie in 0 to 1, got 2"):
        TrainingData(labels, shown_weight=2)
