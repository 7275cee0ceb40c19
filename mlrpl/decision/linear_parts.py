"""The same promise for one category, from the draws that a certificate makes anyway.

The draws that fall into a part of the pool, in their order, are themselves draws without
replacement from that part, with the same weights. So the linear test runs on this sub-stream with
bets of its own, at its own risk, and no further question is asked. Several parts share one risk by
the procedure of Holm over their p-values `1 / max E`, which hold at any look.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mlrpl.decision.linear_plan import LinearPlan, frozen_test
from mlrpl.decision.linear_promises import LinearPromise

Floats = npt.NDArray[np.float64]


class Part(NamedTuple):
    """A part of a pool, such as one category."""

    first: int
    """Rung of the pool from which on something of the part is filled in; those before hold."""
    plan: LinearPlan
    """Over the bins of the pool; its rungs begin with `first`."""


def part_of(plan: LinearPlan, promise: LinearPromise, counts: Floats, means: Floats) -> Part:
    """Return a part of a pool, over the same bins, draws and rungs.

    Args:
        plan: Of the whole pool.
        promise: For the part; its `known` counts the labels of the part.
        counts: `(bins,)` pairs of the part in each bin.
        means: `(bins,)` their mean predicted probability; anything where there are none.

    Raises:
        ValueError: If the part has no pairs.
    """
    counts = np.asarray(counts, np.float64)
    if not counts.sum():
        raise ValueError("a part of a pool needs at least one pair")
    weights = plan.weights / (counts * plan.weights).sum()
    means = np.where(counts > 0, means, 0.0)
    starts = plan.edges[:-1]
    tests = []
    for test in plan.tests:
        below, above = starts < test.fill.absent, starts >= test.fill.present
        if counts[below | above].sum():  # a rung that is larger fills no less
            rung = promise.rung(test.fill, below, above, counts, means)
            tests.append(frozen_test(rung, promise, counts, means, weights))
    kept = LinearPlan(plan.risk, plan.edges, weights, plan.shares, tuple(tests), 0)
    return Part(len(plan.tests) - len(tests), kept)
