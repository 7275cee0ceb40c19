"""Where picture files are, as far as it takes to say what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from annotator.domain import ImagePath
from annotator.store.connection import Transaction
from annotator.store.rows import chunks, to_path
from annotator.store.tables import image_path


def roots(tx: Transaction) -> list[str]:
    """Return the roots that any file was ever found below, sorted."""
    found: list[str] = []
    query = sa.select(sa.func.min(image_path.c.root))
    root = tx.execute(query).scalar()
    while root is not None:  # a look-up for each; DISTINCT would read the whole index
        found.append(root)
        root = tx.execute(query.where(image_path.c.root > root)).scalar()
    return found


def every(tx: Transaction) -> Iterator[tuple[str, str]]:
    """Yield root and path of every file that was ever found."""
    for row in tx.execute(sa.select(image_path.c.root, image_path.c.path)):
        yield row.root, row.path


def with_paths(
    tx: Transaction, roots: Sequence[str], paths: Iterable[str]
) -> list[tuple[str, str]]:
    """Return root and path of every file that has one of some paths below its root."""
    query = sa.select(image_path.c.root, image_path.c.path).where(image_path.c.root.in_(roots))
    return [
        (row.root, row.path)
        for part in chunks(paths)
        for row in tx.execute(query.where(image_path.c.path.in_(part)))
    ]


def first_of(tx: Transaction, image_ids: Iterable[int]) -> dict[int, ImagePath]:
    """Return one file of each image: the first that was found, of those that are there if any."""
    gone = image_path.c.size < 0
    query = sa.select(image_path).order_by(gone.desc(), image_path.c.id.desc())
    return {
        row.image_id: to_path(row)
        for part in chunks(image_ids)
        for row in tx.execute(query.where(image_path.c.image_id.in_(part)))
    }
