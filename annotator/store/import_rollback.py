"""Taking back an import that was broken off while it was applied, in small parts.

Its answers stay, as all answers do, but count no more: each of its operations is cancelled, as by
an undo. Labels and counters follow. Only then is the note gone that says what is to be done, so
whoever finds it can begin again, which does no harm.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from annotator.domain import OperationKind, name_key
from annotator.store import changes, derivation, key_values, merges, staged_imports
from annotator.store.connection import Transaction
from annotator.store.tables import answer, category, operation, staged_answer

HIDDEN = "import.hidden_categories"
"""Name of the ids of categories that only an import brought which was taken back."""


def is_wanted(tx: Transaction, about: staged_imports.Running) -> bool:
    """Whether an import that was broken off is to be taken back, not finished.

    With its last answer it is in: what is left then are ids and boxes.
    """
    left = tx.execute(sa.select(staged_answer.c.id).limit(1)).first()
    return about.applying and (about.taking_back or left is not None)


def begin(tx: Transaction, about: staged_imports.Running, now: datetime) -> None:
    """Cancel the operations of an import; `TakingBack` then works out the labels."""
    staged_imports.note(tx, replace(about, taking_back=True))
    query = sa.select(operation.c.id, operation.c.annotator_id)
    ours = tx.execute(query.where(_is_of(about), operation.c.cancelled.is_(False))).all()
    if ours:
        undoing = [
            {
                "client_id": f"import-{uuid.uuid4()}",
                "annotator_id": annotator_id,
                "kind": OperationKind.UNDO.value,
                "happened_at": now,
                "recorded_at": now,
                "cancels": operation_id,
                "target": operation_id,
            }
            for operation_id, annotator_id in ours
        ]
        tx.execute(sa.insert(operation), undoing)
        tx.execute(sa.update(operation).where(_is_of(about)).values(cancelled=True))
    for key in about.values:
        key_values.drop(tx, key)
    said = sa.select(answer.c.category_id).join(operation, operation.c.id == answer.c.operation_id)
    used = set(tx.execute(said.where(~_is_of(about)).distinct()).scalars())
    new = [category_id for category_id in about.new_categories if category_id not in used]
    tx.execute(sa.update(category).where(category.c.id.in_(new)).values(archived=True))
    key_values.put(tx, HIDDEN, sorted({*(key_values.get(tx, HIDDEN) or ()), *new}))


def hidden(tx: Transaction, names: Sequence[str]) -> list[int]:
    """Return the ids of the hidden categories among some names."""
    wanted = sorted({name_key(name) for name in names})
    ids = key_values.get(tx, HIDDEN) or ()
    query = sa.select(category.c.id).where(category.c.id.in_(ids), category.c.folded.in_(wanted))
    return list(tx.execute(query.order_by(category.c.id)).scalars())


def show_again(tx: Transaction, category_ids: Sequence[int]) -> None:
    """Show those of some categories that were hidden when an import was taken back."""
    known = set(key_values.get(tx, HIDDEN) or ())
    if back := known.intersection(category_ids):
        tx.execute(sa.update(category).where(category.c.id.in_(back)).values(archived=False))
        key_values.put(tx, HIDDEN, sorted(known - back))


class TakingBack:
    """Works out the labels of an import's pairs without it, a part of its answers at a time."""

    def __init__(self, about: staged_imports.Running) -> None:
        self._about = about
        self._done = 0

    def part(self, tx: Transaction, size: int) -> int:
        """Look at so many answers at most; return how many, 0 if none were left."""
        ours = sa.select(operation.c.id).where(
            _is_of(self._about), operation.c.kind == OperationKind.IMPORT.value
        )
        query = sa.select(answer.c.id, answer.c.image_id, answer.c.category_id)
        query = query.where(answer.c.id > self._done, answer.c.operation_id.in_(ours))
        rows = tx.execute(query.order_by(answer.c.id).limit(size)).all()
        if not rows:
            return 0
        first, self._done = rows[0].id, rows[-1].id
        pairs = {(row.image_id, row.category_id) for row in rows}
        changes.note_recomputed(tx)
        if merges.read(tx):
            derivation.recompute(tx, pairs)
        else:
            pairs -= derivation.withdraw(tx, first, self._done, ours)
            derivation.recompute(tx, pairs)
        return len(rows)


def _is_of(about: staged_imports.Running) -> sa.ColumnElement[bool]:
    # One import runs at a time, so every later one is this.
    return sa.and_(operation.c.id > about.after, operation.c.kind == OperationKind.IMPORT.value)
