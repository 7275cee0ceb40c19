"""Bounds on marked items: against sums over all samples, definitions, and the reference."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from scipy.special import gammaln

from mlrpl.decision.anytime_bounds import (
    BETS,
    holm,
    log_bets,
    log_e_at_most,
    log_likelihood,
    lower_count,
    upper_count,
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


def test_both_bounds_agree_with_a_search_through_all_counts() -> None:
    rates = 0.05 * BETS
    up_needed = float(log_bets(80, 2, rates)) - math.log(20)

    up = upper_count(500, 80, 2, 0.05, rates)
    low = lower_count(500, 80, 12, 0.05, 0.2)

    likely = {m: float(log_likelihood(500, 80, 2, m)) for m in range(2, 423)}
    assert up == max(m for m, value in likely.items() if value > up_needed)
    assert 12 <= low < 500 * 12 / 80


def test_the_golden_values_of_the_procedure_hold() -> None:
    rates = 300 / 90_000 * BETS

    assert float(log_e_at_most(90_000, 2_000, 1, 300, rates)) == pytest.approx(3.238585670823749)
    assert upper_count(90_000, 2_000, 1, 0.025, rates) == 324
    assert lower_count(8_000, 600, 90, 0.005, 0.15) == 809


def test_nothing_drawn_says_nothing_and_everything_drawn_says_all() -> None:
    rates = 0.1 * BETS

    assert float(log_e_at_most(50, 0, 0, 5, rates)) == 0
    assert (lower_count(50, 0, 0, 0.05, 0.1), upper_count(50, 0, 0, 0.05, rates)) == (0, 50)
    assert float(log_e_at_most(50, 50, 5, 5, rates)) == math.inf
    assert float(log_e_at_most(50, 50, 6, 5, rates)) < 0
    assert (lower_count(50, 50, 6, 0.05, 0.1), upper_count(50, 50, 6, 0.05, rates)) == (6, 6)


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


def test_random_counts_agree_with_the_reference(reference: ModuleType) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        size = int(rng.integers(20, 50_000))
        drawn = int(rng.integers(0, size))
        marked = int(rng.integers(0, drawn + 1))
        allowed, rate = int(rng.integers(0, size)), rng.uniform(0.001, 0.5)
        risk, rates = rng.uniform(0.001, 0.2), rate * BETS

        assert float(log_e_at_most(size, drawn, marked, allowed, rates)) == pytest.approx(
            float(reference.log_e_at_most(size, drawn, marked, allowed, rates)), abs=1e-7
        )
        assert lower_count(size, drawn, marked, risk, rate) == reference.lower_count(
            size, drawn, marked, risk, rate
        )
        assert upper_count(size, drawn, marked, risk, rates) == reference.upper_count(
            size, drawn, marked, risk, rates
        )
