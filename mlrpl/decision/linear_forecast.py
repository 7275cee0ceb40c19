"""How many more questions a linear test is likely to take from where it stands, and what it fills.

A forecast trusts the predicted probabilities and the answers so far, which the test itself never
does.
"""

from __future__ import annotations

import math

from mlrpl.decision.linear_plan import LinearPlan


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


def filled(plan: LinearPlan, certified: int) -> int:
    """Return how many pairs the first rungs fill in, drawn ones included."""
    if not certified:
        return 0
    fill = plan.tests[certified - 1].fill
    return fill.absent + plan.size - fill.present
