"""Work for the background worker: queued, claimed in one statement, kept alive by a heartbeat."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from annotator.domain import Job, JobKind, JobState
from annotator.errors import LeaseLost, NotFound
from annotator.store.connection import Transaction
from annotator.store.rows import to_job
from annotator.store.tables import job, worker

STALE_SECONDS = 60.0
"""After so long without a heartbeat a job's worker counts as dead."""

MOST_LOST_WORKERS = 3
"""A job whose worker has fallen silent so many times is given to no other one."""

_LOST_WORKERS = (
    f"The trainer was killed {MOST_LOST_WORKERS} times while it did this, perhaps for lack of "
    "memory; see its log, then start it again with the Train button or `annotator train`."
)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_ALIVE = (JobState.QUEUED.value, JobState.RUNNING.value)


@dataclass(frozen=True)
class WorkerBeat:
    """The last sign of life of a worker."""

    worker: str
    info: Mapping[str, Any]
    at: datetime


def enqueue(tx: Transaction, kind: JobKind, options: Mapping[str, Any], now: datetime) -> Job:
    """Queue a job; one of that kind that is queued or running already is returned instead."""
    query = sa.select(job).where(job.c.kind == kind.value, job.c.state.in_(_ALIVE))
    row = tx.execute(query.order_by(job.c.id)).first()
    if row is not None:
        return to_job(row)
    values = {"kind": kind.value, "state": JobState.QUEUED.value, "options": dict(options)}
    key = tx.execute(sa.insert(job).values(**values, created_at=now)).inserted_primary_key
    assert key is not None  # every database gives back the key of a single row
    return get(tx, int(key[0]))


def claim(
    tx: Transaction,
    worker_name: str,
    kinds: Sequence[JobKind],
    now: datetime,
    stale_seconds: float = STALE_SECONDS,
) -> Job | None:
    """Take the oldest job that is queued, or whose worker has gone silent; None if there is none.

    The token of the returned job is new, so a worker that was thought dead has lost its claim. A
    job that has lost `MOST_LOST_WORKERS` ends instead: it may well be what kills them.
    """
    silent = now - timedelta(seconds=stale_seconds)
    lost = sa.and_(job.c.state == JobState.RUNNING.value, job.c.heartbeat_at < silent)
    tx.execute(
        sa.update(job)
        .where(lost, job.c.lost_workers >= MOST_LOST_WORKERS - 1)
        .values(
            state=JobState.FAILED.value,
            lost_workers=job.c.lost_workers + 1,
            message=_LOST_WORKERS,
            token=None,
            finished_at=now,
        )
    )
    free = sa.or_(job.c.state == JobState.QUEUED.value, lost)
    oldest = (
        sa.select(job.c.id)
        .where(free, job.c.kind.in_([kind.value for kind in kinds]))
        .order_by(job.c.id)
        .limit(1)
        .scalar_subquery()
    )
    row = tx.execute(
        sa.update(job)
        .where(job.c.id == oldest)
        .values(
            state=JobState.RUNNING.value,
            lost_workers=job.c.lost_workers + sa.case((lost, 1), else_=0),
            token=str(uuid.uuid4()),
            worker=worker_name,
            started_at=now,
            heartbeat_at=now,
            progress={},
        )
        .returning(*job.c)
    ).first()
    return None if row is None else to_job(row)


def heartbeat(tx: Transaction, mine: Job, progress: Mapping[str, Any], now: datetime) -> bool:
    """Say that a job is alive and how far it is; return whether somebody asked to cancel it.

    Raises:
        LeaseLost: If another worker has taken the job over.
    """
    row = tx.execute(
        sa.update(job)
        .where(*_held(mine))
        .values(heartbeat_at=now, progress=dict(progress))
        .returning(job.c.cancel_requested)
    ).first()
    if row is None:
        raise _lost(mine)
    return bool(row.cancel_requested)


