"""The pictures of a project by content, and the files that hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from annotator.domain import Image, ImagePath, fold_of
from annotator.errors import NotFound
from annotator.store.connection import Transaction
from annotator.store.image_use import settle, unsettled
from annotator.store.rows import chunks, to_image, to_path
from annotator.store.saved_again import GONE
from annotator.store.tables import IN_USE, UNUSED, image, image_path


@dataclass(frozen=True)
class FoundImage:
    """A file that can be used."""

    path: str
    """Relative to its root, with forward slashes."""
    content_hash: str
    width: int
    height: int
    format: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class BrokenFile:
    """A file that cannot be used, and why."""

    path: str
    problem: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Added:
    """What `add` did."""

    new_images: int
    new_paths: int
    duplicate_paths: int
    """New paths whose content the project had already."""
    changed: int
    """Known paths that now hold another content."""
    broken: int


_Ids = tuple[int, int | None]
"""An image's own id, and that of the image which it is, saved again."""


def known_files(tx: Transaction, root: str) -> dict[str, tuple[int, int]]:
    """Return size and modification time of each file of a root that was looked at before."""
    query = sa.select(image_path).where(image_path.c.root == root)
    gone = image_path.c.size == GONE
    rows = tx.execute(query.where(~gone))
    return {row.path: (row.size, row.modified_ns) for row in rows}


def add(
    tx: Transaction, root: str, found: Sequence[FoundImage], broken: Sequence[BrokenFile]
) -> Added:
    """Take in what a scan of a root found; doing it twice changes nothing.

    See `take_in`; images that no path leads to any more become missing.
    """
    added = take_in(tx, root, found, broken)
    mark_missing_images(tx)
    return added


def take_in(
    tx: Transaction, root: str, found: Sequence[FoundImage], broken: Sequence[BrokenFile]
) -> Added:
    """Take in a part of what a scan of a root found; `mark_missing_images` comes after the last.

    Each content becomes one image with the next ordinal. A known path with another content leads
    to a new image; the old one becomes missing if no other path leads to it, and keeps its answers.
    """
    ids = _ids_by_hash(tx, {f.content_hash for f in found})
    known = set(ids)
    new = _insert_images(tx, found, ids)
    before = _known_paths(tx, root, [*(f.path for f in found), *(f.path for f in broken)])
    inserts: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    left: dict[int, int] = {}
    duplicates = 0
    for file in found:
        own, original = ids[file.content_hash]
        values = {
            "image_id": original or own,
            "own_image_id": own if original else None,
            "problem": None,
            "size": file.size,
            "modified_ns": file.modified_ns,
        }
        old = before.get(file.path)
        if old is None:
            inserts.append({"root": root, "path": file.path, "extra": {}, **values})
            duplicates += file.content_hash in known
        else:
            if old.image_id not in (None, values["image_id"]):
                left[old.id] = old.image_id
            updates.append({"b_id": old.id, **values})
        known.add(file.content_hash)
    changed = len(left)
    for bad in broken:
        values = {"image_id": None, "own_image_id": None, **_broken_values(bad)}
        old = before.get(bad.path)
        if old is None:
            inserts.append({"root": root, "path": bad.path, "extra": {}, **values})
        else:
            if old.image_id is not None:
                left[old.id] = old.image_id
            updates.append({"b_id": old.id, **values})
    _write_paths(tx, inserts, updates)
    _remember_last_paths(tx, left)
    new_paths = len(inserts) - sum(row["image_id"] is None for row in inserts)
    return Added(new, new_paths, duplicates, changed, len(broken))


def mark_missing(tx: Transaction, root: str, paths: Collection[str]) -> int:
    """Note that files are gone; images that no path leads to become missing."""
    count = strike_off(tx, root, paths)
    mark_missing_images(tx)
    return count


def strike_off(tx: Transaction, root: str, paths: Collection[str]) -> int:
    """Note that files are gone; `mark_missing_images` comes after the last."""
    count = 0
    for part in chunks(paths):
        query = image_path.c.root == root, image_path.c.path.in_(part)
        count += tx.execute(
            sa.update(image_path).where(*query).values(size=GONE, modified_ns=0)
        ).rowcount
    return count


def mark_missing_images(tx: Transaction) -> None:
    """Mark the images that no path leads to as missing, and no others; their labels follow."""
    settle(tx, unsettled(tx))


def get(tx: Transaction, image_id: int) -> Image:
    """Return an image.

    Raises:
        NotFound: If there is no such image.
    """
    row = tx.execute(sa.select(image).where(image.c.id == image_id)).first()
    if row is None:
        raise NotFound(f"There is no image with id {image_id} in this project; reload the page.")
    return to_image(row)


