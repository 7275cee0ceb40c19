"""The newest steps of a person: what undo would take back, and what redo would bring back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from annotator.domain import UNDOABLE, OperationKind, State
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
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


def last_done(tx: Transaction, annotator_id: int) -> Step | None:
    """Return the annotator's newest operation that is not cancelled, None if there is none.

    Imports and undos themselves are left out.
    """
    row = tx.execute(
        sa.select(operation.c.id, operation.c.client_id, operation.c.recorded_at)
        .where(
            operation.c.annotator_id == annotator_id,
            operation.c.kind.in_(_KINDS),
            operation.c.cancelled.is_(False),
        )
        .order_by(operation.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return Step(id=row.id, client_id=row.client_id, cancels=row.id, at=row.recorded_at)


def last_undone(tx: Transaction, annotator_id: int) -> Step | None:
    """Return what the annotator's newest undo took back, None if something came after it."""
    own = operation.c.annotator_id == annotator_id
    # An import that was broken off is taken back by nobody's key.
    undone = operation.alias("undone")
    kept = operation.c.cancelled.is_(False)
    last = tx.execute(
        sa.select(operation.c.id, operation.c.recorded_at, operation.c.target, undone.c.client_id)
        .join(undone, undone.c.id == operation.c.target)
        .where(own, operation.c.kind == OperationKind.UNDO.value, kept, undone.c.kind.in_(_KINDS))
        .order_by(operation.c.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    came_after = sa.select(operation.c.id).where(
        own, operation.c.kind.in_(_KINDS), operation.c.id > last.id
    )
    if tx.execute(came_after.limit(1)).first() is not None:
        return None
    return Step(id=last.target, client_id=last.client_id, cancels=last.id, at=last.recorded_at)


def said(tx: Transaction, step: Step) -> dict[Pair, State]:
    """Return what a step says, by image and category."""
    columns: tuple[Any, ...] = (answer.c.image_id, answer.c.category_id, answer.c.state)
    rows = tx.execute(
        sa.select(*columns).where(answer.c.operation_id == step.id).order_by(answer.c.id)
    )
    return {(image, category): _STATES[state] for image, category, state in rows}