def check(tx: Transaction, mine: Job) -> None:
    """Do nothing if a job is still this worker's.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    if tx.execute(sa.select(job.c.id).where(*_held(mine))).first() is None:
        raise _lost(mine)


def finish(
    tx: Transaction,
    mine: Job,
    state: JobState,
    message: str,
    now: datetime,
    *,
    result: Mapping[str, Any] | None = None,
) -> None:
    """End a job.

    Args:
        tx: A write transaction.
        mine: The job, claimed by the caller.
        state: How it ended.
        message: One sentence about what came of it.
        now: The time.
        result: What came of it, JSON-able, kept as its progress.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    check(tx, mine)
    kept = {} if result is None else {"progress": dict(result)}
    tx.execute(
        sa.update(job)
        .where(job.c.id == mine.id)
        .values(state=state.value, message=message, finished_at=now, token=None, **kept)
    )


def requeue(tx: Transaction, mine: Job, now: datetime) -> None:
    """Put a job back for the next worker, as one does before leaving.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    check(tx, mine)
    values = {"state": JobState.QUEUED.value, "token": None, "worker": None, "heartbeat_at": now}
    tx.execute(sa.update(job).where(job.c.id == mine.id).values(**values))


def request_cancel(tx: Transaction, job_id: int, now: datetime | None = None) -> Job:
    """Ask for a job to stop; one that nobody has started ends at once.

    Raises:
        NotFound: If there is no such job.
    """
    queued = job.c.state == JobState.QUEUED.value
    tx.execute(sa.update(job).where(job.c.id == job_id).values(cancel_requested=True))
    tx.execute(
        sa.update(job)
        .where(job.c.id == job_id, queued)
        .values(state=JobState.CANCELLED.value, message="cancelled", finished_at=now)
    )
    return get(tx, job_id)


def get(tx: Transaction, job_id: int) -> Job:
    """Return a job.

    Raises:
        NotFound: If there is no such job.
    """
    row = tx.execute(sa.select(job).where(job.c.id == job_id)).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return to_job(row)


def latest(tx: Transaction, kind: JobKind) -> Job | None:
    """Return the newest job of a kind."""
    query = sa.select(job).where(job.c.kind == kind.value).order_by(job.c.id.desc())
    row = tx.execute(query.limit(1)).first()
    return None if row is None else to_job(row)


def recent(tx: Transaction, limit: int, kind: JobKind | None = None) -> list[Job]:
    """Return the newest jobs, all or those of a kind, the newest one first."""
    query = sa.select(job).order_by(job.c.id.desc()).limit(limit)
    rows = tx.execute(query if kind is None else query.where(job.c.kind == kind.value))
    return [to_job(row) for row in rows]


def beat(tx: Transaction, worker_name: str, info: Mapping[str, Any], now: datetime) -> None:
    """Note that a worker is there."""
    values = {"info": dict(info), "at": now}
    known = tx.execute(sa.update(worker).where(worker.c.name == worker_name).values(**values))
    if not known.rowcount:
        tx.execute(sa.insert(worker).values(name=worker_name, **values))


def workers(tx: Transaction) -> list[WorkerBeat]:
    """Return the last sign of life of every worker that has not left."""
    rows = tx.execute(sa.select(worker).order_by(worker.c.name))
    return [WorkerBeat(row.name, row.info, row.at) for row in rows]


def leave(tx: Transaction, worker_name: str) -> None:
    """Note that a worker has left."""
    tx.execute(sa.delete(worker).where(worker.c.name == worker_name))


def bury(tx: Transaction, worker_name: str) -> None:
    """Note that a worker is dead: what it was doing is given to the next one at once."""
    held = sa.and_(job.c.state == JobState.RUNNING.value, job.c.worker == worker_name)
    tx.execute(sa.update(job).where(held).values(heartbeat_at=_LONG_AGO))
    leave(tx, worker_name)


def _held(mine: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        job.c.id == mine.id,
        job.c.token == mine.token,
        job.c.state == JobState.RUNNING.value,
    )


def _lost(mine: Job) -> LeaseLost:
    return LeaseLost(f"Job {mine.id} was taken over by another worker, which finishes it.")
