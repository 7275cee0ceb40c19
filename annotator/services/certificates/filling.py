"""What a certificate fills in once it is applied: the certified pairs without an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import certificates as files
from annotator.arrays.certificates import FillBits, Ints
from annotator.domain import Source, State
from annotator.errors import NotReady
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.pool import plan_of
from annotator.services.certificates.rows import FillRow
from annotator.services.certificates.validity import budget
from annotator.services.knowledge.fills import counts_of
from annotator.settings import Project
from annotator.store import Transaction, activity, answers, certificates
from annotator.store.certificates import Certificate

CHUNK = 1_000_000
"""Pairs that are looked at together."""

PRESENT, ABSENT = 0, 1

Bools = npt.NDArray[np.bool_]
Pair = tuple[int, int]


@dataclass
class _Known:
    """What people have said by now, by image and category ordinal."""

    closed: tuple[Bools, Bools]
    """Pairs that are not to be filled in as present, and as absent: those with a label, one in
    conflict too, and those of a probe whose answer is not the same."""
    corrected: set[Pair]
    """Pairs that are labelled absent."""


@dataclass
class Filling:
    """The pairs to be filled in, as bits and as counts."""

    row_before: Certificate
    bits: FillBits
    present: int
    absent: int
    may_be_wrong: float
    """How many of those to be filled in as present may be wrong by the certificate."""
    drawn: int
    """Pairs of the present zone that were drawn for probes."""
    left_out: bool
    """So many candidates for present were answered that the promise does not cover all others."""
    operation: int
    """Newest operation that was looked at."""

    @classmethod
    def collect(
        cls, project: Project, tx: Transaction, row: Certificate, found: Evidence
    ) -> Filling:
        """Collect what is certified and still open.

        Args:
            project: Whose certificate it is.
            tx: A transaction.
            row: The certificate.
            found: What its answers say.
        """
        operation = activity.newest_operation(tx)
        known = _known(tx, row, found)
        pairs = files.read(project, row.id, files.PAIRS)
        bits = FillBits.empty(activity.shape(tx)[0], row.plan["columns"])
        certifier, plan = found.certifier, found.plan
        low = plan.absent_rungs[certifier.absent - 1] if certifier.absent else 0
        absent = _mark(bits, ABSENT, pairs[:low], known)
        rungs, wrong = _still_covered(found, pairs, known)
        top = plan.size - found.present_size(rungs)
        present = _mark(bits, PRESENT, pairs[top:], known)
        drawn, left_out = found.drawn_in("present"), rungs < certifier.present
        return cls(row, bits, present, absent, wrong, drawn, left_out, operation)

    def refuse_if_empty(self) -> None:
        """Refuse to fill in nothing.

        Raises:
            NotReady: If nothing is certified yet, or nothing of it is open.
        """
        if self.present or self.absent:
            return
        if self.left_out:
            raise NotReady(
                "So many likely present pairs were answered meanwhile that the promise does not "
                "cover the rest; answer them by hand, or cancel and plan again."
            )
        raise NotReady(
            "Nothing can be filled in yet: answer more probes on the Probe page; "
            "`annotator certify PROJECT status` says about how many."
        )

    @property
    def path(self) -> str:
        """Where the bits lie, relative to the project."""
        return f"certificates/{self.row_before.id:04d}/{files.FILL}"

    def write(self, project: Project) -> None:
        """Write the bits."""
        self.bits.write(project, self.row_before.id)

    def row(self, *, applied: bool) -> FillRow:
        """Return the counts, and whether they have been filled in."""
        return {
            "certificate": self.row_before.id,
            "applied": applied,
            "present": self.present,
            "absent": self.absent,
            "present_left_out": self.left_out,
        }

    def plan(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plan with what was filled in, and the statement as it was then."""
        return {
            **self.row_before.plan,
            "filled": counts_of(self.bits),
            "applied": {"present": self.present, "absent": self.absent},
            "applied_operation": self.operation,
            "budget": budget(self.present, self.may_be_wrong, self.drawn),
            "statement": dict(statement),
        }


