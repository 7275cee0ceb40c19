"""The linear test: from answers in the frozen order of draws to what is certified, at any look.

Pairs `i_1, i_2, ...` are drawn without replacement, each with probability `q_i / Q_s`, where `Q_s`
sums `q` over the pairs that are left before draw `s`. For a frozen bet (see `kelly_bets`)

    D_s = sum_{r<s} w_{i_r}(y) + w_{i_s}(y) Q_s / q_{i_s}        E_n = prod_{s<=n} D_s .

As the truth is constant, `E[D_s | past] = sum_i w_i(y_i)`, which is below 1 for every truth that
breaks the promise, and `D_s >= 0`. So `E` is a nonnegative supermartingale that begins at 1, and
the probability that it ever reaches `1 / risk` is at most `risk` (Ville's inequality): one may look
after every answer and stop when one likes. An average of several bets with frozen weights is such a
process, too. The first rung that breaks the promise is a constant, and any wrong certificate has to
pass its test, so one risk covers the ladder.

An answer that is not known ("cannot tell", or a second look that is pending) counts as the one that
gives less evidence, for each rung by itself. `E` grows with every `w`, so that is on the safe side.

Source:
    The estimate `D_s` is that of Des Raj for successive sampling, as used by Shekhar et al., UAI
    2023.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mlrpl.decision.linear_plan import LinearPlan, RungTest

Floats = npt.NDArray[np.float64]

ABSENT, PRESENT, UNKNOWN = 0, 1, -1
"""What people said about a drawn pair."""

_BLOCK = 1_000_000
_TINY = 1e-300


def draw_order(plan: LinearPlan, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the positions of the first draws, in order, `(min(count, N),)`.

    Exponential waiting times with rates `q` give exactly the draws described above. Nothing but
    the frozen plan and the seed goes in.

    Args:
        plan: The frozen plan.
        count: Draws, at least 1.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    count = min(count, plan.size)
    positions, waits = np.empty(0, np.int64), np.empty(0)
    for start in range(0, plan.size, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, plan.size))
        rates = plan.weights[plan.bins_of(block)]
        positions = np.concatenate([positions, block])
        waits = np.concatenate([waits, generator.standard_exponential(len(block)) / rates])
        if len(waits) > count:
            first = np.argpartition(waits, count - 1)[:count]
            positions, waits = positions[first], waits[first]
    return np.asarray(positions[np.argsort(waits)])


def log_evidence(
    plan: LinearPlan, positions: npt.NDArray[np.integer], answers: npt.NDArray[np.integer]
) -> Floats:
    """Return the log of `E` after each draw for each rung, `(rungs, n)`.

    Args:
        plan: The frozen plan.
        positions: `(n,)` the first `n` draws, in the frozen order, none left out.
        answers: `(n,)` `PRESENT`, `ABSENT` or `UNKNOWN`.

    Raises:
        ValueError: If a position is drawn twice or lies outside the pool.
    """
    positions, answers = np.asarray(positions, np.int64), np.asarray(answers)
    if len(np.unique(positions)) < len(positions):
        raise ValueError("a pair is drawn at most once")
    if len(positions) and not 0 <= positions.min() <= positions.max() < plan.size:
        raise ValueError(f"positions must lie in 0 to {plan.size - 1}")
    bins = plan.bins_of(positions)
    weights = plan.weights[bins]
    left = 1 - np.concatenate([[0], np.cumsum(weights)[:-1]])[: len(weights)]
    inverse = np.maximum(left, weights) / weights
    found = [_log_evidence(test, plan.shares, bins, answers, inverse) for test in plan.tests]
    return np.array(found).reshape(len(plan.tests), len(positions))


def certified_rungs(plan: LinearPlan, evidence: Floats) -> npt.NDArray[np.int64]:
    """Return how many rungs are certified after each draw, `(n,)`; the number never falls.

    Args:
        plan: The frozen plan.
        evidence: `(rungs, n)` of `log_evidence`.
    """
    passed = np.maximum.accumulate(evidence, axis=1) >= math.log(1 / plan.risk)
    return np.asarray(np.logical_and.accumulate(passed, axis=0).sum(0), np.int64)


def _log_evidence(
    test: RungTest,
    shares: Floats,
    bins: npt.NDArray[np.intp],
    answers: npt.NDArray[np.integer],
    inverse: Floats,
) -> Floats:
    coefficients = test.coefficients[bins]
    # The answer that gives less evidence is "present" where the coefficient is above 0.
    taken = np.where(answers == UNKNOWN, coefficients > 0, answers)
    worth = test.stakes[:, bins] - test.rates[:, None] * (coefficients * taken)  # (bets, n)
    worth = np.maximum(worth, 0)
    estimate = np.cumsum(worth, axis=1) - worth + worth * inverse
    with np.errstate(divide="ignore"):
        logs = np.cumsum(np.log(estimate), axis=1)
    top = logs.max(0)
    top = np.where(np.isfinite(top), top, 0)
    return np.asarray(top + np.log((shares[:, None] * np.exp(logs - top)).sum(0) + _TINY))
