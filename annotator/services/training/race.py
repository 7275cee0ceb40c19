"""Who challenges the version in use, what came of it, and what each challenger waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from typing_extensions import TypedDict

from annotator.domain import Job, JobKind, JobState
from annotator.services.clock import Clock, utc_now
from annotator.services.message import span
from annotator.services.training import challengers
from annotator.services.training.challengers import CHALLENGERS, Outcome, Race
from annotator.settings import Project, Settings
from annotator.store import Store, Transaction, categories, jobs

_ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class CategoryGain(TypedDict):
    """By how much a challenger orders the images of one category better."""

    name: str
    gain: float
    """In average precision, -1 to 1, with its 95 % interval over images."""
    low: float
    high: float


class Measured(TypedDict):
    """A challenger against the version that was in use then."""

    outcome: str
    """See `challengers.Outcome`."""
    note: str
    against: int | None
    """The version; None where nothing was compared, like all figures."""
    gain: float | None
    """In mean average precision, -1 to 1, with its 95 % interval over images."""
    low: float | None
    high: float | None
    pairs: int
    """Held-out answers that both have scored."""
    seconds: float
    """How long it took."""
    categories: list[CategoryGain]
    """The greatest gain first."""


class ChallengerRow(TypedDict):
    """A challenger as pages and `--json` show it."""

    name: str
    does: str
    state: str
    """`learning`, `next`, `waiting` or `off`."""
    says: str
    """What it waits for, or how far it is."""
    last: Measured | None
    """What was measured last."""


class RaceReport(TypedDict):
    """The challengers of a project."""

    on: bool
    says: str
    """What happens now, or why nothing does, in a sentence."""
    rows: list[ChallengerRow]


DOES: Mapping[str, str] = {
    "hst": "attention per category, co-occurrence and pseudo labels",
    "sarb": "the same network, blending images",
    challengers.FINE_TUNED: "the backbone learns, too",
}


def race_report(
    project: Project, store: Store, clock: Clock = utc_now, *, by_category: bool = False
) -> RaceReport:
    """Return who challenges the version in use, and what came of it.

    Args:
        project: Whose settings say whether anything does.
        store: With the jobs.
        clock: Says what time it is.
        by_category: Whether to give the gains by category.
    """
    now = clock()
    with store.reading() as tx:
        race = challengers.race(tx, now)
        job = jobs.latest(tx, JobKind.CHALLENGE)
        measured = _measured(tx, by_category=by_category)
    running = job if job is not None and job.state in _ACTIVE else None
    settings = project.settings
    why = challengers.why_none(race, settings)
    following = challengers.due(race, settings)
    first = None if following is None else str(following["challenger"])
    rows = [
        _row(name, race, settings, running, first if running is None else None, measured)
        for name in challengers.allowed(settings)
        if not why or name in measured
    ]
    if running is not None:
        says = _doing(running, race, now)
    elif why:
        says = why
    elif first is not None:
        says = f"{first} is next, once the trainer has nothing else to do."
    else:
        says = "None learns now; the table says what each waits for."
    return {"on": not why, "says": says, "rows": rows}


def _row(
    name: str,
    race: Race,
    settings: Settings,
    running: Job | None,
    first: str | None,
    measured: Mapping[str, Measured],
) -> ChallengerRow:
    state, says = "waiting", challengers.waits(race, name) or "Waits for its turn."
    if challengers.why_none(race, settings):
        state, says = "off", ""
    if first == name:
        state, says = "next", "Next."
    if running is not None and running.options["challenger"] == name:
        state, says = "learning", "Learns now."
        if running.state is JobState.QUEUED:
            state, says = "next", "Next: it has given way to something else."
    return {
        "name": name,
        "does": DOES.get(name, ""),
        "state": state,
        "says": says,
        "last": measured.get(name),
    }


def _doing(job: Job, race: Race, now: datetime) -> str:
    name, progress = job.options["challenger"], job.progress
    if job.state is JobState.QUEUED:
        return f"{name} begins again as soon as nothing else is to be done."
    done, total = progress.get("done", 0), progress.get("total", 0)
    share = f", {done / total:.0%}" if total else ""
    spent = (now - (job.started_at or now)).total_seconds()
    most = challengers.budget(race.base, name) if race.base else challengers.LEAST_BUDGET
    return (
        f"{name} learns from the answers of version {job.options['base']} "
        f"({progress.get('stage') or 'beginning'}{share}), for {_time(spent)} of at most "
        f"{_time(most)}. Anything else goes first."
    )


def _measured(tx: Transaction, *, by_category: bool) -> dict[str, Measured]:
    """Return what came of each challenger last, by its name."""
    names = {c.ordinal: c.name for c in categories.every(tx)} if by_category else {}
    found: dict[str, Measured] = {}
    for job in jobs.recent(tx, challengers.REMEMBERED, JobKind.CHALLENGE):
        name = str(job.options["challenger"])
        if name not in found and job.state not in (*_ACTIVE, JobState.CANCELLED):
            found[name] = _result(job, names)
    return {name: found[name] for name in CHALLENGERS if name in found}


def _result(job: Job, names: Mapping[int, str]) -> Measured:
    result: Mapping[str, Any] = job.progress
    spent = ((job.finished_at or job.created_at) - (job.started_at or job.created_at)).seconds
    failed = job.state is JobState.FAILED
    each = [
        CategoryGain(name=names[c["ordinal"]], gain=c["gain"], low=c["low"], high=c["high"])
        for c in ([] if failed else result.get("categories", []))
        if c["ordinal"] in names
    ]
    return {
        "outcome": str(Outcome.FAILED if failed else result.get("outcome", "")),
        "note": job.message if failed else str(result.get("note", job.message)),
        "against": result.get("against"),
        "gain": result.get("gain"),
        "low": result.get("low"),
        "high": result.get("high"),
        "pairs": int(result.get("pairs", 0)),
        "seconds": float(result.get("seconds", spent)),
        "categories": sorted(each, key=lambda c: (-c["gain"], c["name"])),
    }


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else span(seconds)
