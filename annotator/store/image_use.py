"""Which images are in use: those with a file that nobody removed. Only they have labels.

The answers about the others are kept, and make the labels again when such an image comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import Image, ImagePath
from annotator.store import changes, derivation, saved_again
from annotator.store.connection import Transaction
from annotator.store.rows import chunks, to_image, to_path
from annotator.store.saved_again import GONE
from annotator.store.tables import IN_USE, UNUSED, answer, image, image_path

_HAS_FILE = sa.exists().where(image_path.c.image_id == image.c.id, image_path.c.size != GONE)


@dataclass(frozen=True)
class Unused:
    """An image that is not in use."""

    image: Image
    path: ImagePath | None
    """Its file, or the last one that it had; None where an older program did not keep it."""
    answers: int
    """Pairs that people or imported files said something about that still stands."""


def unused_ordinals(tx: Transaction) -> npt.NDArray[np.int64]:
    """Return the ordinals of the images that are not in use, ascending."""
    query = sa.select(image.c.ordinal).where(UNUSED)
    return np.sort(np.fromiter(tx.execute(query).scalars(), np.int64))


def unused(tx: Transaction) -> set[int]:
    """Return the ids of the images that are not in use."""
    return set(tx.execute(sa.select(image.c.id).where(UNUSED)).scalars())


def unsettled(tx: Transaction) -> list[int]:
    """Return the ids of the images that lost their last file, or got one again, since `settle`."""
    lost = sa.select(image.c.id).where(image.c.missing.is_(False), ~_HAS_FILE)
    back = sa.select(image.c.id).where(image.c.missing.is_(True), _HAS_FILE)
    return sorted(tx.execute(lost).scalars()) + sorted(tx.execute(back).scalars())


def settle(tx: Transaction, image_ids: Collection[int], had: int | None = None) -> None:
    """Mark images as missing that have no file, and no others; their labels follow.

    Args:
        tx: A write transaction.
        image_ids: Of images that `unsettled` names.
        had: How many images there were before the look that found out.
    """
    for part in chunks(image_ids):
        some = sa.update(image).where(image.c.id.in_(part))
        tx.execute(some.where(image.c.missing.is_(False)).values(missing_since=had))
        tx.execute(some.values(missing=~_HAS_FILE))
        _labels_follow(tx, part)


def set_removed(tx: Transaction, image_ids: Collection[int], removed: bool) -> None:
    """Take images out of use although their files are there, or back; their labels follow."""
    for part in chunks(image_ids):
        tx.execute(sa.update(image).where(image.c.id.in_(part)).values(removed=removed))
        _labels_follow(tx, part)


def link(tx: Transaction, copy: int, original: int) -> bool:
    """Let an image in use be one that has no file, saved again; see `saved_again`.

    Returns:
        Whether it was done; not if they are not, or not any more, such images.
    """
    there = sa.select(image.c.id).where(image.c.id == copy, IN_USE)
    gone = sa.select(image.c.id).where(
        image.c.id == original, image.c.missing.is_(True), image.c.same_as.is_(None)
    )
    if any(tx.execute(query).first() is None for query in (there, gone)):
        return False
    saved_again.link(tx, copy, original)
    settle(tx, [copy, original])
    return True


def unlink(tx: Transaction, copy: int) -> None:
    """Undo `link`: each of the two images has its own file and answers again."""
    settle(tx, [copy, saved_again.unlink(tx, copy)])


def answered_without_file(tx: Transaction) -> list[Unused]:
    """Return the images that have answers, but no file, and that nobody removed, by ordinal."""
    told = sa.exists().where(answer.c.image_id == image.c.id)
    where = image.c.missing.is_(True), image.c.removed.is_(False), image.c.same_as.is_(None)
    query = sa.select(image).where(*where, told).order_by(image.c.ordinal)
    found = _described(tx, [to_image(row) for row in tx.execute(query)])
    return [each for each in found if each.answers]


def lost(tx: Transaction) -> list[Unused]:
    """Return the images without a file that a new file may be: answered, or removed before."""
    where = image.c.missing.is_(True), image.c.removed.is_(True), image.c.same_as.is_(None)
    query = sa.select(image).where(*where).order_by(image.c.ordinal)
    gone = _described(tx, [to_image(row) for row in tx.execute(query)])
    return answered_without_file(tx) + gone


def missing(tx: Transaction) -> list[int]:
    """Return the ids of the images that have no file and that nobody removed, by ordinal."""
    where = image.c.missing.is_(True), image.c.removed.is_(False), image.c.same_as.is_(None)
    return list(tx.execute(sa.select(image.c.id).where(*where).order_by(image.c.ordinal)).scalars())


def removed(tx: Transaction) -> list[Unused]:
    """Return the images that somebody removed, by ordinal."""
    query = sa.select(image).where(image.c.removed.is_(True)).order_by(image.c.ordinal)
    return _described(tx, [to_image(row) for row in tx.execute(query)])


def linked(tx: Transaction) -> list[tuple[Unused, int]]:
    """Return the images that are others saved again, each with the id of that one."""
    query = sa.select(image).where(image.c.same_as.is_not(None)).order_by(image.c.ordinal)
    copies = [to_image(row) for row in tx.execute(query)]
    return [(each, each.image.same_as or 0) for each in _described(tx, copies)]


def standing(tx: Transaction, image_ids: Collection[int]) -> dict[int, int]:
    """Return by image id about how many categories there are answers that stand."""
    return derivation.standing(tx, image_ids)


def last_paths(tx: Transaction, image_ids: Collection[int]) -> dict[int, ImagePath]:
    """Return by image id the path of each, or the last one it had, the first by name."""
    found: dict[int, ImagePath] = {}
    own = sa.func.coalesce(image_path.c.own_image_id, image_path.c.image_id)
    by_name = image_path.c.root, image_path.c.path
    for part in chunks(image_ids):
        former = sa.select(image.c.id, image_path).join(
            image_path, image_path.c.id == image.c.last_path_id
        )
        for key, *values in tx.execute(former.where(image.c.id.in_(part))):
            found[key] = ImagePath(**dict(zip(image_path.c.keys(), values, strict=True)))
        # What leads there now comes before what led there once.
        linked = sa.select(image_path).where(own.in_(part)).order_by(*(c.desc() for c in by_name))
        for row in tx.execute(linked):
            path = to_path(row)
            found[path.own_image_id or path.image_id or 0] = path
    return found


def _described(tx: Transaction, listed: Sequence[Image]) -> list[Unused]:
    ids = [each.id for each in listed]
    paths, counts = last_paths(tx, ids), derivation.standing(tx, ids)
    return [Unused(each, paths.get(each.id), counts.get(each.id, 0)) for each in listed]


def _labels_follow(tx: Transaction, image_ids: list[int]) -> None:
    query = sa.select(image.c.id).where(image.c.id.in_(image_ids), IN_USE)
    used = set(tx.execute(query).scalars())
    derivation.forget(tx, [i for i in image_ids if i not in used])
    sources = sorted(used | saved_again.copies(tx, used).keys())
    said = sa.select(answer.c.image_id, answer.c.category_id).distinct()
    pairs = {(i, c) for i, c in tx.execute(said.where(answer.c.image_id.in_(sources)))}
    derivation.recompute(tx, pairs)
    changes.note_recomputed(tx)
