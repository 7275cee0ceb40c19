"""The three label states as numbers; nowhere else do they exist as numbers."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

PRESENT = 1
UNKNOWN = 0
ABSENT = -1

Missingness = Literal["uniform", "positives_only", "one_positive_per_image"]
"""Which labels an experiment leaves: some of all, some present ones, or one present an image."""


def known_mask(labels: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Return where a label is known, in the shape of `labels`."""
    return np.not_equal(labels, UNKNOWN)


def hide_labels(
    labels: npt.NDArray[np.int8], keep: float, kind: Missingness, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Return a copy in which labels were made unknown, as an experiment needs it.

    Args:
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`; what is unknown stays unknown.
        keep: Probability of each label to stay, 0 to 1, independent of all others. With
            `one_positive_per_image` it is the probability of an image to keep its one label.
        kind: `uniform` keeps labels of both signs, `positives_only` present ones,
            `one_positive_per_image` one present label of an image, drawn at random.
        rng: Where the chance comes from.

    Returns:
        `(N, C)` int8.

    Raises:
        ValueError: If `keep` or `kind` is not one of these.
    """
    if not 0 <= keep <= 1:
        raise ValueError(f"keep must lie in 0 to 1, got {keep}")
    if kind not in get_args(Missingness):
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(get_args(Missingness))}")
    if kind == "one_positive_per_image":
        stays = _one_present_each(labels, rng) & (rng.random(len(labels)) < keep)[:, None]
    else:
        stays = rng.random(labels.shape) < keep
        if kind == "positives_only":
            stays &= labels == PRESENT
    return np.where(stays, labels, UNKNOWN).astype(np.int8)


def _one_present_each(
    labels: npt.NDArray[np.int8], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    lots = np.where(labels == PRESENT, rng.random(labels.shape), -1.0)
    drawn = np.zeros(labels.shape, dtype=bool)
    drawn[np.arange(len(labels)), lots.argmax(axis=1)] = True
    return np.logical_and(drawn, np.equal(labels, PRESENT))
