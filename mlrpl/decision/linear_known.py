"""The linear test when fewer present pairs are known than when the plan was frozen.

A promise over the data set counts `K` present labels outside the pool. Some of them may be taken
back later, so that only `K - m` are left. Then the promise is broken exactly if `theta > theta0 -
d`, with `d = rho m` for recall and `d = 2 (1 - x) m` for F1. The frozen stakes sum to
`1 + lambda theta0`, so for every truth that breaks it

    E[D_s | past] = 1 + lambda (theta0 - theta) < 1 + lambda d,

and `prod D_s / (1 + lambda d)` is a nonnegative supermartingale again: the same stakes and rates,
divided by `1 + lambda d`, are a bet against the smaller promise.

`m` may move while the answers come in, and even with them. Call `d*` the least `d` under which some
rung breaks the promise. For every `d >= d*` the process is at most that of `d*`, which reaches
`1 / risk` with probability at most `risk`; so one risk covers all `m` that there ever are.

Source:
    Our own derivation.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlrpl.decision.linear_plan import LinearPlan, RungTest


def with_less_allowed(plan: LinearPlan, missing: float) -> LinearPlan:
    """Return the plan with bets against the promise whose allowance is smaller.

    Args:
        plan: The frozen plan.
        missing: `d`, by how much `theta0` is smaller, at least 0.

    Raises:
        ValueError: If the allowance would grow: then the frozen bets are as good, and safe.
    """
    if missing < 0:
        raise ValueError(f"missing must not be negative, got {missing}")
    return replace(plan, tests=tuple(_smaller(plan, test, missing) for test in plan.tests))


def _smaller(plan: LinearPlan, test: RungTest, missing: float) -> RungTest:
    factor = 1 + test.rates * missing
    return replace(
        test,
        rates=test.rates / factor,
        stakes=test.stakes / factor[:, None],
        growth=max(test.growth - float(plan.shares @ np.log(factor)), 0.0),
    )
