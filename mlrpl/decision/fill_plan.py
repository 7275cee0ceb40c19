"""What could be filled in under a promise: zones and ladders, laid by scores before any probe.

A frozen pool of open pairs, in ascending order of a predicted probability, falls into three zones:
the low end that may be filled in as absent, the high end that may be filled in as present, and the
middle, which is left for people. Inside the two ends nested rungs are tested in a fixed order, so
the same probes choose the threshold at no cost. The predictions only steer how many probes it
takes; the guarantee holds for any predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Over = Literal["pool", "dataset", "filled"]

ABSENT_STEPS = (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8)
"""Predicted lost share of each absent rung, as a share of what the promise allows."""
PRESENT_STEPS = (1 / 5, 2 / 5, 3 / 5)
"""Predicted wrong share of each present rung, as a share of what the promise allows."""

SMALLEST_ABSENT = 30
SMALLEST_PRESENT = 500


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a certificate is to say, with confidence `1 - risk`."""

    max_error: float = 0.05
    """Wrong ones among the pairs filled in as present, at most, as a share."""
    max_lost: float = 0.10
    """Present pairs filled in as absent, at most, as a share of those in `over`."""
    risk: float = 0.05
    """Probability, over the random draws, that the certificate is ever false."""
    over: Over = "pool"
    """What the lost share is taken of: the present pairs of the frozen pool, of the pool and those
    known already, or of the pairs that get filled in."""
    known: int = 0
    """Present pairs known outside the pool; counts with `dataset` only."""
    false_alarm: float = 0.0
    """Upper bound of the share of absent pairs that people call present, after second looks; 0
    certifies agreement with people."""
    miss: float = 0.0
    """Upper bound of the share of present pairs that people call absent, after second looks."""

    def __post_init__(self) -> None:
        for name in ("max_error", "max_lost", "risk"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        for name in ("false_alarm", "miss"):
            if not 0 <= getattr(self, name) < 0.5:
                raise ValueError(f"{name} must lie in 0 to 0.5, got {getattr(self, name)}")
        if self.over not in ("pool", "dataset", "filled"):
            raise ValueError(f"over must be pool, dataset or filled, got {self.over!r}")
        if self.known < 0:
            raise ValueError(f"known must not be negative, got {self.known}")

    @property
    def counted(self) -> int:
        """Present pairs outside the pool that the lost share is taken of as well."""
        return self.known if self.over == "dataset" else 0


@dataclass(frozen=True, kw_only=True)
class FillPlan:
    """Zones and ladders of a frozen pool; positions count from the lowest score."""

    promise: Promise
    size: int
    """Pairs in the pool."""
    absent_rungs: tuple[int, ...]
    """Ascending; rung j holds the positions below it."""
    present_rungs: tuple[int, ...]
    """Descending; rung j holds the positions from it on."""
    guess_middle: float
    """Predicted share of present pairs in the middle."""
    guess_present: float
    """Predicted share of present pairs in the zone that may be filled in as present."""
    guess_total: float
    """Predicted number of present pairs in the pool."""
    cap_present: int
    """Probes to draw from the present zone, at most; part of the plan, because fixed before."""

    @property
    def absent_size(self) -> int:
        """Pairs in the zone that may be filled in as absent."""
        return self.absent_rungs[-1] if self.absent_rungs else 0

    @property
    def present_size(self) -> int:
        """Pairs in the zone that may be filled in as present."""
        return self.size - self.present_rungs[-1] if self.present_rungs else 0

    @property
    def middle_size(self) -> int:
        """Pairs that are left for people in any case."""
        return self.size - self.absent_size - self.present_size

    @property
    def present_risk(self) -> float:
        """Risk spent on the present side."""
        if not self.present_rungs:
            return 0.0
        return self.promise.risk * (0.35 if self.absent_rungs else 1.0)

    @property
    def denominator_risk(self) -> float:
        """Risk spent on the number of present pairs that the lost share is taken of."""
        needs = self.promise.over != "filled" and bool(self.absent_rungs)
        return 0.1 * self.promise.risk if needs else 0.0

    @property
    def absent_risk(self) -> float:
        """Risk spent on the absent side."""
        if not self.absent_rungs:
            return 0.0
        return self.promise.risk - self.present_risk - self.denominator_risk


def plan_fill(
    probabilities: npt.NDArray[np.floating],
    promise: Promise,
    *,
    absent: bool = True,
    present: bool = True,
    cap_present: int = 1500,
) -> FillPlan:
    """Lay zones and ladders over a pool.

    Args:
        probabilities: `(N,)` predicted probability of presence, ascending.
        promise: What is to be certified.
        absent: Whether anything may be filled in as absent.
        present: Whether anything may be filled in as present.
        cap_present: Probes from the present zone, at most.

    Raises:
        ValueError: If the probabilities are not ascending numbers in 0 to 1.
    """
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 1 or not np.isfinite(p).all() or (np.diff(p) < 0).any():
        raise ValueError("probabilities must be one ascending row of finite numbers; sort them")
    if len(p) and not 0 <= p[0] <= p[-1] <= 1:
        raise ValueError(f"probabilities must lie in 0 to 1, got {p[0]} to {p[-1]}")
    rungs = _absent_rungs(p, promise) if absent else ()
    tops = _present_rungs(p, promise, floor=rungs[-1] if rungs else 0) if present else ()
    low, high = (rungs[-1] if rungs else 0), (tops[-1] if tops else len(p))
    zone = len(p) - high
    return FillPlan(
        promise=promise,
        size=len(p),
        absent_rungs=rungs,
        present_rungs=tops,
        guess_middle=float(p[low:high].mean()) if high > low else 0.1,
        guess_present=float(p[high:].mean()) if zone else 0.5,
        guess_total=float(p.sum()),
        cap_present=int(min(cap_present, max(300, 0.35 * zone), zone)),
    )


def _absent_rungs(p: Floats, promise: Promise) -> tuple[int, ...]:
    lost = np.cumsum(p)  # predicted present pairs among the lowest i + 1
    allowed = promise.max_lost * (float(p.sum()) + promise.counted)
    found = {int(np.searchsorted(lost, step * allowed)) for step in ABSENT_STEPS}
    return tuple(sorted(position for position in found if position >= SMALLEST_ABSENT))


def _present_rungs(p: Floats, promise: Promise, *, floor: int) -> tuple[int, ...]:
    wrong = np.cumsum((1 - p)[::-1])  # predicted wrong ones among the highest i + 1
    sizes = np.arange(1, len(p) + 1)
    found = set()
    for step in PRESENT_STEPS:
        good = np.flatnonzero(wrong <= step * promise.max_error * sizes)
        if len(good) and good[-1] + 1 >= SMALLEST_PRESENT:
            found.add(len(p) - int(good[-1] + 1))
    return tuple(sorted((position for position in found if position >= floor), reverse=True))


def refit(
    probabilities: npt.NDArray[np.floating],
    drawn: npt.NDArray[np.integer],
    present: npt.NDArray[np.bool_],
    inclusion: npt.NDArray[np.floating],
) -> Floats:
    """Return probabilities bent by a logistic curve so that they fit a pilot's answers.

    The pilot places the ladder of an overconfident model; its pairs leave the pool and are never
    evidence.

    Args:
        probabilities: `(N,)`.
        drawn: `(n,)` positions of the pilot's pairs.
        present: `(n,)` what people said.
        inclusion: `(n,)` relative probability with which each was drawn, above 0.
    """
    p = np.clip(np.asarray(probabilities, np.float64), 1e-7, 1 - 1e-7)
    logits = np.log(p / (1 - p))
    weight = 1 / np.asarray(inclusion, np.float64)
    weight = np.minimum(weight * len(drawn) / weight.sum(), 20)
    design = np.stack([np.ones(len(drawn)), logits[drawn]], 1)  # (n, 2)
    curve, prior = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    ridge = np.diag([0.02, 2.0])
    for _ in range(25):
        mean = 1 / (1 + np.exp(-np.clip(design @ curve, -30, 30)))
        gradient = design.T @ (weight * (present - mean)) - ridge @ (curve - prior)
        hessian = (design * (weight * mean * (1 - mean))[:, None]).T @ design + ridge
        curve = curve + np.clip(np.linalg.solve(hessian, gradient), -1, 1)
    slope = max(float(curve[1]), 0.05)
    return np.asarray(1 / (1 + np.exp(-np.clip(curve[0] + slope * logits, -30, 30))))


def pilot_inclusion(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Return with which probability a pilot draws each pair, `(N,)`, summing to 1.

    Half follows the predicted present pairs, half the predicted standard deviation.
    """
    p = np.clip(np.asarray(probabilities, np.float64), 1e-7, 1 - 1e-7)
    spread = np.sqrt(p * (1 - p))
    return np.asarray(0.5 * p / p.sum() + 0.5 * spread / spread.sum())


def draw_pilot(inclusion: npt.NDArray[np.floating], count: int, seed: int) -> npt.NDArray[np.intp]:
    """Return the positions of a pilot's pairs, each drawn once, `(min(count, N),)`.

    Args:
        inclusion: `(N,)` relative probability of each pair, above 0.
        count: Pairs to draw.
        seed: Of the generator.
    """
    waits = np.random.default_rng(seed).exponential(size=len(inclusion)) / inclusion
    count = min(count, len(waits))
    first = np.argpartition(waits, count - 1)[:count] if count else np.zeros(0, np.intp)
    return np.asarray(np.random.default_rng(seed).permutation(first))
