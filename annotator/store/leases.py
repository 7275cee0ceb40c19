"""Short claims on things that two people should not work on at once; they expire by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import lease


def take(
    tx: Transaction, kind: str, keys: Sequence[int], holder: str, now: datetime, seconds: float
) -> list[int]:
    """Lease what is free, expired or held already, and return those keys in their order.

    Leases that have expired are cleared away, so that the table stays as short as the work in hand.
    """
    tx.execute(sa.delete(lease).where(lease.c.kind == kind, lease.c.expires_at <= now))
    wanted = list(dict.fromkeys(keys))
    others = sa.select(lease.c.key).where(lease.c.kind == kind, lease.c.holder != holder)
    elsewhere: set[int] = set()
    for part in chunks(wanted):
        elsewhere.update(tx.execute(others.where(lease.c.key.in_(part))).scalars())
    mine = [key for key in wanted if key not in elsewhere]
    for part in chunks(mine):
        tx.execute(sa.delete(lease).where(lease.c.kind == kind, lease.c.key.in_(part)))
    if mine:
        until = now + timedelta(seconds=seconds)
        tx.execute(
            sa.insert(lease),
            [{"kind": kind, "key": k, "holder": holder, "expires_at": until} for k in mine],
        )
    return mine


def held(
    tx: Transaction, kind: str, now: datetime, *, by_others_than: str | None = None
) -> set[int]:
    """Return the keys under a lease that has not expired."""
    query = sa.select(lease.c.key).where(lease.c.kind == kind, lease.c.expires_at > now)
    if by_others_than is not None:
        query = query.where(lease.c.holder != by_others_than)
    return set(tx.execute(query).scalars())


def release(tx: Transaction, holder: str) -> None:
    """Give back whatever a holder has, of all kinds."""
    tx.execute(sa.delete(lease).where(lease.c.holder == holder))
