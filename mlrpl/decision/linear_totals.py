"""A best guess of a pool's total from weighted draws; no bound and no promise.

After each draw `s` of the frozen order, `sum_{r<s} v_r + v_s Q_s / q_s` is an unbiased estimate of
the total of `v` over the pool, for the same reason as in `linear_evidence`. Their mean is, too.

Source:
    Des Raj, Some estimators in sampling with varying probabilities without replacement, JASA 1956.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlrpl.decision.linear_plan import LinearPlan

Floats = npt.NDArray[np.float64]


def estimated_total(
    plan: LinearPlan, positions: npt.NDArray[np.integer], values: npt.NDArray[np.generic]
) -> float:
    """Return the estimated total of some values over the pool; 0 without draws.

    Args:
        plan: The frozen plan.
        positions: `(n,)` the first `n` draws, in the frozen order, none left out.
        values: `(n,)` of the drawn pairs.
    """
    if not len(positions):
        return 0.0
    found = np.asarray(values, np.float64)
    weights = plan.weights[plan.bins_of(np.asarray(positions))]
    before = np.concatenate([[0], np.cumsum(weights)[:-1]])
    inverse = np.maximum(1 - before, weights) / weights
    return float((np.cumsum(found) - found + found * inverse).mean())
