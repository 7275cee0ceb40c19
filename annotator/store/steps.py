"""The newest steps of a person: what undo would take back, and what redo would bring back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from annotator.domain import UNDOABLE, OperationKind, State
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.rows import chunks
from annotator.store.tables import STATES, answer, operation

_KINDS = sorted(kind.value for kind in UNDOABLE)
_STATES = {number: state for state, number in STATES.items()}


@dataclass(frozen=True, kw_only=True)
class Step:
    """An operation that the next undo or redo of a person would be about."""

    id: int
    client_id: str
    cancels: int
    """Id of the operation that the undo or redo cancels."""
    at: datetime
    """When that was recorded."""
    step: str | None
    """Shared by the operations that undo takes back together; None: it is one of its own."""


def last_done(tx: Transaction, annotator_id: int) -> Step | None:
    """Return the annotator's newest operation that is not cancelled, None if there is none.

    Imports and undos themselves are left out.
    """
    row = tx.execute(_done(annotator_id).limit(1)).first()
    return None if row is None else _step(row)


def parts_done(tx: Transaction, annotator_id: int) -> list[Step]:
    """Return the operations that one undo takes back, newest first; none if there are none."""
    newest = last_done(tx, annotator_id)
    if newest is None or newest.step is None:
        return [] if newest is None else [newest]
    done = _done(annotator_id)
    other = done.where(operation.c.step.is_distinct_from(newest.step)).limit(1).subquery()
    before = sa.func.coalesce(sa.select(other.c.id).scalar_subquery(), 0)
    return [_step(row) for row in tx.execute(done.where(operation.c.id > before))]


def last_undone(tx: Transaction, annotator_id: int) -> Step | None:
    """Return what the annotator's newest undo took back, None if something came after it."""
    row = tx.execute(_undone(annotator_id).limit(1)).first()
    if row is None or row.cancels < _newest(tx, annotator_id):
        return None
    return _step(row)


def parts_undone(tx: Transaction, annotator_id: int) -> list[Step]:
    """Return the operations that one redo brings back, in that order; none if there are none."""
    newest = last_undone(tx, annotator_id)
    if newest is None or newest.step is None:
        return [] if newest is None else [newest]
    undone = _undone(annotator_id)
    other = undone.where(_TARGET.c.step.is_distinct_from(newest.step)).limit(1).subquery()
    before = sa.func.coalesce(sa.select(other.c.cancels).scalar_subquery(), 0)
    later = operation.c.id > _newest(tx, annotator_id)
    return [_step(row) for row in tx.execute(undone.where(operation.c.id > before, later))]


def said(tx: Transaction, parts: Sequence[Step]) -> dict[Pair, State]:
    """Return what the operations of a step say, by image and category."""
    columns: tuple[Any, ...] = (answer.c.image_id, answer.c.category_id, answer.c.state)
    found: dict[Pair, State] = {}
    for ids in chunks(sorted(part.id for part in parts)):
        rows = sa.select(*columns).where(answer.c.operation_id.in_(ids)).order_by(answer.c.id)
        found |= {(image, category): _STATES[state] for image, category, state in tx.execute(rows)}
    return found


_TARGET = operation.alias("target_operation")


def _done(annotator_id: int) -> sa.Select[Any]:
    """Return the query of the annotator's operations that are not cancelled, newest first."""
    columns: tuple[Any, ...] = (
        *(operation.c.id, operation.c.client_id, operation.c.id.label("cancels")),
        *(operation.c.recorded_at, operation.c.step),
    )
    return (
        sa.select(*columns)
        .where(
            operation.c.annotator_id == annotator_id,
            operation.c.kind.in_(_KINDS),
            operation.c.cancelled.is_(False),
        )
        .order_by(operation.c.id.desc())
    )


def _undone(annotator_id: int) -> sa.Select[Any]:
    """Return the query of what the annotator's undos took back, the newest undo first.

    An import that was broken off is taken back by nobody's key.
    """
    columns: tuple[Any, ...] = (
        *(_TARGET.c.id, _TARGET.c.client_id, operation.c.id.label("cancels")),
        *(operation.c.recorded_at, _TARGET.c.step),
    )
    return (
        sa.select(*columns)
        .join(_TARGET, _TARGET.c.id == operation.c.target)
        .where(
            operation.c.annotator_id == annotator_id,
            operation.c.kind == OperationKind.UNDO.value,
            operation.c.cancelled.is_(False),
            _TARGET.c.kind.in_(_KINDS),
        )
        .order_by(operation.c.id.desc())
    )


def _newest(tx: Transaction, annotator_id: int) -> int:
    """Return the id of the annotator's newest operation with answers, cancelled or not."""
    query = sa.select(operation.c.id).where(
        operation.c.annotator_id == annotator_id, operation.c.kind.in_(_KINDS)
    )
    return tx.execute(query.order_by(operation.c.id.desc()).limit(1)).scalar() or 0


def _step(row: sa.Row[Any]) -> Step:
    return Step(
        id=row.id, client_id=row.client_id, cancels=row.cancels, at=row.recorded_at, step=row.step
    )
