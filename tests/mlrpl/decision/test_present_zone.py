"""The present side of a certificate: rarely false, cheap with a good model, honest afterwards."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mlrpl.decision.anytime_bounds import BETS, log_e_at_most
from mlrpl.decision.present_zone import (
    PresentPlan,
    draw_present,
    further_present_questions,
    look_present,
    plan_present,
    present_forecast,
    present_is_worth_asking,
    wrong_left,
)
from tests.mlrpl.decision.linear_worlds import binormal, distorted, most_broken

ERROR, RISK = 0.05, 0.05


def pool(auc: float = 0.99, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return binormal(30_000, 0.1, auc, np.random.default_rng(seed))


def plan_of(p: np.ndarray, **options: float) -> PresentPlan:
    return plan_present(p, **({"max_error": ERROR, "risk": RISK} | options))  # type: ignore[arg-type]


def broke(plan: PresentPlan, truth: np.ndarray, seed: int) -> bool | None:
    """Return whether a rung that is certified at any look is not what it is said to be."""
    positions = draw_present(plan, seed)
    certified = look_present(plan, positions, truth[positions]).certified
    if not certified:
        return None
    wrong = [int((~truth[start:]).sum()) for start in plan.rungs[:certified]]
    return bool((wrong > plan.allowed_wrong[:certified]).any())


def one_wrong_too_many(plan: PresentPlan, truth: np.ndarray, rng: np.random.Generator) -> None:
    start, count = plan.rungs[0], int(plan.allowed_wrong[0]) + 1
    truth[start:] = True
    truth[start + rng.choice(plan.size - start, count, replace=False)] = False


@pytest.mark.parametrize("world", ["one wrong pair too many", "random", "too sure", "good"])
def test_a_promise_is_broken_in_no_more_runs_than_the_risk_allows(world: str) -> None:
    runs, outcomes = 100, []
    p, truth = pool()
    plan = plan_of(distorted(p, slope=1.8) if world == "too sure" else p)
    for seed in range(runs):
        rng = np.random.default_rng([7, seed])
        there = rng.permutation(truth) if world == "random" else truth.copy()
        if world == "one wrong pair too many":
            one_wrong_too_many(plan, there, rng)
        outcomes.append(broke(plan, there, seed))
    assert outcomes.count(True) <= most_broken(runs)
    nothing = outcomes.count(None)
    assert {"good": nothing < 0.2 * runs, "random": nothing == runs}.get(world, True)


def test_the_test_of_a_rung_fails_no_more_often_than_the_risk_at_any_look() -> None:
    p, truth = pool()
    plan = replace(plan_of(p), rungs=plan_of(p).rungs[:1])
    runs, passed = 400, 0
    for seed in range(runs):
        one_wrong_too_many(plan, truth, np.random.default_rng([8, seed]))
        positions = draw_present(plan, seed)
        passed += look_present(plan, positions, truth[positions]).certified
    assert passed <= most_broken(runs)


def test_probes_are_counted_by_nested_rungs_and_a_look_says_the_best_so_far() -> None:
    p, truth = pool()
    plan = plan_of(p)
    positions = draw_present(plan, 1)
    said = truth[positions]
    look = look_present(plan, positions, said)
    for rung, start in enumerate(plan.rungs):
        assert look.drawn[rung] == (positions >= start).sum()
        assert look.wrong[rung] == ((positions >= start) & ~said).sum()
    certified = [look_present(plan, positions[:n], said[:n]).certified for n in range(0, 700, 50)]
    assert certified == sorted(certified)
    assert certified[-1] > 0
    assert look_present(plan, positions[:10], said[:10], certified=2).certified == 2
    assert look_present(plan, positions, np.zeros(len(said), bool)).certified == 0


def test_the_evidence_is_that_of_the_counts() -> None:
    p, truth = pool()
    plan = plan_of(p)
    positions = draw_present(plan, 2)
    first = None
    for end in range(1, len(positions) + 1):
        drawn = int((positions[:end] >= plan.rungs[0]).sum())
        wrong = int(((positions[:end] >= plan.rungs[0]) & ~truth[positions[:end]]).sum())
        allowed = int(plan.allowed_wrong[0])
        size = plan.size - plan.rungs[0]
        found = float(log_e_at_most(size, drawn, wrong, allowed, allowed / size * BETS))
        if found >= math.log(1 / RISK) and allowed - wrong <= ERROR * (size - drawn):
            first = end
            break
    assert first is not None
    assert look_present(plan, positions[: first - 1], truth[positions[: first - 1]]).certified == 0
    assert look_present(plan, positions[:first], truth[positions[:first]]).certified > 0


def test_draws_are_uniform_in_the_zone_and_once_each() -> None:
    p, _ = pool()
    plan = plan_of(p)
    drawn = np.array([draw_present(plan, seed) for seed in range(40)])
    assert drawn.shape == (40, plan.cap)
    assert drawn.min() >= plan.size - plan.zone_size
    assert all(len(np.unique(row)) == plan.cap for row in drawn)
    middle = plan.size - plan.zone_size / 2
    # Under uniform draws each half gets as many, give or take three standard deviations.
    assert abs((drawn < middle).mean() - 0.5) < 1.5 / math.sqrt(drawn.size)
    assert (draw_present(plan, 3) == drawn[3]).all()


def test_asking_ends_when_it_pays_no_more() -> None:
    p, truth = pool()
    plan = plan_of(p)
    positions = draw_present(plan, 1)
    start = look_present(plan, positions[:0], truth[:0])
    assert present_is_worth_asking(plan, start)
    bad = look_present(plan, positions[:300], np.arange(300) % 3 > 0)
    assert not present_is_worth_asking(plan, bad)
    assert further_present_questions(plan, bad) == math.inf
    done = look_present(plan, positions, truth[positions], certified=len(plan.rungs))
    assert not present_is_worth_asking(plan, done)
    assert further_present_questions(plan, done) == 0
    good = look_present(plan, positions[:150], np.ones(150, bool))
    assert further_present_questions(plan, good) < further_present_questions(plan, start)
    assert not present_is_worth_asking(plan, good, price=1e6)


def test_asking_ends_before_the_probes_wear_out_what_is_certified() -> None:
    plan = replace(plan_of(pool()[0]), rungs=(29_000, 26_000), cap=1_400)
    # T = floor(0.05 * 1000 * (1 - 0.35 / 2)) = 41: with none wrong it holds for at most 180 probes.
    positions = np.concatenate([np.arange(26_000, 26_006), np.arange(29_000, 29_180)])
    right = np.arange(len(positions)) >= 6
    before = look_present(plan, positions[:-1], right[:-1])
    look = look_present(plan, positions, right)
    assert (before.certified, look.certified) == (1, 1)
    assert present_is_worth_asking(plan, before)
    assert look.allowed_wrong[0] <= ERROR * (1_000 - 180)
    assert not present_is_worth_asking(plan, look)


def test_a_forecast_is_about_what_is_filled_in() -> None:
    p, truth = pool(0.995)
    plan = plan_of(p)
    fill, probes = present_forecast(plan, p)
    needed = []
    for seed in range(12):
        positions = draw_present(plan, seed)
        ends = range(50, plan.cap, 25)
        looks = (look_present(plan, positions[:n], truth[positions[:n]]) for n in ends)
        reached = (n for n, look in zip(ends, looks, strict=True) if look.certified)
        needed.append(next(reached, math.inf))
    assert 0 < fill < plan.zone_size
    assert 0.4 * probes < np.median(needed) < 1.5 * probes
    assert present_forecast(plan, np.full(len(p), 0.1)) == (0, 0)


def test_a_pool_with_few_likely_pairs_has_no_present_side() -> None:
    for p in (np.zeros(0), np.linspace(0, 0.5, 9_000), np.full(400, 0.999)):
        plan = plan_of(p)
        assert (plan.rungs, plan.zone_size, plan.cap) == ((), 0, 0)
        assert len(draw_present(plan, 0)) == 0
        look = look_present(plan, np.zeros(0, np.int64), np.zeros(0, bool))
        assert look.certified == 0
        assert not present_is_worth_asking(plan, look)
        assert present_forecast(plan, p) == (0, 0)


def test_what_the_other_side_fills_in_is_no_rung() -> None:
    p, _ = pool()
    free = plan_of(p)
    assert plan_of(p, floor=free.rungs[-1] + 1).rungs == free.rungs[:-1]


@pytest.mark.parametrize(
    ("p", "options", "message"),
    [
        ([0.5, 0.1], {}, "sort them"), ([0.1, math.nan], {}, "finite"), ([0.1, 1.5], {}, "0 to 1"),
        ([0.1], {"max_error": 0.0}, "max_error"), ([0.1], {"risk": 1.0}, "risk"),
        ([0.1], {"false_alarm": 0.5}, "false_alarm"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_plan_is_refused(p: list[float], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_of(np.array(p), **options)


def test_a_pair_is_drawn_once_and_inside_the_zone() -> None:
    plan = plan_of(pool()[0])
    for positions in ([plan.size - 1, plan.size - 1], [0], [plan.size]):
        with pytest.raises(ValueError, match=r"drawn at most once|positions must lie"):
            look_present(plan, np.array(positions), np.zeros(len(positions), bool))


# ---- answers to pairs that were filled in: the promise is never said to hold in vain


@pytest.mark.parametrize("order", ["right ones first", "wrong ones first", "any"])
def test_a_promise_said_to_hold_is_true_whatever_people_answer(order: str) -> None:
    stale = 0
    for seed in range(30):
        rng = np.random.default_rng([3, seed])
        truth = np.arange(1_000) >= 45
        keys = {"right ones first": ~truth, "wrong ones first": truth, "any": np.zeros(len(truth))}
        answered = np.argsort(keys[order] + 0.5 * rng.random(len(truth)))
        for share in np.linspace(0, 1, 21):
            out = truth[answered[: round(share * len(truth))]]
            left, _, holds = wrong_left(len(truth), 45, len(out), int((~out).sum()), ERROR)
            wrong = 45 - int((~out).sum())
            assert not holds or wrong <= ERROR * left
            stale += not holds
    assert stale > 0 or order == "wrong ones first"


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
