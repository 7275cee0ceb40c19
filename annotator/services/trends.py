"""How the project grows, how fast people are, how sure the model is, and what is left to do."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import versions as version_files
from annotator.arrays.versions import VersionArrays
from annotator.domain import Version
from annotator.errors import NotFound
from annotator.services.clock import Clock, utc_now
from annotator.services.suggestions import Suggestions
from annotator.services.waiting import Waiting
from annotator.settings import Project
from annotator.store import Store, Transaction, activity, categories, versions
from annotator.store.activity import Growth, Pace
from mlrpl.decision.calibration import Calibration, probabilities

CALIBRATION_PRESENT = 30
"""Present held-out answers below which nothing is said about the model's probabilities."""

RATE_DECISIONS = 50
"""Measured decisions below which nothing is said about the time that is left."""

REST = 20.0
"""Counting anew waits this many times as long as it takes, so it never takes over 5 % of a core."""

SURENESS = ("ece", "ece_on", "ece_pairs")
"""Figures of a version that say how far its probabilities lie from what is there."""

BINS = 10
"""Equal steps of probability in the calibration."""

Floats = npt.NDArray[np.float64]


class Trends:
    """The charts of the Progress page; counted anew only now and then in a large project."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        waiting: Waiting,
        clock: Clock = utc_now,
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._waiting = waiting
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: tuple[object, dict[str, Any]] | None = None
        self._rest_until = 0.0

    def report(self) -> dict[str, Any]:
        """Return `growth`, `people`, `pace`, `calibration`, `remaining` and `counted_at`."""
        with self._lock, self._store.reading() as tx:
            number, arrays = self._suggestions.current(tx)
            stands = (activity.newest_operation(tx), number, id(arrays))
            fresh = self._cached is not None and self._cached[0] == stands
            if self._cached is not None and (fresh or time.monotonic() < self._rest_until):
                return self._cached[1]
            started = time.monotonic()
            found = self._count(tx, number, arrays)
            self._cached = (stands, found)
            took = time.monotonic() - started
            self._rest_until = time.monotonic() + REST * took
            return found

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> dict[str, Any]:
        people = activity.paces(tx)
        now = self._clock()
        shown = categories.every(tx)
        unsure = None if arrays is None else self._waiting.now(tx).unsure_of(shown)
        taught = set() if arrays is None else _taught(arrays)
        return {
            "growth": growth_row(
                activity.growth(tx), activity.first_operation_at(tx), versions.every(tx), now
            ),
            "people": [person_row(p) for p in people],
            "pace": _pace(people),
            "calibration": self._calibration(tx, number, arrays),
            "remaining": remaining(people, unsure, sum(c.ordinal not in taught for c in shown)),
            "counted_at": now.isoformat(timespec="seconds"),
        }

    def _calibration(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"version": number, "needed": CALIBRATION_PRESENT}
        if number is None or arrays is None:
            return row | {"present": 0, "answers": 0, "bins": [], "seen": False}
        image, category, present = activity.held_out_labels(tx)
        probability = held_out_probabilities(arrays, image, category)
        usable = np.isfinite(probability)
        probability, present = probability[usable], present[usable]
        enough = int(present.sum()) >= CALIBRATION_PRESENT
        # A network that was fine-tuned is calibrated on fold 0 itself, which flatters it.
        own = self._owner(number)
        return row | {
            "present": int(present.sum()),
            "answers": len(present),
            "bins": reliability(probability, present) if enough else [],
            "seen": own is not None,
            **{name: versions.get(tx, number).metrics.get(name) for name in SURENESS},
        }

    def _owner(self, number: int) -> int | None:
        try:
            folder = version_files.folder(self._project, number)
            return version_files.read_parameters(folder).features_of
        except NotFound:
            return None


def held_out_probabilities(
    arrays: VersionArrays, image: activity.Ordinals, category: activity.Ordinals
) -> Floats:
    """Return the probability of present of pairs `(n,)`, NaN where the version has none."""
    parameters = arrays.parameters
    result = np.full(len(image), np.nan)
    ranked = set(parameters.ranked_only)
    columns = np.array(
        [-1 if o in ranked else j for j, o in enumerate(parameters.category_ordinals)] or [-1]
    )
    column_of = np.full(1 + max([*parameters.category_ordinals, *category.tolist()], default=0), -1)
    column_of[list(parameters.category_ordinals)] = columns[: len(parameters.category_ordinals)]
    column = column_of[category]
    intercepts = parameters.calibration.intercepts
    there = np.flatnonzero((column >= 0) & (image < len(arrays.scores)))
    for start in range(0, len(there), 100_000):
        part = there[start : start + 100_000]
        scores = np.asarray(arrays.scores[image[part], column[part]], dtype=np.float64)
        each = Calibration(slope=parameters.slope, intercepts=intercepts[column[part]])
        result[part] = probabilities(scores, each)
    return result


def reliability(probability: Floats, present: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the share of present pairs in each step of predicted probability.

    Args:
        probability: `(n,)`, what the model said.
        present: `(n,)`, what people said.

    Returns:
        `low` and `high` of the step, `predicted` (its mean), `observed` with its 95 % interval
        `observed_low` to `observed_high` (Wilson's), and `answers`; steps without answers are
        left out.
    """
    step = np.minimum((probability * BINS).astype(int), BINS - 1)
    rows = []
    for number in np.unique(step).tolist():
        inside = step == number
        count, share = int(inside.sum()), float(present[inside].mean())
        low, high = _wilson(share, count)
        rows.append(
            {
                "low": number / BINS,
                "high": (number + 1) / BINS,
                "predicted": float(probability[inside].mean()),
                "observed": share,
                "observed_low": low,
                "observed_high": high,
                "answers": count,
            }
        )
    return rows


