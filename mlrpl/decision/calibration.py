"""From raw scores to probabilities and decisions: one slope for all, one intercept a category."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

from mlrpl.labels import PRESENT, UNKNOWN

Floats = npt.NDArray[np.float64]

MIN_PRESENT = 5
"""Present out-of-fold answers below which a category is only ranked."""
MIN_ABSENT = 5
"""Absent out-of-fold answers below which a category is only ranked."""
OPEN_SHARE = 0.15
"""Most of a ranked category's open pairs that are suggested as present, as a share."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What makes a probability of a raw score: `1 / (1 + exp(-(slope * score + intercept)))`."""

    slope: float
    """Shared by all categories, above 0."""
    intercepts: Floats
    """`(C,)`, one a category."""


def fit_calibration(
    scores: npt.NDArray[np.floating],
    categories: npt.NDArray[np.integer],
    labels: npt.NDArray[np.integer],
    category_count: int,
    weights: npt.NDArray[np.floating] | None = None,
    *,
    spread: float = 1.0,
) -> Calibration:
    """Fit a calibration to answers that the scored model was not trained on.

    Intercepts are drawn to their common mean, by as much as their few answers leave open; the
    slope is drawn to 1 and the mean to 0. So a category without an answer gets the mean, and with
    no answer at all a score is read as the logit that it is. Answers of one sign only, or sorted
    perfectly, give finite values.

    Args:
        scores: `(n,)` raw scores; pairs whose score is not a finite number are left out.
        categories: `(n,)` columns, from 0.
        labels: `(n,)`, each `PRESENT` or `ABSENT`; unknown ones are left out.
        category_count: How many intercepts there are to be.
        weights: `(n,)`, not negative, how much each answer counts; None means 1.
        spread: Standard deviation of intercepts around their mean, in logits, above 0.

    Returns:
        The calibration with the highest penalised likelihood.

    Raises:
        ValueError: If the arrays differ in length, a column lies outside, or `spread` is not
            positive.
    """
    scores = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(labels)
    categories = np.asarray(categories, dtype=np.int64)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(scores) == len(labels) == len(categories) == len(weights):
        raise ValueError("scores, categories, labels and weights must have one length")
    if spread <= 0:
        raise ValueError(f"spread must be above 0, got {spread}")
    usable = np.isfinite(scores) & (labels != UNKNOWN)
    scores, labels, categories, weights = (a[usable] for a in (scores, labels, categories, weights))
    if len(categories) and not 0 <= categories.min() <= categories.max() < category_count:
        raise ValueError(f"categories must lie in 0 to {category_count - 1}")
    present = (labels == PRESENT).astype(np.float64)
    best = minimize(
        _penalised,
        np.zeros(category_count + 2),
        args=(scores, categories, present, weights, spread),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 500},
    )
    return Calibration(slope=math.exp(best.x[0]), intercepts=best.x[2:] + best.x[1])


def _penalised(
    point: Floats,
    scores: Floats,
    categories: npt.NDArray[np.int64],
    present: Floats,
    weights: Floats,
    spread: float,
) -> tuple[float, Floats]:
    """Return the penalised cost at `(log slope, mean, deviations...)` and its gradient."""
    log_slope, mean, deviations = point[0], point[1], point[2:]
    slope = math.exp(min(log_slope, 50.0))
    z = slope * scores + mean + deviations[categories]
    pull = weights * (expit(z) - present)
    cost = float((weights * (np.logaddexp(0, z) - present * z)).sum())
    gradient = np.empty_like(point)
    gradient[0] = slope * (pull * scores).sum() + log_slope
    gradient[1] = pull.sum() + mean / _MEAN_SPREAD**2
    gradient[2:] = np.bincount(categories, pull, len(deviations)) + deviations / spread**2
    cost += 0.5 * log_slope**2 + 0.5 * (mean / _MEAN_SPREAD) ** 2
    return cost + 0.5 * float((deviations**2).sum()) / spread**2, gradient


_MEAN_SPREAD = 3.0
"""Standard deviation of the common mean around 0, in logits; wide, it only keeps it finite."""


def probabilities(scores: npt.NDArray[np.floating], calibration: Calibration) -> Floats:
    """Return the probability of present for raw scores `(..., C)`; NaN where the score is NaN."""
    z = calibration.slope * np.asarray(scores, dtype=np.float64) + calibration.intercepts
    return np.asarray(expit(z), dtype=np.float64)


def decide(
    scores: npt.NDArray[np.floating], thresholds: npt.NDArray[np.floating]
) -> npt.NDArray[np.bool_]:
    """Return which pairs are suggested as present: a score at its threshold is, NaN never is.

    This is the one place where a score meets a threshold, so pages, command line and exports agree.

    Args:
        scores: `(..., C)` raw scores.
        thresholds: `(C,)` raw scores.
    """
    return np.asarray(scores >= thresholds)


def raw_threshold(
    calibration: Calibration, probability: float | npt.NDArray[np.floating]
) -> Floats:
    """Return the raw scores `(C,)` at which each category reaches a probability, or its own.

    Raises:
        ValueError: If a probability is not between 0 and 1.
    """
    inside = (np.asarray(probability) > 0) & (np.asarray(probability) < 1)
    if not inside.all():
        raise ValueError(f"probability must lie between 0 and 1, got {probability}")
    return np.asarray((logit(probability) - calibration.intercepts) / calibration.slope)


def ranked_only(
    categories: npt.NDArray[np.integer], labels: npt.NDArray[np.integer], category_count: int
) -> npt.NDArray[np.bool_]:
    """Return `(C,)`, which categories have too few out-of-fold answers for a probability.

    Args:
        categories: `(n,)` columns of the out-of-fold answers.
        labels: `(n,)`, each `PRESENT` or `ABSENT`; unknown ones count for nothing.
        category_count: C.
    """
    present = np.bincount(categories, labels == PRESENT, category_count)
    known = np.bincount(categories, labels != UNKNOWN, category_count)
    return np.asarray((present < MIN_PRESENT) | (known - present < MIN_ABSENT))


def ranking_threshold(
    scores: npt.NDArray[np.floating],
    present_count: int,
    images: int,
    *,
    share: float = OPEN_SHARE,
) -> float:
    """Return the raw score from which on a category without a probability is suggested.

    The most similar open pairs are suggested: twice as many as the known present answers lead to
    expect, but at least three, and at most `share` of the open pairs, so that over all such
    categories no more than that share is suggested. Where a tie would exceed the number, all of
    the tied pairs stay out.

    Args:
        scores: `(n,)` raw scores of the category's open pairs; NaN is no candidate.
        present_count: Known present answers of the category.
        images: Images that were looked at for it: those with any answer.
        share: 0 to 1.

    Returns:
        A finite score, for `decide`; just above the highest where nothing is to be suggested.
    """
    candidates = np.sort(scores[~np.isnan(scores)])[::-1]
    if not len(candidates):
        return 0.0
    expected = 2 * present_count / max(images, present_count, 1) * len(scores)
    wanted = int(min(max(3.0, expected), share * len(scores), len(candidates)))
    while 0 < wanted < len(candidates) and candidates[wanted] == candidates[wanted - 1]:
        wanted -= 1
    if wanted:
        return float(candidates[wanted - 1])
    return float(np.nextafter(candidates[0], np.inf, dtype=candidates.dtype))
