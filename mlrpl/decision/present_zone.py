"""The present side of a promise about recall and precision: a zone of its own, drawn uniformly.

Of a frozen pool in ascending order of the predicted probability, the high end may be filled in as
present. Inside it nested *rungs* are tested in a fixed order, the surest pairs first: rung `k` with
`n_k` pairs passes once the answers show, at its share `risk` of the whole, that at most

    T_k = floor(max_error n_k (1 - cap / zone / 2))

of them are wrong, and what is left of it without the probes keeps the promise,
`T_k - wrong_k <= max_error (n_k - drawn_k)`. The first rung with more wrong ones is a constant, so
one risk covers all of them, and every look (see `anytime_bounds`). The predictions lay the rungs
and steer how many probes that takes; the guarantee holds for any predictions.

This side keeps uniform draws, because a rung of the linear test would need hundreds of draws from
the few pairs that are likely present before it proved anything about them.

Source:
    Our own procedure, on the martingales of `anytime_bounds`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlrpl.decision.anytime_bounds import BETS, log_e_at_most
from mlrpl.decision.linear_plan import check_probabilities

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

STEPS = (1 / 5, 2 / 5, 3 / 5)
"""Predicted wrong share of each rung, as a share of what the promise allows."""

SMALLEST = 500
"""Pairs of the smallest rung; people answer fewer as quickly as they prove them."""

LEAST_CAP = 300
CAP_SHARE = 0.35
"""Probes of a zone, at most, as a share of its pairs, but never fewer than `LEAST_CAP`."""

OVERSHOOT = 1.2
"""Added to `ln(1 / risk)` for the cost of the mixture of bets and the average overshoot."""

FEW = 6
"""Expected wrong ones among the probes below which it is too early to give up."""


@dataclass(frozen=True, kw_only=True)
class PresentPlan:
    """What is frozen before the first probe; positions count from the lowest prediction."""

    size: int
    """Pairs in the pool."""
    rungs: tuple[int, ...]
    """Descending; rung k holds the positions from it on."""
    cap: int
    """Probes at most."""
    risk: float
    """Probability, over the draws, that any of the certified rungs breaks the promise."""
    max_error: float
    """Wrong ones among the pairs filled in as present, at most, as a share."""
    false_alarm: float
    """Upper bound of the share of absent pairs that people call present, after second looks; 0
    speaks of answers."""

    @property
    def zone_size(self) -> int:
        """Pairs that may be filled in as present."""
        return self.size - self.rungs[-1] if self.rungs else 0

    @property
    def sizes(self) -> Integers:
        """Pairs of each rung, `(K,)`, ascending."""
        return np.asarray(self.size - np.array(self.rungs, np.int64))

    @property
    def allowed_wrong(self) -> Integers:
        """Wrong pairs that each rung may have, `(K,)`, fixed before the first probe."""
        probed = min(1.0, self.cap / max(self.zone_size, 1)) / 2
        most = np.floor(self.max_error * self.sizes * (1 - probed))
        return np.asarray(most, np.int64)

    @property
    def visible_wrong(self) -> Integers:
        """Those of them that people may call absent, `(K,)`: the others they call present."""
        return np.asarray(np.floor(self.allowed_wrong * (1 - self.false_alarm)), np.int64)


@dataclass(frozen=True)
class PresentLook:
    """What the probes say so far."""

    drawn: Integers
    """`(K,)` probes inside each rung; the last number is all of them."""
    wrong: Integers
    """`(K,)` those of them that people call absent, or cannot tell."""
    certified: int
    """Rungs that may be filled in, the surest first; never falls."""
    allowed_wrong: Integers
    """`(K,)` wrong pairs that each rung may have, probes included."""


def plan_present(
    probabilities: npt.NDArray[np.floating],
    *,
    max_error: float,
    risk: float,
    false_alarm: float = 0.0,
    floor: int = 0,
    cap: int = 1500,
) -> PresentPlan:
    """Lay the rungs over a pool; none where too few pairs are likely present.

    Args:
        probabilities: `(N,)` predicted probability of presence, ascending.
        max_error: Wrong ones among the filled, at most, as a share.
        risk: Of this side alone.
        false_alarm: Upper bound of the share of absent pairs that people call present.
        floor: Lowest position that may be filled in; below it the other side fills.
        cap: Probes at most.

    Raises:
        ValueError: If the probabilities are not ascending numbers in 0 to 1, or a share is out of
            range.
    """
    for name, share in (("max_error", max_error), ("risk", risk)):
        if not 0 < share < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {share}")
    if not 0 <= false_alarm < 0.5:
        raise ValueError(f"false_alarm must lie in 0 to 0.5, got {false_alarm}")
    check_probabilities(probabilities)
    size = len(probabilities)
    rungs = _rungs(probabilities, max_error, floor)
    zone = size - rungs[-1] if rungs else 0
    return PresentPlan(
        size=size,
        rungs=rungs,
        cap=int(min(cap, max(LEAST_CAP, CAP_SHARE * zone), zone)),
        risk=risk,
        max_error=max_error,
        false_alarm=false_alarm,
    )


def draw_present(plan: PresentPlan, seed: int) -> Integers:
    """Return the positions of the probes, in order, `(cap,)`: uniform, without replacement.

    Nothing but the size of the zone, the cap and the seed goes in, so a score cannot move a pair
    to the front.
    """
    zone = plan.zone_size
    return plan.size - zone + np.random.default_rng(seed).choice(zone, plan.cap, replace=False)


def look_present(
    plan: PresentPlan,
    positions: npt.NDArray[np.integer],
    present: npt.NDArray[np.bool_],
    certified: int = 0,
) -> PresentLook:
    """Return what the first probes say, looked at after each of them.

    Args:
        plan: The frozen plan.
        positions: `(n,)` the first `n` probes, in the frozen order, none left out.
        present: `(n,)` what people said; "cannot tell" has to count against the fill, as absent.
        certified: Rungs that were certified before.

    Raises:
        ValueError: If a position is drawn twice or lies outside the zone.
    """
    positions, present = np.asarray(positions, np.int64), np.asarray(present, bool)
    if len(np.unique(positions)) < len(positions):
        raise ValueError("a pair is drawn at most once")
    low = plan.size - plan.zone_size
    if len(positions) and not low <= positions.min() <= positions.max() < plan.size:
        raise ValueError(f"positions must lie in {low} to {plan.size - 1}")
    inside = positions[:, None] >= np.array(plan.rungs, np.int64)  # (n, K)
    against = inside & ~present[:, None]
    drawn, wrong = (np.cumsum(one, axis=0, dtype=np.int64) for one in (inside, against))
    if len(positions) and plan.rungs:
        certified = max(certified, _certified(plan, drawn, wrong))
    none = np.zeros(len(plan.rungs), np.int64)
    last = [counts[-1] if len(counts) else none for counts in (drawn, wrong)]
    return PresentLook(last[0], last[1], certified, plan.allowed_wrong)


def present_is_worth_asking(plan: PresentPlan, look: PresentLook, price: float = 1.0) -> bool:
    """Return whether further probes are likely to save more pairs than they cost.

    The guarantee does not depend on it, with one exception: what is certified already has to keep
    its promise without the probes, so asking ends before they take too much out of it.

    Args:
        plan: The frozen plan.
        look: The probes so far.
        price: Pairs that one probe may cost.
    """
    rung = look.certified
    if rung >= len(plan.rungs) or look.drawn[-1] >= plan.cap or _wears_out(plan, look):
        return False
    drawn, wrong = int(look.drawn[rung]), int(look.wrong[rung])
    expected = drawn * plan.visible_wrong[rung] / plan.sizes[rung]
    if wrong - expected > 3 * math.sqrt(wrong + 1):  # far above what the promise allows
        return False
    if expected < FEW:
        return True
    gain = plan.sizes[rung] - (plan.sizes[rung - 1] if rung else 0)
    return bool(gain > price * further_present_questions(plan, look))


def further_present_questions(plan: PresentPlan, look: PresentLook) -> float:
    """Return how many more probes the next rung is likely to take.

    Args:
        plan: The frozen plan.
        look: The probes so far.

    Returns:
        Probes, 0 without a further rung; `inf` if the answers speak against it.
    """
    rung = look.certified
    if rung >= len(plan.rungs):
        return 0.0
    size = float(plan.sizes[rung])
    drawn, wrong = int(look.drawn[rung]), int(look.wrong[rung])
    allowed = max(float(plan.visible_wrong[rung]) / size, 1e-9)
    # As wrong as was seen and one standard deviation more, with a prior of 0.3 of what is allowed.
    rate = (wrong + 1 + 0.7 * math.sqrt(wrong)) / (drawn + 1 / (0.3 * allowed))
    further = max(_probes_needed(rate, allowed, plan.risk, size) - drawn, 1.0)
    return further * plan.zone_size / size  # drawn from all of the zone


def present_forecast(plan: PresentPlan, probabilities: npt.NDArray[np.floating]) -> tuple[int, int]:
    """Return how many pairs are likely to be filled in as present, and the probes for that.

    Args:
        plan: The frozen plan.
        probabilities: `(N,)` ascending; need not be those that laid the rungs.

    Returns:
        Pairs that are filled in, probes taken out, and probes; 0 and 0 where it never pays.
    """
    best, probes = (0, 0), 0.0
    for start, size, allowed in zip(plan.rungs, plan.sizes, plan.visible_wrong, strict=True):
        above = np.asarray(probabilities[start:], np.float64)
        rate = max(1 - float(above.mean()), 1e-6)
        need = _probes_needed(rate, float(allowed / size), plan.risk, float(size))
        probes = max(probes, need * plan.zone_size / size)
        if not probes < plan.cap:
            break
        fill = int(size - probes * size / plan.zone_size)
        if fill - probes > best[0] - best[1]:
            best = fill, math.ceil(probes)
    return best


def wrong_left(
    filled: int, may_be_wrong: int, taken: int, corrected: int, max_error: float
) -> tuple[int, int, bool]:
    """Return how many of the pairs filled in as present are left, and how the promise fares there.

    Every right pair that is taken out of a fill leaves the wrong ones a larger share of it.

    Args:
        filled: Pairs filled in as present.
        may_be_wrong: How many of them may be wrong by the certificate.
        taken: Those that do not count as filled in any more, because people answered them.
        corrected: Those of them that turned out wrong.
        max_error: Wrong ones among the filled, at most, as a share.

    Returns:
        Pairs left, how many of these may be wrong, and whether that is as promised.
    """
    left = filled - taken
    wrong = min(max(may_be_wrong - corrected, 0), left)
    return left, wrong, wrong <= max_error * left


def _rungs(
    probabilities: npt.NDArray[np.floating], max_error: float, floor: int
) -> tuple[int, ...]:
    # The share of wrong ones only grows downwards: one pair below the floor tells what lies lower.
    first = max(floor - 1, 0)
    p = np.asarray(probabilities[first:], np.float64)
    wrong = np.cumsum((1 - p)[::-1])  # predicted wrong ones among the highest i + 1
    sizes = np.arange(1, len(p) + 1)
    found = set()
    for step in STEPS:
        good = np.flatnonzero(wrong <= step * max_error * sizes)
        if len(good) and good[-1] + 1 >= SMALLEST:
            found.add(first + len(p) - int(good[-1] + 1))
    return tuple(sorted((position for position in found if position >= floor), reverse=True))


def _certified(plan: PresentPlan, drawn: Integers, wrong: Integers) -> int:
    """Return how many rungs are certified by the best of all looks; counts are `(n, K)`."""
    rates = np.clip(plan.visible_wrong / plan.sizes, 1e-9, 1)[:, None] * BETS  # (K, bets)
    evidence = log_e_at_most(plan.sizes, drawn, wrong, plan.visible_wrong, rates)
    keeps = plan.allowed_wrong - wrong <= plan.max_error * (plan.sizes - drawn)
    passes = keeps & (evidence >= math.log(1 / plan.risk))
    return int(np.logical_and.accumulate(passes, axis=1).sum(1).max())


def _wears_out(plan: PresentPlan, look: PresentLook) -> bool:
    """Return whether one right probe more would break the promise about what is left."""
    rung = look.certified - 1
    if rung < 0:
        return False
    left = plan.sizes[rung] - look.drawn[rung] - 1
    return bool(plan.allowed_wrong[rung] - look.wrong[rung] > plan.max_error * left)


def _probes_needed(rate: float, allowed: float, risk: float, size: float) -> float:
    """Return how many draws it takes, on average, until a rung passes.

    Args:
        rate: True share of wrong pairs, 0 to 1.
        allowed: Share that the promise allows; at or below `rate` it never passes.
        risk: Of the test.
        size: Pairs of the rung.
    """
    if rate >= allowed:
        return math.inf
    rate = max(rate, 1e-12)
    distance = rate * math.log(rate / allowed) + (1 - rate) * math.log((1 - rate) / (1 - allowed))
    draws = (math.log(1 / risk) + OVERSHOOT) / distance
    return draws / (1 + 0.5 * draws / size)
