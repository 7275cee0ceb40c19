"""The pilot of a certificate: what it asks, and how it bends predictions that are too sure."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.decision.linear_plan import freeze
from mlrpl.decision.linear_promises import RecallPromise
from mlrpl.decision.pilot_scores import credible, draw_pilot, pilot_inclusion, refit
from tests.mlrpl.decision.linear_worlds import binormal, distorted


def test_a_pilot_draws_each_pair_once_and_likely_ones_more_often() -> None:
    p, _ = binormal(20_000, 0.05, 0.95, np.random.default_rng(1))
    inclusion = pilot_inclusion(p)

    drawn = draw_pilot(inclusion, 400, 7)

    assert inclusion.sum() == pytest.approx(1)
    assert len(np.unique(drawn)) == 400
    assert p[drawn].mean() > 3 * p.mean()
    assert (draw_pilot(inclusion, 400, 7) == drawn).all()
    assert len(draw_pilot(inclusion[:30], 400, 7)) == 30
    assert len(draw_pilot(inclusion[:0], 400, 7)) == 0


def test_a_pilot_bends_an_overconfident_curve_back() -> None:
    rng = np.random.default_rng(2)
    honest = np.sort(rng.random(100_000)) * 0.02 + 0.02
    sure = honest**3
    inclusion = pilot_inclusion(sure)
    drawn = draw_pilot(inclusion, 400, 3)

    bent = refit(sure, drawn, rng.random(400) < honest[drawn], inclusion[drawn])

    assert abs(bent.mean() - honest.mean()) < 0.5 * abs(sure.mean() - honest.mean())
    assert (np.diff(bent) >= 0).all()


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


@pytest.mark.parametrize("slope", [1.0, 1.8])
def test_a_pilot_tells_an_overconfident_model_from_a_good_one(slope: float) -> None:
    p, truth = binormal(30_000, 0.05, 0.95, np.random.default_rng(5))
    scores = distorted(p, slope=slope)
    inclusion = pilot_inclusion(scores)
    drawn = draw_pilot(inclusion, 400, 1)
    bent = refit(scores, drawn, truth[drawn], inclusion[drawn])

    mixed = credible(scores, bent, (scores[drawn], bent[drawn]), truth[drawn])

    before, after = (abs(one.sum() - truth.sum()) for one in (scores, mixed))
    assert after < before if slope > 1 else after < 0.3 * truth.sum()
    promise = RecallPromise(max_lost=0.2)
    target = freeze(mixed, promise)
    lost = truth[: target.tests[target.target].fill.absent].sum()
    assert lost < 0.2 * truth.sum()