def growth_row(
    grown: Growth, first: datetime | None, made: list[Version], now: datetime
) -> dict[str, Any]:
    """Return the answered pairs over time in equal steps, and the suggestions of each version."""
    points: list[dict[str, Any]] = []
    if not grown.at or first is None:
        return {"step": "", "points": points, "suggested": []}
    end = max(now, grown.at[-1])
    name, width = step_of(end - first)
    latest: dict[datetime, tuple[int, int]] = {}
    for at, present, absent in zip(grown.at, grown.present, grown.absent, strict=True):
        latest[_ceiling(at, width, end)] = (int(present), int(absent))
    latest[end] = (int(grown.present[-1]), int(grown.absent[-1]))
    points = [{"at": _iso(first), "present": 0, "absent": 0}]
    points += [{"at": _iso(at), "present": p, "absent": a} for at, (p, a) in sorted(latest.items())]
    # Suggestions stand from the moment a version was made until the next one.
    found = [(v.created_at, v.metrics.get("suggestions")) for v in made]
    suggested = [{"at": _iso(at), "pairs": int(n)} for at, n in found if n is not None]
    if suggested:
        suggested.append({"at": _iso(end), "pairs": suggested[-1]["pairs"]})
    return {"step": name, "points": points, "suggested": suggested}


def step_of(span: timedelta) -> tuple[str, timedelta]:
    """Return in which steps a span of time is drawn: days, hours or, on the first day, minutes.

    >>> step_of(timedelta(days=30))[0]
    'day'
    """
    if span > timedelta(days=4):
        return "day", timedelta(days=1)
    if span > timedelta(hours=4):
        return "hour", timedelta(hours=1)
    return "minute", timedelta(minutes=1)


def person_row(pace: Pace) -> dict[str, Any]:
    """Return what the page shows of one person; None where there is nothing to divide by."""
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


def remaining(people: list[Pace], unsure: int | None, untaught: int) -> dict[str, Any] | None:
    """Return how long the pairs that the model is not sure about take at the pace so far.

    Args:
        people: What each person did; only decisions about one pair count, because these remain.
        unsure: Open pairs that the model is not sure about; None without a version.
        untaught: Categories that the model knows nothing about yet, which are not among them.

    Returns:
        `seconds`, `pairs`, `per_minute`, `decisions` and `untaught`; None where too few
        decisions were measured.
    """
    decisions = sum(p.single_decisions for p in people)
    rate = _per_minute(decisions, sum(p.single_seconds for p in people))
    if unsure is None or decisions < RATE_DECISIONS or rate is None:
        return None
    return {
        "seconds": unsure / rate * 60,
        "pairs": unsure,
        "per_minute": rate,
        "decisions": decisions,
        "untaught": untaught,
    }


def _pace(people: list[Pace]) -> dict[str, Any]:
    decisions = sum(p.decisions for p in people)
    seconds = sum(p.active_seconds for p in people)
    return {
        "decisions": decisions,
        "active_seconds": seconds,
        "per_minute": _per_minute(decisions, seconds),
        "needed": RATE_DECISIONS,
    }


def _per_minute(decisions: int, seconds: float) -> float | None:
    return 60 * decisions / seconds if seconds > 0 else None


def _taught(arrays: VersionArrays) -> set[int]:
    ordinals = arrays.parameters.category_ordinals
    return {o for o, taught in zip(ordinals, arrays.taught, strict=True) if taught}


def _wilson(share: float, count: int) -> tuple[float, float]:
    z = 1.96
    middle = share + z * z / (2 * count)
    spread = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _ceiling(at: datetime, width: timedelta, end: datetime) -> datetime:
    """Return the end of the step in which a moment lies, which is never after `end`."""
    seconds = width.total_seconds()
    past = at.timestamp() % seconds
    return min(end, at if past == 0 else at + timedelta(seconds=seconds - past))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
