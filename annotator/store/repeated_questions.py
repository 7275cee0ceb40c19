"""Probes that a second person is asked, who cannot know what the first one said."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from annotator.domain import State
from annotator.store.certificates import AGAIN
from annotator.store.connection import Transaction
from annotator.store.probes import AUDIT, Probe, askable, to_probe
from annotator.store.tables import STATES, probe

_DECIDED = [STATES[State.PRESENT], STATES[State.ABSENT]]


def waiting(
    tx: Transaction, annotator_id: int, *, without: Collection[int], limit: int
) -> list[Probe]:
    """Return unanswered second askings of a pair whose first answer came from somebody else.

    Args:
        tx: A transaction.
        annotator_id: Who is to answer.
        without: Ids that are left out, such as those on somebody's screen.
        limit: Most that are returned, the oldest first.
    """
    query = askable().where(
        probe.c.purpose == AGAIN, probe.c.certificate_id.is_(None), probe.c.state.is_(None)
    )
    waiting_for = [to_probe(row) for row in tx.execute(query.order_by(probe.c.id))]
    if not waiting_for:
        return []
    first = sa.select(probe.c.image_id, probe.c.category_id).where(
        probe.c.purpose == AUDIT, probe.c.annotator_id == annotator_id
    )
    own = {(i, c) for i, c in tx.execute(first)}
    found = [p for p in waiting_for if (p.image_id, p.category_id) not in own]
    return [p for p in found if p.id not in without][:limit]


def may_be_asked(tx: Transaction, annotator_id: int) -> list[Probe]:
    """Return audit probes that somebody else decided and that were asked only once."""
    twice = sa.select(probe.c.image_id, probe.c.category_id).where(
        probe.c.purpose == AGAIN, probe.c.certificate_id.is_(None)
    )
    done = {(i, c) for i, c in tx.execute(twice)}
    query = askable().where(
        probe.c.purpose == AUDIT,
        probe.c.state.in_(_DECIDED),
        probe.c.annotator_id != annotator_id,
    )
    found = [to_probe(row) for row in tx.execute(query.order_by(probe.c.id))]
    return [p for p in found if (p.image_id, p.category_id) not in done]


def ask_again(tx: Transaction, first: Probe, card: str, now: datetime) -> int:
    """Ask a second person about the pair of a probe; return the id of the new question."""
    values = {
        "image_id": first.image_id,
        "category_id": first.category_id,
        "purpose": AGAIN,
        "drawn_at": now,
        "card": card,
    }
    query = sa.insert(probe).values(**values).returning(probe.c.id)
    return int(tx.execute(query).scalar_one())
