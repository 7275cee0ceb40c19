"""The people who answer."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from annotator.domain import Annotator
from annotator.errors import AnnotatorError
from annotator.store.connection import Transaction
from annotator.store.rows import folded
from annotator.store.tables import annotator

MAX_NAME = 80
"""Longest name, in characters."""


def named(tx: Transaction, name: str, now: datetime) -> Annotator:
    """Return the annotator of a name, in any case; a new one if nobody has it yet.

    Raises:
        AnnotatorError: If the name is empty or too long.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise AnnotatorError(f"An annotator's name has 1 to {MAX_NAME} characters, got {name!r}.")
    query = sa.select(annotator).where(annotator.c.folded == folded(name))
    row = tx.execute(query).first()
    if row is None:
        values = {"name": name, "folded": folded(name), "created_at": now}
        tx.execute(sa.insert(annotator), values)
        row = tx.execute(query).one()
    return Annotator(id=row.id, name=row.name, reviewer=row.reviewer)


def every(tx: Transaction) -> list[Annotator]:
    """Return everybody, in the order of their first visit."""
    rows = tx.execute(sa.select(annotator).order_by(annotator.c.id))
    return [Annotator(id=r.id, name=r.name, reviewer=r.reviewer) for r in rows]


def set_reviewer(tx: Transaction, annotator_id: int, reviewer: bool) -> None:
    """Say whether a person's answers come before those of others.

    Labels that this changes are recomputed by `answers.recompute`.
    """
    tx.execute(sa.update(annotator).where(annotator.c.id == annotator_id).values(reviewer=reviewer))
