"""What a page with many images of one category asks the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from annotator.domain import State
from annotator.store import leases
from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import STATES, answer, label, lease, operation

KIND = "verify:"
"""What the kind of a lease begins with; the category's id follows."""


def answered(
    tx: Transaction, category_id: int, annotator_id: int, image_ids: Iterable[int]
) -> set[int]:
    """Return the images whose pair has a label, is in conflict, or this annotator cannot tell."""
    found: set[int] = set()
    for part in chunks(image_ids):
        known = sa.select(label.c.image_id).where(
            label.c.image_id.in_(part), label.c.category_id == category_id
        )
        found.update(tx.execute(known).scalars())
        own = (
            sa.select(answer.c.image_id, answer.c.state)
            .join(operation, operation.c.id == answer.c.operation_id)
            .where(
                answer.c.image_id.in_(part),
                answer.c.category_id == category_id,
                answer.c.late.is_(False),
                operation.c.annotator_id == annotator_id,
                operation.c.cancelled.is_(False),
            )
            .order_by(answer.c.id)
        )
        last = {image_id: state for image_id, state in tx.execute(own)}
        found.update(i for i, state in last.items() if state == STATES[State.UNSURE])
    return found


def hold(
    tx: Transaction,
    category_id: int,
    image_ids: Sequence[int],
    holder: str,
    now: datetime,
    seconds: float,
) -> list[int]:
    """Lease the images of one category to a tab, and return those that are free.

    A tab works on one category at a time, so whatever else it held in a grid is given back.
    """
    kind = f"{KIND}{category_id}"
    mine = sa.delete(lease).where(lease.c.holder == holder, lease.c.kind.startswith(KIND))
    tx.execute(mine)
    return leases.take(tx, kind, image_ids, holder, now, seconds)


def held_elsewhere(tx: Transaction, category_id: int, holder: str, now: datetime) -> set[int]:
    """Return the images of a category that other tabs have on the screen."""
    return leases.held(tx, f"{KIND}{category_id}", now, by_others_than=holder)
