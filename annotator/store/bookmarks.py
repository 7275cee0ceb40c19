"""The images that people want to find again, each person's own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import IN_USE, bookmark, image


def put(tx: Transaction, annotator_id: int, image_id: int, now: datetime) -> None:
    """Bookmark an image; doing it twice changes nothing."""
    if not among(tx, annotator_id, [image_id]):
        values = {"annotator_id": annotator_id, "image_id": image_id, "created_at": now}
        tx.execute(sa.insert(bookmark).values(**values))


def remove(tx: Transaction, annotator_id: int, image_id: int) -> None:
    """Take a bookmark off; doing it twice changes nothing."""
    own = bookmark.c.annotator_id == annotator_id, bookmark.c.image_id == image_id
    tx.execute(sa.delete(bookmark).where(*own))


def among(tx: Transaction, annotator_id: int, image_ids: Iterable[int]) -> set[int]:
    """Return which of some images a person has bookmarked."""
    query = sa.select(bookmark.c.image_id).where(bookmark.c.annotator_id == annotator_id)
    return {
        image_id
        for part in chunks(image_ids)
        for image_id in tx.execute(query.where(bookmark.c.image_id.in_(part))).scalars()
    }


def of(tx: Transaction, annotator_id: int, limit: int | None = None) -> list[int]:
    """Return the images in use that a person has bookmarked, the last bookmark first."""
    query = sa.select(bookmark.c.image_id).join(image, image.c.id == bookmark.c.image_id)
    query = query.where(bookmark.c.annotator_id == annotator_id, IN_USE)
    newest_first = bookmark.c.created_at.desc(), bookmark.c.image_id.desc()
    return list(tx.execute(query.order_by(*newest_first).limit(limit)).scalars())
