"""How the project grows, how fast people are and how sure the model is."""

from __future__ import annotations

from datetime import datetime

from typing_extensions import TypedDict

from annotator.arrays.versions import VersionArrays
from annotator.services.knowledge.calibration import (
    CalibrationReport,
    calibration_of,
)
from annotator.services.progress.cached_report import CachedReport
from annotator.services.progress.growth import GrowthRow, fill_steps, growth_row
from annotator.store import (
    Transaction,
    activity,
    categories,
    certificates,
    versions,
)
from annotator.store.activity import Pace


class PersonPace(TypedDict):
    """What one person did; None where there is nothing to divide by."""

    name: str
    decisions: int
    answers: int
    present_share: float | None
    per_minute: float | None
    active_seconds: float
    median_seconds: float | None
    checks: int
    """Attention checks."""
    agreement: float | None
    """Share of the checks that were answered as the labels say."""


class OverallPace(TypedDict):
    """What all people did."""

    decisions: int
    active_seconds: float
    per_minute: float | None


class TrendsRow(TypedDict):
    """What the charts of the Progress page show."""

    growth: GrowthRow
    people: list[PersonPace]
    pace: OverallPace
    calibration: CalibrationReport
    counted_at: str


class Trends(CachedReport[TrendsRow]):
    """The charts of the Progress page."""

    def _depends_on(self, tx: Transaction) -> object:
        return [fill.key for fill in self._fills.active(tx)]

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> TrendsRow:
        people = activity.paces(tx)
        now = self._clock()
        shown = categories.every(tx)
        return {
            "growth": self._growth(tx, [c.ordinal for c in shown], now),
            "people": [person_row(p) for p in people],
            "pace": _pace(people),
            "calibration": calibration_of(tx, self._project, number, arrays),
            "counted_at": now.isoformat(timespec="seconds"),
        }

    def _growth(self, tx: Transaction, shown: list[int], now: datetime) -> GrowthRow:
        filled = self._fills.counts(tx)
        fills = fill_steps(certificates.every(tx), sum(filled.get(o, 0) for o in shown), now)
        first = activity.first_operation_at(tx)
        return growth_row(activity.growth(tx), first, versions.every(tx), now, fills)


def person_row(pace: Pace) -> PersonPace:
    """Return what the page shows of one person."""
    answers = pace.present + pace.absent
    return {
        "name": pace.name,
        "decisions": pace.decisions,
        "answers": answers,
        "present_share": pace.present / answers if answers else None,
        "per_minute": _per_minute(pace.decisions, pace.active_seconds),
        "active_seconds": pace.active_seconds,
        "median_seconds": pace.median_seconds,
        "checks": pace.checks,
        "agreement": pace.checks_agreed / pace.checks if pace.checks else None,
    }


def _pace(people: list[Pace]) -> OverallPace:
    decisions = sum(p.decisions for p in people)
    seconds = sum(p.active_seconds for p in people)
    return {
        "decisions": decisions,
        "active_seconds": seconds,
        "per_minute": _per_minute(decisions, seconds),
    }


def _per_minute(decisions: int, seconds: float) -> float | None:
    return 60 * decisions / seconds if seconds > 0 else None
