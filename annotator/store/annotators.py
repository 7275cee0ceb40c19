"""The people who answer."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from annotator.domain import Annotator
from annotator.errors import AnnotatorError, NotFound
from annotator.store.connection import Transaction
from annotator.store.rows import folded
from annotator.store.tables import annotator, answer, operation

MAX_NAME = 80
"""Longest name, in characters."""


def named(tx: Transaction, name: str, now: datetime) -> Annotator:
    """Return the annotator of a name, in any case; a new one if nobody has it yet.

    Raises:
        AnnotatorError: If the name is empty or too long.
    """
    name = _checked(name)
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

    The labels of `contested` pairs are recomputed by the caller.

    Raises:
        NotFound: If there is no such person.
    """
    _update(tx, annotator_id, reviewer=reviewer)


def rename(tx: Transaction, annotator_id: int, name: str) -> None:
    """Give a person another name.

    Raises:
        NotFound: If there is no such person.
        AnnotatorError: If the name is empty, too long or somebody else's.
    """
    name = _checked(name)
    query = sa.select(annotator.c.name).where(
        annotator.c.folded == folded(name), annotator.c.id != annotator_id
    )
    other = tx.execute(query).scalar()
    if other is not None:
        raise AnnotatorError(f"Somebody else is called {other!r}; choose another name.")
    _update(tx, annotator_id, name=name, folded=folded(name))


def contested(tx: Transaction, annotator_id: int) -> list[tuple[int, int]]:
    """Return the pairs whose label may depend on whether a person is a reviewer.

    These are the `(image id, category id)` with an answer of theirs beside any other answer.
    """
    own = sa.func.max(sa.case((operation.c.annotator_id == annotator_id, 1), else_=0))
    query = (
        sa.select(answer.c.image_id, answer.c.category_id)
        .join(operation, operation.c.id == answer.c.operation_id)
        .group_by(answer.c.image_id, answer.c.category_id)
        .having(sa.func.count() > 1, own == 1)
    )
    return [(int(i), int(c)) for i, c in tx.execute(query)]


def _update(tx: Transaction, annotator_id: int, **values: object) -> None:
    query = sa.update(annotator).where(annotator.c.id == annotator_id).values(**values)
    if not tx.execute(query).rowcount:
        raise NotFound(f"There is nobody with id {annotator_id}; reload the page.")


def _checked(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise AnnotatorError(f"An annotator's name has 1 to {MAX_NAME} characters, got {name!r}.")
    return name
