"""What a list of all images shows of each, read for the whole project at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.store import changes
from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.saved_again import GONE
from annotator.store.tables import IN_USE, answer, image, image_path, label, operation

Ordinals = npt.NDArray[np.int64]


class Stand(NamedTuple):
    """What changes whenever images or names of their files do."""

    images: int
    newest_path: int
    recomputed: int
    """As in `changes.Moment`: images that go out of use, or come back, take labels with them."""


@dataclass(frozen=True)
class ImageRows:
    """The images in use, `n` of them by ordinal, as parallel arrays."""

    ordinal: Ordinals
    id: Ordinals
    width: Ordinals
    height: Ordinals


def stand(tx: Transaction) -> Stand:
    """Return the state of the files that a transaction sees."""
    highest = tx.execute(sa.select(sa.func.max(image.c.ordinal))).scalar()
    newest = tx.execute(sa.select(sa.func.max(image_path.c.id))).scalar()
    return Stand(highest or 0, newest or 0, changes.moment(tx).recomputed)


def in_use(tx: Transaction) -> ImageRows:
    """Return all images in use."""
    columns = image.c.ordinal, image.c.id, image.c.width, image.c.height
    query = sa.select(*columns).where(IN_USE).order_by(image.c.ordinal)
    table = np.array([tuple(row) for row in tx.execute(query)], np.int64).reshape(-1, 4)
    return ImageRows(*table.T)


def files(tx: Transaction) -> dict[int, tuple[str, str]]:
    """Return root and path of one file of each image that has any: the first that was found."""
    columns = image_path.c.image_id, image_path.c.root, image_path.c.path
    there = image_path.c.image_id.is_not(None), image_path.c.size != GONE
    query = sa.select(*columns).where(*there).order_by(image_path.c.id.desc())
    return {image_id: (root, path) for image_id, root, path in tx.execute(query)}


def newest_answers(
    tx: Transaction, image_ids: Collection[int] | None = None
) -> tuple[Ordinals, Ordinals]:
    """Return the ids of images that have a label, and when the newest of these was recorded.

    Args:
        tx: A transaction.
        image_ids: The images that matter; None: all.

    Returns:
        `(n,)` each; the times in microseconds since 1970.
    """
    newest = sa.select(label.c.image_id, sa.func.max(label.c.answer_id).label("answer"))
    parts = [newest] if image_ids is None else [
        newest.where(label.c.image_id.in_(part)) for part in chunks(sorted(image_ids))
    ]  # fmt: skip
    found: list[tuple[int, int]] = []
    for part in parts:
        each = part.group_by(label.c.image_id).subquery()
        at = sa.type_coerce(operation.c.recorded_at, sa.BigInteger)
        query = (
            sa.select(each.c.image_id, at)
            .join(answer, answer.c.id == each.c.answer)
            .join(operation, operation.c.id == answer.c.operation_id)
        )
        found.extend((image_id, moment) for image_id, moment in tx.execute(query))
    table = np.array(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
