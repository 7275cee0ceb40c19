"""Notes that people pin to an image, so that somebody looks at it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from annotator.errors import NotFound
from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import flag


@dataclass(frozen=True)
class Flag:
    """One note on an image that nobody has resolved yet."""

    id: int
    image_id: int
    annotator_id: int
    note: str
    created_at: datetime


def add(tx: Transaction, image_id: int, annotator_id: int, note: str, now: datetime) -> int:
    """Pin a note to an image and return its id; the same open note again is the same flag."""
    same = sa.select(flag.c.id).where(
        flag.c.image_id == image_id,
        flag.c.annotator_id == annotator_id,
        flag.c.note == note,
        flag.c.resolved_at.is_(None),
    )
    known = tx.execute(same).scalar()
    if known is not None:
        return int(known)
    values = {"image_id": image_id, "annotator_id": annotator_id, "note": note, "created_at": now}
    key = tx.execute(sa.insert(flag).values(**values)).inserted_primary_key
    assert key is not None  # every database gives back the key of a single row
    return int(key[0])


def resolve(tx: Transaction, flag_id: int, now: datetime) -> int:
    """Take a flag off its image and return the image's id; doing it twice changes nothing.

    Raises:
        NotFound: If there never was such a flag.
    """
    image_id = tx.execute(sa.select(flag.c.image_id).where(flag.c.id == flag_id)).scalar()
    if image_id is None:
        raise NotFound(f"There is no flag with id {flag_id}; reload the page.")
    still_up = flag.c.id == flag_id, flag.c.resolved_at.is_(None)
    tx.execute(sa.update(flag).where(*still_up).values(resolved_at=now))
    return int(image_id)


def of_images(tx: Transaction, image_ids: Iterable[int]) -> dict[int, list[Flag]]:
    """Return the unresolved flags of images by image id, oldest first."""
    found: dict[int, list[Flag]] = defaultdict(list)
    for part in chunks(image_ids):
        query = sa.select(flag).where(flag.c.image_id.in_(part), flag.c.resolved_at.is_(None))
        for row in tx.execute(query.order_by(flag.c.id)):
            found[row.image_id].append(
                Flag(row.id, row.image_id, row.annotator_id, row.note, row.created_at)
            )
    return dict(found)


def unresolved(tx: Transaction) -> list[Flag]:
    """Return the unresolved flags of all images, by image and age."""
    query = sa.select(flag).where(flag.c.resolved_at.is_(None)).order_by(flag.c.image_id, flag.c.id)
    return [
        Flag(row.id, row.image_id, row.annotator_id, row.note, row.created_at)
        for row in tx.execute(query)
    ]
