"""The pilot of a certificate: it chooses the better ladder, and never breaks a promise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).parent))

from filling_worlds import (  # type: ignore[import-not-found]
    binormal,
    distorted,
    left_over_pool,
    run,
)

from mlrpl.decision.fill_plan import (
    FillPlan,
    Promise,
    draw_pilot,
    pilot_inclusion,
    plan_fill,
    refit,
)
from mlrpl.decision.plan_choice import credible, forecast_ladder

World = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


def too_sure(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    p, truth = binormal(100_000, 0.03, 0.95, rng)
    return distorted(p, slope=1.8), truth


def too_low(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    p, truth = binormal(100_000, 0.05, 0.97, rng)
    return distorted(p, shift=-1.2), truth


WORLDS: dict[str, tuple[World, int]] = {
    "good": (lambda rng: binormal(100_000, 0.03, 0.99, rng), 5),
    "too sure": (too_sure, 8),
    "too low": (too_low, 5),
    "left over by active learning": (left_over_pool, 12),
}


def ladders(
    p: np.ndarray, truth: np.ndarray, seed: int
) -> tuple[FillPlan, FillPlan, bool, np.ndarray]:
    """Return the plain and the refitted plan, whether the latter is chosen, and what is true."""
    inclusion = pilot_inclusion(p)
    drawn = draw_pilot(inclusion, 400, seed)
    bent = refit(p, drawn, truth[drawn], inclusion[drawn])
    kept = np.ones(len(p), bool)
    kept[drawn] = False
    mixed = credible(p[kept], bent[kept], (p[drawn], bent[drawn]), truth[drawn])
    plain, refitted = plan_fill(p[kept], Promise()), plan_fill(bent[kept], Promise())
    people = [forecast_ladder(plan, mixed).people for plan in (plain, refitted)]
    return plain, refitted, people[1] < people[0], truth[kept]


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_the_ladder_that_a_pilot_chooses_fills_in_about_as_much_as_the_better_one(
    name: str,
) -> None:
    world, runs = WORLDS[name]
    filled, broken = np.zeros((runs, 3)), 0
    for seed in range(runs):
        p, truth = world(np.random.default_rng([13, seed]))
        plain, refitted, chose, kept = ladders(p, truth, seed)
        outcomes = [run(x, kept, np.random.default_rng(seed)) for x in (plain, refitted)]
        filled[seed] = [*(o.absent for o in outcomes), outcomes[chose].absent]
        broken += outcomes[chose].broke

    without, with_, chosen = filled.mean(axis=0)

    assert broken <= binom.ppf(0.99, runs, 0.05)
    if name == "left over by active learning":  # a run fills in nearly all or nothing there
        assert chosen >= (without + with_) / 2
    else:
        assert chosen >= 0.85 * max(without, with_)
    if name == "too sure":  # nothing at all without the pilot
        assert without < 0.2 * chosen
        assert chosen > 30_000


def test_a_pilot_draws_each_pair_once_and_likely_ones_more_often() -> None:
    p, _ = binormal(20_000, 0.05, 0.95, np.random.default_rng(1))
    inclusion = pilot_inclusion(p)

    drawn = draw_pilot(inclusion, 400, 7)

    assert len(np.unique(drawn)) == 400
    assert p[drawn].mean() > 3 * p.mean()
    assert (draw_pilot(inclusion, 400, 7) == drawn).all()
    assert len(draw_pilot(inclusion[:30], 400, 7)) == 30
    assert len(draw_pilot(inclusion[:0], 400, 7)) == 0


def test_answers_decide_which_predictions_are_credible() -> None:
    plain, bent = np.array([0.1, 0.9]), np.array([0.4, 0.6])
    sure, unsure = np.full(100, 0.95), np.full(100, 0.55)
    half = np.arange(100) < 55

    fits = credible(plain, bent, (sure, unsure), half)
    wrong = credible(plain, bent, (unsure, sure), half)
    nothing = credible(plain, bent, (sure[:0], unsure[:0]), half[:0])

    assert fits == pytest.approx(bent)
    assert wrong == pytest.approx(plain)
    assert abs(nothing - plain).max() < abs(nothing - bent).max()  # fitted numbers have a price


def test_a_ladder_is_forecast_up_to_its_first_failing_rung() -> None:
    p, _ = binormal(100_000, 0.03, 0.99, np.random.default_rng(1))
    plan = plan_fill(p, Promise())

    right = forecast_ladder(plan, p)
    optimistic = forecast_ladder(plan, distorted(p, shift=-1.0))
    hopeless = forecast_ladder(plan, np.full(len(p), p.mean()))

    assert 70_000 < right.fill_absent <= plan.absent_rungs[-1]
    assert right.people < 0.35 * plan.size
    assert optimistic.fill_absent > 0
    assert (hopeless.fill_absent, hopeless.people) == (0, plan.size)


def test_a_plan_without_any_rung_fills_in_nothing() -> None:
    p = np.full(100, 0.5)

    row = forecast_ladder(plan_fill(p, Promise()), p)

    assert (row.fill_absent, row.fill_present, row.people) == (0, 0, 100)
