"""Whether more items of a finite zone are marked than allowed, from random draws, at any look.

Draws are uniform without replacement from a zone of `size` items, `drawn` of them so far, `marked`
of those marked (wrong, or present where absence would be filled in). Every statement comes from
one e-value that depends on these counts alone and holds at every look (Ville's inequality), so
nobody pays for peeking, for batches, or for stopping when they please.

Source:
    Prior-posterior-ratio martingales for sampling without replacement (Waudby-Smith & Ramdas,
    2020), with a mixture of fixed bets as the numerator.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]
Counts = int | float | npt.NDArray[np.integer] | Floats

BETS = np.array([1 / 32, 1 / 8, 1 / 4, 1 / 2, 3 / 4])
"""Bets, as fractions of the rate that is tested; they steer power only."""


def log_likelihood(size: Counts, drawn: Counts, marked: Counts, total: Counts) -> Floats:
    """Return the log probability of an ordered sample if `total` of the zone's items are marked.

    Args:
        size: Items in the zone.
        drawn: Items drawn, at most `size`.
        marked: Marked ones among them, at most `drawn`.
        total: Marked ones in the zone, as supposed; -inf where the sample rules that out.
    """
    size, drawn, marked, total = _floats(size, drawn, marked, total)
    possible = (total >= marked) & (size - total >= drawn - marked)
    supposed = np.where(possible, total, marked)
    value = (
        gammaln(supposed + 1)
        - gammaln(supposed - marked + 1)
        + gammaln(np.where(possible, size - supposed, drawn) + 1)
        - gammaln(np.where(possible, size - supposed - (drawn - marked), 0) + 1)
        - gammaln(size + 1)
        + gammaln(size - drawn + 1)
    )
    return np.where(possible, value, -np.inf)


def log_bets(drawn: Counts, marked: Counts, rates: Floats) -> Floats:
    """Return the log of the mean probability of a sample under independent draws at fixed rates.

    Args:
        drawn: `(...)`.
        marked: `(...)`.
        rates: `(..., bets)`, each in 0 to 1 and fixed before the first draw.
    """
    drawn, marked = _floats(drawn, marked)
    rates = np.clip(rates, 1e-12, 1 - 1e-12)
    drawn, marked = drawn[..., None], marked[..., None]
    each = marked * np.log(rates) + (drawn - marked) * np.log1p(-rates)
    return np.asarray(np.logaddexp.reduce(each, axis=-1) - math.log(rates.shape[-1]))


def log_e_at_most(
    size: Counts, drawn: Counts, marked: Counts, allowed: Counts, rates: Floats
) -> Floats:
    """Return the log e-value against "more than `allowed` items of the zone are marked".

    At `log(1 / risk)` and above the opposite is certified: the probability that this ever happens
    although more are marked is at most `risk`, however often one looks.

    Args:
        size: Items in the zone; all counts broadcast.
        drawn: Items drawn.
        marked: Marked ones among them.
        allowed: Marked items that the promise allows; may move with other draws.
        rates: `(..., bets)`, fixed before the first draw.
    """
    size, drawn, marked = _floats(size, drawn, marked)
    first = np.floor(np.asarray(allowed, float)) + 1
    most = size - (drawn - marked)
    # The likelihood has one peak, so the fitting member of the hypothesis is its first or the peak.
    worst = np.minimum(np.maximum(first, _peak(size, drawn, marked)), most)
    value = log_bets(drawn, marked, rates) - log_likelihood(size, drawn, marked, worst)
    value = np.where(first > most, np.inf, value)
    return np.where(drawn == 0, np.where(first > size, np.inf, 0.0), value)


def holm(p_values: npt.ArrayLike, risk: float) -> list[int]:
    """Return the positions that Holm's step-down procedure rejects, smallest p-value first.

    With p-values that hold at any look the family-wise risk holds at any moment of stopping.

    >>> holm([0.001, 0.5, 0.02], 0.05)
    [0, 2]
    """
    p = np.asarray(p_values, float)
    rejected: list[int] = []
    for place, position in enumerate(np.argsort(p, kind="stable")):
        if p[position] > risk / (len(p) - place):
            break
        rejected.append(int(position))
    return rejected


def holm_in_order(
    first: npt.ArrayLike, second: npt.ArrayLike, risk: float
) -> tuple[list[int], list[int]]:
    """Return what Holm's procedure rejects in two families, one after the other, under one risk.

    Each family gets half of the risk; the second one gets all of it once the whole first one is
    rejected. If any hypothesis of the first family is true, rejecting all of it is an error in
    itself, so the risk that anything true is rejected stays at most `risk` in both cases.

    >>> holm_in_order([0.04, 0.9], [0.04], 0.1)
    ([], [0])
    >>> holm_in_order([0.02, 0.04], [0.08], 0.1)
    ([0, 1], [0])
    """
    p = np.asarray(first, float)
    rejected = holm(p, risk / 2)
    return rejected, holm(second, risk if len(rejected) == len(p) else risk / 2)


def _floats(*counts: Counts) -> list[Floats]:
    return [np.asarray(count, np.float64) for count in counts]


def _peak(size: Counts, drawn: Counts, marked: Counts) -> Floats:
    """Return the supposed number of marked items under which the sample is likeliest."""
    size, drawn, marked = _floats(size, drawn, marked)
    return np.where(drawn > 0, np.floor(marked * (size + 1) / np.maximum(drawn, 1)), 0.0)
