"""Which of two ladders a pilot speaks for: the one laid by the scores, or by refitted scores.

A pilot rescues predictions that are too sure, whose ladder starts too high to be certified at all,
but a logistic curve fits badly where active learning has taken the middle of the scores away. So
both ladders are forecast by the same predictions, those that the pilot makes most credible. As the
pilot's pairs leave the pool, nothing here touches the guarantee.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mlrpl.decision.certifier import probes_needed
from mlrpl.decision.fill_forecast import Forecast
from mlrpl.decision.fill_plan import FillPlan

Floats = npt.NDArray[np.float64]

MOST_ABSENT_PROBES = 20_000
MOST_MIDDLE_PROBES = 3_000


def credible(
    plain: npt.NDArray[np.floating],
    bent: npt.NDArray[np.floating],
    pilot: tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]],
    present: npt.NDArray[np.bool_],
) -> Floats:
    """Return predictions that mix two kinds as the pilot's answers speak for each, `(N,)`.

    The weights are those of Akaike: the likelihood of the answers, less two fitted numbers for the
    refitted kind. With which probability a pair was drawn does not matter, because it follows from
    the prediction alone.

    Args:
        plain: `(N,)` predictions as they are.
        bent: `(N,)` the same, refitted.
        pilot: Both kinds for the pilot's pairs, `(n,)` each.
        present: `(n,)` what people said.
    """
    before, after = (_log_likelihood(p, present) for p in pilot)
    share = 1 / (1 + math.exp(min(max(before - (after - 2), -700), 700)))
    mixed = (1 - share) * np.asarray(plain, np.float64) + share * np.asarray(bent, np.float64)
    return np.asarray(mixed)


def forecast_ladder(plan: FillPlan, probabilities: npt.NDArray[np.floating]) -> Forecast:
    """Return how far a ladder is likely to be certified, and at which price.

    Args:
        plan: The ladder.
        probabilities: `(N,)` ascending; need not be those that laid the ladder.
    """
    p = np.asarray(probabilities, np.float64)
    below = np.concatenate([[0.0], np.cumsum(p)])
    total = float(below[-1])
    present, present_probes = _present_side(plan, below)
    middle_probes = min(MOST_MIDDLE_PROBES, plan.middle_size / 2)
    best = _row(plan, 0, present, 0.0, present_probes, 0.0, total)
    draws = 0.0
    allowed = plan.promise.max_lost / (1 - plan.promise.max_lost) * _outside(plan, below)
    for end in plan.absent_rungs:
        lost = float(below[end])
        need = probes_needed(lost / end, min(allowed / end, 0.999), plan.absent_risk, end)
        draws = max(draws, need * plan.absent_size / end)  # drawn from all of the zone
        if not draws < min(MOST_ABSENT_PROBES, plan.absent_size):
            break
        probes = draws + middle_probes + present_probes
        one = _row(plan, end, present, draws * end / plan.absent_size, probes, lost, total)
        best = min(best, one, key=lambda row: row.people)
    return best


def _log_likelihood(p: npt.NDArray[np.floating], present: npt.NDArray[np.bool_]) -> float:
    p = np.clip(np.asarray(p, np.float64), 1e-7, 1 - 1e-7)
    return float(np.log(np.where(present, p, 1 - p)).sum())


def _present_side(plan: FillPlan, below: Floats) -> tuple[int, float]:
    """Return how many pairs the present rungs fill in, and the probes for that."""
    best, probes = 0, 0.0
    for start in plan.present_rungs:
        size = plan.size - start
        wrong = size - float(below[-1] - below[start])
        allowed = plan.promise.max_error * (1 - plan.cap_present / plan.present_size / 2)
        need = probes_needed(max(wrong / size, 1e-6), allowed, plan.present_risk, size)
        draws = need * plan.present_size / size
        if not draws < plan.cap_present:
            break
        best, probes = size, max(probes, draws)
    return best, probes


def _outside(plan: FillPlan, below: Floats) -> float:
    """Return the lower bound that is likely for the present pairs outside the absent zone."""
    top = plan.size - plan.present_size
    middle = float(below[top] - below[plan.absent_size])
    rest = float(below[-1] - below[top])
    drawn = min(MOST_MIDDLE_PROBES, plan.middle_size / 2)
    rate = max(middle / max(plan.middle_size, 1), 1e-4)
    slack = 1.6 * math.sqrt((1 - rate) / max(drawn * rate, 1))
    return plan.promise.counted + middle * max(1 - slack, 0.1) + 0.9 * rest


def _row(
    plan: FillPlan, end: int, present: int, inside: float, probes: float, lost: float, total: float
) -> Forecast:
    left = plan.size - end - present
    asked_left = probes - inside if end else 0.0
    return Forecast(
        fill_absent=int(end - inside),
        fill_present=present,
        probes=math.ceil(probes),
        people=int(max(left - asked_left, 0) + probes),
        lost_share=lost / max(total, 1e-9),
    )
