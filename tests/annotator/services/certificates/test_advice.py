"""What would help an open certificate: said only where it is true, with its number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.services.certificates.advice import advice
from mlrpl.decision.linear_evidence import ABSENT, PRESENT, draw_order
from mlrpl.decision.linear_plan import freeze
from mlrpl.decision.linear_promises import RecallPromise

CHANCES = np.sort(np.random.default_rng(6).beta(0.1, 0.9, 4_000))
PLAN = freeze(CHANCES, RecallPromise(max_lost=0.2, known=50), risk=0.05)
MEANS = np.add.reduceat(CHANCES, PLAN.edges[:-1]) / np.diff(PLAN.edges)


def found(**more: Any) -> Any:
    """Return the evidence of 120 answers, of which everything but `more` is as predicted."""
    values: dict[str, Any] = {
        "linear": PLAN,
        "chances": MEANS,
        "steps": 0,
        "certified": {"steps": 0, "present": 0},
        "kept": [SimpleNamespace(said=None)] * 120,
        "positions": np.arange(120) * 30,
        "answers": np.full(120, ABSENT),
        "known_counted": 50,
        "questions": 900,
        "grown": 1.0,
        "plan": SimpleNamespace(promise={"recall": 0.8, "f1": None, "over": "dataset"}),
        **more,
    }
    growth = np.array([test.growth for test in PLAN.tests])
    values["evidence"] = lambda: 120 * values["grown"] * growth
    values["expected_questions"] = lambda: values["questions"]
    return SimpleNamespace(**values)


def told(current: int | None = 1, pilot: Any = None, **more: Any) -> list[str]:
    row: Any = SimpleNamespace(version=1, plan={"pilot": pilot})
    return advice(row, found(**more), current)


def test_the_middle_is_to_be_answered_where_the_labels_count() -> None:
    (said,) = told()

    fill = PLAN.tests[-1].fill
    likely = round(CHANCES[fill.absent : fill.present].sum())
    assert said.startswith(f"Answer the {fill.present - fill.absent:,} pairs that no step fills in")
    assert f"about {likely:,} of them are present" in said
    assert told(plan=SimpleNamespace(promise={"recall": 0.8, "f1": None, "over": "pool"})) == []


def test_a_newer_version_is_named_first() -> None:
    assert told(current=4)[0].startswith("Version 4 is in use now, and this plan keeps the scores")
    assert len(told(current=None)) == 1


@pytest.mark.parametrize(("grown", "said"), [(0.2, "only 20 % of"), (-0.5, "none of")])
def test_a_pilot_is_advised_where_the_evidence_stays_behind(grown: float, said: str) -> None:
    first = told(grown=grown)[0]

    assert f"gave {said} the evidence that the model's probabilities predicted" in first
    assert "a pilot of 300 questions" in first
    assert len(told(grown=grown, pilot={"asked": 300})) == 1
    assert len(told(grown=0.6)) == 1


def test_a_lower_promise_is_one_that_the_answers_support() -> None:
    low = PLAN.tests[0].fill.absent
    truth = CHANCES > 0.5
    lost = round(0.35 * (truth.sum() + 50))  # so the first step would reach a recall of 74 %
    truth[np.random.default_rng(1).permutation(low)[:lost]] = True
    positions = draw_order(PLAN, 1_500, 2)
    answers = np.where(truth[positions], PRESENT, ABSENT)

    lower = [one for one in told(answers=answers, positions=positions) if "--recall" in one]

    assert len(lower) == 1
    assert "By the answers so far the next step would reach a recall of about 7" in lower[0]
    assert "cancel this certificate and plan again with --recall 0.7" in lower[0]


@pytest.mark.parametrize(
    "near",
    [
        {"questions": 40},
        {"questions": None, "steps": 2, "certified": {"steps": 2, "present": 0}},
        {"steps": len(PLAN.tests)},
    ],
)
def test_nothing_is_advised_where_the_next_step_is_near_or_the_fill_is_proven(near: Any) -> None:
    assert told(current=4, grown=0.1, **near) == []
