"""The three label states as numbers; nowhere else do they exist as numbers."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

PRESENT = 1
UNKNOWN = 0
ABSENT = -1

Missingness = Literal[
    "uniform",
    "positives_only",
    "one_positive_per_image",
    "size_biased",
    "frequency_biased",
    "fixed_per_category",
]
"""Which labels an experiment leaves; `hide_labels` says what each kind means."""


def known_mask(labels: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Return where a label is known, in the shape of `labels`."""
    return np.not_equal(labels, UNKNOWN)


def hide_labels(
    labels: npt.NDArray[np.int8],
    keep: float,
    kind: Missingness,
    rng: np.random.Generator,
    *,
    sizes: npt.NDArray[np.floating] | None = None,
    count: int = 5,
) -> npt.NDArray[np.int8]:
    """Return a copy in which labels were made unknown, as an experiment needs it.

    - `uniform`: labels of both signs stay with probability `keep`, independent of all others.
    - `positives_only`: present ones do; no absent one stays.
    - `one_positive_per_image`: one present label of an image, drawn at random, does.
    - `size_biased`: a present label's probability grows in proportion to its size, `keep` on
      average and at most 1; absent labels stay with probability `keep`.
    - `frequency_biased`: the probability of labels of both signs grows in proportion to their
      category's number of present ones, `keep` on average and at most 1.
    - `fixed_per_category`: `count` present and `count` absent labels of every category, drawn at
      random, or all where there are fewer; each of these with probability `keep`.

    Args:
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`; what is unknown stays unknown.
        keep: 0 to 1.
        kind: One of the above.
        rng: Where the chance comes from.
        sizes: `(N, C)`, not negative, how large each present category is in its picture; for
            `size_biased` only.
        count: For `fixed_per_category` only; 0 or more.

    Returns:
        `(N, C)` int8.

    Raises:
        ValueError: If an argument is not as described.
    """
    if not 0 <= keep <= 1:
        raise ValueError(f"keep must lie in 0 to 1, got {keep}")
    if kind not in get_args(Missingness):
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(get_args(Missingness))}")
    if kind == "one_positive_per_image":
        stays = _one_present_each(labels, rng) & (rng.random(len(labels)) < keep)[:, None]
    elif kind == "fixed_per_category":
        stays = _some_of_each(labels, count, rng) & (rng.random(labels.shape) < keep)
    else:
        stays = rng.random(labels.shape) < _odds(labels, keep, kind, sizes)
    return np.where(stays, labels, UNKNOWN).astype(np.int8)


def _odds(
    labels: npt.NDArray[np.int8],
    keep: float,
    kind: Missingness,
    sizes: npt.NDArray[np.floating] | None,
) -> npt.NDArray[np.float64]:
    """Return each label's probability to stay, `(N, C)`, where labels stay independently."""
    odds = np.full(labels.shape, keep, dtype=np.float64)
    present = np.equal(labels, PRESENT)
    if kind == "positives_only":
        odds[~present] = 0.0
    elif kind == "frequency_biased":
        known = known_mask(labels)
        frequency = np.broadcast_to(present.sum(axis=0).astype(np.float64), labels.shape)
        odds[known] = _in_proportion(frequency[known], keep)
    elif kind == "size_biased":
        if sizes is None or sizes.shape != labels.shape or not (sizes >= 0).all():
            raise ValueError("size_biased needs `sizes`, one that is not negative for every label")
        odds[present] = _in_proportion(sizes[present].astype(np.float64), keep)
    return odds


def _in_proportion(amounts: npt.NDArray[np.float64], mean: float) -> npt.NDArray[np.float64]:
    """Return probabilities in proportion to amounts `(n,)`, capped at 1, with a given mean."""
    if not len(amounts) or not amounts.max() > 0:
        return np.full(amounts.shape, mean)
    # Pairs without any amount stay only where all others already do.
    shares = np.maximum(amounts / amounts.max(), 1e-9)
    low, high = 0.0, 1e9
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.minimum(1, middle * shares).mean() < mean else (low, middle)
        )
    return np.asarray(np.minimum(1, high * shares), dtype=np.float64)


def _some_of_each(
    labels: npt.NDArray[np.int8], count: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return `(N, C)`, which labels are among `count` drawn of each sign and category."""
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    lots = rng.random(labels.shape)
    drawn = np.zeros(labels.shape, dtype=bool)
    for state in (PRESENT, ABSENT):
        mine = np.equal(labels, state)
        places = np.where(mine, lots, 2.0).argsort(axis=0).argsort(axis=0)
        drawn |= mine & (places < count)
    return drawn


def _one_present_each(
    labels: npt.NDArray[np.int8], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    lots = np.where(labels == PRESENT, rng.random(labels.shape), -1.0)
    drawn = np.zeros(labels.shape, dtype=bool)
    drawn[np.arange(len(labels)), lots.argmax(axis=1)] = True
    return np.logical_and(drawn, np.equal(labels, PRESENT))
