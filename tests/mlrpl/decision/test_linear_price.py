"""What a plan is said to cost is what simulated certificates take."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mlrpl.decision.linear_evidence import draw_order
from mlrpl.decision.linear_parts import part_of
from mlrpl.decision.linear_plan import LinearPlan, freeze
from mlrpl.decision.linear_price import (
    best_step,
    expected_growth,
    freeze_roughly,
    outcome,
    part_growth,
)
from mlrpl.decision.linear_promises import F1Promise, LinearPromise, RecallPromise
from tests.mlrpl.decision.linear_worlds import binormal, distorted, simulated_questions

SIZE = 8_000


def by_bin(plan: LinearPlan, p: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.asarray(p, float), plan.edges[:-1]) / np.diff(plan.edges)


@pytest.fixture(scope="module")
def p() -> np.ndarray:
    return binormal(SIZE, 0.1, 0.97, np.random.default_rng(4))[0]


@pytest.mark.parametrize(
    "promise", [RecallPromise(max_lost=0.2), F1Promise(at_least=0.85)], ids=["recall", "f1"]
)
def test_the_questions_are_those_that_simulated_certificates_take(
    p: np.ndarray, promise: LinearPromise
) -> None:
    plan = freeze(p, promise)
    means = by_bin(plan, np.clip(p, 1e-7, promise.highest))

    step = best_step(plan, means, 1.0, SIZE)

    assert step is not None
    median, high = simulated_questions(plan, step.rung, means, runs=80)
    assert step.questions == pytest.approx(median, rel=0.25)
    assert step.high == pytest.approx(high, rel=0.3)


def test_growth_is_that_of_the_best_bet(p: np.ndarray) -> None:
    plan = freeze(p, RecallPromise(max_lost=0.2))
    means = by_bin(plan, p)
    test, sizes = plan.tests[3], np.diff(plan.edges)

    found = []
    for rate, stakes in zip(test.rates, test.stakes, strict=True):
        first = second = 0.0
        for n, q, u, c, m in zip(
            sizes, plan.weights, stakes, test.coefficients, means, strict=True
        ):
            for chance, worth in ((m, u - rate * c), (1 - m, u)):
                first += n * q * chance * math.log(worth / q)
                second += n * q * chance * math.log(worth / q) ** 2
        found.append((first, second - first**2))

    growth, spread = expected_growth(plan, means)
    assert (growth[3], spread[3]) == pytest.approx(max(found), rel=1e-6)


def test_predictions_that_are_too_sure_pay_less_by_the_truth(p: np.ndarray) -> None:
    plan = freeze(distorted(p, slope=1.8), RecallPromise(max_lost=0.2))

    own = best_step(plan, by_bin(plan, distorted(p, slope=1.8)), 1.0, SIZE)
    true = best_step(plan, by_bin(plan, p), 1.0, SIZE)

    assert own is not None
    assert true is None or true.rung < own.rung


def test_nothing_is_expected_of_a_promise_that_the_predictions_break(p: np.ndarray) -> None:
    plan = freeze(p, RecallPromise(max_lost=0.2))
    means = np.full(len(plan.weights), 0.4)

    assert best_step(plan, means, 1.0, SIZE) is None
    assert best_step(plan, by_bin(plan, p), 1.0, most=20) is None


def test_a_dearer_question_buys_a_smaller_fill(p: np.ndarray) -> None:
    plan = freeze(p, RecallPromise(max_lost=0.2))
    means = by_bin(plan, p)

    cheap, dear = best_step(plan, means, 0.1, SIZE), best_step(plan, means, 50.0, SIZE)

    assert cheap is not None
    assert dear is not None
    assert dear.rung < cheap.rung
    assert dear.questions < cheap.questions


def test_what_is_filled_in_left_and_asked_is_the_whole_pool(p: np.ndarray) -> None:
    plan = freeze(p, F1Promise(at_least=0.85))

    found = outcome(plan, 5, 300)
    asked = draw_order(plan, 300, 1)

    assert sum(found) + 300 == pytest.approx(SIZE, abs=1)
    low, high = plan.tests[5].fill
    assert found.absent == pytest.approx(low - (asked < low).sum(), abs=60)
    assert found.present == pytest.approx(SIZE - high - (asked >= high).sum(), abs=60)


def test_a_part_grows_as_its_own_plan_does_on_its_share_of_the_draws(p: np.ndarray) -> None:
    promise = RecallPromise(max_lost=0.2, known=300)
    plan = freeze(p, promise)
    own = np.arange(SIZE) % 4 == 0
    counts = np.add.reduceat(own.astype(float), plan.edges[:-1])
    sums = np.add.reduceat(np.where(own, p, 0), plan.edges[:-1])
    means = sums / np.maximum(counts, 1)
    part = replace(promise, known=75)

    found = part_growth(plan, part, counts, means, 6)

    made = part_of(plan, part, counts, means)
    share = (counts * plan.weights).sum()
    assert found == pytest.approx(share * made.plan.tests[6 - made.first].growth)


def test_a_part_of_which_nothing_is_filled_in_needs_no_proof(p: np.ndarray) -> None:
    promise = RecallPromise(max_lost=0.2)
    plan = freeze(p, promise)
    high = plan.edges[:-1] >= plan.tests[-1].fill.absent
    counts = np.where(high, np.diff(plan.edges), 0).astype(float)

    assert part_growth(plan, promise, counts, by_bin(plan, p), 0) == math.inf
    low = np.where(high, 0, np.diff(plan.edges)).astype(float)  # all of it may be lost
    assert part_growth(plan, promise, low, by_bin(plan, p), len(plan.tests) - 1) == 0


def test_a_rough_plan_tells_nearly_the_same_price(p: np.ndarray) -> None:
    promise = RecallPromise(max_lost=0.2, known=150)
    plan, rough = freeze(p, promise, price=2.0), freeze_roughly(p, promise, price=2.0, most=3_000)

    exact = best_step(plan, by_bin(plan, p), 2.0, SIZE)
    about = best_step(rough, by_bin(rough, p), 2.0, SIZE)

    assert exact is not None
    assert about is not None
    assert rough.size == SIZE
    people = [
        2.0 * step.questions + outcome(one, step.rung, step.questions).left
        for one, step in ((rough, about), (plan, exact))
    ]
    assert people[0] == pytest.approx(people[1], rel=0.05)
    median, _ = simulated_questions(rough, about.rung, by_bin(rough, p), runs=80)
    assert about.questions == pytest.approx(median, rel=0.25)
    assert freeze_roughly(p, promise, price=2.0).weights == pytest.approx(plan.weights)
