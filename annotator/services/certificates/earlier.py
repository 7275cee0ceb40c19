"""Certificates of the earlier procedure, with zones: what they proved by their last day.

They can be read, their statements and files stay, and what they fill in can be rolled back. An open
one asks nothing more: what it had certified by then can be applied, or it is cancelled. Its present
side is that of today. Its absent steps were certified by draws from a zone of their own, whose test
is gone; their number is kept with the plan.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from annotator.arrays import certificates as files
from annotator.arrays.certificates import Ints
from annotator.domain import State
from annotator.services.certificates.certified_fill import (
    CertifiedFill,
    present_side,
    present_steps,
)
from annotator.services.certificates.looks import counted, looks
from annotator.services.certificates.rows import Fill, PresentSide
from annotator.services.certificates.statement import sentences
from annotator.settings import Project
from annotator.store.certificates import PRESENT, Certificate, Drawn
from mlrpl.decision.present_zone import PresentLook, PresentPlan, look_present

ZONES = (PRESENT, "middle", "absent")
"""The zones of such a plan, in the order of the numbers that stand for them among its draws."""

_ABSENT_RISK, _ABSENT_RISK_ALONE, _PRESENT_RISK = 0.55, 0.9, 0.35
"""Shares of the risk, with both sides and without the present one."""


class EarlierCertificate:
    """One certificate of the earlier procedure, with what people said to its probes."""

    def __init__(self, project: Project, row: Certificate, drawn: Sequence[Drawn]) -> None:
        """Count the answers.

        Args:
            project: Whose certificate it is.
            row: The certificate.
            drawn: Its questions.
        """
        self.row = row
        self.absent_rungs: list[int] = row.plan["fill"]["absent_rungs"]
        self.certified_absent = int(row.plan["certified"].get("absent", 0))
        self._draws = np.asarray(files.read(project, row.id, files.DRAWS))
        self._looks = looks(drawn, _surprise)
        self.kept = [look for zone in ZONES for look in counted(self._looks, zone)]
        self._plan = _present_plan(row)
        self.present_look = self._look_present()

    def _look_present(self) -> PresentLook:
        own = counted(self._looks, PRESENT)
        positions = self._zone(PRESENT)[: len(own), 0]
        present = np.array([look.said is State.PRESENT for look in own], bool)
        certified = int(self.row.plan["certified"].get("present", 0))
        return look_present(self._plan, positions, present, certified)

    def _zone(self, zone: str) -> Ints:
        """Return `(n, 3)` position, image and category ordinal of the draws from a zone."""
        return np.asarray(self._draws[self._draws[:, 0] == ZONES.index(zone)][:, 1:])

    @property
    def line(self) -> float:
        """Log of the evidence that its absent steps had to reach."""
        risk = self.row.plan["fill"]["promise"]["risk"]
        share = _ABSENT_RISK if self._plan.rungs else _ABSENT_RISK_ALONE
        return math.log(1 / (share * risk))

    def fill(self) -> CertifiedFill:
        """Return what is certified."""
        steps = present_steps(self._plan, self.present_look)
        said, places = defaultdict(set), {zone: self._zone(zone) for zone in ZONES}
        asked = set()
        for one in self._looks:
            _, image, category = places[one.stream][one.place].tolist()
            said[image, category].add(one.said)
            if one.stream == PRESENT:
                asked.add((image, category))
        return CertifiedFill(
            size=self._plan.size,
            absent=self.absent_rungs[self.certified_absent - 1] if self.certified_absent else 0,
            present=steps[-1].start if steps else self._plan.size,
            present_steps=steps,
            max_error=self._plan.max_error,
            said=said,
            drawn_present=frozenset(asked),
        )

    def present_side(self) -> PresentSide | None:
        """Return how far the promise about the precision of the present fill came."""
        return present_side(self._plan, self.present_look, worth_asking=False)

    def statement(self) -> dict[str, Any]:
        """Return what it says: what was kept when it was applied, else what it has certified."""
        kept: dict[str, Any] | None = self.row.plan.get("statement")
        if kept is not None:
            return kept
        certified, promise = self.fill(), self.row.plan["promise"]
        low, high = certified.absent, certified.present
        places = {zone: self._zone(zone)[:, 0].tolist() for zone in ZONES}
        found = wrong = 0
        for look in self._looks:
            at = places[look.stream][look.place]
            found += at < low and look.said is not State.ABSENT
            wrong += at >= high and look.said is not State.PRESENT
        fill: Fill = {
            "present": certified.size - high - wrong,
            "absent": low - found,
        }
        present = absent = None
        if certified.present_steps:
            present = {
                "fill": fill["present"],
                "promised_precision": promise["precision"],
                "at_most_wrong": certified.present_steps[-1].may_be_wrong,
            }
        if low:
            absent = {"fill": fill["absent"], "promised_miss": round(1 - promise["recall"], 9)}
        return {
            "format": "fill-certificate/1",
            "pool": certified.size,
            "confidence": promise["confidence"],
            "oracle": "blind annotator answers",
            "recall_over": promise["over"],
            "present": present,
            "absent": absent,
            "left_for_people": high - low,
            "sentences": sentences(promise, fill, present, high - low, ""),
        }


def present_draws(project: Project, row: Certificate) -> Ints:
    """Return `(n, 3)` position, image and category ordinal of the draws for the precision."""
    draws = np.asarray(files.read(project, row.id, files.DRAWS))
    return np.asarray(draws[draws[:, 0] == ZONES.index(PRESENT)][:, 1:])


def _surprise(zone: str, place: int) -> State:
    del place
    return State.ABSENT if zone == PRESENT else State.PRESENT


def _present_plan(row: Certificate) -> PresentPlan:
    fill = row.plan["fill"]
    risk = fill["promise"]["risk"] * (_PRESENT_RISK if fill["absent_rungs"] else 1.0)
    return PresentPlan(
        size=fill["size"],
        rungs=tuple(fill["present_rungs"]),
        cap=fill["cap_present"],
        risk=risk,
        max_error=fill["promise"]["max_error"],
        false_alarm=fill["promise"]["false_alarm"],
    )
