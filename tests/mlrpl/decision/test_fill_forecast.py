"""Forecasts of certificates, and the p-values of single categories."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import norm

from mlrpl.decision.fill_forecast import category_p_value, forecasts
from mlrpl.decision.fill_plan import Promise


def pool(size: int, auc: float, prevalence: float = 0.03) -> np.ndarray:
    rng = np.random.default_rng(0)
    distance = math.sqrt(2) * float(norm.ppf(auc))
    present = rng.random(size) < prevalence
    scores = rng.standard_normal(size) + distance * present
    odds = distance * scores - distance**2 / 2 + math.log(prevalence / (1 - prevalence))
    return np.sort(1 / (1 + np.exp(-odds)))


def test_a_better_model_leaves_less_to_people() -> None:
    fair, good = (forecasts(pool(100_000, auc), Promise())[0] for auc in (0.9, 0.99))

    assert good.people < fair.people < 100_000
    assert good.fill_absent > 80_000
    assert 5_000 < good.probes < 12_000


def test_a_small_pool_is_not_worth_certifying() -> None:
    best = forecasts(pool(400, 0.95), Promise())[0]

    assert (best.fill_absent, best.fill_present, best.people) == (0, 0, 400)


def test_a_looser_promise_fills_in_more() -> None:
    p = pool(100_000, 0.95)

    strict, loose = (forecasts(p, Promise(max_lost=lost))[0] for lost in (0.05, 0.2))

    assert loose.fill_absent > strict.fill_absent


def test_counting_present_pairs_known_already_makes_it_cheaper() -> None:
    p = pool(50_000, 0.9)

    alone = forecasts(p, Promise())[0]
    together = forecasts(p, Promise(over="dataset", known=4_000))[0]

    assert together.people < alone.people


def test_dear_probes_change_the_choice() -> None:
    p = pool(100_000, 0.95)

    cheap, dear = (forecasts(p, Promise(), price=price)[0] for price in (1.0, 8.0))

    assert dear.probes < cheap.probes


def test_predictions_that_leave_no_doubt_are_forecast_too() -> None:
    p = np.sort(np.concatenate([np.full(18_000, 1e-9), np.full(2_000, 1.0)]))

    best = forecasts(p, Promise(max_lost=0.3))[0]

    assert best.fill_absent + best.fill_present > 10_000


def test_an_empty_pool_fills_in_nothing() -> None:
    (only,) = forecasts(np.zeros(0), Promise())

    assert only.people == 0


def test_a_category_that_loses_too_much_has_a_p_value_of_one() -> None:
    promise = Promise(max_lost=0.1)

    lost = category_p_value((90_000, 5_000, 60), (10_000, 400, 100), promise, 0.25)
    kept = category_p_value((90_000, 5_000, 0), (10_000, 400, 100), promise, 0.25)

    assert lost == 1.0
    assert kept < 0.01


def test_no_probes_are_no_evidence() -> None:
    assert category_p_value((90_000, 0, 0), (10_000, 0, 0), Promise(), 0.25) == 1.0


@pytest.mark.parametrize("marked", [0, 3])
def test_p_values_agree_with_the_reference(reference: ModuleType, marked: int) -> None:
    ours = category_p_value((94_000, 6_000, marked), (6_000, 400, 110), Promise(), 0.3)
    theirs = reference.category_p(94_000, 6_000, marked, 6_000, 400, 110, 0.1, 0.3)

    assert ours == pytest.approx(theirs)
