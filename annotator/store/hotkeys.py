"""The keys that people chose for categories."""

from __future__ import annotations

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.tables import hotkey


def of(tx: Transaction, annotator_id: int) -> dict[int, str]:
    """Return what a person chose, by category id; empty where they want no key."""
    query = sa.select(hotkey.c.category_id, hotkey.c.key)
    return {c: key for c, key in tx.execute(query.where(hotkey.c.annotator_id == annotator_id))}


def put(tx: Transaction, annotator_id: int, category_id: int, key: str) -> None:
    """Keep a person's key of a category in place of the one before; empty for none."""
    own = hotkey.c.annotator_id == annotator_id, hotkey.c.category_id == category_id
    tx.execute(sa.delete(hotkey).where(*own))
    tx.execute(
        sa.insert(hotkey).values(annotator_id=annotator_id, category_id=category_id, key=key)
    )
