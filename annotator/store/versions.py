"""The trained versions: reserved before training, published with a check of the job's token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from annotator.domain import Job, Version
from annotator.errors import NotFound
from annotator.store import jobs
from annotator.store.connection import Transaction
from annotator.store.rows import to_version
from annotator.store.tables import version


def reserve(
    tx: Transaction,
    job: Job,
    *,
    method: str,
    backbone: str,
    trained_answers: int,
    trained_present: int,
    last_operation: int,
    now: datetime,
) -> int:
    """Take the next number for the version that a job is going to train.

    Args:
        tx: A write transaction.
        job: The training job, claimed by the caller.
        method: What learns.
        backbone: What it learns on.
        trained_answers: Answers in the snapshot, as the retraining policy counts them.
        trained_present: Present ones among them.
        last_operation: Newest operation in the snapshot.
        now: The time.

    Raises:
        LeaseLost: If the job belongs to another worker now.
    """
    jobs.check(tx, job)
    number = 1 + (tx.execute(sa.select(sa.func.max(version.c.number))).scalar() or 0)
    tx.execute(
        sa.insert(version).values(
            number=number,
            job_id=job.id,
            method=method,
            backbone=backbone,
            created_at=now,
            trained_answers=trained_answers,
            trained_present=trained_present,
            last_operation=last_operation,
        )
    )
    return int(number)


def publish(
    tx: Transaction,
    job: Job,
    number: int,
    *,
    metrics: Mapping[str, Any],
    training_seconds: float,
    promote: bool,
    note: str,
    now: datetime,
) -> Version:
    """Make a reserved version exist; nothing changes if the job belongs to another worker now.

    Raises:
        LeaseLost: If it does.
    """
    jobs.check(tx, job)
    tx.execute(
        sa.update(version)
        .where(version.c.number == number)
        .values(
            ready=True,
            metrics=dict(metrics),
            training_seconds=training_seconds,
            note=note,
            created_at=now,
        )
    )
    if promote:
        _promote(tx, number)
    return get(tx, number)


def every(tx: Transaction) -> list[Version]:
    """Return the versions that exist, by number."""
    query = sa.select(version).where(version.c.ready.is_(True)).order_by(version.c.number)
    return [to_version(row) for row in tx.execute(query)]


def get(tx: Transaction, number: int) -> Version:
    """Return a version.

    Raises:
        NotFound: If it does not exist.
    """
    query = sa.select(version).where(version.c.number == number, version.c.ready.is_(True))
    row = tx.execute(query).first()
    if row is None:
        raise NotFound(f"There is no version {number}; `annotator versions` lists those there are.")
    return to_version(row)


def promoted(tx: Transaction) -> Version | None:
    """Return the version whose suggestions are shown, None before there is one."""
    row = tx.execute(sa.select(version).where(version.c.promoted.is_(True))).first()
    return None if row is None else to_version(row)


def promote(tx: Transaction, number: int, note: str, now: datetime) -> Version:
    """Let a version make the suggestions.

    Raises:
        NotFound: If it does not exist.
    """
    del now  # kept for the day promotions have a history
    get(tx, number)
    _promote(tx, number)
    tx.execute(sa.update(version).where(version.c.number == number).values(note=note))
    return get(tx, number)


def withdraw(tx: Transaction, number: int) -> Version | None:
    """Take back a version whose files are lost; return the one that is promoted from now on.

    If it was the promoted one, the newest of the others takes its place; None if there is none.
    """
    lost = sa.update(version).where(version.c.number == number)
    was_promoted = get(tx, number).promoted
    tx.execute(lost.values(ready=False, promoted=False))
    left = every(tx)
    if was_promoted and left:
        _promote(tx, left[-1].number)
    return promoted(tx)


def last_operation_of(tx: Transaction, number: int) -> int:
    """Return the newest operation that a version has learned from."""
    query = sa.select(version.c.last_operation).where(version.c.number == number)
    return int(tx.execute(query).scalar() or 0)


def _promote(tx: Transaction, number: int) -> None:
    tx.execute(sa.update(version).values(promoted=False))
    tx.execute(sa.update(version).where(version.c.number == number).values(promoted=True))
