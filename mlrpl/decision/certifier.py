"""From probe counts to rungs that may be filled in: the procedure of a certificate, at any look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mlrpl.decision.anytime_bounds import BETS, log_e_at_most, lower_count, upper_count
from mlrpl.decision.fill_plan import FillPlan

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ProbeCounts:
    """What the probes said so far, all of them blind."""

    present_drawn: npt.NDArray[np.int64]
    """`(K,)` probes inside each present rung; rungs are nested, so the numbers ascend."""
    present_wrong: npt.NDArray[np.int64]
    """`(K,)` those of them that people call absent, or cannot tell."""
    absent_drawn: npt.NDArray[np.int64]
    """`(J,)` probes inside each absent rung."""
    absent_found: npt.NDArray[np.int64]
    """`(J,)` those of them that people call present, or cannot tell."""
    middle_drawn: int = 0
    middle_found: int = 0
    """Present ones among the probes of the middle."""
    found: int = 0
    """Present pairs of the middle found in any way, probes included."""


def count_probes(
    plan: FillPlan, positions: npt.NDArray[np.integer], present: npt.NDArray[np.bool_]
) -> ProbeCounts:
    """Count probes by rung.

    Args:
        plan: The frozen plan.
        positions: `(n,)` places of the answered probes in the frozen order.
        present: `(n,)` what people said; "cannot tell" has to count against the fill, so it is
            present below `absent_size` and absent elsewhere.
    """
    positions, present = np.asarray(positions, np.int64), np.asarray(present, bool)
    high = positions >= np.array(plan.present_rungs, np.int64)[:, None]  # (K, n)
    low = positions < np.array(plan.absent_rungs, np.int64)[:, None]  # (J, n)
    top = plan.size - plan.present_size
    middle = (positions >= plan.absent_size) & (positions < top)
    return ProbeCounts(
        present_drawn=high.sum(1),
        present_wrong=(high & ~present).sum(1),
        absent_drawn=low.sum(1),
        absent_found=(low & present).sum(1),
        middle_drawn=int(middle.sum()),
        middle_found=int((middle & present).sum()),
        found=int((middle & present).sum()),
    )


class Certifier:
    """Counts in, certified rungs out; may be asked as often as anybody wants to look.

    Certified rungs never go away, so the same plan must not be shared by two pools. The order of
    calls does not matter beyond that.
    """

    def __init__(self, plan: FillPlan) -> None:
        """Fix what has to be fixed before the first probe."""
        self.plan = plan
        self.present = 0
        """Certified present rungs, counted from the highest scores."""
        self.absent = 0
        """Certified absent rungs, counted from the lowest scores."""
        self.low = 0.0
        """Lower bound of the present pairs that the lost share is taken of, without the low end."""
        self.closed: int | None = None
        """Pairs filled in as present, once that side is closed; only needed over `filled`."""
        promise = plan.promise
        self.present_sizes = plan.size - np.array(plan.present_rungs, np.float64)
        self.absent_sizes = np.array(plan.absent_rungs, np.float64)
        # What may remain wrong after the probes are taken out of a rung, fixed in advance.
        planned = min(1.0, plan.cap_present / max(plan.present_size, 1)) / 2
        self.allowed_wrong = np.floor(promise.max_error * self.present_sizes * (1 - planned))
        self._visible_wrong = np.floor(self.allowed_wrong * (1 - promise.false_alarm))
        rates = np.clip(self._visible_wrong / np.maximum(self.present_sizes, 1), 1e-9, 1)
        self.present_rates = rates[:, None] * BETS  # (K, bets)
        expected = self._lost_allowed(0.9 * plan.guess_total + promise.counted)
        rates = np.clip(expected / np.maximum(self.absent_sizes, 1), 1e-9, 0.5)
        self.absent_rates = rates[:, None] * BETS  # (J, bets)

    def look(self, counts: ProbeCounts) -> tuple[int, int]:
        """Return how many present and absent rungs are certified by now."""
        plan = self.plan
        if plan.present_rungs and self.closed is None:
            self.present = max(self.present, _prefix(self._present_passes(counts)))
        if plan.absent_rungs and plan.promise.over == "filled":
            if self.closed:
                right = (1 - plan.promise.max_error) * self.closed
                self._look_absent(counts, self._lost_allowed(right))
        elif plan.absent_rungs:
            self.low = max(self.low, self._present_outside(counts))
            self._look_absent(counts, self._lost_allowed(self.low))
        return self.present, self.absent

    def close_present(self, counts: ProbeCounts) -> int:
        """Freeze the present side and return how many pairs it fills in.

        Needed before the lost share over `filled` can be tested; the decision to close may rest on
        the answers of that side only.
        """
        rung = self.present - 1
        filled = self.present_sizes[rung] - counts.present_drawn[rung] if self.present else 0
        self.closed = int(filled)
        return self.closed

    def worth(
        self, side: Literal["present", "absent"], counts: ProbeCounts, price: float = 1.0
    ) -> bool:
        """Return whether further probes of a side are likely to save more pairs than they cost.

        The guarantee does not depend on it.

        Args:
            side: Which end.
            counts: The probes so far.
            price: Pairs that one probe may cost.
        """
        rung = self.present if side == "present" else self.absent
        sizes = self.present_sizes if side == "present" else self.absent_sizes
        if rung >= len(sizes):
            return False
        if side == "present":
            drawn, marked = counts.present_drawn, counts.present_wrong
            rate, risk = self._visible_wrong[rung] / sizes[rung], self.plan.present_risk
        else:
            drawn, marked = counts.absent_drawn, counts.absent_found
            rate = self._lost_allowed(max(self.low, 1)) / sizes[rung]
            risk = self.plan.absent_risk
        gain = sizes[rung] - (sizes[rung - 1] if rung else 0)
        return _pays(
            float(sizes[rung]),
            int(drawn[rung]),
            int(marked[rung]),
            float(rate),
            risk,
            price * float(gain),
            first=rung == 0,
        )

    def _present_passes(self, counts: ProbeCounts) -> npt.NDArray[np.bool_]:
        drawn = counts.present_drawn.astype(float)
        wrong = counts.present_wrong.astype(float)
        e_values = log_e_at_most(
            self.present_sizes, drawn, wrong, self._visible_wrong, self.present_rates
        )
        # The zone's promise has to hold for what is left of it without the probes.
        rest = np.maximum(self.present_sizes - drawn, 1e-9)
        holds = self.allowed_wrong - wrong <= self.plan.promise.max_error * rest
        return np.asarray((e_values >= math.log(1 / self.plan.present_risk)) & holds)

    def _look_absent(self, counts: ProbeCounts, allowed: float) -> None:
        visible = np.full(len(self.absent_sizes), allowed * (1 - self.plan.promise.miss))
        e_values = log_e_at_most(
            self.absent_sizes,
            counts.absent_drawn,
            counts.absent_found,
            visible,
            self.absent_rates,
        )
        self.absent = max(self.absent, _prefix(e_values >= math.log(1 / self.plan.absent_risk)))

    def _present_outside(self, counts: ProbeCounts) -> float:
        """Return a lower bound of the present pairs outside the low end, known ones included."""
        plan = self.plan
        risk = plan.denominator_risk
        risk /= 2 if plan.present_rungs and plan.middle_size else 1
        low = plan.promise.counted
        if plan.middle_size:
            drawn, marked = counts.middle_drawn, counts.middle_found
            bound = lower_count(plan.middle_size, drawn, marked, risk, plan.guess_middle)
            low += max(counts.found, bound)
        if plan.present_rungs:
            drawn = int(counts.present_drawn[-1])
            right = drawn - int(counts.present_wrong[-1])
            low += lower_count(plan.present_size, drawn, right, risk, plan.guess_present)
        return low - plan.promise.false_alarm * (plan.middle_size + plan.present_size)

    def _lost_allowed(self, present: float) -> float:
        return self.plan.promise.max_lost / (1 - self.plan.promise.max_lost) * present


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


def statement(certifier: Certifier, counts: ProbeCounts) -> dict[str, Any]:
    """Return what a certificate says by now: numbers for programs, sentences for people.

    `present` and `absent` are None while nothing is certified on that side.
    """
    plan = certifier.plan
    present, absent = _present_part(certifier, counts), _absent_part(certifier, counts)
    held = plan.size
    held -= int(certifier.present_sizes[certifier.present - 1]) if certifier.present else 0
    held -= int(certifier.absent_sizes[certifier.absent - 1]) if certifier.absent else 0
    return {
        "format": "fill-certificate/1",
        "pool": plan.size,
        "confidence": 1 - plan.promise.risk,
        "oracle": "blind annotator answers",
        "annotator_error_assumed": {
            "false_alarm": plan.promise.false_alarm,
            "miss": plan.promise.miss,
        },
        "recall_over": plan.promise.over,
        "risk_split": {
            "present": plan.present_risk,
            "denominator": plan.denominator_risk,
            "absent": plan.absent_risk,
        },
        "probes": {
            "present_zone": int(counts.present_drawn[-1]) if plan.present_rungs else 0,
            "middle": counts.middle_drawn,
            "absent_zone": int(counts.absent_drawn[-1]) if plan.absent_rungs else 0,
        },
        "present": present,
        "absent": absent,
        "left_for_people": held,
        "sentences": _sentences(plan, present, absent, held),
    }


def _present_part(certifier: Certifier, counts: ProbeCounts) -> dict[str, Any] | None:
    rung = certifier.present - 1
    if rung < 0:
        return None
    plan = certifier.plan
    size = int(certifier.present_sizes[rung])
    drawn, wrong = int(counts.present_drawn[rung]), int(counts.present_wrong[rung])
    bound = upper_count(size, drawn, wrong, plan.present_risk, certifier.present_rates[rung])
    return {
        "rung": rung + 1,
        "of": len(plan.present_rungs),
        "position_from": plan.present_rungs[rung],
        "fill": size - drawn,
        "probes": drawn,
        "wrong_seen": wrong,
        "promised_precision": 1 - plan.promise.max_error,
        "at_most_wrong": max(int(certifier.allowed_wrong[rung]) - wrong, 0),
        "bound_alone": 1 - bound / size,
    }


def _absent_part(certifier: Certifier, counts: ProbeCounts) -> dict[str, Any] | None:
    rung = certifier.absent - 1
    if rung < 0:
        return None
    plan = certifier.plan
    size = int(certifier.absent_sizes[rung])
    drawn, found = int(counts.absent_drawn[rung]), int(counts.absent_found[rung])
    # An absolute count is a further statement; it has to hold for whichever rung was chosen.
    risk = plan.absent_risk / len(plan.absent_rungs)
    bound = upper_count(size, drawn, found, risk, certifier.absent_rates[rung])
    return {
        "rung": rung + 1,
        "of": len(plan.absent_rungs),
        "position_below": plan.absent_rungs[rung],
        "fill": size - drawn,
        "probes": drawn,
        "positives_seen": found,
        "promised_miss": plan.promise.max_lost,
        "lost_estimate": round(found / max(drawn, 1) * size - found, 1),
        "positives_to_find_at_least": int(certifier.low),
        "own_statement": {
            "confidence": 1 - plan.absent_risk,
            "lost_at_most": bound - found,
            "omission_at_most": (bound - found) / max(size - drawn, 1),
        },
    }


_OF = {
    "pool": "of the present pairs that were still open",
    "dataset": "of all present pairs of the data set",
    "filled": "of the present pairs that get filled in",
}


def _sentences(
    plan: FillPlan, present: dict[str, Any] | None, absent: dict[str, Any] | None, held: int
) -> list[str]:
    if present is None and absent is None:
        return ["Nothing can be filled in yet: the probes do not support it."]
    said = []
    if present is not None:
        share = present["at_most_wrong"] / max(present["fill"], 1)
        said.append(
            f"{_pairs(present['fill'])} can be marked present; at most "
            f"{present['at_most_wrong']:,} of them ({share:.1%}) are wrong."
        )
    if absent is not None:
        said.append(
            f"{_pairs(absent['fill'])} can be marked absent; this hides at most "
            f"{_percent(plan.promise.max_lost)} {_OF[plan.promise.over]} (best guess "
            f"{_pairs(round(absent['lost_estimate']))}; taken alone, at most "
            f"{absent['own_statement']['lost_at_most']:,})."
        )
    stay = "stays open and needs" if held == 1 else "stay open and need"
    said.append(f"{_pairs(held)} {stay} a person.")
    said.append(
        "If this were repeated with other random probes, at least "
        f"{_percent(1 - plan.promise.risk)} of such certificates would be true. True means: as "
        "your annotators would have answered without seeing the model's opinion."
    )
    return said


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count:,} pairs"


def _percent(share: float) -> str:
    """Return a share without rounding it to more than it is.

    >>> _percent(0.975), _percent(0.1)
    ('97.5%', '10%')
    """
    return f"{100 * share:.6g}%"


def probes_needed(rate: float, allowed: float, risk: float, size: float = math.inf) -> float:
    """Return how many draws it takes, on average, until a rung passes.

    Args:
        rate: True share of marked items, 0 to 1.
        allowed: Share that the promise allows; at or below `rate` it never passes.
        risk: Of the test.
        size: Items in the rung.
    """
    if rate >= allowed:
        return math.inf
    rate, allowed = min(max(rate, 1e-12), 1 - 1e-12), min(max(allowed, 1e-12), 1 - 1e-12)
    distance = rate * math.log(rate / allowed) + (1 - rate) * math.log((1 - rate) / (1 - allowed))
    draws = (math.log(1 / risk) + 1.2) / distance
    return draws / (1 + 0.5 * draws / size)


def _pays(
    size: float, drawn: int, marked: int, allowed: float, risk: float, gain: float, *, first: bool
) -> bool:
    expected = drawn * allowed
    if marked - expected > 3 * math.sqrt(marked + 1):  # far above what the promise allows
        return False
    if expected < 6:
        return True
    rate = (marked + 1 + 0.7 * math.sqrt(marked)) / (drawn + 1 / (0.3 * allowed))
    if rate >= 0.95 * allowed:
        return marked < 15 and first
    further = probes_needed(rate, min(allowed, 0.999), risk, size) - drawn
    return further < (gain if first else min(gain, 1000 + drawn))


def _prefix(passes: npt.NDArray[np.bool_]) -> int:
    failing = np.flatnonzero(~passes)
    return int(failing[0]) if len(failing) else len(passes)
