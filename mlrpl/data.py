"""What methods are trained on: features and labels of the same images, checked once, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

_BLOCK = 4096
"""Rows whose features are looked through at a time."""


@dataclass(frozen=True)
class Features:
    """What a frozen backbone says about a batch of images."""

    pooled: Tensor | None = None
    """`(B, D)` float32, one vector an image."""
    tokens: Tensor | None = None
    """`(B, P, T)` float32, one vector a position of the map."""
    images: Tensor | None = None
    """`(B, 3, S, S)` float32, prepared pictures; only where a backbone is trained as well."""

    def to(self, device: str) -> Features:
        """Return the same features on a device."""
        return Features(*(None if x is None else x.to(device) for x in _members(self)))


@dataclass(frozen=True)
class Batch:
    """Some images with what is known about them."""

    features: Features
    labels: Tensor
    """`(B, C)` int8, each `PRESENT`, `UNKNOWN` or `ABSENT`."""
    weights: Tensor
    """`(B, C)` float32, how much each label counts; of no meaning where the label is unknown."""
    rows: Tensor | None = None
    """`(B,)` int64, which rows of the training data these are."""

    def to(self, device: str) -> Batch:
        """Return the same batch on a device."""
        labels, weights = self.labels.to(device), self.weights.to(device)
        rows = None if self.rows is None else self.rows.to(device)
        return Batch(self.features.to(device), labels, weights, rows)


def _members(features: Features) -> tuple[Tensor | None, ...]:
    return features.pooled, features.tokens, features.images


@dataclass(frozen=True)
class Dimensions:
    """The sizes that a method is built for."""

    categories: int
    pooled: int
    """Length of a pooled vector."""
    positions: int = 0
    """Positions of the token map; 0 where there are no tokens."""
    token: int = 0
    """Length of a token; 0 where there are no tokens."""

    def __post_init__(self) -> None:
        if self.categories < 1:
            raise ValueError(f"a method needs at least 1 category, got {self.categories}")
        if min(self.pooled, self.positions, self.token) < 0:
            raise ValueError(f"sizes must not be negative, got {self}")


class TrainingData:
    """Features and labels of the same images, in memory or mapped from disk."""

    def __init__(
        self,
        labels: npt.NDArray[np.int8],
        *,
        pooled: npt.NDArray[np.floating] | None = None,
        tokens: npt.NDArray[np.floating] | None = None,
        weights: npt.NDArray[np.float32] | None = None,
        shown: npt.NDArray[np.bool_] | None = None,
        shown_weight: float = 0.5,
        pictures: Callable[[npt.NDArray[np.int64]], Tensor] | None = None,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Put the arrays together; features are not copied, those in use are read once.

        Args:
            labels: `(N, C)` int8, each `PRESENT`, `UNKNOWN` or `ABSENT`.
            pooled: `(N, D)`; finite in the rows in use.
            tokens: `(N, P, T)`; finite in the rows in use.
            weights: `(N, C)`, how much each label counts; None means 1.
            shown: `(N, C)`, pairs that a person had on the screen and left unmarked. Where nothing
                is known about them they become absent.
            shown_weight: How much these count beside a known label, 0 to 1: how likely a person
                is to mark what is there.
            pictures: Returns prepared pictures `(B, 3, S, S)` of some images, for methods that
                train their backbone.
            rows: Indices of the images to be used, in any order; None means all.

        Raises:
            ValueError: If an array has too few rows or another shape, a label is none, an index
                lies outside, or a feature in use is not a finite number.
        """
        _check_shapes(labels, pooled, tokens, weights, shown)
        count = len(labels)
        if not 0 <= shown_weight <= 1:
            raise ValueError(f"shown_weight must lie in 0 to 1, got {shown_weight}")
        if shown is not None:
            labels, weights = _with_visits(labels, weights, shown, shown_weight)
        self.labels = labels
        self.pooled = pooled
        self.tokens = tokens
        self.weights = weights
        self.pictures = pictures
        self.rows = np.arange(count) if rows is None else np.asarray(rows, dtype=np.int64)
        if len(self.rows) and not 0 <= self.rows.min() <= self.rows.max() < count:
            raise ValueError(f"rows must lie in 0 to {count - 1}, got up to {self.rows.max()}")
        if labels.size and not ABSENT <= labels.min() <= labels.max() <= PRESENT:
            raise ValueError(
                f"labels must be {ABSENT} (absent), {UNKNOWN} (unknown) or {PRESENT} (present), "
                f"got {labels.min()} to {labels.max()}"
            )
        for name, array in (("pooled", pooled), ("tokens", tokens)):
            if array is not None:
                _check_finite(name, array, self.rows)

    def __len__(self) -> int:
        """Return how many images are used."""
        return len(self.rows)

    def known_labels(self) -> npt.NDArray[np.int8]:
        """Return the labels of the rows in use, `(len(self), C)`."""
        return self.labels[self.rows]

    def check_dimensions(self, dimensions: Dimensions) -> None:
        """Return if a method of these dimensions can be trained on this.

        Raises:
            ValueError: If it was built for another number of categories or other features.
        """
        expected: dict[str, tuple[npt.NDArray[Any], tuple[int, ...]]] = {
            "labels": (self.labels, (dimensions.categories,))
        }
        if self.pooled is not None and dimensions.pooled:
            expected["pooled"] = (self.pooled, (dimensions.pooled,))
        if self.tokens is not None and dimensions.token:
            expected["tokens"] = (self.tokens, (dimensions.positions, dimensions.token))
        for name, (array, shape) in expected.items():
            if array.shape[1:] != shape:
                raise ValueError(
                    f"the method was built for {name} of shape {('N', *shape)}, the data have "
                    f"{array.shape}; build it with the dimensions of the data"
                )

    def features(self, rows: npt.NDArray[np.int64]) -> Features:
        """Return the features of some images (indices into the arrays), as float32."""
        images = None if self.pictures is None else self.pictures(rows)
        return Features(_tensor(self.pooled, rows), _tensor(self.tokens, rows), images)

    def batch(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Return some images (indices into the arrays) with their labels."""
        labels = torch.from_numpy(self.labels[rows])
        if self.weights is None:
            weights = torch.ones(labels.shape, dtype=torch.float32)
        else:
            weights = torch.from_numpy(np.asarray(self.weights[rows], dtype=np.float32))
        return Batch(self.features(rows), labels, weights, torch.from_numpy(rows))

    def batches(
        self,
        batch_size: int,
        generator: torch.Generator | None = None,
        *,
        shuffle: bool = False,
    ) -> Iterator[Batch]:
        """Yield the rows in use once, in batches; the last one may be smaller."""
        batches = self.row_batches(batch_size, generator, shuffle=shuffle)
        for rows in _announced(batches, getattr(self.pictures, "prefetch", None)):
            yield self.batch(rows)

    def row_batches(
        self,
        batch_size: int,
        generator: torch.Generator | None = None,
        *,
        shuffle: bool = False,
    ) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the same as `batches` does, as indices into the arrays."""
        order = np.asarray(self.rows)
        if shuffle:
            order = order[torch.randperm(len(order), generator=generator).numpy()]
        for start in range(0, len(order), batch_size):
            yield order[start : start + batch_size]


def _announced(
    batches: Iterator[npt.NDArray[np.int64]],
    prefetch: Callable[[npt.NDArray[np.int64]], None] | None,
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the same, announcing each batch while the one before is used, so that it is read."""
    waiting = next(batches, None)
    while waiting is not None:
        following = next(batches, None)
        if prefetch is not None and following is not None:
            prefetch(waiting)
            prefetch(following)
        yield waiting
        waiting = following


def _with_visits(
    labels: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float32] | None,
    shown: npt.NDArray[np.bool_],
    shown_weight: float,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return labels and weights in which unmarked pairs are absent, as far as that can be said."""
    unmarked = shown & (labels == UNKNOWN)
    if not shown_weight:
        unmarked = np.zeros_like(unmarked)
    known = np.ones(labels.shape, np.float32) if weights is None else weights
    return (
        np.where(unmarked, ABSENT, labels).astype(np.int8),
        np.where(unmarked, shown_weight, known).astype(np.float32),
    )


def _check_shapes(
    labels: npt.NDArray[Any],
    pooled: npt.NDArray[Any] | None,
    tokens: npt.NDArray[Any] | None,
    weights: npt.NDArray[Any] | None,
    shown: npt.NDArray[Any] | None,
) -> None:
    if labels.ndim != 2:
        raise ValueError(f"labels must be (N, C), one column a category, got {labels.shape}")
    count, categories = labels.shape
    for name, array, shape in (
        ("pooled", pooled, ("D",)),
        ("tokens", tokens, ("P", "T")),
        ("weights", weights, (categories,)),
        ("shown", shown, (categories,)),
    ):
        if array is None:
            continue
        if len(array) < count:
            raise ValueError(
                f"{name} has {len(array)} rows for {count} images; give one row an image"
            )
        fixed = all(isinstance(size, str) for size in shape) or array.shape[1:] == shape
        if array.ndim != 1 + len(shape) or not fixed:
            wanted = ", ".join(str(size) for size in ("N", *shape))
            raise ValueError(f"{name} must have the shape ({wanted}), got {array.shape}")


def require_token_maps(name: str, dimensions: Dimensions, data: TrainingData) -> None:
    """Return if data have the token maps and categories that a method was built for.

    Args:
        name: Of the method, with which the message begins.
        dimensions: What it was built for.
        data: What it is given.

    Raises:
        ValueError: If not.
    """
    if data.tokens is None:
        raise ValueError(f"{name} reads token maps; give `tokens`")
    expected = (dimensions.positions, dimensions.token)
    if data.tokens.shape[1:] != expected:
        raise ValueError(
            f"tokens of an image must have the shape {expected}, got {data.tokens.shape[1:]}; "
            "build the method for these dimensions"
        )
    if data.labels.shape[1:] != (dimensions.categories,):
        raise ValueError(
            f"expected labels of {dimensions.categories} categories, "
            f"got {data.labels.shape[1]}; give one column a category"
        )


def _check_finite(name: str, array: npt.NDArray[np.floating], rows: npt.NDArray[np.int64]) -> None:
    bad: list[int] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        values = torch.from_numpy(array[block]).flatten(1)
        # A sum is finite only if every entry is; it reads each one once and keeps none.
        suspected = (~torch.isfinite(values.sum(dim=1, dtype=torch.float32))).nonzero()[:, 0]
        finite = torch.isfinite(values[suspected]).all(dim=1)
        bad += block[suspected[~finite].numpy()].tolist()
    if bad:
        raise ValueError(
            f"{name} has {len(bad)} rows in use with NaN or infinite values, the first is row "
            f"{min(bad)}; compute their features again or leave them out of `rows`"
        )


def _tensor(array: npt.NDArray[np.floating] | None, rows: npt.NDArray[np.int64]) -> Tensor | None:
    if array is None:
        return None
    return torch.from_numpy(np.asarray(array[rows], dtype=np.float32))
