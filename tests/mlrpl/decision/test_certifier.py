"""Certificates on pools with known truth: rarely false, and not empty with a good model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).parent))

from filling_worlds import (  # type: ignore[import-not-found]
    Annotator,
    leftover,
    one_beyond_lost,
    one_beyond_precision,
    planned,
    run,
    truthful,
    with_false_alarms,
    with_second_look,
)

from mlrpl.decision.certifier import Certifier, count_probes, probes_needed, statement
from mlrpl.decision.fill_plan import FillPlan, Promise, pilot_inclusion, plan_fill, refit

World = Callable[[np.random.Generator], tuple[FillPlan, np.ndarray]]

WORLDS: dict[str, tuple[World, Annotator, int, bool]] = {
    "good model": (lambda r: planned(0.99, r), truthful, 50, True),
    "random scores": (
        lambda r: planned(0.99, r, shuffled=True, size=50_000),
        truthful,
        100,
        False,
    ),
    "inverted model": (
        lambda r: planned(0.99, r, inverted=True, size=50_000),
        truthful,
        100,
        False,
    ),
    "overconfident model": (lambda r: planned(0.95, r, slope=1.8), truthful, 40, False),
    "one pair in 300 present": (lambda r: planned(0.99, r, prevalence=0.003), truthful, 40, True),
    "left over by active learning": (leftover, truthful, 100, True),
    "false alarms, one answer": (lambda r: planned(0.99, r), with_false_alarms(0.02), 60, False),
    "false alarms, second look": (lambda r: planned(0.99, r), with_second_look(0.02), 50, True),
    "one lost pair too many": (lambda r: one_beyond_lost(20_000, 0.03, r), truthful, 60, False),
    "one wrong pair too many": (
        lambda r: one_beyond_precision(100_000, 0.03, r),
        truthful,
        12,
        False,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_a_promise_is_broken_in_no_more_runs_than_the_risk_allows(name: str) -> None:
    world, annotator, runs, fills = WORLDS[name]
    at_the_edge = "too many" in name
    outcomes = []
    for seed in range(runs):
        rng = np.random.default_rng([7, seed])
        plan, truth = world(rng)
        outcomes.append(run(plan, truth, rng, annotator=annotator, stop=not at_the_edge))

    broken = sum(outcome.broke for outcome in outcomes)

    assert broken <= binom.ppf(0.99, runs, 0.05)
    if fills:
        assert sum(outcome.absent > 0 for outcome in outcomes) >= 0.8 * runs
    if name in ("random scores", "inverted model", "false alarms, one answer"):
        assert all(outcome.absent == 0 for outcome in outcomes)


def test_a_good_model_saves_most_of_the_pool() -> None:
    rng = np.random.default_rng(3)
    plan, truth = planned(0.99, rng)

    outcome = run(plan, truth, rng)

    assert outcome.absent > 60_000
    assert outcome.probes < 9_000
    assert not outcome.broke


def test_probes_are_counted_by_nested_rungs() -> None:
    p = np.linspace(0.001, 0.999, 5_000)
    plan = plan_fill(p, Promise(max_lost=0.5, max_error=0.4))
    first, last = plan.absent_rungs[0], plan.absent_rungs[-1]
    top = plan.present_rungs[0]

    counts = count_probes(
        plan,
        np.array([first - 1, first, last, top, plan.size - 1]),
        np.array([True, False, True, False, True]),
    )

    assert counts.absent_drawn[0] == 1
    assert (counts.absent_drawn[-1], counts.absent_found[-1]) == (2, 1)
    assert (counts.present_drawn[0], counts.present_wrong[0]) == (2, 1)
    assert (counts.middle_drawn, counts.middle_found) == (1, 1)


def test_certified_rungs_stay_and_the_statement_says_what_may_be_filled() -> None:
    rng = np.random.default_rng(5)
    plan, truth = planned(0.99, rng)
    drawn = rng.permutation(plan.absent_size)[:5_000]
    middle = plan.absent_size + rng.permutation(plan.middle_size)[:1_500]
    top = plan.size - plan.present_size + rng.permutation(plan.present_size)[:400]
    positions = np.concatenate([drawn, middle, top])
    counts = count_probes(plan, positions, truth[positions])
    certifier = Certifier(plan)

    certified = certifier.look(counts)
    said = statement(certifier, counts)

    assert certified[1] > 0
    assert certifier.look(count_probes(plan, positions[:10], truth[positions[:10]])) == certified
    assert said["absent"]["fill"] == plan.absent_rungs[certified[1] - 1] - said["absent"]["probes"]
    assert any("can be marked absent" in sentence for sentence in said["sentences"])
    present = certifier.present_sizes[certified[0] - 1] if certified[0] else 0
    held = plan.size - plan.absent_rungs[certified[1] - 1] - present
    assert said["left_for_people"] == held


def test_nothing_certified_is_said_in_one_sentence() -> None:
    plan = plan_fill(np.linspace(0.01, 0.99, 2_000), Promise())
    counts = count_probes(plan, np.zeros(0, np.int64), np.zeros(0, bool))

    said = statement(Certifier(plan), counts)

    assert said["present"] is said["absent"] is None
    assert said["sentences"] == ["Nothing can be filled in yet: the probes do not support it."]


def test_over_the_filled_pairs_the_absent_side_waits_for_the_present_one() -> None:
    rng = np.random.default_rng(11)
    plan, truth = planned(0.999, rng, size=200_000, promise=Promise(over="filled"))
    top = plan.size - plan.present_size + rng.permutation(plan.present_size)[:600]
    positions = np.concatenate([rng.permutation(plan.absent_size)[:12_000], top])
    counts = count_probes(plan, positions, truth[positions])
    certifier = Certifier(plan)

    before = certifier.look(counts)
    filled = certifier.close_present(counts)
    after = certifier.look(counts)

    assert before[0] > 0
    assert before[1] == 0
    assert filled > 0
    assert after[1] > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_error": 0.0}, "max_error"),
        ({"max_lost": 1.0}, "max_lost"),
        ({"risk": 2.0}, "risk"),
        ({"miss": 0.7}, "miss"),
        ({"over": "all"}, "over"),
        ({"known": -1}, "known"),
    ],
)
def test_a_promise_refuses_what_makes_no_sense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Promise(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("p", [[0.5, 0.1], [0.1, float("nan")], [0.1, 1.5], [[0.1]]])
def test_a_plan_wants_ascending_probabilities(p: list[float]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        plan_fill(np.array(p), Promise())


def test_an_empty_pool_has_an_empty_plan() -> None:
    plan = plan_fill(np.zeros(0), Promise())

    assert (plan.absent_rungs, plan.present_rungs, plan.middle_size) == ((), (), 0)


def test_the_risk_is_spent_once() -> None:
    plan = plan_fill(np.linspace(0, 1, 20_000) ** 4, Promise())

    assert plan.present_risk + plan.denominator_risk + plan.absent_risk == pytest.approx(0.05)


def test_a_pilot_bends_an_overconfident_curve_back() -> None:
    rng = np.random.default_rng(2)
    plan, truth = planned(0.95, rng)
    del plan
    honest, _ = np.sort(rng.random(len(truth))) * 0.02 + 0.02, None
    sure = honest**3
    inclusion = pilot_inclusion(sure)
    drawn = rng.choice(len(sure), 400, p=inclusion)

    bent = refit(sure, drawn, rng.random(400) < honest[drawn], inclusion[drawn])

    assert abs(bent.mean() - honest.mean()) < 0.5 * abs(sure.mean() - honest.mean())
    assert (np.diff(bent) >= 0).all()


def test_probes_needed_grow_without_bound_towards_the_promise() -> None:
    assert probes_needed(0.03, 0.03, 0.05) == float("inf")
    assert probes_needed(0.0, 0.05, 0.05) < probes_needed(0.02, 0.05, 0.05)
    assert probes_needed(0.01, 0.05, 0.05, size=200) < probes_needed(0.01, 0.05, 0.05)
