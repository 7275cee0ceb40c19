"""How many questions a linear test is likely to take: before the first, and from where it stands.

A forecast trusts the predicted probabilities, which the test itself never does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mlrpl.decision.linear_evidence import certified_rungs, draw_order, log_evidence
from mlrpl.decision.linear_plan import LinearPlan

Floats = npt.NDArray[np.float64]

RUNS = 60
"""Simulated certificates behind a quantile; its relative error is about 10 %."""
MOST_DRAWS = 20_000
_HORIZON = 4
"""How many times the expected questions a simulated certificate may take."""
_FIRST = 1.5
"""How many times the expected questions most of them take."""
_MANY = 1 / 8
"""Share of the pool from which on drawing pairs that are drawn already takes longer than putting
all of them in order."""


@dataclass(frozen=True)
class Questions:
    """Draws until a rung is certified."""

    median: float
    high: float
    """90 % quantile. `inf`: not within `MOST_DRAWS`, or not within four times the expectation."""


def simulated_questions(
    plan: LinearPlan, rung: int, means: Floats, *, runs: int = RUNS, seed: int = 0
) -> Questions:
    """Return the questions until a rung and all below it are certified, if predictions are right.

    Args:
        plan: The frozen plan.
        rung: From 0.
        means: `(bins,)` mean predicted probability of each bin.
        runs: Simulated certificates.
        seed: Of the generator.
    """
    expected = max((plan.questions(one) for one in range(rung + 1)), default=math.inf)
    if not math.isfinite(expected):
        return Questions(math.inf, math.inf)
    count = min(math.ceil(_HORIZON * expected), MOST_DRAWS, plan.size)
    tested, generator = replace(plan, tests=plan.tests[: rung + 1]), np.random.default_rng(seed)
    ends = sorted({min(math.ceil(_FIRST * expected), count), count})
    needed = np.array([_run(tested, means, ends, generator) for _ in range(runs)])
    median, high = np.quantile(needed, (0.5, 0.9), method="higher")
    return Questions(float(median), float(high))


def further_questions(plan: LinearPlan, rung: int, drawn: int, evidence: float) -> float:
    """Return how many more draws a rung is likely to take.

    The growth seen so far counts the more, the more draws it rests on.

    Args:
        plan: The frozen plan.
        rung: From 0.
        drawn: Draws so far.
        evidence: Log of the rung's `E` after them.

    Returns:
        Draws, 0 if it is certified; `inf` if the evidence does not grow.
    """
    line = math.log(1 / plan.risk)
    growth = plan.tests[rung].growth
    if evidence >= line:
        return 0.0
    if growth <= 0:
        return math.inf
    before = line / growth
    seen = (evidence + before * growth) / (drawn + before)
    return (line - evidence) / seen if seen > 0 else math.inf


def is_worth_asking(
    plan: LinearPlan, certified: int, drawn: int, evidence: Floats, price: float = 1.0
) -> bool:
    """Return whether some further rung is likely to save more pairs than its questions cost.

    The guarantee does not depend on it.

    Args:
        plan: The frozen plan.
        certified: Rungs that are certified.
        drawn: Draws so far.
        evidence: `(rungs,)` log of each rung's `E` after them; the highest so far where it has
            been certified already but one before it is not.
        price: Pairs that one question may cost.
    """
    for rung in range(certified, len(plan.tests)):
        gain = filled(plan, rung + 1) - filled(plan, certified)
        slowest = max(
            further_questions(plan, one, drawn, float(evidence[one]))
            for one in range(certified, rung + 1)
        )
        if gain > price * slowest:
            return True
    return False


def filled(plan: LinearPlan, certified: int) -> int:
    """Return how many pairs the first rungs fill in, drawn ones included."""
    if not certified:
        return 0
    fill = plan.tests[certified - 1].fill
    return fill.absent + plan.size - fill.present


def _run(plan: LinearPlan, means: Floats, ends: list[int], generator: np.random.Generator) -> float:
    """Return the draws until all rungs are certified, looked for up to one end after the other."""
    if ends[-1] > _MANY * plan.size:
        positions = draw_order(plan, ends[-1], int(generator.integers(2**63)))
    else:
        positions = _drawn_anew(plan, ends[-1], generator)
    answers = (generator.random(len(positions)) < means[plan.bins_of(positions)]).astype(np.int8)
    for end in ends:
        evidence = log_evidence(plan, positions[:end], answers[:end])
        looks = np.flatnonzero(certified_rungs(plan, evidence) == len(plan.tests))
        if len(looks):
            return float(looks[0] + 1)
    return math.inf


def _drawn_anew(
    plan: LinearPlan, count: int, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return about so many draws, in order: a pair that is drawn again is passed over."""
    sizes = np.diff(plan.edges)
    shares = plan.weights * sizes
    bins = generator.choice(len(sizes), count, p=shares / shares.sum())
    positions = plan.edges[bins] + (generator.random(count) * sizes[bins]).astype(np.int64)
    _, first = np.unique(positions, return_index=True)
    return np.asarray(positions[np.sort(first)])
