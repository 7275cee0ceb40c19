from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlrpl.decision.linear_evidence import draw_order
from mlrpl.decision.linear_known import with_less_allowed
from mlrpl.decision.linear_plan import LinearPlan, freeze
from mlrpl.decision.linear_promises import F1Promise, RecallPromise
from mlrpl.decision.linear_totals import estimated_total

CHANCES = np.sort(np.random.default_rng(1).beta(0.2, 1.5, 3_000))
KNOWN, GONE = 200, 60


def expectations(plan: LinearPlan, present: np.ndarray) -> np.ndarray:
    """Return what a draw is worth on average, `(rungs, bets)`, by present pairs in each bin."""
    counts = np.diff(plan.edges)
    return np.array(
        [
            [
                (counts * stakes).sum() - rate * (test.coefficients * present).sum()
                for rate, stakes in zip(test.rates, test.stakes, strict=True)
            ]
            for test in plan.tests
        ]
    )


@pytest.mark.parametrize(
    ("promise", "smaller", "missing"),
    [
        (
            RecallPromise(max_lost=0.1, known=KNOWN),
            RecallPromise(max_lost=0.1, known=KNOWN - GONE),
            0.1 * GONE,
        ),
        (
            F1Promise(at_least=0.9, known=KNOWN),
            F1Promise(at_least=0.9, known=KNOWN - GONE),
            0.2 * GONE,
        ),
    ],
)
def test_no_truth_that_breaks_the_smaller_promise_gains_evidence(
    promise: Any, smaller: Any, missing: float
) -> None:
    frozen = freeze(CHANCES, promise)
    plan = with_less_allowed(frozen, missing)
    counts = np.diff(plan.edges)
    rng = np.random.default_rng(2)
    starts, broken, by_the_frozen_one = plan.edges[:-1], 0, 0
    for _ in range(150):
        present = rng.binomial(counts, rng.random() ** 2 * rng.random(len(counts)))
        worth, before = expectations(plan, present), expectations(frozen, present)
        for rung, test in enumerate(plan.tests):
            below, above = starts < test.fill.absent, starts >= test.fill.present
            told = smaller.rung(test.fill, below, above, counts, np.full(len(counts), 0.1))
            if (told.coefficients * present).sum() > told.allowance:
                broken += 1
                assert (worth[rung] <= 1 + 1e-9).all()
                by_the_frozen_one += (before[rung] > 1 + 1e-9).any()
    assert broken > 200
    assert by_the_frozen_one > 0  # so the frozen bets alone would not do


def test_nothing_less_allowed_changes_nothing_and_more_is_refused() -> None:
    plan = freeze(CHANCES, RecallPromise(known=KNOWN))

    same = with_less_allowed(plan, 0)

    for one, other in zip(same.tests, plan.tests, strict=True):
        assert (one.stakes == other.stakes).all()
        assert one.growth == other.growth
    with pytest.raises(ValueError, match="must not be negative"):
        with_less_allowed(plan, -1)


def test_the_total_is_estimated_without_bias() -> None:
    plan = freeze(CHANCES, RecallPromise())
    values = np.random.default_rng(3).random(len(CHANCES)) < CHANCES
    found = []
    for seed in range(150):
        positions = draw_order(plan, 150, seed)
        found.append(estimated_total(plan, positions, values[positions]))

    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - values.sum()) < 4 * error
    assert error < 0.02 * values.sum()
    assert estimated_total(plan, np.empty(0, np.int64), np.empty(0)) == 0