def labelled_in_middle(project: Project, tx: Transaction, row: Certificate) -> int:
    """Return how many pairs of the middle people have labelled present; drawn ones left out.

    Answers that were accepted together with others do not count: nobody looked at each of them.
    """
    table = answers.label_table(tx)
    bulk = list(Source).index(Source.ACCEPTED_IN_BULK)
    said = table.present & ~table.conflict & (table.source != bulk)
    found = np.zeros(activity.shape(tx), bool)
    found[table.image[said], table.category[said]] = True
    found[certificates.probed(tx)] = False
    plan = plan_of(row.plan["fill"])
    pairs = files.read(project, row.id, files.PAIRS)
    middle = pairs[plan.absent_size : plan.size - plan.present_size]
    parts = (np.asarray(middle[n : n + CHUNK]) for n in range(0, len(middle), CHUNK))
    return sum(int(found[part[:, 0], part[:, 1]].sum()) for part in parts)


def _known(tx: Transaction, row: Certificate, found: Evidence) -> _Known:
    labelled = np.zeros(activity.shape(tx), bool)
    table = answers.label_table(tx)
    labelled[table.image, table.category] = True
    probed = labelled.copy()
    probed[certificates.probed(tx)] = True
    closed = probed, probed.copy()
    blind: dict[Pair, set[State | None]] = defaultdict(set)
    for look in found.looks:
        blind[found.place_of(look.zone, look.position)].add(look.said)
    for image, category, state in certificates.answered_elsewhere(tx, row.id):
        blind[image, category].add(state)
    for (image, category), said in blind.items():
        for side, state in ((PRESENT, State.PRESENT), (ABSENT, State.ABSENT)):
            if said == {state}:
                closed[side][image, category] = labelled[image, category]
    absent = ~table.present & ~table.conflict
    corrected = zip(table.image[absent].tolist(), table.category[absent].tolist(), strict=True)
    return _Known(closed, set(corrected))


def _mark(bits: FillBits, state: int, pairs: Ints, known: _Known) -> int:
    total = 0
    for start in range(0, len(pairs), CHUNK):
        part = np.asarray(pairs[start : start + CHUNK])
        image, category = part[:, 0], part[:, 1]
        is_open = ~known.closed[state][image, category]
        bits.mark(state, image[is_open], category[is_open])
        total += int(is_open.sum())
    return total


def _still_covered(found: Evidence, pairs: Ints, known: _Known) -> tuple[int, float]:
    """Return how many present rungs can be filled in, and how many pairs may be wrong there."""
    plan = found.plan
    for rungs in range(found.certifier.present, 0, -1):
        part = np.asarray(pairs[plan.size - found.present_size(rungs) :])
        wrong, filled = _may_be_wrong(found, rungs - 1, part, known)
        if wrong <= plan.promise.max_error * filled:
            return rungs, wrong
    return 0, 0.0


def _may_be_wrong(found: Evidence, rung: int, part: Ints, known: _Known) -> tuple[float, int]:
    """Return how many of a rung's open candidates for present may be wrong, and how many are open.

    Every right one that people took out of the rung leaves the wrong ones a larger share. Those
    that were asked blind and are right are filled in with the others, so they take nothing out.
    """
    closed = known.closed[PRESENT][part[:, 0], part[:, 1]]
    drawn = {found.place_of(x.zone, x.position) for x in found.looks if x.zone == "present"}
    out = [(i, c) for i, c in part[closed].tolist()]
    corrected = sum(pair in known.corrected for pair in out if pair not in drawn)
    wrong = int(found.counts.present_wrong[rung])
    may_be_wrong = max(float(found.certifier.allowed_wrong[rung]) - wrong - corrected, 0.0)
    return may_be_wrong, len(part) - len(out)
