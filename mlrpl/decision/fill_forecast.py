"""What a certificate is likely to cost and to save, before the first probe is asked.

A forecast trusts the predicted probabilities, which the certificate itself never does; one run in
ten needs more than 1.6 times as many probes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlrpl.decision.anytime_bounds import BETS, log_e_at_most, lower_count
from mlrpl.decision.certifier import probes_needed
from mlrpl.decision.fill_plan import Promise

Floats = npt.NDArray[np.float64]

_PRESENT_STEPS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_ABSENT_STEPS = (*np.geomspace(0.02, 0.1, 6), *np.arange(0.14, 0.8, 0.04))


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """One way to fill in a pool, and what it would take."""

    fill_absent: int
    """Pairs that could be filled in as absent, probes taken out."""
    fill_present: int
    probes: int
    """Probes until then, on average."""
    people: int
    """Pairs that people answer in all: those left open, and the probes."""
    lost_share: float
    """Present pairs lost, as predicted, as a share of those in the pool."""

    def row(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return asdict(self)


def forecasts(
    probabilities: npt.NDArray[np.floating], promise: Promise, *, price: float = 1.0
) -> list[Forecast]:
    """Return the ways to fill in a pool, the cheapest for people first.

    The last one fills in nothing; where it comes first, certifying does not pay.

    Args:
        probabilities: `(N,)` predicted probability of presence, ascending.
        promise: What is to be certified.
        price: How many ordinary answers one probe costs.
    """
    p = np.asarray(probabilities, np.float64)
    size, total = len(p), float(p.sum())
    nothing = Forecast(fill_absent=0, fill_present=0, probes=0, people=size, lost_share=0.0)
    if not size:
        return [nothing]
    top, top_probes = _present_side(p, promise)
    lost = np.cumsum(p)
    found: dict[int, Forecast] = {}
    for step in _ABSENT_STEPS:
        end = int(np.searchsorted(lost, step * promise.max_lost * (total + promise.counted)))
        if end >= 30:
            one = _with_absent_side(p, promise, end, float(lost[end - 1]), top, top_probes)
            if one is not None:
                found[end] = one
    return sorted(
        [*found.values(), nothing],
        key=lambda one: price * one.probes + one.people - one.probes,
    )


def _present_side(p: Floats, promise: Promise) -> tuple[int, float]:
    """Return how many pairs the present zone holds and how many probes it needs; 0, 0 for none."""
    wrong = np.cumsum((1 - p)[::-1])
    sizes = np.arange(1, len(p) + 1)
    best, chosen = 0.0, (0, 0.0)
    for step in _PRESENT_STEPS:
        good = np.flatnonzero(wrong <= step * promise.max_error * sizes)
        if not len(good):
            continue
        zone = int(good[-1]) + 1
        rate, allowed = max(step * promise.max_error, 1e-6), promise.max_error * 0.93
        need = 1.1 * probes_needed(rate, allowed, 0.35 * promise.risk, zone)
        if need < zone / 2 and zone - need > best:
            best, chosen = zone - need, (zone, need)
    return chosen


def _with_absent_side(
    p: Floats, promise: Promise, end: int, lost: float, top: int, top_probes: float
) -> Forecast | None:
    size, total = len(p), float(p.sum())
    middle = max(size - end - top, 0)
    middle_probes = min(3000.0, middle / 2)
    outside = total - lost + promise.counted
    rate = min(max((total - lost - 0.95 * top) / max(middle, 1), 1e-4), 1.0)
    # What the lower bound of the present pairs gives away, because few probes know the middle.
    slack = 1.6 * math.sqrt((1 - rate) / max(middle_probes * rate, 1)) * rate * middle / outside
    allowed = promise.max_lost / (1 - promise.max_lost) * max(1 - slack, 0.1) * outside / end
    risk = (0.55 if top else 0.9) * promise.risk
    need = probes_needed(max(lost / end, 1e-9), allowed, risk, end)
    if need >= end:
        return None
    probes = need + middle_probes + top_probes
    return Forecast(
        fill_absent=int(end - need),
        fill_present=int(top - top_probes),
        probes=math.ceil(probes),
        people=int(max(middle - middle_probes, 0) + probes),
        lost_share=lost / max(total, 1e-9),
    )


def category_p_value(
    absent: tuple[int, int, int], rest: tuple[int, int, int], promise: Promise, guess: float
) -> float:
    """Return the smallest risk at which a category's own lost promise holds, 0 to 1.

    A running minimum of it stays valid at any look, and `guarantee.holm` over all categories keeps
    the risk that any of their promises is false. Four fifths of the risk test the absent side, one
    fifth bounds the category's present pairs.

    Args:
        absent: Pairs of the category below the rung, probes there, present ones among them.
        rest: The same for its pairs above the rung.
        promise: Whose `max_lost` the category is held to.
        guess: Predicted share of present pairs among the rest, fixed before the first probe.
    """
    ratio = promise.max_lost / (1 - promise.max_lost)
    size, drawn, found = absent
    rates = min(max(ratio * rest[0] * guess, 1.0) / max(size, 1), 0.5) * BETS

    def holds(risk: float) -> bool:
        low = lower_count(*rest, 0.2 * risk, guess)
        e_value = float(log_e_at_most(size, drawn, found, ratio * low, rates))
        return e_value >= math.log(1 / (0.8 * risk))

    if not size or not holds(1.0):
        return 1.0
    low, high = -16.0, 0.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(math.exp(middle)) else (middle, high)
    return math.exp(high)