def many(tx: Transaction, ids: Iterable[int]) -> dict[int, Image]:
    """Return images by id; unknown ids are left out."""
    found = {}
    for part in chunks(ids):
        for row in tx.execute(sa.select(image).where(image.c.id.in_(part))):
            found[row.id] = to_image(row)
    return found


def every(tx: Transaction) -> list[Image]:
    """Return all images by ordinal, those that are not in use included."""
    return [to_image(row) for row in tx.execute(sa.select(image).order_by(image.c.ordinal))]


def sizes(tx: Transaction) -> dict[int, tuple[int, int]]:
    """Return width and height of every image, by id."""
    query = sa.select(image.c.id, image.c.width, image.c.height)
    return {number: (width, height) for number, width, height in tx.execute(query)}


def in_parts(tx: Transaction, size: int) -> Iterator[list[Image]]:
    """Yield the images in use by ordinal, so many at a time."""
    query = sa.select(image).where(IN_USE).order_by(image.c.ordinal).limit(size)
    part = [to_image(row) for row in tx.execute(query)]
    while part:
        yield part
        later = query.where(image.c.ordinal > part[-1].ordinal)
        part = [to_image(row) for row in tx.execute(later)]


def order(tx: Transaction) -> dict[int, int]:
    """Return the id of every image in use by its ordinal, ascending."""
    query = sa.select(image.c.ordinal, image.c.id).where(IN_USE)
    return {o: i for o, i in tx.execute(query.order_by(image.c.ordinal))}


def labelled_ordinals(tx: Transaction) -> list[int]:
    """Return the ordinals of the images in use with a label, ascending."""
    query = sa.select(image.c.ordinal).where(IN_USE, image.c.known_count > 0)
    return list(tx.execute(query.order_by(image.c.ordinal)).scalars())


def ids_at(tx: Transaction, ordinals: Iterable[int]) -> dict[int, int]:
    """Return the id of every image in use at some ordinals, by ordinal."""
    query = sa.select(image.c.ordinal, image.c.id).where(IN_USE)
    found: dict[int, int] = {}
    for part in chunks(ordinals):
        found.update({o: i for o, i in tx.execute(query.where(image.c.ordinal.in_(part)))})
    return found


def paths_of(tx: Transaction, ids: Sequence[int] | None = None) -> dict[int, list[ImagePath]]:
    """Return the present paths of images by image id, each list by root and path."""
    query = sa.select(image_path).where(image_path.c.size != GONE)
    query = query.order_by(image_path.c.root, image_path.c.path)
    found: dict[int, list[ImagePath]] = defaultdict(list)
    if ids is None:
        rows: Iterable[sa.Row[Any]] = tx.execute(query.where(image_path.c.image_id.is_not(None)))
    else:
        rows = (
            row
            for part in chunks(ids)
            for row in tx.execute(query.where(image_path.c.image_id.in_(part)))
        )
    for row in rows:
        found[row.image_id].append(to_path(row))
    return dict(found)


def named_like(
    tx: Transaction, text: str, limit: int, *, with_root: bool = False
) -> list[ImagePath]:
    """Return the paths of images in use with a text somewhere in them, in any case, by path.

    Each image comes once, with the first path that fits; one that is the text comes first.

    Args:
        tx: A transaction.
        text: Part of a path.
        limit: At most so many.
        with_root: Whether the root counts as the first folder of a path.
    """
    name = image_path.c.root + "/" + image_path.c.path if with_root else image_path.c.path
    query = sa.select(image_path).join(image, image.c.id == image_path.c.image_id)
    query = query.where(name.icontains(text, autoescape=True), IN_USE, image_path.c.size != GONE)
    query = query.order_by(name != text, image_path.c.path).limit(2 * limit)
    found: dict[int, ImagePath] = {}
    for row in tx.execute(query):
        found.setdefault(row.image_id, to_path(row))
    return list(found.values())[:limit]


def every_path(tx: Transaction) -> list[ImagePath]:
    """Return every path that was ever found, broken and gone ones included, by id."""
    return [to_path(row) for row in tx.execute(sa.select(image_path).order_by(image_path.c.id))]


def broken(tx: Transaction) -> list[ImagePath]:
    """Return the files that cannot be used, with the reason."""
    query = sa.select(image_path).where(image_path.c.problem.is_not(None))
    rows = tx.execute(query.where(image_path.c.size != GONE).order_by(image_path.c.path))
    return [to_path(row) for row in rows]


def count(tx: Transaction) -> int:
    """Return how many images are in use: what every page, command and export counts."""
    unused = sa.select(sa.func.count()).select_from(image).where(UNUSED)  # the fewer of the two
    return count_all(tx) - int(tx.execute(unused).scalar_one())


