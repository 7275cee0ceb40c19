"""Answers to pairs that a certificate filled in: its promise is never said to hold in vain."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).parent))

from filling_worlds import binormal  # type: ignore[import-not-found]

from mlrpl.decision.certifier import Certifier, count_probes, wrong_left
from mlrpl.decision.fill_plan import FillPlan, Promise, plan_fill

RUNS = 30


def applied(rng: np.random.Generator) -> tuple[FillPlan, np.ndarray, int] | None:
    """Return the truth of the pairs filled in as present, and how many of them may be wrong."""
    p, truth = binormal(30_000, 0.1, 0.99, rng)
    plan = plan_fill(p, Promise(), absent=False)
    certifier = Certifier(plan)
    order = plan.size - plan.present_size + rng.permutation(plan.present_size)
    for end in range(50, plan.cap_present + 1, 50):
        counts = count_probes(plan, order[:end], truth[order[:end]])
        if certifier.look(counts)[0]:
            break
    else:
        return None
    rung = certifier.present - 1
    filled = np.zeros(plan.size, bool)
    filled[plan.present_rungs[rung] :] = True
    filled[order[:end][~truth[order[:end]]]] = False  # probe answers against the fill stay open
    budget = int(certifier.allowed_wrong[rung]) - int(counts.present_wrong[rung])
    return plan, truth[filled], budget


@pytest.mark.parametrize("tight", [False, True])
@pytest.mark.parametrize("order", ["right ones first", "wrong ones first", "any"])
def test_a_promise_said_to_hold_is_true_whatever_people_answer(tight: bool, order: str) -> None:
    broken = stale = fills = 0
    for seed in range(RUNS):
        rng = np.random.default_rng([3, seed])
        made = applied(rng)
        if made is None:
            continue
        plan, truth, budget = made
        budget = int((~truth).sum()) if tight else budget  # as if no answer had been to spare
        fills += 1
        keys = {"right ones first": ~truth, "wrong ones first": truth, "any": np.zeros(len(truth))}
        answered = np.argsort(keys[order] + 0.5 * rng.random(len(truth)))
        false = False
        for share in np.linspace(0, 1, 21):
            out = truth[answered[: round(share * len(truth))]]
            left, _, holds = wrong_left(
                len(truth), budget, len(out), int((~out).sum()), plan.promise.max_error
            )
            wrong = int((~truth).sum()) - int((~out).sum())
            false |= holds and wrong > plan.promise.max_error * left
            stale += not holds
        broken += false

    assert fills > 0.5 * RUNS
    assert broken <= (0 if tight else binom.ppf(0.99, RUNS, 0.05))
    assert stale > 0 or (tight and order != "right ones first")


@pytest.mark.parametrize(
    ("taken", "corrected", "expected"),
    [(0, 0, (100, 5, True)), (1, 0, (99, 5, False)), (1, 1, (99, 4, True)), (98, 0, (2, 2, False))],
)
def test_right_ones_taken_out_leave_the_wrong_ones_a_larger_share(
    taken: int, corrected: int, expected: tuple[int, int, bool]
) -> None:
    assert wrong_left(100, 5, taken, corrected, 0.05) == expected


def test_an_empty_rest_keeps_every_promise() -> None:
    assert wrong_left(10, 1, 10, 0, 0.05) == (0, 0, True)
