"""What has changed since a moment: what is kept in memory follows the labels by it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from annotator.domain import OperationKind
from annotator.store import key_values, merges, saved_again
from annotator.store.activity import Pairs, newest_operation
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.rows import chunks
from annotator.store.tables import IN_USE, answer, category, image, label, operation

RECOMPUTED = "labels.recomputed"
"""Name of the number of times that labels were worked out anew without an operation."""

OVERLAP = 64
"""Operations that are read again where writers work at once, as in PostgreSQL: of two operations
the older may appear later. SQLite writes one after the other."""


class Moment(NamedTuple):
    """A state of the labels: while two of them are equal, so are all labels."""

    operation: int
    """The newest one, 0 before there is one."""
    recomputed: int
    """How often labels were worked out anew since, as after a merge of categories."""


def moment(tx: Transaction) -> Moment:
    """Return the state of the labels that a transaction sees."""
    return Moment(newest_operation(tx), int(key_values.get(tx, RECOMPUTED) or 0))


def note_recomputed(tx: Transaction) -> None:
    """Note that labels change in this transaction without an operation that says which."""
    key_values.put(tx, RECOMPUTED, int(key_values.get(tx, RECOMPUTED) or 0) + 1)


def touched_since(tx: Transaction, after: int, limit: int) -> set[Pair] | None:
    """Return the pairs whose label an operation may have changed.

    Args:
        tx: A transaction.
        after: Newest operation that is known already.
        limit: Most answers that are looked up one by one.

    Returns:
        `(image id, category id)`; None if there are more answers than `limit`.
    """
    about = sa.func.coalesce(operation.c.target, operation.c.id)
    newer = sa.select(about).where(operation.c.id > after)
    some = sa.select(answer.c.id).where(answer.c.operation_id.in_(newer)).limit(limit + 1)
    if tx.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one() > limit:
        return None
    if tx.dialect.name != "sqlite":
        again = operation.c.kind != OperationKind.IMPORT.value  # of these others may be too many
        newer = sa.select(about).where(
            operation.c.id > after - OVERLAP, (operation.c.id > after) | again
        )
    query = sa.select(answer.c.image_id, answer.c.category_id)
    rows = tx.execute(query.where(answer.c.operation_id.in_(newer)))
    return merges.read(tx).with_targets(saved_again.with_originals(tx, {(i, c) for i, c in rows}))


def moved_since(tx: Transaction, after: int, limit: int) -> Pairs | None:
    """Return the pairs of `touched_since` by ordinal, with their labels as they stand now.

    Pairs of images that are not in use are left out: they are in no count.
    """
    pairs = touched_since(tx, after, limit)
    if pairs is None:
        return None
    known: dict[Pair, bool] = {}
    rows: dict[int, int] = {}
    columns = {i: o for i, o in tx.execute(sa.select(category.c.id, category.c.ordinal))}
    query = sa.select(label.c.image_id, label.c.category_id, label.c.state.is_not(None))
    # By category, so that few labels come that were not asked for.
    for part in chunks(sorted(pairs, key=lambda pair: (pair[1], pair[0]))):
        ids = {i for i, _ in part}
        inside = label.c.image_id.in_(ids), label.c.category_id.in_({c for _, c in part})
        known.update({(i, c): bool(state) for i, c, state in tx.execute(query.where(*inside))})
        ordinals = sa.select(image.c.id, image.c.ordinal).where(image.c.id.in_(ids), IN_USE)
        rows.update({i: o for i, o in tx.execute(ordinals)})
    found = sorted(pair for pair in pairs if pair[0] in rows)
    return Pairs(
        np.array([rows[i] for i, _ in found], dtype=np.int64),
        np.array([columns[c] for _, c in found], dtype=np.int64),
        np.array([pair in known for pair in found], dtype=bool),
        np.array([known.get(pair, False) for pair in found], dtype=bool),
    )
