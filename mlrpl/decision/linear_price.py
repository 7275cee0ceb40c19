"""What a linear plan is likely to ask and to save, by any predictions.

A plan is laid by one kind of predictions, and a pilot can make others more credible. Its bets and
draw weights are frozen by then, so that the growth of the evidence follows from the predictions
alone. Nothing here touches the guarantee.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr

from mlrpl.decision.kelly_bets import kelly_bet
from mlrpl.decision.linear_plan import LinearPlan, freeze
from mlrpl.decision.linear_promises import F1Promise, Fill, LinearPromise, RecallPromise

Floats = npt.NDArray[np.float64]

_TINY = 1e-300


class Step(NamedTuple):
    """A rung, and what it is likely to take."""

    rung: int
    """From 0."""
    questions: float
    """Draws until it and all below it are certified, as a median."""
    high: float
    """90 % quantile; `inf` where that is more than can be asked."""


class Outcome(NamedTuple):
    """What becomes of the pairs of a pool beside those that are asked about."""

    absent: float
    """Filled in as absent."""
    present: float
    """Filled in as present."""
    left: float
    """Answered by people afterwards."""


def freeze_roughly(
    probabilities: npt.NDArray[np.floating],
    promise: RecallPromise | F1Promise,
    *,
    risk: float = 0.05,
    price: float = 1.0,
    most: int = 400_000,
) -> LinearPlan:
    """Return about the plan that `freeze` lays, quickly: to tell a price, never to draw by.

    Growth does not change if every pair stands for several, so evenly spaced pairs of a large pool
    will do.

    Args:
        probabilities: `(N,)` predicted probability of presence, ascending.
        promise: What is to be certified.
        risk: Of the certificate, in 0 to 1.
        price: Cost of one question, in answers that it saves.
        most: Pairs that are looked at.
    """
    size = len(probabilities)
    scale = size / most
    if scale <= 1:
        return freeze(probabilities, promise, risk=risk, price=price)
    chosen = probabilities[((np.arange(most) + 0.5) * scale).astype(np.int64)]
    thin = replace(promise, known=round(promise.known / scale))
    plan = freeze(chosen, thin, risk=risk, price=price / scale)
    edges = np.rint(plan.edges * scale).astype(np.int64)
    tests = tuple(
        replace(
            test,
            fill=Fill(round(test.fill.absent * scale), round(test.fill.present * scale)),
            rates=test.rates / scale,
            stakes=test.stakes / scale,
        )
        for test in plan.tests
    )
    return replace(plan, edges=edges, weights=plan.weights / scale, tests=tests)


def expected_growth(plan: LinearPlan, means: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of the log growth per draw of each rung's best bet, `(rungs,)`.

    Args:
        plan: The frozen plan.
        means: `(bins,)` predicted probability of each bin; need not be those that laid the plan.
    """
    shares = np.diff(plan.edges) * plan.weights
    growth, spread = np.zeros(len(plan.tests)), np.zeros(len(plan.tests))
    for rung, test in enumerate(plan.tests):
        worth = np.maximum(test.stakes - test.rates[:, None] * test.coefficients, _TINY)
        present = np.log(worth / plan.weights)  # (bets, bins)
        absent = np.log(np.maximum(test.stakes, _TINY) / plan.weights)
        first = (shares * (means * present + (1 - means) * absent)).sum(1)
        second = (shares * (means * present**2 + (1 - means) * absent**2)).sum(1)
        best = int(first.argmax())
        growth[rung], spread[rung] = first[best], second[best] - first[best] ** 2
    return growth, spread


def best_step(plan: LinearPlan, means: Floats, price: float, most: float) -> Step | None:
    """Return the rung with which people are likely to answer least; None where none is likely.

    The log of the evidence is taken for a random walk with drift. In eleven settings, of 1,000 to
    100,000 pairs, median and 90 % quantile were within 10 % of those of simulated certificates.

    Args:
        plan: The frozen plan.
        means: `(bins,)` predicted probability of each bin.
        price: Cost of one question, in answers that it saves.
        most: Questions that can be asked.
    """
    line, needed, slowest = math.log(1 / plan.risk), 0.0, 0
    best, least = None, math.inf
    growth, spread = expected_growth(plan, means)
    for rung in range(len(plan.tests)):
        if growth[rung] <= 0:
            break
        if line / growth[rung] > needed:
            needed, slowest = line / growth[rung], rung
        if needed > most:
            break
        people = price * needed + outcome(plan, rung, needed).left
        if people < least:
            high = _passage_quantile(0.9, needed, line**2 / spread[slowest])
            best, least = Step(rung, needed, high if high <= most else math.inf), people
    return best


def _passage_quantile(share: float, mean: float, shape: float) -> float:
    """Return a quantile of the inverse Gaussian law, that of the passage of a line by a walk."""
    low, high = mean / 100, mean * 100
    for _ in range(60):
        middle = math.sqrt(low * high)
        root = math.sqrt(shape / middle)
        below = ndtr(root * (middle / mean - 1))
        below += math.exp(2 * shape / mean + log_ndtr(-root * (middle / mean + 1)))
        low, high = (middle, high) if below < share else (low, middle)
    return high


def outcome(plan: LinearPlan, rung: int, questions: float) -> Outcome:
    """Return what becomes of the pairs once a rung is certified.

    Args:
        plan: The frozen plan.
        rung: From 0.
        questions: Draws until then; what they answer is neither filled in nor left.
    """
    low, high = plan.tests[rung].fill
    starts, sizes = plan.edges[:-1], np.diff(plan.edges)
    drawn = np.minimum(questions * plan.weights, 1) * sizes
    rest = sizes - drawn
    below, above = starts < low, starts >= high
    return Outcome(
        float(rest[below].sum()), float(rest[above].sum()), float(rest[~(below | above)].sum())
    )


def part_growth(
    plan: LinearPlan, promise: LinearPromise, counts: Floats, means: Floats, rung: int
) -> float:
    """Return how fast the evidence for a part of a pool grows per draw of the whole pool.

    Args:
        plan: Of the whole pool.
        promise: For the part; its `known` counts the labels of the part.
        counts: `(bins,)` pairs of the part in each bin.
        means: `(bins,)` their mean predicted probability; anything where there are none.
        rung: The one that has to be certified.

    Returns:
        Log growth, 0 if the predictions expect no proof, and `inf` if the rung fills in nothing of
        the part.
    """
    fill, starts = plan.tests[rung].fill, plan.edges[:-1]
    below, above = starts < fill.absent, starts >= fill.present
    if not counts[below | above].sum():
        return math.inf
    means = np.where(counts > 0, means, 0.0)
    share = float((counts * plan.weights).sum())
    over = promise.rung(fill, below, above, counts, means)
    bet = kelly_bet(
        counts,
        plan.weights / share,
        promise.expected(over, means),
        over.coefficients,
        over.allowance,
    )
    return share * bet.growth
