"""What a certificate fills in once it is applied: the certified pairs without an answer."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import certificates as files
from annotator.arrays.certificates import FillBits, Ints
from annotator.domain import State
from annotator.errors import NotReady
from annotator.services.certificates.certified_fill import CertifiedFill, Pair
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
    """Pairs that were drawn for the precision of the present fill."""
    left_out: bool
    """So many candidates for present were answered that the promise does not cover all others."""
    operation: int
    """Newest operation that was looked at."""

    @classmethod
    def collect(
        cls, project: Project, tx: Transaction, row: Certificate, certified: CertifiedFill
    ) -> Filling:
        """Collect what is certified and still open.

        Args:
            project: Whose certificate it is.
            tx: A transaction.
            row: The certificate.
            certified: Its steps.
        """
        operation = activity.newest_operation(tx)
        known = _known(tx, row, certified)
        pairs = files.read(project, row.id, files.PAIRS)
        bits = FillBits.empty(activity.shape(tx)[0], row.plan["columns"])
        absent = _mark(bits, ABSENT, pairs[: certified.absent], known)
        top, wrong = _still_covered(certified, pairs, known)
        present = _mark(bits, PRESENT, pairs[top:], known)
        drawn, left_out = len(certified.drawn_present), top > certified.present
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
        before = self.row_before.plan
        kept = {
            **before,
            "filled": counts_of(self.bits),
            "applied": {"present": self.present, "absent": self.absent},
            "applied_operation": self.operation,
            "statement": dict(statement),
        }
        if before["promise"]["precision"] is not None:
            kept["budget"] = budget(self.present, self.may_be_wrong, self.drawn)
        return kept


def known_outside(project: Project, tx: Transaction, row: Certificate) -> int:
    """Return how many pairs outside a frozen pool are labelled present by now.

    Only those of the images and categories that the plan was made with.
    """
    table, ordinals = answers.label_table(tx), row.plan["ordinals"]
    said = table.present & ~table.conflict & np.isin(table.category, ordinals)
    said &= table.image < row.plan["images"]
    found = np.zeros(activity.shape(tx), bool)
    found[table.image[said], table.category[said]] = True
    pairs = files.read(project, row.id, files.PAIRS)
    for start in range(0, len(pairs), CHUNK):
        part = np.asarray(pairs[start : start + CHUNK])
        found[part[:, 0], part[:, 1]] = False
    return int(found.sum())


def _known(tx: Transaction, row: Certificate, certified: CertifiedFill) -> _Known:
    labelled = np.zeros(activity.shape(tx), bool)
    table = answers.label_table(tx)
    labelled[table.image, table.category] = True
    probed = labelled.copy()
    probed[certificates.probed(tx)] = True
    closed = probed, probed.copy()
    blind: dict[Pair, Set[State | None]] = dict(certified.said)
    for image, category, state in certificates.answered_elsewhere(tx, row.id):
        blind[image, category] = {*blind.get((image, category), ()), state}
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


def _still_covered(certified: CertifiedFill, pairs: Ints, known: _Known) -> tuple[int, float]:
    """Return from where on pairs can be filled in as present, and how many may be wrong there.

    Only a promise of precision needs a look. Every right pair that people took out of the fill
    leaves the wrong ones a larger share of it. Those that were asked blind and are right are filled
    in with the others, so they take nothing out.
    """
    if not certified.present_steps:
        return certified.present, 0.0
    for start, may_be_wrong in reversed(certified.present_steps):
        part = np.asarray(pairs[start:])
        closed = known.closed[PRESENT][part[:, 0], part[:, 1]]
        out = [(i, c) for i, c in part[closed].tolist()]
        drawn = certified.drawn_present
        corrected = sum(pair in known.corrected for pair in out if pair not in drawn)
        wrong = max(float(may_be_wrong - corrected), 0.0)
        if wrong <= certified.max_error * (len(part) - len(out)):
            return start, wrong
    return certified.size, 0.0
