"""What the probe answers of a certificate say so far; everything here is computed from counts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from annotator.arrays.certificates import ZONES, Ints
from annotator.domain import State
from annotator.services.certificates import pool
from annotator.services.certificates.rows import BoundRow, ClosingPoint, Side, ZoneRow
from annotator.store.certificates import BOUND, Certificate, Drawn
from mlrpl.decision.anytime_bounds import upper_count
from mlrpl.decision.certifier import Certifier, ProbeCounts, count_probes, probes_needed
from mlrpl.decision.fill_forecast import category_p_value
from mlrpl.decision.fill_plan import FillPlan

POINTS = 40
"""Moments at which the chart shows the bounds."""

FEW = 200
"""Answers below which a forecast rests on the predicted probabilities."""

CATEGORY_PROBES = 500
"""Probe answers about a category's candidates for absent, under which it gets no promise; of a
super-category likewise."""

CATEGORY_RISK = 0.10
"""Risk of the separate statement about super-categories and single categories."""

SIDES: tuple[Side, ...] = ("present", "absent")
Key = tuple[str, int]


@dataclass(frozen=True)
class Look:
    """One pair that was drawn, with all that was said about it."""

    zone: str
    position: int
    """Place in the order of its zone."""
    pair: tuple[int, int]
    """Image and category id."""
    states: tuple[State, ...]
    """The first answer and further looks; empty until somebody answers."""
    waits: bool
    """A question about it has been drawn and not answered."""
    last: datetime | None
    """When it was answered last."""

    @property
    def needs_look(self) -> bool:
        """Whether it speaks against the fill and a majority of three is not reached."""
        if not self.states or not _surprises(self.zone, self.states[0]):
            return False
        marks = [_marked(self.zone, state) for state in self.states]
        return len(marks) < 3 and max(marks.count(True), marks.count(False)) < 2

    @property
    def present(self) -> bool:
        """What counts; while it is looked at again, that is whatever speaks against the fill."""
        if self.needs_look:
            return self.zone == "absent"
        marks = [_marked(self.zone, state) for state in self.states]
        return marks.count(True) > marks.count(False)

    @property
    def said(self) -> State | None:
        """What people say in the end: present, absent, or None where that is not settled."""
        if not self.states or self.needs_look:
            return None
        for state in (State.PRESENT, State.ABSENT):
            if 2 * self.states.count(state) > len(self.states):
                return state
        return None


def _surprises(zone: str, state: State) -> bool:
    return state is (State.ABSENT if zone == "present" else State.PRESENT)


def _marked(zone: str, state: State) -> bool:
    """Return an answer as present or not; "cannot tell" is taken against the fill."""
    return state is State.PRESENT or (state is State.UNSURE and zone == "absent")


def looks(drawn: Sequence[Drawn]) -> list[Look]:
    """Return the pairs that were drawn, in the order of drawing."""
    grouped: dict[Key, list[Drawn]] = defaultdict(list)
    for one in drawn:
        grouped[one.zone, one.position].append(one)
    found = []
    for (zone, position), rows in grouped.items():
        rows.sort(key=lambda row: (row.purpose != BOUND, row.id))
        answered = [r for r in rows if r.state is not None]
        times = [r.answered_at for r in answered if r.answered_at is not None]
        found.append(
            Look(
                zone=zone,
                position=position,
                pair=(rows[0].image_id, rows[0].category_id),
                states=tuple(r.state for r in answered if r.state is not None),
                waits=len(answered) < len(rows),
                last=max(times, default=None),
            )
        )
    return found


def counted(found: Sequence[Look]) -> list[Look]:
    """Return the answered pairs up to the first unanswered one of each zone.

    Which of the drawn pairs are answered first is up to people, and may have to do with the
    answer. The beginning of a fixed random order has not.
    """
    kept = []
    for zone in ZONES:
        ordered = sorted((x for x in found if x.zone == zone), key=lambda x: x.position)
        for place, look in enumerate(ordered):
            if not look.states or look.position != place:
                break
            kept.append(look)
    return kept


class Evidence:
    """The counts of one certificate, and what they certify."""

    def __init__(
        self, row: Certificate, drawn: Sequence[Drawn], draws: Ints, *, labelled: int = 0
    ) -> None:
        """Count.

        Args:
            row: The certificate.
            drawn: Its questions.
            draws: `(n, 4)`, the file of its drawn pairs.
            labelled: Pairs of the middle that people have labelled present, drawn ones left out.
        """
        self._labelled = labelled
        self._forecast = min(int(row.plan["forecast"]["probes"]), len(draws))
        self.looks = looks(drawn)
        self.plan: FillPlan = pool.plan_of(row.plan["fill"])
        self._places = [draws[draws[:, 0] == number] for number in range(len(ZONES))]
        kept = counted(self.looks)
        order = {id(look): n for n, look in enumerate(self.looks)}
        self.kept = sorted(kept, key=lambda look: order[id(look)])
        self.positions = np.array([self._place(x)[1] for x in self.kept], np.int64)
        self.ordinals = np.array([self._place(x)[3] for x in self.kept], np.int64)
        self.present = np.array([x.present for x in self.kept], dtype=bool)
        self.counts = self.counts_of(len(self.kept))
        self.certifier = Certifier(self.plan)
        said = row.plan.get("certified", {})
        self.certifier.present = said.get("present", 0)
        self.certifier.absent = said.get("absent", 0)
        self.certifier.low = said.get("low", 0.0)
        self.certifier.look(self.counts)

    def _place(self, look: Look) -> list[int]:
        found: list[int] = self._places[ZONES.index(look.zone)][look.position].tolist()
        return found

    def counts_of(self, first: int) -> ProbeCounts:
        """Return the counts of the first pairs that count, in the order of drawing."""
        counts = count_probes(self.plan, self.positions[:first], self.present[:first])
        return replace(counts, found=counts.middle_found + self._labelled)

    def present_size(self, rungs: int) -> int:
        """Return how many pairs the first so many present rungs hold."""
        return int(self.certifier.present_sizes[rungs - 1]) if rungs else 0

    @property
    def certified(self) -> dict[str, float]:
        """What never goes away again, for the row of the certificate."""
        certifier = self.certifier
        return {"present": certifier.present, "absent": certifier.absent, "low": certifier.low}

    def drawn_in(self, zone: str) -> int:
        """Return how many pairs of a zone were drawn so far."""
        return sum(look.zone == zone for look in self.looks)

    def left_in(self, zone: str) -> int:
        """Return how many more pairs of a zone could be drawn."""
        return len(self._places[ZONES.index(zone)]) - self.drawn_in(zone)

    def worth(self, side: Side) -> bool:
        """Return whether further questions of a side are likely to pay."""
        return self.left_in(side) > 0 and self.certifier.worth(side, self.counts)

    def next_draws(self, most: int) -> list[tuple[str, int]]:
        """Return zone and place of the next pairs to be asked, at most so many.

        Of a hundred, 40 come from the present zone while it is worth it, 30 from the middle, and
        the rest from the absent zone.
        """
        wanted = dict.fromkeys(ZONES, 0)
        if self.worth("present"):
            wanted["present"] = min(math.ceil(0.4 * most), self.left_in("present"))
        if self.worth("absent"):
            wanted["middle"] = min(math.ceil(0.3 * most), self.left_in("middle"))
            rest = most - wanted["present"] - wanted["middle"]
            wanted["absent"] = min(rest, self.left_in("absent"))
        first = {zone: self.drawn_in(zone) for zone in ZONES}
        return [(z, first[z] + n) for z in ZONES for n in range(wanted[z])]

    def place_of(self, zone: str, position: int) -> tuple[int, int]:
        """Return image and category ordinal of a pair of a zone by its place in the order."""
        _, _, image, category = self._places[ZONES.index(zone)][position].tolist()
        return image, category

    def expected_questions(self) -> int:
        """Return how many more questions the next step of both sides is likely to take.

        While there are few answers, the forecast says more than they do.
        """
        if len(self.kept) < FEW:
            return max(self._forecast - len(self.kept), 0)
        present = self._further("present") if self.worth("present") else 0.0
        absent = self._further("absent") if self.worth("absent") else 0.0
        middle = min(absent / 2, self.left_in("middle"))
        again = sum(look.needs_look for look in self.looks)
        return math.ceil(present + absent + middle + again)

    def _further(self, side: Side) -> float:
        drawn, marked, size, allowed, risk = self._target(side)
        rate = min(allowed / max(size, 1), 0.999)
        seen = (marked + 1 + 0.7 * math.sqrt(marked)) / (drawn + 1 / max(0.3 * rate, 1e-9))
        further = probes_needed(min(seen, 0.9 * rate), rate, risk, size) - drawn
        return min(max(further, 1.0), float(self.left_in(side)))

    def _target(self, side: Side) -> tuple[int, int, float, float, float]:
        """Return drawn, marked, size, allowed marked ones and risk of the rung that is tested."""
        certifier, plan = self.certifier, self.plan
        if side == "present":
            rung = min(certifier.present, len(plan.present_rungs) - 1)
            drawn, marked = self.counts.present_drawn, self.counts.present_wrong
            size, allowed = certifier.present_sizes[rung], certifier.allowed_wrong[rung]
            return int(drawn[rung]), int(marked[rung]), size, float(allowed), plan.present_risk
        rung = min(certifier.absent, len(plan.absent_rungs) - 1)
        drawn, marked = self.counts.absent_drawn, self.counts.absent_found
        lost = plan.promise.max_lost
        allowed = lost / (1 - lost) * max(certifier.low, 1)
        size = certifier.absent_sizes[rung]
        return int(drawn[rung]), int(marked[rung]), size, allowed, plan.absent_risk

    def sides(self) -> list[BoundRow]:
        """Return, for each side, the bound of the rung that is tested, and what is allowed."""
        return [self._side(side) for side in SIDES if self._steps(side)]

    def _steps(self, side: Side) -> int:
        rungs = self.plan.present_rungs if side == "present" else self.plan.absent_rungs
        return len(rungs)

    def _side(self, side: Side) -> BoundRow:
        drawn, marked, size, allowed, risk = self._target(side)
        certifier = self.certifier
        return {
            "side": side,
            "certified_steps": certifier.present if side == "present" else certifier.absent,
            "steps": self._steps(side),
            "pairs": int(size),
            "asked": drawn,
            "against": marked,
            "against_allowed": round(float(allowed * drawn / max(size, 1)), 1),
            "at_most": self._bound(side, self.counts, self.certifier),
            "promised": self._promised(side),
            "risk": risk,
            "worth_asking": self.worth(side),
        }

    def _promised(self, side: str) -> float:
        promise = self.plan.promise
        return promise.max_error if side == "present" else promise.max_lost

    def _bound(self, side: str, counts: ProbeCounts, certifier: Certifier) -> float | None:
        """Return the largest share, wrong or lost, that the answers leave possible."""
        plan = self.plan
        if side == "present":
            rung = min(certifier.present, len(plan.present_rungs) - 1)
            size, rates = int(certifier.present_sizes[rung]), certifier.present_rates[rung]
            drawn, marked = int(counts.present_drawn[rung]), int(counts.present_wrong[rung])
            most = upper_count(size, drawn, marked, plan.present_risk, rates)
            return most / size if drawn else None
        rung = min(certifier.absent, len(plan.absent_rungs) - 1)
        size, rates = int(certifier.absent_sizes[rung]), certifier.absent_rates[rung]
        drawn, found = int(counts.absent_drawn[rung]), int(counts.absent_found[rung])
        most = upper_count(size, drawn, found, plan.absent_risk, rates)
        return most / max(most + certifier.low, 1) if drawn else None

    def closing(self) -> list[ClosingPoint]:
        """Return how the bounds closed with the answers."""
        certifier, rows = Certifier(self.plan), list[ClosingPoint]()
        total = len(self.kept)
        for first in sorted({math.ceil(total * step / POINTS) for step in range(1, POINTS + 1)}):
            counts = self.counts_of(first)
            certifier.look(counts)
            bound: dict[Side, float | None] = {
                side: self._bound(side, counts, certifier) if self._steps(side) and first else None
                for side in SIDES
            }
            row: ClosingPoint = {
                "answers": first,
                "present": bound["present"],
                "absent": bound["absent"],
            }
            rows.append(row)
        return rows

    def p_values(
        self, sizes: Ints, ordinals: Sequence[int], groups: Mapping[str, Sequence[int]]
    ) -> Iterator[tuple[str, int, float]]:
        """Yield name, absent rung and p-value of the own lost promise of groups of categories.

        Only for groups with enough answers, and only up to the certified rung.

        Args:
            sizes: `(C, J + 1)`, the file of the sizes by category.
            ordinals: Of the categories, in the order of `sizes`.
            groups: Ordinals of categories by the name of the group; a category is one by itself.
        """
        top = self.plan.size - self.plan.present_size
        middle = (self.positions >= self.plan.absent_size) & (self.positions < top)
        guess = self.plan.guess_middle
        rows = {ordinal: row for row, ordinal in enumerate(ordinals)}
        for name, members in groups.items():
            total = sizes[[rows[ordinal] for ordinal in members]].sum(axis=0, dtype=np.int64)
            own = np.isin(self.ordinals, list(members))
            rest = own & middle
            # Only the middle bounds its present pairs: other zones are drawn at other rates.
            above = int(total[-1]), int(rest.sum()), int((rest & self.present).sum())
            for rung, edge in enumerate(self.plan.absent_rungs[: self.certifier.absent]):
                low = own & (self.positions < edge)
                if low.sum() < CATEGORY_PROBES:
                    continue
                below = int(total[rung]), int(low.sum()), int((low & self.present).sum())
                yield name, rung, category_p_value(below, above, self.plan.promise, guess)


def zone_rows(found: Evidence) -> list[ZoneRow]:
    """Return how many pairs each zone has, and what was asked there."""
    plan = found.plan
    sizes = {"present": plan.present_size, "middle": plan.middle_size, "absent": plan.absent_size}
    rows: list[ZoneRow] = []
    for zone in ZONES:
        own = [look for look in found.looks if look.zone == zone]
        kept = [look for look in found.kept if look.zone == zone]
        against = [x for x in kept if x.present is (zone != "present")]
        rows.append(
            {
                "zone": zone,
                "pairs": sizes[zone],
                "at_most_asked": min(sizes[zone], pool.cap(plan, zone)),
                "answered": len(kept),
                "waiting": sum(look.waits for look in own),
                "present": sum(look.present for look in kept),
                "against": 0 if zone == "middle" else len(against),
                "second_looks": sum(look.needs_look for look in own),
            }
        )
    return rows


def smallest(known: Mapping[str, float], fresh: Mapping[str, float]) -> dict[str, float]:
    """Return the running minimum of p-values by name."""
    return {k: min(known.get(k, 1.0), fresh.get(k, 1.0)) for k in {*known, *fresh}}
