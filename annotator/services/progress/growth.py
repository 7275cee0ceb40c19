"""How the known pairs of a project grow: answered ones, and those filled in by certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from typing_extensions import TypedDict

from annotator.domain import Version
from annotator.store.activity import Growth
from annotator.store.certificates import Certificate

T = TypeVar("T")

Steps = list[tuple[datetime, int]]
"""Moments in order of time, and what holds from each on."""


class GrowthPoint(TypedDict):
    """The known pairs at one moment."""

    at: str
    present: int
    absent: int
    filled: int


class SuggestedPoint(TypedDict):
    """The open pairs that were suggested from one moment on."""

    at: str
    pairs: int


class GrowthRow(TypedDict):
    """The known pairs over time in equal steps, and the suggestions of each version."""

    step: str
    """The word for the width of a step."""
    points: list[GrowthPoint]
    suggested: list[SuggestedPoint]


def growth_row(
    grown: Growth,
    first: datetime | None,
    made: list[Version],
    now: datetime,
    fills: Steps | None = None,
) -> GrowthRow:
    """Return the known pairs over time in equal steps, and the suggestions of each version.

    Args:
        grown: The answered pairs.
        first: When the first operation was recorded.
        made: The versions.
        now: Where the lines end.
        fills: The pairs that are filled in, see `fill_steps`.
    """
    if not grown.at or first is None:
        return {"step": "", "points": [], "suggested": []}
    fills = fills or []
    end = max(now, grown.at[-1])
    name, width = step_of(end - first)
    latest: dict[datetime, tuple[int, int]] = {first: (0, 0)}
    for at, present, absent in zip(grown.at, grown.present, grown.absent, strict=True):
        latest[_ceiling(at, width, end)] = (int(present), int(absent))
    latest[end] = (int(grown.present[-1]), int(grown.absent[-1]))
    answered = sorted(latest.items())
    times = sorted({at for at, _ in answered} | {min(max(at, first), end) for at, _ in fills})
    points: list[GrowthPoint] = []
    for at in times:
        present, absent = _holding(answered, at, (0, 0))
        filled = _holding(fills, at, 0)
        points.append({"at": _iso(at), "present": present, "absent": absent, "filled": filled})
    # Suggestions stand from the moment a version was made until the next one.
    found = [(v.created_at, v.metrics.get("suggestions")) for v in made]
    suggested: list[SuggestedPoint] = [
        {"at": _iso(at), "pairs": int(n)} for at, n in found if n is not None
    ]
    if suggested:
        suggested.append({"at": _iso(end), "pairs": suggested[-1]["pairs"]})
    return {"step": name, "points": points, "suggested": suggested}


def fill_steps(made: Sequence[Certificate], filled: int, now: datetime) -> Steps:
    """Return how many pairs were filled in by when, from all certificates that ever were applied.

    What people have answered since shows at the end only: when each was answered is not counted.

    Args:
        made: The certificates.
        filled: Pairs that are filled in and not answered.
        now: When that is so.
    """
    changes: Steps = []
    for row in made:
        if row.applied_at is None:
            continue
        count = sum(row.plan["applied"].values())
        changes.append((row.applied_at, count))
        if row.rolled_back_at is not None:
            changes.append((row.rolled_back_at, -count))
    if not changes:
        return []
    changes.sort(key=lambda change: change[0])
    sums = np.cumsum([count for _, count in changes]).tolist()
    steps = [(at, count) for (at, _), count in zip(changes, sums, strict=True)]
    return [*steps, (max(now, steps[-1][0]), filled)]


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


def _holding(steps: Sequence[tuple[datetime, T]], at: datetime, before: T) -> T:
    """Return what holds at a moment, `before` ahead of the first step."""
    return next((value for since, value in reversed(steps) if since <= at), before)


def _ceiling(at: datetime, width: timedelta, end: datetime) -> datetime:
    """Return the end of the step in which a moment lies, which is never after `end`."""
    seconds = width.total_seconds()
    past = at.timestamp() % seconds
    return min(end, at if past == 0 else at + timedelta(seconds=seconds - past))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
