"""The pilot of a certificate: which pairs it asks, and how its answers bend the predictions.

A pilot rescues predictions that are too sure, whose bets win nothing, but a logistic curve fits
badly where active learning has taken the middle of the scores away. So both kinds of predictions,
plain and refitted, are weighed by how credible the pilot's answers make them. The pilot's pairs
leave the pool and are never evidence: nothing here touches the guarantee.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def pilot_inclusion(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Return with which probability a pilot draws each pair, `(N,)`, summing to 1.

    Half follows the predicted present pairs, half the predicted standard deviation.

    Args:
        probabilities: `(N,)` predicted probability of presence.
    """
    p = np.clip(np.asarray(probabilities, np.float64), 1e-7, 1 - 1e-7)
    spread = np.sqrt(p * (1 - p))
    return np.asarray(0.5 * p / p.sum() + 0.5 * spread / spread.sum())


def draw_pilot(inclusion: npt.NDArray[np.floating], count: int, seed: int) -> npt.NDArray[np.intp]:
    """Return the positions of a pilot's pairs, each drawn once, `(min(count, N),)`.

    Args:
        inclusion: `(N,)` relative probability of each pair, above 0.
        count: Pairs to draw.
        seed: Of the generator.
    """
    waits = np.random.default_rng(seed).exponential(size=len(inclusion)) / inclusion
    count = min(count, len(waits))
    first = np.argpartition(waits, count - 1)[:count] if count else np.zeros(0, np.intp)
    return np.asarray(np.random.default_rng(seed).permutation(first))


def refit(
    probabilities: npt.NDArray[np.floating],
    drawn: npt.NDArray[np.integer],
    present: npt.NDArray[np.bool_],
    inclusion: npt.NDArray[np.floating],
) -> Floats:
    """Return probabilities bent by a logistic curve so that they fit a pilot's answers.

    Args:
        probabilities: `(N,)`.
        drawn: `(n,)` positions of the pilot's pairs.
        present: `(n,)` what people said.
        inclusion: `(n,)` relative probability with which each was drawn, above 0.
    """
    p = np.clip(np.asarray(probabilities, np.float64), 1e-7, 1 - 1e-7)
    logits = np.log(p / (1 - p))
    weight = 1 / np.asarray(inclusion, np.float64)
    weight = np.minimum(weight * len(drawn) / weight.sum(), 20)
    design = np.stack([np.ones(len(drawn)), logits[drawn]], 1)  # (n, 2)
    curve, prior = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    ridge = np.diag([0.02, 2.0])
    for _ in range(25):
        mean = 1 / (1 + np.exp(-np.clip(design @ curve, -30, 30)))
        gradient = design.T @ (weight * (present - mean)) - ridge @ (curve - prior)
        hessian = (design * (weight * mean * (1 - mean))[:, None]).T @ design + ridge
        curve = curve + np.clip(np.linalg.solve(hessian, gradient), -1, 1)
    slope = max(float(curve[1]), 0.05)
    return np.asarray(1 / (1 + np.exp(-np.clip(curve[0] + slope * logits, -30, 30))))


def credible(
    plain: npt.NDArray[np.floating],
    bent: npt.NDArray[np.floating],
    pilot: tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]],
    present: npt.NDArray[np.bool_],
) -> Floats:
    """Return predictions that mix two kinds as the pilot's answers speak for each, `(N,)`.

    The weights are those of Akaike: the likelihood of the answers, less two fitted numbers for the
    refitted kind. With which probability a pair was drawn does not matter, because it follows from
    the prediction alone.

    Args:
        plain: `(N,)` predictions as they are.
        bent: `(N,)` the same, refitted.
        pilot: Both kinds for the pilot's pairs, `(n,)` each.
        present: `(n,)` what people said.
    """
    before, after = (_log_likelihood(p, present) for p in pilot)
    share = 1 / (1 + math.exp(min(max(before - (after - 2), -700), 700)))
    mixed = (1 - share) * np.asarray(plain, np.float64) + share * np.asarray(bent, np.float64)
    return np.asarray(mixed)


def _log_likelihood(p: npt.NDArray[np.floating], present: npt.NDArray[np.bool_]) -> float:
    p = np.clip(np.asarray(p, np.float64), 1e-7, 1 - 1e-7)
    return float(np.log(np.where(present, p, 1 - p)).sum())
