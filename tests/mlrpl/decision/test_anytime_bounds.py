"""Bounds on marked items: against sums over all samples, definitions, and the reference."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import binom

from mlrpl.decision.anytime_bounds import (
    BETS,
    holm,
    holm_in_order,
    log_bets,
    log_e_at_most,
    log_likelihood,
)


@pytest.mark.parametrize("total", [3, 7, 20])
def test_the_e_value_has_mean_one_over_all_samples_of_a_zone(total: int) -> None:
    size, drawn, rates = 60, 25, 0.1 * BETS
    marked = np.arange(0, min(drawn, total) + 1)
    orders = gammaln(drawn + 1) - gammaln(marked + 1) - gammaln(drawn - marked + 1)
    likely = log_likelihood(size, drawn, marked, total)

    e_values = log_bets(np.full(len(marked), drawn), marked, rates) - likely
    mean = np.exp(orders + likely + e_values).sum()

    assert np.exp(orders + likely).sum() == pytest.approx(1)
    assert mean <= 1 + 1e-9


def test_the_e_value_is_that_of_the_member_that_fits_best() -> None:
    for marked in range(12):
        found = float(log_e_at_most(200, 40, marked, 10, 0.05 * BETS))

        every = [
            float(log_bets(40, marked, 0.05 * BETS) - log_likelihood(200, 40, marked, total))
            for total in range(11, 171)
        ]
        assert found == pytest.approx(min(every))


def test_the_golden_values_of_the_procedure_hold() -> None:
    rates = 300 / 90_000 * BETS

    assert float(log_e_at_most(90_000, 2_000, 1, 300, rates)) == pytest.approx(3.238585670823749)


def test_nothing_drawn_says_nothing_and_everything_drawn_says_all() -> None:
    rates = 0.1 * BETS

    assert float(log_e_at_most(50, 0, 0, 5, rates)) == 0
    assert float(log_e_at_most(50, 50, 5, 5, rates)) == math.inf
    assert float(log_e_at_most(50, 50, 6, 5, rates)) < 0


def test_a_zone_one_item_beyond_the_promise_is_certified_in_no_more_runs_than_the_risk() -> None:
    rng = np.random.default_rng(0)
    size, allowed, risk, runs = 5_000, 250, 0.05, 400
    looks = np.arange(10, 601, 10)
    wrong = 0

    for _ in range(runs):
        drawn = rng.permutation(size)[: looks[-1]] < allowed + 1
        marked = np.cumsum(drawn)[looks - 1]
        e_values = log_e_at_most(size, looks, marked, allowed, allowed / size * BETS)
        wrong += bool((e_values >= math.log(1 / risk)).any())

    assert 0 < wrong <= 33  # 99 % of binomial(400, 0.05) lie at or below 31; never is no test


def test_holm_rejects_step_by_step() -> None:
    assert holm([0.001, 0.5, 0.02], 0.05) == [0, 2]
    assert holm([0.03, 0.03], 0.05) == []


def test_true_hypotheses_are_rejected_in_no_more_runs_than_the_risk_allows() -> None:
    rng = np.random.default_rng(4)
    runs, risk = 4_000, 0.10

    wrong = {"none": 0, "all of the first": 0}
    for _ in range(runs):
        true_first, true_second = rng.random(3), rng.random(6)
        first, second = holm_in_order(true_first, true_second, risk)
        wrong["none"] += bool(first or second)
        _, second = holm_in_order(np.zeros(3), true_second, risk)
        wrong["all of the first"] += bool(second)

    assert wrong["none"] <= binom.ppf(0.99, runs, risk)
    # All of the risk goes on to the second family, not only half of it.
    assert 0.06 * runs < wrong["all of the first"] <= binom.ppf(0.99, runs, risk)


def test_without_a_first_family_the_second_has_all_of_the_risk() -> None:
    assert holm_in_order([], [0.09], 0.10) == ([], [0])
    assert holm_in_order([0.5], [0.09], 0.10) == ([], [])


def test_random_counts_agree_with_the_reference(reference: ModuleType) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        size = int(rng.integers(20, 50_000))
        drawn = int(rng.integers(0, size))
        marked = int(rng.integers(0, drawn + 1))
        allowed, rate = int(rng.integers(0, size)), rng.uniform(0.001, 0.5)
        rates = rate * BETS

        assert float(log_e_at_most(size, drawn, marked, allowed, rates)) == pytest.approx(
            float(reference.log_e_at_most(size, drawn, marked, allowed, rates)), abs=1e-7
        )