def count_from(tx: Transaction, ordinal: int) -> int:
    """Return how many images in use have an ordinal or a higher one."""
    query = sa.select(sa.func.count()).select_from(image).where(IN_USE, image.c.ordinal >= ordinal)
    return int(tx.execute(query).scalar_one())


def count_all(tx: Transaction) -> int:
    """Return how many images the project ever had: rows of every array that is indexed by them."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(image)).scalar_one())


def set_coco(tx: Transaction, rows: Sequence[tuple[int, int | None, Mapping[str, Any]]]) -> None:
    """Keep ids and unknown keys in COCO files of paths: rows of path id, COCO id and keys."""
    tx.execute(
        sa.update(image_path)
        .where(image_path.c.id == sa.bindparam("b_id"))
        .values(coco_id=sa.bindparam("b_coco_id"), extra=sa.bindparam("b_extra")),
        [{"b_id": i, "b_coco_id": coco_id, "b_extra": dict(extra)} for i, coco_id, extra in rows],
    )


def without_coco_id(tx: Transaction) -> list[int]:
    """Return the ids of the paths of images that have no id in COCO files yet, ascending."""
    query = sa.select(image_path.c.id).where(
        image_path.c.coco_id.is_(None), image_path.c.image_id.is_not(None)
    )
    return list(tx.execute(query.order_by(image_path.c.id)).scalars())


def give_coco_ids(tx: Transaction, path_ids: Sequence[int]) -> None:
    """Give paths the next free ids in COCO files; one that has an id keeps it."""
    last = tx.execute(sa.select(sa.func.max(image_path.c.coco_id))).scalar() or 0
    lacking = image_path.c.id == sa.bindparam("b_id"), image_path.c.coco_id.is_(None)
    tx.execute(
        sa.update(image_path).where(*lacking).values(coco_id=sa.bindparam("b_coco_id")),
        [{"b_id": i, "b_coco_id": last + place} for place, i in enumerate(path_ids, start=1)],
    )


def _broken_values(file: BrokenFile) -> dict[str, Any]:
    values = asdict(file)
    del values["path"]
    return values


def _known_paths(tx: Transaction, root: str, paths: Iterable[str]) -> dict[str, sa.Row[Any]]:
    query = sa.select(image_path).where(image_path.c.root == root)
    return {
        row.path: row
        for part in chunks(paths)
        for row in tx.execute(query.where(image_path.c.path.in_(part)))
    }


def _ids_by_hash(tx: Transaction, hashes: Iterable[str]) -> dict[str, _Ids]:
    ids: dict[str, _Ids] = {}
    columns = image.c.content_hash, image.c.id, image.c.same_as
    for part in chunks(sorted(hashes)):
        query = sa.select(*columns).where(image.c.content_hash.in_(part))
        ids.update({h: (i, same_as) for h, i, same_as in tx.execute(query)})
    return ids


def _insert_images(tx: Transaction, found: Sequence[FoundImage], ids: dict[str, _Ids]) -> int:
    """Insert an image for each content that is new, and add its id to `ids`."""
    last = tx.execute(sa.select(sa.func.max(image.c.ordinal))).scalar()
    first = 0 if last is None else last + 1
    rows: dict[str, dict[str, Any]] = {}
    for file in found:
        if file.content_hash in ids or file.content_hash in rows:
            continue
        rows[file.content_hash] = {
            "ordinal": first + len(rows),
            "content_hash": file.content_hash,
            "fold": fold_of(file.content_hash),
            "width": file.width,
            "height": file.height,
            "format": file.format,
        }
    if rows:
        tx.execute(sa.insert(image), list(rows.values()))
        ids.update(_ids_by_hash(tx, rows))
    return len(rows)


def _remember_last_paths(tx: Transaction, left: Mapping[int, int]) -> None:
    """Keep by which path each image was found last; `left` gives the image id by path id."""
    if left:
        statement = sa.update(image).where(image.c.id == sa.bindparam("b_id"))
        rows = [{"b_id": image_id, "b_path": path_id} for path_id, image_id in left.items()]
        tx.execute(statement.values(last_path_id=sa.bindparam("b_path")), rows)


def _write_paths(
    tx: Transaction, inserts: list[dict[str, Any]], updates: list[dict[str, Any]]
) -> None:
    if inserts:
        tx.execute(sa.insert(image_path), inserts)
    if updates:
        names = ("image_id", "own_image_id", "problem", "size", "modified_ns")
        statement = sa.update(image_path).where(image_path.c.id == sa.bindparam("b_id"))
        tx.execute(statement.values({n: sa.bindparam(n) for n in names}), updates)
