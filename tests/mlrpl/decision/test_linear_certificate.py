"""The linear test: exact on small pools, valid at the boundary, and cheap where models are good."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mlrpl.decision.kelly_bets import draw_weights, kelly_bet
from mlrpl.decision.linear_evidence import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    certified_rungs,
    draw_order,
    log_evidence,
)
from mlrpl.decision.linear_forecast import filled, further_questions
from mlrpl.decision.linear_parts import part_of
from mlrpl.decision.linear_plan import LinearPlan, RungTest, freeze
from mlrpl.decision.linear_promises import F1Promise, Fill, RecallPromise
from tests.mlrpl.decision.linear_worlds import (
    Place,
    as_predicted,
    binormal,
    distorted,
    lowest,
    most_broken,
    one_beyond,
    rarely_drawn,
    run,
    simulated_questions,
    top,
    uniform,
)

SMALL = 7
CHANCES = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.9])
COEFFICIENTS = np.where(np.arange(SMALL) < 4, 0.75, -0.25)
WEIGHTS = np.array([3.0, 1, 2, 1, 2, 1, 1]) / 11


def small_plan(allowance: float = 0.0) -> LinearPlan:
    """Return a plan over seven pairs with two bets."""
    ones = np.ones(SMALL)
    bets = [kelly_bet(ones, WEIGHTS, s * CHANCES, COEFFICIENTS, allowance) for s in (1, 0.7)]
    assert all(bet.rate > 0 for bet in bets)
    test = RungTest(
        Fill(4, SMALL),
        COEFFICIENTS,
        np.array([bet.rate for bet in bets]),
        np.array([bet.stakes for bet in bets]),
        bets[0].growth,
    )
    return LinearPlan(0.05, np.arange(SMALL + 1), WEIGHTS, np.array([0.75, 0.25]), (test,), 0)


def order_probability(order: tuple[int, ...], weights: np.ndarray = WEIGHTS) -> float:
    left, chance = 1.0, 1.0
    for position in order:
        chance *= weights[position] / left
        left -= weights[position]
    return chance


def expectation(plan: LinearPlan, truth: np.ndarray, draws: int) -> float:
    """Return the mean of `E` over all ordered samples."""
    return sum(
        order_probability(order)
        * math.exp(log_evidence(plan, np.array(order), truth[list(order)])[0, -1])
        for order in itertools.permutations(range(SMALL), draws)
    )


def predicted_expectation(plan: LinearPlan, truth: np.ndarray, draws: int) -> float:
    test = plan.tests[0]
    sums = (test.stakes - test.rates[:, None] * test.coefficients * truth).sum(1)
    return float((plan.shares * sums**draws).sum())


@pytest.mark.parametrize("allowance", [0.0, 0.5])
def test_the_mean_of_the_evidence_is_exact_for_every_truth_of_a_small_pool(
    allowance: float,
) -> None:
    plan = small_plan(allowance)
    for bits in itertools.product((0, 1), repeat=SMALL):
        truth = np.array(bits)
        found = expectation(plan, truth, 2)
        assert found == pytest.approx(predicted_expectation(plan, truth, 2), abs=1e-12)
        if (COEFFICIENTS * truth).sum() > allowance:
            assert found < 1


def test_the_mean_of_the_evidence_is_exact_over_four_draws() -> None:
    truth = np.array([0, 1, 0, 1, 0, 0, 1])
    plan = small_plan()
    assert expectation(plan, truth, 4) == pytest.approx(
        predicted_expectation(plan, truth, 4), abs=1e-12
    )


def mutated(kind: str, truth: np.ndarray) -> float:
    """Return the mean of `E` over all orders of two draws, with one mistake."""
    plan, total = small_plan(), 0.0
    for order in itertools.permutations(range(SMALL), 2):
        chance, positions = order_probability(order), np.array(order)
        if kind == "wrong weights":
            chance = order_probability(order, np.full(SMALL, 1 / SMALL))
        elif kind == "swapped order":
            positions = positions[::-1]
        elif kind == "dropped pair":
            positions = positions[1:]
        elif kind == "draws that look at answers" and truth[order[0]]:
            continue  # drawn again until the first answer is absent
        total += chance * math.exp(log_evidence(plan, positions, truth[positions])[0, -1])
    if kind == "draws that look at answers":
        total /= 1 - float((WEIGHTS * truth).sum())
    return total


@pytest.mark.parametrize(
    "kind", ["wrong weights", "swapped order", "dropped pair", "draws that look at answers"]
)
def test_a_mistake_in_the_draws_breaks_the_exact_mean(kind: str) -> None:
    truth = np.array([1, 0, 0, 1, 0, 1, 0])
    right = predicted_expectation(small_plan(), truth, 2)
    assert mutated("none", truth) == pytest.approx(right, abs=1e-12)
    assert abs(mutated(kind, truth) - right) > 1e-3


def test_pairs_are_drawn_in_turn_by_their_weight_among_those_left() -> None:
    plan, runs = small_plan(), 4_000
    seen = np.zeros((SMALL, SMALL))
    for seed in range(runs):
        first, second = draw_order(plan, 2, seed)
        seen[first, second] += 1
    expected = np.array(
        [[order_probability((a, b)) if a != b else 0 for b in range(SMALL)] for a in range(SMALL)]
    )
    inside = expected > 0
    distance = ((seen[inside] - runs * expected[inside]) ** 2 / (runs * expected[inside])).sum()
    assert not seen[~inside].any()
    assert distance < 70  # 99 % of the chi-squared law with 41 degrees of freedom is 65


def test_the_bet_has_the_values_of_an_independent_implementation() -> None:
    counts, draws = np.array([500.0, 300, 150, 50]), np.full(4, 1 / 1000)
    chances, coefficients = np.array([0.001, 0.01, 0.1, 0.6]), np.array([0.9, 0.9, -0.1, -0.1])
    bet = kelly_bet(counts, draws, chances, coefficients)
    assert bet.rate == pytest.approx(0.000322931485975739, rel=1e-12)
    assert bet.growth == pytest.approx(0.00024066629297509, rel=1e-12)


def test_hardly_any_weights_grow_faster_than_the_designed_ones() -> None:
    counts, chances = np.array([500.0, 300, 150, 50]), np.array([0.001, 0.01, 0.1, 0.6])
    coefficients = np.array([0.9, 0.9, -0.1, -0.1])
    draws, growth = draw_weights(counts, chances, coefficients)
    rng = np.random.default_rng(0)
    for _ in range(40):
        other = draws * np.exp(0.3 * rng.standard_normal(4))
        other /= (counts * other).sum()
        assert kelly_bet(counts, other, chances, coefficients).growth < growth * 1.05


FROZEN = {
    # promise: (target, questions of the target, log E of it after 300 draws)
    "recall": (
        RecallPromise(max_lost=0.2, known=500),
        (8, 564.1420871540126, 0.4897111233318574, 0.00011986271229031802, 0.00012292080241147848),
    ),
    "recall of the truth": (
        RecallPromise(max_lost=0.2, known=500, false_alarm=0.01, miss=0.05),
        (8, 654.5052034544595, 0.3411827513179712, 0.00012265900473774563, 0.00012559571051177278),
    ),
    "F1": (
        F1Promise(at_least=0.9, known=500),
        (8, 615.0543922047465, 0.3345019652332106, 0.00012185282990488178, 0.00012460930331772058),
    ),
}


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_case_gives_what_an_independent_implementation_gives(name: str) -> None:
    promise, (target, questions, evidence, weight, stake) = FROZEN[name]
    p = np.sort(np.random.default_rng(1).beta(0.1, 3, 20_000))
    plan = freeze(p, promise)
    positions = draw_order(plan, 300, 7)
    truth = (np.random.default_rng(1).random(len(p)) < p).astype(int)
    assert plan.target == target
    assert plan.questions(target) == pytest.approx(questions, rel=1e-12)
    found = log_evidence(plan, positions, truth[positions])[target, -1]
    assert found == pytest.approx(evidence, rel=1e-12)
    assert plan.weights.max() == pytest.approx(weight, rel=1e-12)
    assert plan.tests[target].stakes.max() == pytest.approx(stake, rel=1e-12)


# ---- validity: one pair beyond the promise, a look after every draw

RHO, KNOWN = 0.2, 200


def from_rung(plan: LinearPlan, rung: int) -> LinearPlan:
    """Return the plan with one rung: a run that tests no other is faster."""
    return replace(plan, tests=plan.tests[rung : rung + 1])


@cache
def boundary(prevalence: float) -> tuple[np.ndarray, LinearPlan, list[np.ndarray]]:
    """Return predictions, a plan of one rung, and the draws of each run."""
    p, _ = binormal(6_000, prevalence, 0.95, np.random.default_rng(0))
    plan = freeze(p, RecallPromise(max_lost=RHO, known=KNOWN))
    plan = from_rung(plan, next(i for i, t in enumerate(plan.tests) if t.fill.absent > 600))
    return p, plan, [draw_order(plan, 1_200, seed) for seed in range(200)]


@pytest.mark.parametrize("place", [uniform, rarely_drawn, lowest, top, as_predicted])
@pytest.mark.parametrize("prevalence", [0.1, 0.03, 0.003])
def test_a_promise_that_is_broken_by_one_pair_is_certified_no_more_often_than_the_risk(
    prevalence: float, place: Place
) -> None:
    p, plan, draws = boundary(prevalence)
    broken = 0
    for seed, positions in enumerate(draws):
        truth = one_beyond(plan, p, place, np.random.default_rng(seed), KNOWN, RHO)
        evidence = log_evidence(plan, positions, truth[positions].astype(np.int8))
        broken += int(certified_rungs(plan, evidence)[-1])
    assert broken <= most_broken(len(draws))


def test_a_broken_f1_is_certified_no_more_often_than_the_risk() -> None:
    x = 0.9
    p, _ = binormal(6_000, 0.1, 0.98, np.random.default_rng(0))
    plan = freeze(p, F1Promise(at_least=x, known=KNOWN))
    plan = from_rung(plan, len(plan.tests) - 1)
    fill, runs, broken = plan.tests[0].fill, 200, 0
    assert fill.present < plan.size
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        truth = rng.random(len(p)) < p
        truth[: fill.absent] = False
        wrong = int((~truth[fill.present :]).sum())
        # (2 - x) FN + x FP > 2 (1 - x) (known + present), with one pair to spare
        room = 2 * (1 - x) * (KNOWN + int(truth.sum())) - x * wrong
        truth[rng.choice(fill.absent, math.floor(room / x) + 1, replace=False)] = True
        broken += run(plan, truth, 1_200, seed).first(1) < math.inf
    assert broken <= most_broken(runs)


DISTORTIONS = {
    "as it is": {},
    "overconfident": {"slope": 1.8},
    "over-predicting": {"shift": 1.5},
    "under-predicting": {"shift": -1.5},
}


@cache
def distorted_pool(distortion: str) -> tuple[LinearPlan, np.ndarray]:
    p, truth = binormal(4_000, 0.1, 0.95, np.random.default_rng(1))
    promise = RecallPromise(max_lost=RHO, known=KNOWN)
    return freeze(distorted(p, **DISTORTIONS[distortion]), promise), truth


@pytest.mark.parametrize("distortion", DISTORTIONS)
@pytest.mark.parametrize("scores", ["good", "random", "inverted"])
def test_no_model_breaks_more_promises_than_the_risk_allows(scores: str, distortion: str) -> None:
    plan, truth = distorted_pool(distortion)
    shuffled = np.random.default_rng(2).permutation(truth)
    truth = {"good": truth, "random": shuffled, "inverted": truth[::-1]}[scores]
    runs, broken, certified = 40, 0, 0
    for seed in range(runs):
        found = run(plan, truth, 400, seed, cannot_tell=0.05).certified[-1]
        lost = truth[: plan.tests[found - 1].fill.absent].sum() if found else 0
        broken += lost > RHO * (truth.sum() + KNOWN)
        certified += found > 0
    assert broken <= most_broken(runs)
    assert certified > runs / 2 or (scores, distortion) != ("good", "as it is")


@pytest.mark.parametrize("prevalence", [0.1, 0.03, 0.003])
def test_false_alarms_with_a_second_look_break_no_promise(prevalence: float) -> None:
    p, truth = binormal(8_000, prevalence, 0.99, np.random.default_rng(2))
    plan = freeze(p, RecallPromise(max_lost=RHO))
    runs, broken, certified = 40, 0, 0
    for seed in range(runs):
        found = run(plan, truth, 1_000, seed, false_alarm=0.02, second_look=True).certified[-1]
        lost = truth[: plan.tests[found - 1].fill.absent].sum() if found else 0
        broken += lost > RHO * truth.sum()
        certified += found > 0
    assert broken <= most_broken(runs)
    assert certified > runs / 2 or prevalence < 0.05


@pytest.mark.parametrize(
    ("size", "fill", "reference"), [(2_000, None, 162), (5_000, None, 233), (20_000, 0.86, 206)]
)
def test_a_good_model_takes_few_questions(size: int, fill: float | None, reference: int) -> None:
    needed = []
    for pool in range(3):
        p, truth = binormal(size, 0.1, 0.99, np.random.default_rng(pool))
        plan = freeze(p, RecallPromise(max_lost=RHO))
        rung = plan.target
        if fill is not None:
            rung = int(np.argmin([abs(test.fill.absent / size - fill) for test in plan.tests]))
        plan = replace(plan, tests=plan.tests[: rung + 1])
        needed += [run(plan, truth, 900, seed).first(rung + 1) for seed in range(20)]
    assert np.median(needed) <= 1.2 * reference


# ---- looks, unknown answers, forecasts


@cache
def good_plan(promise: RecallPromise | F1Promise | None = None) -> tuple[LinearPlan, np.ndarray]:
    p, truth = binormal(5_000, 0.1, 0.98, np.random.default_rng(3))
    return freeze(p, promise or RecallPromise(max_lost=RHO, known=KNOWN)), truth


def test_an_unknown_answer_gives_no_more_evidence_than_either_answer() -> None:
    plan, truth = good_plan()
    positions = draw_order(plan, 200, 5)
    answers = truth[positions].astype(int)
    for place in (0, 50, 199):
        unknown, present, absent = (answers.copy() for _ in range(3))
        unknown[place], present[place], absent[place] = UNKNOWN, PRESENT, ABSENT
        either = np.minimum(
            log_evidence(plan, positions, present), log_evidence(plan, positions, absent)
        )
        assert (log_evidence(plan, positions, unknown) <= either + 1e-9).all()


def test_an_earlier_look_says_what_it_said_and_nothing_is_taken_back() -> None:
    plan, truth = good_plan()
    positions = draw_order(plan, 600, 5)
    answers = truth[positions].astype(int)
    evidence = log_evidence(plan, positions, answers)
    early = log_evidence(plan, positions[:250], answers[:250])
    np.testing.assert_allclose(early, evidence[:, :250], atol=1e-9)
    certified = certified_rungs(plan, evidence)
    assert (np.diff(certified) >= 0).all()
    assert certified[-1] > 0


def test_what_a_plan_expects_is_what_certificates_take() -> None:
    plan, _ = good_plan()
    p, _ = binormal(5_000, 0.1, 0.98, np.random.default_rng(3))
    means = np.add.reduceat(p, plan.edges[:-1]) / np.diff(plan.edges)
    median, high = simulated_questions(plan, plan.target, means, runs=40)
    assert 0.6 < median / plan.questions(plan.target) < 1.6
    assert median < high < 4 * median


def test_more_evidence_leaves_fewer_questions() -> None:
    plan, _ = good_plan()
    rung = plan.target
    line = math.log(1 / plan.risk)
    start = further_questions(plan, rung, 0, 0.0)
    assert start == pytest.approx(plan.questions(rung), rel=1e-9)
    assert further_questions(plan, rung, 100, line / 2) < start
    assert further_questions(plan, rung, 100, line) == 0
    assert further_questions(plan, rung, 5_000, -50.0) == math.inf


def test_each_step_fills_in_no_less_than_the_one_before() -> None:
    for promise in (RecallPromise(max_lost=RHO), F1Promise(at_least=0.8)):
        p = np.sort(np.random.default_rng(3).beta(0.02, 3, 20_000))
        plan = freeze(p, promise)
        fills = [test.fill for test in plan.tests]
        assert all(
            a.absent <= b.absent and a.present >= b.present for a, b in itertools.pairwise(fills)
        )
        assert len(set(fills)) == len(fills)
        counts = [filled(plan, steps) for steps in range(len(fills) + 1)]
        assert counts == sorted(counts)
        assert counts[0] == 0


def test_a_category_has_its_own_promise_from_the_same_draws() -> None:
    p, truth = binormal(20_000, 0.1, 0.99, np.random.default_rng(4))
    plan = freeze(p, RecallPromise(max_lost=RHO))
    of_part = np.random.default_rng(5).random(len(p)) < 0.5
    bins = plan.bins_of(np.arange(plan.size))
    counts = np.bincount(bins[of_part], minlength=len(plan.weights))
    means = np.bincount(bins[of_part], p[of_part], len(plan.weights)) / np.maximum(counts, 1)
    part = part_of(plan, RecallPromise(max_lost=RHO), counts, means)
    assert (part.plan.weights * counts).sum() == pytest.approx(1)
    positions = draw_order(plan, 3_000, 6)
    own = positions[of_part[positions]]
    evidence = log_evidence(part.plan, own, truth[own].astype(int))
    assert certified_rungs(part.plan, evidence)[-1] > 0


def test_a_part_of_which_nothing_is_filled_in_has_no_rung() -> None:
    plan, _ = good_plan()
    counts = np.zeros(len(plan.weights))
    counts[-1] = 3
    part = part_of(plan, RecallPromise(max_lost=RHO), counts, np.ones(len(counts)))
    assert part.first == len(plan.tests)
    with pytest.raises(ValueError, match="at least one pair"):
        part_of(plan, RecallPromise(), np.zeros(len(plan.weights)), counts)


# ---- odd pools


@pytest.mark.parametrize(
    "p", [np.zeros(0), np.full(10, 0.2), np.zeros(5_000), np.ones(5_000), np.full(5_000, 0.5)]
)
@pytest.mark.parametrize("promise", [RecallPromise(), F1Promise()], ids=["recall", "F1"])
def test_odd_pools_are_planned_without_a_false_promise(
    p: np.ndarray, promise: RecallPromise | F1Promise
) -> None:
    plan = freeze(p, promise)
    assert plan.size == len(p)
    for test in plan.tests:
        assert np.isfinite(test.stakes).all()
        assert (test.stakes - test.rates[:, None] * test.coefficients > -1e-9).all()


@pytest.mark.parametrize(
    ("p", "options"),
    [
        ([0.2, 0.1], {}), ([0.1, math.nan], {}), ([0.1, 1.2], {}), ([-0.1, 0.2], {}),
        ([0.1], {"risk": 0}), ([0.1], {"risk": 1.0}), ([0.1], {"price": 0}),
        ([0.1], {"price": math.inf}),
    ],
)  # fmt: skip
def test_what_cannot_be_a_plan_is_refused(p: list[float], options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|sort"):
        freeze(np.array(p), RecallPromise(), **options)


@pytest.mark.parametrize(
    "options", [{"max_lost": 0}, {"max_lost": 1}, {"known": -1}, {"miss": 0.5}]
)
def test_what_cannot_be_promised_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        RecallPromise(**options)  # type: ignore[arg-type]


def test_a_pair_is_drawn_once_and_inside_the_pool() -> None:
    plan, _ = good_plan()
    for positions in ([1, 1], [-1], [plan.size]):
        with pytest.raises(ValueError, match=r"drawn at most once|positions must lie"):
            log_evidence(plan, np.array(positions), np.zeros(len(positions)))
