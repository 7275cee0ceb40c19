"""Images that are others saved again: one row notes it, no answer and no path is lost by it.

The *copy* has the content that the file holds now; the *original* has the id, the ordinal, the fold
and the history. Paths to the copy lead to the original, so the copy has no file of its own and is
not in use, and its answers count for the original.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.rows import chunks
from annotator.store.tables import image, image_path, imported_annotation

GONE = -1
"""Size of a path whose file has gone, so that it is read again when it comes back."""

_ORIGINALS = sa.select(image.c.same_as).where(image.c.same_as.is_not(None))
_COPIES = sa.select(image.c.id).where(image.c.same_as.is_not(None))


def is_linked(image_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return a condition: answers about the image are not all of those that make its labels."""
    return sa.or_(image_id.in_(_ORIGINALS), image_id.in_(_COPIES))


def linked(tx: Transaction) -> set[int]:
    """Return the ids of all originals and copies."""
    rows = tx.execute(sa.select(image.c.id, image.c.same_as).where(image.c.same_as.is_not(None)))
    return {image_id for row in rows for image_id in row}


def copies(tx: Transaction, image_ids: Iterable[int]) -> dict[int, int]:
    """Return the copies of some images: the id of the original by that of the copy."""
    found: dict[int, int] = {}
    for part in chunks(image_ids):
        query = sa.select(image.c.id, image.c.same_as).where(image.c.same_as.in_(part))
        found.update({copy: original for copy, original in tx.execute(query)})
    return found


def with_originals(tx: Transaction, pairs: Iterable[Pair]) -> set[Pair]:
    """Return pairs, and those of the originals where an image is a copy."""
    found = set(pairs)
    originals: dict[int, int] = {}
    for part in chunks({image_id for image_id, _ in found}):
        query = sa.select(image.c.id, image.c.same_as).where(image.c.id.in_(part))
        rows = tx.execute(query.where(image.c.same_as.is_not(None)))
        originals.update({copy: original for copy, original in rows})
    found.update((originals[i], c) for i, c in list(found) if i in originals)
    return found


def link(tx: Transaction, copy: int, original: int) -> None:
    """Note that one image is another, saved again, and let its paths lead there.

    Whether the two are in use, and their labels, are for the caller; see `image_use.settle`.
    """
    size = sa.select(image.c.width, image.c.height, image.c.format).where(image.c.id == copy)
    of_file = tx.execute(size).one()._asdict()
    tx.execute(sa.update(image).where(image.c.id == original).values(**of_file))
    tx.execute(sa.update(image).where(image.c.id == copy).values(same_as=original))
    _exchange_with_lost_file(tx, copy, original)
    mine = image_path.c.image_id == copy
    values = {"image_id": original, "own_image_id": copy}
    tx.execute(sa.update(image_path).where(mine).values(**values))


def unlink(tx: Transaction, copy: int) -> int:
    """Undo `link`, and return the id of the original."""
    row = tx.execute(sa.select(image.c.same_as).where(image.c.id == copy)).one()
    tx.execute(sa.update(image).where(image.c.id == copy).values(same_as=None))
    mine = image_path.c.own_image_id == copy
    former = tx.execute(sa.select(image.c.last_path_id).where(image.c.id == copy)).scalar()
    there = tx.execute(sa.select(image_path.c.id).where(mine).order_by(image_path.c.id)).scalars()
    paths = there.all()
    values = {"image_id": copy, "own_image_id": None}
    tx.execute(sa.update(image_path).where(mine).values(**values))
    if former is not None and paths and former not in paths:
        _exchange_files(tx, former, paths[0])
    return int(row.same_as)


def _exchange_with_lost_file(tx: Transaction, copy: int, original: int) -> None:
    """Let the file of a copy have the COCO id and the boxes of the original's lost file.

    They belong to the row of a path, so the two rows exchange their files; where the file kept its
    name there is one row, and nothing to do. `last_path_id` of the copy says which row was its own.
    """
    boxes = sa.exists().where(imported_annotation.c.path_id == image_path.c.id)
    lost = sa.select(image_path.c.id).where(image_path.c.image_id == original)
    lost = lost.where(image_path.c.size == GONE).order_by(~boxes, image_path.c.id)
    found = sa.select(image_path.c.id).where(image_path.c.image_id == copy, ~boxes)
    first, own = (tx.execute(q.limit(1)).scalar() for q in (lost, found.order_by(image_path.c.id)))
    does = first is not None and own is not None
    row = sa.update(image).where(image.c.id == copy)
    tx.execute(row.values(last_path_id=own if does else None))
    if first is not None and own is not None:
        _exchange_files(tx, first, own)


def _exchange_files(tx: Transaction, one: int, other: int) -> None:
    names = "image_id", "root", "path", "problem", "size", "modified_ns", "own_image_id"
    columns = [image_path.c[name] for name in names]
    files = [
        tx.execute(sa.select(*columns).where(image_path.c.id == i)).one()._asdict()
        for i in (one, other)
    ]
    apart = sa.update(image_path).where(image_path.c.id == one)  # no two rows have one name
    tx.execute(apart.values(path=f"{files[0]['path']}/{one}"))
    for i, file in zip((other, one), files, strict=True):
        tx.execute(sa.update(image_path).where(image_path.c.id == i).values(**file))
