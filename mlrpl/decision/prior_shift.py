"""Corrects probabilities for how often things really are in open pairs, measured by probes.

A calibration is fitted to the pairs that people chose to answer. What they left open has fewer
present pairs, or more. A random sample of open pairs says how many, and moves the intercepts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import logit

Floats = npt.NDArray[np.float64]

MIN_PROBES = 50
"""Probes over all categories below which nothing moves."""
MIN_CATEGORY_PROBES = 20
"""Probes of a category below which it moves with the others only."""
GLOBAL_STRENGTH = 20.0
"""Probes' worth of the model's own mean that is mixed into the rate over all categories."""
CATEGORY_STRENGTH = 40.0
"""Probes' worth of the expected mean that is mixed into a category's own rate."""
MOST = 2.0
"""Logits that an intercept is moved by at most."""


def prior_shift(
    means: npt.NDArray[np.floating],
    counts: npt.NDArray[np.integer],
    categories: npt.NDArray[np.integer],
    present: npt.NDArray[np.bool_],
) -> Floats:
    """Return by how much each intercept is to move, `(C,)` in logits.

    All categories move by `logit(rate) - logit(mean)`, where the rate is that of the probes, drawn
    to the mean probability of the open pairs as by a Beta prior. Then each category with enough
    probes of its own moves from there by the same rule. So few probes move little, and probes that
    find what the model says move nothing.

    Args:
        means: `(C,)` mean probability of a category's open pairs; NaN where its score is no
            probability, and such a category does not move.
        counts: `(C,)` open pairs of each category, from which the mean over all is made.
        categories: `(n,)` columns of the probes, drawn uniformly among open pairs.
        present: `(n,)`, what the probes found.

    Raises:
        ValueError: If the arrays differ in length.
    """
    means = np.asarray(means, np.float64)
    if means.shape != np.shape(counts) or np.shape(categories) != np.shape(present):
        raise ValueError("means and counts, and categories and present, must have one length each")
    usable = np.isfinite(means) & (np.asarray(counts) > 0)
    shift = np.zeros(len(means))
    asked = usable[categories] if len(categories) else np.zeros(0, dtype=bool)
    categories, present = np.asarray(categories)[asked], np.asarray(present)[asked]
    if len(categories) < MIN_PROBES:
        return shift
    base = float(np.average(means[usable], weights=np.asarray(counts)[usable]))
    found, number = float(present.sum()), float(len(present))
    common = _moved(np.array(base), found, number, GLOBAL_STRENGTH)
    shift[usable] = common
    asked_of = np.bincount(categories, minlength=len(means)).astype(np.float64)
    found_of = np.bincount(categories, present, len(means))
    own = usable & (asked_of >= MIN_CATEGORY_PROBES)
    expected = 1 / (1 + np.exp(-(logit(_inside(means[own])) + common)))
    shift[own] += _moved(expected, found_of[own], asked_of[own], CATEGORY_STRENGTH)
    return np.asarray(np.clip(shift, -MOST, MOST))


def expected_calibration_error(
    probability: npt.NDArray[np.floating], present: npt.NDArray[np.bool_], *, bins: int = 10
) -> float:
    """Return the mean distance between what was said and what was found, 0 to 1; NaN of nothing.

    Args:
        probability: `(n,)`, 0 to 1.
        present: `(n,)`.
        bins: Equal steps of probability, each counted by its answers.
    """
    if not len(probability):
        return float("nan")
    step = np.minimum((np.asarray(probability) * bins).astype(np.int64), bins - 1)
    said = np.bincount(step, probability, bins)
    found = np.bincount(step, np.asarray(present, np.float64), bins)
    return float(np.abs(said - found).sum() / len(step))


def _moved(mean: Floats, found: Floats | float, number: Floats | float, strength: float) -> Floats:
    mean = _inside(mean)
    rate = (found + strength * mean) / (number + strength)
    return np.asarray(logit(rate) - logit(mean))


def _inside(mean: Floats) -> Floats:
    return np.clip(mean, 1e-4, 1 - 1e-4)
