"""Precision, recall and F1 of decisions, overall and per category, and figures by frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlrpl.labels import ABSENT, PRESENT

Labels = npt.NDArray[np.int8]
Decisions = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BUCKETS = {"1-5": (1, 5), "6-20": (6, 20), ">20": (21, None)}
"""Numbers of present training labels by which categories are told apart."""


@dataclass(frozen=True)
class DecisionScores:
    """How good decisions are, each 0 to 1; O counts all pairs together, C averages categories."""

    OP: float
    """Overall precision: of all pairs said to be present, those that are."""
    OR: float
    """Overall recall: of all present pairs, those that were said."""
    OF1: float
    """Harmonic mean of OP and OR."""
    CP: float
    """Mean of the categories' precisions."""
    CR: float
    """Mean of the categories' recalls."""
    CF1: float
    """Harmonic mean of CP and CR, as the papers take it; not the mean of the categories' F1."""


def above(
    probabilities: npt.NDArray[np.floating], threshold: float | npt.NDArray[np.floating] = 0.5
) -> Decisions:
    """Return `(N, C)`, where a score is at least the threshold (one, or `(C,)` one a category)."""
    return np.asarray(probabilities >= threshold)


def top(scores: npt.NDArray[np.floating], count: int = 3) -> Decisions:
    """Return `(N, C)`, the so many highest scores of each image; of equal ones the first columns.

    Unknown pairs take part: they use up places, and are counted neither right nor wrong.

    Raises:
        ValueError: If `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    downwards = np.where(np.isnan(scores), np.inf, -np.asarray(scores, dtype=np.float64))
    best = np.argsort(downwards, axis=1, kind="stable")[:, :count]
    chosen = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(chosen, best, True, axis=1)
    return chosen


def decision_scores(decided: Decisions, labels: Labels) -> DecisionScores:
    """Return precision, recall and F1 of decisions on the known labels.

    Unknown pairs count nowhere. A precision of nothing said is 0, and a recall of nothing present
    is 0. A category without a present label has no part in CP, CR and CF1, since no recall is
    defined for it; what was wrongly said of it counts in OP. No value is NaN.

    Args:
        decided: `(N, C)`, which pairs were said to be present.
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.

    Raises:
        ValueError: If the shapes differ.
    """
    if decided.shape != labels.shape:
        raise ValueError(f"decisions {decided.shape} and labels {labels.shape} differ in shape")
    present = labels == PRESENT
    right = (decided & present).sum(axis=0)
    said = right + (decided & (labels == ABSENT)).sum(axis=0)
    there = present.sum(axis=0)
    overall = float(_ratio(right.sum(), said.sum())), float(_ratio(right.sum(), there.sum()))
    counts = there > 0
    each = _ratio(right, said)[counts], _ratio(right, there)[counts]
    mean = tuple(float(values.mean()) if counts.any() else 0.0 for values in each)
    return DecisionScores(
        *overall, _harmonic(*overall), mean[0], mean[1], _harmonic(mean[0], mean[1])
    )


def mean_by_positives(values: Floats, positives: npt.NDArray[np.integer]) -> dict[str, float]:
    """Return the mean over categories with 1-5, 6-20 and more present training labels.

    Args:
        values: `(C,)`, such as `average_precision`; NaN has no part.
        positives: `(C,)`, present labels that a method was shown.

    Returns:
        One mean for each of `BUCKETS`, NaN where no category falls into it. Categories without any
        present training label are in none.
    """
    means = {}
    for name, (least, most) in BUCKETS.items():
        inside = (positives >= least) & ~np.isnan(values)
        if most is not None:
            inside &= positives <= most
        means[name] = float(values[inside].mean()) if inside.any() else float("nan")
    return means


def _ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    whole = np.asarray(whole, dtype=np.float64)
    return np.asarray(part, dtype=np.float64) / np.where(whole > 0, whole, 1.0)


def _harmonic(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second > 0 else 0.0
