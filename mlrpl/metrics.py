"""Average precision on the labels that are known, with intervals over images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlrpl.labels import ABSENT, PRESENT

Scores = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]

ELEVEN = 11
"""Recalls at which VOC 2007 reads the precision."""


@dataclass(frozen=True)
class Interval:
    """A value with the range in which it lies at a level of confidence."""

    value: float
    low: float
    high: float


def average_precision(scores: Scores, labels: Labels) -> Floats:
    """Return each category's non-interpolated average precision over its known labels.

    Ties count against the ranking: among equal scores the absent ones come first, so that a
    constant score earns no more than the share of present labels. A score that is not a number is
    the lowest.

    Args:
        scores: `(N, C)`, higher says more surely present.
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`; unknown pairs are left out.

    Returns:
        `(C,)`, 0 to 1, NaN for a category without a present label.

    Raises:
        ValueError: If the shapes differ.
    """
    present, known = _ranked(scores, labels)
    return _divided(*_summed(present, known))


def interpolated_average_precision(scores: Scores, labels: Labels) -> Floats:
    """Return each category's average precision as PASCAL VOC 2007 took it, at eleven recalls.

    At each of the recalls 0, 0.1, ... 1 the highest precision that is reached at that recall or
    a greater one; their mean. Ties and unknown pairs as in `average_precision`.

    Args:
        scores: `(N, C)`.
        labels: `(N, C)`.

    Returns:
        `(C,)`, 0 to 1, NaN for a category without a present label.

    Source:
        Everingham et al., The PASCAL Visual Object Classes (VOC) Challenge, IJCV 2010, eq. 1-2.
    """
    present, known = _ranked(scores, labels)
    found = np.cumsum(present, axis=0)
    precision = found / np.maximum(np.cumsum(known, axis=0), 1.0)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    total = present.sum(axis=0)
    summed = np.zeros(labels.shape[1])
    for tenth in range(ELEVEN):
        # In whole numbers, since 3 of 10 found is a recall of 0.3 exactly.
        reached = found * (ELEVEN - 1) >= tenth * total
        summed += np.where(reached, best, 0.0).max(axis=0, initial=0.0)
    return np.where(total > 0, summed / ELEVEN, np.nan)


def mean_average_precision(
    scores: Scores, labels: Labels, min_present: int = 1, min_absent: int = 1
) -> float:
    """Return the mean of `average_precision` over the categories with enough known labels.

    Args:
        scores: `(N, C)`.
        labels: `(N, C)`.
        min_present: Present labels that a category needs to take part.
        min_absent: Absent labels that it needs.

    Returns:
        0 to 1, NaN if no category takes part.
    """
    takes_part = evaluated(labels, min_present, min_absent)
    if not takes_part.any():
        return float("nan")
    return float(average_precision(scores[:, takes_part], labels[:, takes_part]).mean())


def evaluated(labels: Labels, min_present: int = 1, min_absent: int = 1) -> npt.NDArray[np.bool_]:
    """Return `(C,)`, which categories have enough known labels to be measured on."""
    enough_present = (labels == PRESENT).sum(axis=0) >= max(min_present, 1)
    return np.asarray(enough_present & ((labels == ABSENT).sum(axis=0) >= min_absent))


def random_order(labels: Labels) -> Floats:
    """Return the average precision `(C,)` that a random order has on average, exactly.

    With P present among N known labels it is `(H + (P - 1) / (N - 1) * (N - H)) / N`, where H is
    the N-th harmonic number; NaN for a category without a present label.
    """
    present = (labels == PRESENT).sum(axis=0)
    known = present + (labels == ABSENT).sum(axis=0)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, known.max(initial=1) + 1))])
    rest = np.where(known > 1, (present - 1) / np.maximum(known - 1, 1), 0.0)
    expected = (harmonic[known] + rest * (known - harmonic[known])) / np.maximum(known, 1)
    return np.where(present > 0, expected, np.nan)


def bootstrap_interval(
    scores: Scores,
    labels: Labels,
    *,
    min_present: int = 1,
    min_absent: int = 1,
    level: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the mean average precision with a percentile interval over redrawn images.

    Args:
        scores: `(N, C)`.
        labels: `(N, C)`.
        min_present: See `mean_average_precision`; counted once, on the images as they are.
        min_absent: Likewise.
        level: Of confidence, above 0 and below 1.
        repeats: How often the images are redrawn; at least 1.
        seed: Of the draws.

    Returns:
        The interval; NaN throughout if no category takes part.
    """
    takes_part = evaluated(labels, min_present, min_absent)
    value = mean_average_precision(scores, labels, min_present, min_absent)
    if not takes_part.any():
        return Interval(value, value, value)
    ranking = _Ranking(scores[:, takes_part], labels[:, takes_part])
    draws = [ranking.mean(w) for w in _redrawn(len(labels), repeats, seed)]
    return _interval(value, np.array(draws), level)


def redrawn_precisions(scores: Scores, labels: Labels, *, repeats: int, seed: int = 0) -> Floats:
    """Return the mean average precision on images that are drawn again, `(repeats,)`.

    Any scores of the same images are measured on the same draws, if the seed is the same.

    Args:
        scores: `(N, C)`.
        labels: `(N, C)`.
        repeats: How often the images are redrawn.
        seed: Of the draws.

    Returns:
        0 to 1 each, NaN where no drawn image has a present label.
    """
    ranking = _Ranking(scores, labels)
    return np.array([ranking.mean(w) for w in _redrawn(len(labels), repeats, seed)])


def paired_bootstrap(
    first: Scores,
    second: Scores,
    labels: Labels,
    *,
    min_present: int = 1,
    min_absent: int = 1,
    level: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return by how much `second` has the higher mean average precision, over redrawn images.

    Both are measured on the same draws of the same images, so that what makes images easy or hard
    cancels out. If `high` is below 0, the second one is worse at half the rest of the level.

    Args:
        first: `(N, C)`.
        second: `(N, C)`.
        labels: `(N, C)`.
        min_present: See `mean_average_precision`; counted once, on the images as they are.
        min_absent: Likewise.
        level: Of confidence, above 0 and below 1.
        repeats: How often the images are redrawn; at least 1.
        seed: Of the draws.

    Returns:
        Second minus first, -1 to 1; NaN throughout if no category takes part.
    """
    takes_part = evaluated(labels, min_present, min_absent)
    compared = (first[:, takes_part], second[:, takes_part], labels[:, takes_part])
    return paired_bootstrap_by_category(*compared, level=level, repeats=repeats, seed=seed)[0]


def paired_bootstrap_by_category(
    first: Scores,
    second: Scores,
    labels: Labels,
    *,
    groups: npt.NDArray[np.int64] | None = None,
    level: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[Interval, list[Interval]]:
    """Return `paired_bootstrap` over all categories, and the same of each category alone.

    Args:
        first: `(N, C)`.
        second: `(N, C)`.
        labels: `(N, C)`.
        groups: `(N,)`, which images one model scored. Scores of several models are not on one
            scale, so images are ranked within their group, and the average precision of a category
            is the groups' mean, weighted by their present labels. None means one model.
        level: Of confidence, above 0 and below 1.
        repeats: How often the images are redrawn; at least 1.
        seed: Of the draws.

    Returns:
        The difference of the means, second minus first, and the `C` differences; all from the same
        draws. NaN where there is no present label.
    """
    if not labels.shape[1]:
        return Interval(float("nan"), float("nan"), float("nan")), []
    one, other = _Ranking(first, labels, groups), _Ranking(second, labels, groups)
    even = np.ones(len(labels))
    value = other.each(even) - one.each(even)
    draws = np.stack([other.each(w) - one.each(w) for w in _redrawn(len(labels), repeats, seed)])
    means = np.array([_mean(row) for row in draws])
    columns = zip(value, draws.T, strict=True)
    return (
        _interval(_mean(value), means, level),
        [_interval(float(v), drawn, level) for v, drawn in columns],
    )


def grouped_average_precision(
    scores: Scores, labels: Labels, groups: npt.NDArray[np.int64]
) -> Floats:
    """Return the average precision `(C,)` of images ranked within their group.

    Args:
        scores: `(N, C)`.
        labels: `(N, C)`.
        groups: `(N,)`; see `paired_bootstrap_by_category`.
    """
    return _Ranking(scores, labels, groups).each(np.ones(len(labels)))


class _Ranking:
    """A sorted score matrix whose mean average precision can be taken for many image weights."""

    def __init__(
        self, scores: Scores, labels: Labels, groups: npt.NDArray[np.int64] | None = None
    ) -> None:
        _require_one_shape(scores, labels)
        groups = np.zeros(len(labels), np.int64) if groups is None else groups
        self._empty = np.zeros((2, labels.shape[1]))
        self._parts = []
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            order = _order(scores[rows], labels[rows])
            self._parts.append((rows[order], *_ranked(scores[rows], labels[rows], order)))

    def each(self, weights: Floats) -> Floats:
        """Return the average precision `(C,)` when image i counts `weights[i]` times."""
        sums = self._empty.copy()
        for order, present, known in self._parts:
            drawn = weights[order]
            sums += _summed(present * drawn, known * drawn)
        return _divided(*sums)

    def mean(self, weights: Floats) -> float:
        """Return the mean of `each` over the categories that have one."""
        return _mean(self.each(weights))


def _mean(each: Floats) -> float:
    return float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")


def _require_one_shape(scores: Scores, labels: Labels) -> None:
    if scores.shape != labels.shape:
        raise ValueError(f"scores {scores.shape} and labels {labels.shape} differ in shape")


def _order(scores: Scores, labels: Labels) -> npt.NDArray[np.intp]:
    _require_one_shape(scores, labels)
    downwards = np.where(np.isnan(scores), np.inf, -np.asarray(scores, dtype=np.float64))
    return np.lexsort((labels == PRESENT, downwards), axis=0)


def _ranked(
    scores: Scores, labels: Labels, order: npt.NDArray[np.intp] | None = None
) -> tuple[Floats, Floats]:
    order = _order(scores, labels) if order is None else order
    sorted_labels = np.take_along_axis(labels, order, axis=0)
    present = sorted_labels == PRESENT
    return present.astype(np.float64), (present | (sorted_labels == ABSENT)).astype(np.float64)


def _summed(present: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Return the sum of the precisions at all present labels, and their number, both `(C,)`."""
    found = np.cumsum(present, axis=0)
    seen = np.cumsum(known, axis=0)
    precision = found / np.where(seen > 0, seen, 1.0)
    return (present * precision).sum(axis=0), present.sum(axis=0)


def _divided(summed: Floats, total: Floats) -> Floats:
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)


def _redrawn(images: int, repeats: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    even = np.full(images, 1 / images)
    for _ in range(repeats):
        yield rng.multinomial(images, even).astype(np.float64)


def _interval(value: float, draws: Floats, level: float) -> Interval:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    draws = draws[~np.isnan(draws)]
    low, high = (
        np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]) if len(draws) else (value,) * 2
    )
    return Interval(value, float(low), float(high))
