"""Who looked at which image, and what was drawn beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import IN_USE, answer, category, image, visit

Ordinals = npt.NDArray[np.int64]


def record(
    tx: Transaction,
    client_id: str,
    annotator_id: int,
    image_id: int,
    category_ordinals: Sequence[int],
    opened_at: datetime,
    closed_at: datetime,
) -> None:
    """Record one visit of an image; a retry with the same client id changes nothing.

    Args:
        tx: A write transaction.
        client_id: Chosen by the client.
        annotator_id: Who looked.
        image_id: At which image.
        category_ordinals: The categories that were drawn; kept as a bitmap.
        opened_at: When the image came on the screen, UTC.
        closed_at: When it left the screen, UTC.
    """
    known = tx.execute(sa.select(visit.c.id).where(visit.c.client_id == client_id)).first()
    if known is not None:
        return
    bits = 0
    for ordinal in category_ordinals:
        bits |= 1 << ordinal
    tx.execute(
        sa.insert(visit).values(
            client_id=client_id,
            annotator_id=annotator_id,
            image_id=image_id,
            shown=bits.to_bytes((bits.bit_length() + 7) // 8 or 1, "little"),
            opened_at=opened_at,
            closed_at=closed_at,
        )
    )


def last_images(tx: Transaction, annotator_id: int, limit: int) -> list[int]:
    """Return the images an annotator visited last, the newest at the end, each once."""
    query = (
        sa.select(visit.c.image_id, sa.func.max(visit.c.id).label("newest"))
        .where(visit.c.annotator_id == annotator_id)
        .group_by(visit.c.image_id)
        .order_by(sa.desc("newest"))
        .limit(limit)
    )
    return [row.image_id for row in tx.execute(query)][::-1]


def visited(tx: Transaction) -> set[int]:
    """Return the ids of all images that anybody visited."""
    return set(tx.execute(sa.select(visit.c.image_id).distinct()).scalars())


def visited_of(tx: Transaction, image_ids: Iterable[int]) -> set[int]:
    """Return those of the images that anybody visited."""
    found: set[int] = set()
    for part in chunks(image_ids):
        query = sa.select(visit.c.image_id).where(visit.c.image_id.in_(part)).distinct()
        found.update(tx.execute(query).scalars())
    return found


def least_recent(tx: Transaction, limit: int) -> list[int]:
    """Return images in use that were visited, those first whose last visit is oldest."""
    newest = sa.func.max(visit.c.id)
    query = (
        sa.select(visit.c.image_id)
        .where(visit.c.image_id.in_(sa.select(image.c.id).where(IN_USE)))
        .group_by(visit.c.image_id)
        .order_by(newest)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def shown(tx: Transaction, image_id: int) -> list[set[int]]:
    """Return, for each visit of an image, the ordinals of the categories that were drawn."""
    rows = tx.execute(
        sa.select(visit.c.shown).where(visit.c.image_id == image_id).order_by(visit.c.id)
    )
    drawn = []
    for bitmap in rows.scalars():
        bits = int.from_bytes(bitmap, "little")
        drawn.append({o for o in range(bits.bit_length()) if bits >> o & 1})
    return drawn


def left_unmarked(tx: Transaction) -> tuple[Ordinals, Ordinals]:
    """Return the pairs that somebody had on the screen and nobody ever answered.

    Returns:
        The images' and the categories' ordinals, `(M,)` each; every pair once.
    """
    rows = tx.execute(
        sa.select(image.c.ordinal, visit.c.shown).join(image, image.c.id == visit.c.image_id)
    )
    drawn: dict[int, int] = {}
    for ordinal, bitmap in rows:
        drawn[ordinal] = drawn.get(ordinal, 0) | int.from_bytes(bitmap, "little")
    answered = tx.execute(
        sa.select(image.c.ordinal, category.c.ordinal)
        .select_from(answer)
        .join(image, image.c.id == answer.c.image_id)
        .join(category, category.c.id == answer.c.category_id)
        .where(answer.c.image_id.in_(sa.select(visit.c.image_id)))
        .distinct()
    )
    for ordinal, column in answered:
        drawn[ordinal] &= ~(1 << column)
    pairs = [(i, c) for i, bits in drawn.items() for c in range(bits.bit_length()) if bits >> c & 1]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
