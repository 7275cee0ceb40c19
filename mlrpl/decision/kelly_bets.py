"""Bets and draw weights under which evidence against a broken linear promise grows fastest.

A pool of `N` pairs has the unknown but constant truth `y_i` in {0, 1}. A promise is broken exactly
if `theta = sum_i c_i y_i` exceeds `theta0`, for coefficients `c_i` that are frozen with the pool.
Pairs are drawn without replacement with frozen probabilities `pi_i`. A *bet* is a number
`lambda >= 0` and a stake `u_i` per pair with

    sum_i u_i = 1 + lambda theta0        w_i(y) = u_i - lambda c_i y >= 0   for y = 0 and 1.

If the promise is broken, `sum_i w_i(y_i) = 1 + lambda (theta0 - theta) < 1`, which is all that the
test in `linear_evidence` needs. Predicted probabilities `p_i` choose among the bets; wrong ones
cost questions and never the guarantee.

The bet that maximises the expected log growth per draw (Kelly), for predictions that are right, is

    u_i(lambda) = 1/2 [ a_i + sqrt(a_i^2 - 4 pi_i (1 - p_i) lambda c_i) ],   a_i = lambda c_i + pi_i

with `lambda > 0` the root of `sum_i u_i(lambda) = 1 + lambda theta0`. There is no root where the
predictions themselves expect the promise to be broken: then nothing is bet. The draw weights that
grow fastest for a given bet are `pi_i ~ w_i(1)^p_i w_i(0)^(1 - p_i)`; the two alternate.

Pairs come in bins, whose pairs share `pi`, `p` and `c`: a million pairs cost as much as a thousand.

Source:
    Shekhar, Xu, Lipton, Liang, Ramdas, Risk-limiting financial audits via weighted sampling without
    replacement, UAI 2023, and Waudby-Smith, Ramdas, Estimating means of bounded random variables by
    betting, 2023. The closed form of the stakes for a linear promise is our own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TINY = 1e-300
_HIGHEST_RATE = 1e9
"""More is bet nowhere. It is reached where `theta0` is more than `theta` can be, so that no truth
breaks the promise and there is no root."""
_SAME = 1e-15
"""Relative step by which the last one goes below the root."""
_DESIGN_STEPS = 40
_DESIGN_GAIN = 1e-4
"""Growth has to rise by this share, or the alternation ends."""


@dataclass(frozen=True)
class Bet:
    """One frozen bet against one broken promise."""

    rate: float
    """`lambda`; 0 bets nothing."""
    stakes: Floats
    """`(bins,)` `u` per pair of each bin."""
    growth: float
    """Expected log growth per draw if the predictions are right; 0 where nothing is bet."""


def kelly_bet(
    counts: Floats, draws: Floats, chances: Floats, coefficients: Floats, allowance: float = 0.0
) -> Bet:
    """Return the growth-optimal bet.

    Args:
        counts: `(bins,)` pairs in each bin.
        draws: `(bins,)` probability that a draw takes a given pair of the bin; over all pairs 1.
        chances: `(bins,)` predicted probability that a pair is present, in 0 to 1.
        coefficients: `(bins,)` `c`.
        allowance: `theta0`.
    """
    if (counts * coefficients * chances).sum() >= allowance - 1e-12:
        return Bet(0.0, draws.copy(), 0.0)

    rate, stakes = _root(counts, draws, chances, coefficients, allowance)
    # The sum lies a little below what is allowed, so scaling up keeps the bet valid.
    stakes = stakes * ((1 + rate * allowance) / (counts * stakes).sum())
    present = np.maximum(stakes - rate * coefficients, _TINY)
    gains = chances * np.log(present / draws) + (1 - chances) * np.log(stakes / draws)
    return Bet(rate, stakes, float((counts * draws * gains).sum()))


def draw_weights(
    counts: Floats, chances: Floats, coefficients: Floats, allowance: float = 0.0
) -> tuple[Floats, float]:
    """Return the growth-optimal draw probabilities and the growth per draw they give.

    Args:
        counts: `(bins,)` pairs in each bin.
        chances: `(bins,)` predicted probability that a pair is present, in 0 to 1.
        coefficients: `(bins,)` `c`.
        allowance: `theta0`.

    Returns:
        `(bins,)` probability per pair, over all pairs 1, and the growth, 0 if nothing is bet.
    """
    size = np.abs(coefficients)
    draws = size * (1 / 300 + np.sqrt(chances * (1 - chances))) + 1e-12
    draws /= (counts * draws).sum()
    before, growth = -1.0, 0.0
    for _ in range(_DESIGN_STEPS):
        bet = kelly_bet(counts, draws, chances, coefficients, allowance)
        growth = bet.growth
        if bet.rate == 0 or growth - before < _DESIGN_GAIN * growth:
            break
        before = growth
        present = np.maximum(bet.stakes - bet.rate * coefficients, _TINY)
        absent = np.maximum(bet.stakes, _TINY)
        draws = np.exp(chances * np.log(present) + (1 - chances) * np.log(absent))
        draws = np.maximum(draws, 1e-3 * draws.max() * size / size.max())  # no pair is out of reach
        draws /= (counts * draws).sum()
    return draws, growth


def _stakes(
    draws: Floats, chances: Floats, coefficients: Floats, rate: float
) -> tuple[Floats, Floats]:
    """Return the stakes at a rate, and their derivatives by the rate."""
    stake = rate * coefficients
    both = stake + draws
    twice = 2 * draws * (1 - chances)
    root = np.sqrt(np.maximum(both * both - 2 * twice * stake, 0))
    slopes = coefficients * (both - twice) / np.maximum(root, _TINY)
    return 0.5 * (both + root), 0.5 * (coefficients + slopes)


def _root(
    counts: Floats, draws: Floats, chances: Floats, coefficients: Floats, allowance: float
) -> tuple[float, Floats]:
    """Return the rate at which the stakes add up to what is allowed, and the stakes.

    What they add up to, less what is allowed, is 0 at the rate 0, falls at first, and is convex in
    the rate, so that the steps of Newton lead down to the root from any rate above it.
    """

    def at(rate: float) -> tuple[Floats, float, float]:
        stakes, slopes = _stakes(draws, chances, coefficients, rate)
        over = float((counts * stakes).sum()) - 1 - rate * allowance
        return stakes, over, float((counts * slopes).sum()) - allowance

    rate = 1e-8
    stakes, over, slope = at(rate)
    while over < 0 and rate <= _HIGHEST_RATE:
        rate *= 8
        stakes, over, slope = at(rate)
    while over > 0:
        lower = rate - over / slope if slope > 0 else rate / 8
        rate = lower if lower < rate * (1 - _SAME) else rate * (1 - _SAME)
        stakes, over, slope = at(rate)
    return rate, stakes
