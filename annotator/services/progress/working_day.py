"""What somebody has done today."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from annotator.store import Transaction, activity
from annotator.store.activity import BREAK_SECONDS, Work
from annotator.wire.status import Today

NIGHT = 7 * 3600.0
"""Seconds without an answer that end a day: it begins with the work, in any time zone."""

LEAST_SECONDS = 60.0
"""Seconds of work below which no pace is told."""

AGAIN_SECONDS = 5.0
"""How long figures may stay behind the answers; every open page asks for them all the time."""

NOTHING: Today = {"answers": 0, "per_minute": None}


@dataclass(frozen=True)
class _Kept:
    newest: int
    at: float
    today: Today


class WorkingDays:
    """The days of all people, each counted anew only now and then."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin with nothing counted.

        Args:
            now: Seconds on a clock that never goes back.
        """
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}

    def today(self, tx: Transaction, annotator_id: int, now: float) -> Today:
        """Return what somebody has done today.

        Args:
            tx: A transaction.
            annotator_id: 0 for somebody who has done nothing yet.
            now: In seconds since 1970.
        """
        newest = activity.newest_operation_of(tx, annotator_id)
        with self._lock:
            kept = self._kept.get(annotator_id)
        if kept is not None and (kept.newest == newest or self._now() < kept.at + AGAIN_SECONDS):
            return kept.today
        found = day_of(tx, annotator_id, now)
        with self._lock:
            self._kept[annotator_id] = _Kept(newest, self._now(), found)
        return found


def day_of(tx: Transaction, annotator_id: int, now: float) -> Today:
    """Return what somebody has done since the last break that was as long as a night."""
    work = activity.newest_work(tx, annotator_id)
    began = _began(work, now)
    if began is None:
        return NOTHING
    seconds = _active_seconds(work, began)
    answers = activity.answered_since(tx, annotator_id, int(work.ids[began]))
    pace = 60 * answers / seconds if seconds >= LEAST_SECONDS else None
    return {"answers": answers, "per_minute": pace}


def _began(work: Work, now: float) -> int | None:
    """Return with which operation the day began, the newest being 0; None before it did."""
    gaps = -np.diff(work.at, prepend=now)
    nights = np.flatnonzero(gaps >= NIGHT)
    last = int(nights[0]) if len(nights) else len(work.ids)
    return last - 1 if last else None


def _active_seconds(work: Work, began: int) -> float:
    """Return the time of the operations of a day, without breaks."""
    at, took = work.at[: began + 1], np.minimum(work.seconds[: began + 1], BREAK_SECONDS)
    gaps = np.append(-np.diff(at), np.inf)
    return float(np.where(gaps < BREAK_SECONDS, gaps, took).sum())
