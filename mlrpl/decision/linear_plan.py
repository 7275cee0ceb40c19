"""The frozen plan of a certificate: ladder, bets and draw weights, laid before any answer.

Everything that the test rests on is fixed here. The predictions decide what is tested, in which
order pairs are drawn and how much is bet; the guarantee holds for any predictions.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlrpl.decision.kelly_bets import draw_weights, kelly_bet
from mlrpl.decision.linear_promises import HEDGES, Fill, LinearPromise, Rung

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BINS = 160
"""Bins of equal size, and as many of equal predicted present pairs."""
LOG_BINS = 60
LOWEST = 1e-7
"""Predictions are cut off here."""
UNIFORM_SHARE = 0.4
"""Share of the draws that follow no prediction, so that no pair is out of reach."""
SLACK = 0.9
"""Added to `ln(1 / risk)` for the average overshoot and the cost of the hedge."""


@dataclass(frozen=True)
class RungTest:
    """One rung with its frozen bets."""

    fill: Fill
    coefficients: Floats
    """`(bins,)` `c` per pair."""
    rates: Floats
    """`(bets,)` `lambda`."""
    stakes: Floats
    """`(bets, bins)` `u` per pair."""
    growth: float
    """Expected log growth per draw; 0: the predictions expect no certificate."""


@dataclass(frozen=True)
class LinearPlan:
    """What is frozen before the first draw; positions count from the lowest prediction."""

    risk: float
    """Probability, over the draws, that any of the certified rungs breaks the promise."""
    edges: Integers
    """`(bins + 1,)` positions, from 0 to the number of pairs."""
    weights: Floats
    """`(bins,)` `q`, the probability that the first draw takes a given pair of the bin."""
    shares: Floats
    """`(bets,)` weight of each bet of a rung; together 1."""
    tests: tuple[RungTest, ...]
    """The ladder, smallest fill first."""
    target: int
    """Rung whose certificate is expected to save people most; the draws are made for it."""

    @property
    def size(self) -> int:
        """Pairs in the pool."""
        return int(self.edges[-1])

    def bins_of(self, positions: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
        """Return the bin of each position."""
        return np.asarray(np.searchsorted(self.edges, positions, side="right") - 1)

    def questions(self, rung: int) -> float:
        """Return the median number of draws until a rung is certified, `inf` if never expected.

        Measured over expected is 0.76 to 1.10; one run in ten takes 1.2 to 1.8 times as many.
        """
        growth = self.tests[rung].growth
        return math.log(1 / self.risk) / growth if growth > 0 else math.inf


def freeze(
    probabilities: npt.NDArray[np.floating],
    promise: LinearPromise,
    *,
    risk: float = 0.05,
    price: float = 1.0,
) -> LinearPlan:
    """Lay the ladder, the bets and the draw weights over a pool.

    Args:
        probabilities: `(N,)` predicted probability of presence, ascending.
        promise: What is to be certified.
        risk: Of the certificate, in 0 to 1.
        price: Cost of one question, in answers that it saves.

    Returns:
        The plan; without a rung if the pool is too small for any.

    Raises:
        ValueError: If the probabilities are not ascending numbers in 0 to 1, or the risk or the
            price is out of range.
    """
    check_probabilities(probabilities)
    if not 0 < risk < 1:
        raise ValueError(f"risk must lie between 0 and 1, got {risk}")
    if not 0 < price < math.inf:
        raise ValueError(f"price must be above 0 and finite, got {price}")
    p = np.clip(np.asarray(probabilities, np.float64), LOWEST, promise.highest)
    sums = np.cumsum(p)
    fills = promise.ladder(p, sums) if len(p) else []
    if not fills:
        edges = np.array([0, len(p)][: 1 + bool(len(p))], np.int64)
        uniform = np.full(len(edges) - 1, 1 / max(len(p), 1))
        return LinearPlan(risk, edges, uniform, _shares(), (), 0)
    edges = _edges(p, sums, fills)
    del sums
    counts = np.diff(edges).astype(np.float64)
    means = np.add.reduceat(p, edges[:-1]) / counts
    starts = edges[:-1]
    rungs = [
        promise.rung(fill, starts < fill.absent, starts >= fill.present, counts, means)
        for fill in fills
    ]
    ways = [_way(rung, promise, counts, means, risk, price) for rung in rungs]
    target = int(np.argmin([people for people, _ in ways]))
    weights = (1 - UNIFORM_SHARE) * ways[target][1] + UNIFORM_SHARE / len(p)
    weights /= (counts * weights).sum()
    tests = tuple(frozen_test(rung, promise, counts, means, weights) for rung in rungs)
    return LinearPlan(risk, edges, weights, _shares(), tests, target)


def check_probabilities(probabilities: npt.NDArray[np.floating]) -> None:
    """Refuse what cannot be the predictions of a pool.

    Raises:
        ValueError: If they are not ascending numbers in 0 to 1.
    """
    p = np.asarray(probabilities)
    if p.ndim != 1 or not np.isfinite(p).all() or (np.diff(p) < 0).any():
        raise ValueError("probabilities must be one ascending row of finite numbers; sort them")
    if len(p) and not 0 <= p[0] <= p[-1] <= 1:
        raise ValueError(f"probabilities must lie in 0 to 1, got {p[0]} to {p[-1]}")


def _edges(p: Floats, sums: Floats, fills: list[Fill]) -> Integers:
    """Return bin edges: by size, by predicted present pairs, by log probability, and the ladder."""
    logs = np.linspace(np.log(p[0]), np.log(p[-1]), LOG_BINS)
    found = [
        *np.linspace(0, len(p), BINS),
        *np.searchsorted(sums, np.linspace(0, sums[-1], BINS)),
        *(bisect_left(p, value, key=np.log) for value in logs),
        *(position for fill in fills for position in fill),
    ]
    return np.unique(np.clip(np.array(found).astype(np.int64), 0, len(p)))


def _way(
    rung: Rung, promise: LinearPromise, counts: Floats, means: Floats, risk: float, price: float
) -> tuple[float, Floats]:
    """Return what people are expected to answer if draws are made for a rung, and their weights."""
    chances = promise.planned(rung, means)
    draws, growth = draw_weights(counts, chances, rung.coefficients, rung.allowance)
    if growth <= 0:
        return math.inf, draws
    questions = (math.log(1 / risk) + SLACK) / growth
    outside = questions * (1 - float((counts * draws)[rung.below].sum()))
    return price * questions + promise.left(rung, outside), draws


def frozen_test(
    rung: Rung, promise: LinearPromise, counts: Floats, means: Floats, weights: Floats
) -> RungTest:
    """Return a rung with its bets for given draw weights.

    Args:
        rung: Over the bins.
        promise: That it is a candidate for.
        counts: `(bins,)` pairs.
        means: `(bins,)` mean predicted probability.
        weights: `(bins,)` probability that the first draw takes a given pair; over all pairs 1.
    """
    bets = [
        kelly_bet(
            counts,
            weights,
            promise.hedged(rung, means, hedge),
            rung.coefficients,
            rung.allowance,
        )
        for hedge in HEDGES
    ]
    expected = promise.expected(rung, means)
    return RungTest(
        fill=rung.fill,
        coefficients=rung.coefficients,
        rates=np.array([bet.rate for bet in bets]),
        stakes=np.array([bet.stakes for bet in bets]),
        growth=kelly_bet(counts, weights, expected, rung.coefficients, rung.allowance).growth,
    )


def _shares() -> Floats:
    shares = np.array([hedge.weight for hedge in HEDGES])
    return np.asarray(shares / shares.sum())
