"""Small facts about a project that are no settings of people: JSON values by name."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.tables import setting


def get(tx: Transaction, key: str) -> Any | None:
    """Return a value, None if there is none."""
    return tx.execute(sa.select(setting.c.value).where(setting.c.key == key)).scalar()


def put(tx: Transaction, key: str, value: Any) -> None:
    """Keep a value that can be written as JSON."""
    drop(tx, key)
    tx.execute(sa.insert(setting).values(key=key, value=value))


def drop(tx: Transaction, key: str) -> None:
    """Keep no value under a name any more."""
    tx.execute(sa.delete(setting).where(setting.c.key == key))
