"""Annotations of imported COCO files, such as boxes, kept so that an export has them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from annotator.domain import State
from annotator.store import merges
from annotator.store.connection import Transaction
from annotator.store.merges import Merges
from annotator.store.rows import chunks
from annotator.store.tables import STATE_OF, image_path, imported_annotation, label


@dataclass(frozen=True)
class ImportedAnnotation:
    """One annotation of a file."""

    path_id: int
    category_id: int
    coco_id: int | None
    body: Mapping[str, Any]
    """Everything but its id, image and category."""


def add(tx: Transaction, annotations: Sequence[ImportedAnnotation]) -> int:
    """Keep annotations; those of a path and category replace what was kept for them before.

    What was merged into a category comes out of an export under it, and is known by its body when
    it comes back: it stays with the merged category. One that is known keeps its id, and its place
    before later ones: of two files with the same ids, that of the earlier row stands.
    """
    merged = merges.read(tx)
    by_path: dict[int, list[ImportedAnnotation]] = defaultdict(list)
    for annotation in annotations:
        by_path[annotation.path_id].append(annotation)
    columns = imported_annotation.c
    query = sa.select(imported_annotation).order_by(columns.id)
    for part in chunks(sorted(by_path)):
        old: dict[int, list[sa.Row[Any]]] = defaultdict(list)
        for row in tx.execute(query.where(columns.path_id.in_(part))):
            old[row.path_id].append(row)
        gone: list[int] = []
        rows: list[dict[str, Any]] = []
        for path_id in part:
            places = _places(by_path[path_id], old[path_id], merged)
            gone += places.gone
            rows += places.rows
        for ids in chunks(gone):
            tx.execute(sa.delete(imported_annotation).where(columns.id.in_(ids)))
        known, fresh = [r for r in rows if "id" in r], [r for r in rows if "id" not in r]
        for each in filter(None, (known, fresh)):
            tx.execute(sa.insert(imported_annotation), each)
    return len(annotations)


class _Places(NamedTuple):
    """What becomes of the annotations of one path."""

    gone: list[int]
    rows: list[dict[str, Any]]


def _places(
    new: Sequence[ImportedAnnotation], old: Sequence[sa.Row[Any]], merged: Merges
) -> _Places:
    parts = {a.category_id: merged.with_parts({a.category_id}) - {a.category_id} for a in new}
    own = {row.id: row for row in old if row.category_id in parts}
    same: dict[int, sa.Row[Any]] = {}
    free = {row.id: row for row in old}
    for is_same in (_same_id, _same_body):
        for place, annotation in enumerate(new):
            known = (row for row in free.values() if is_same(row, annotation, parts))
            if place not in same and (row := next(known, None)) is not None:
                same[place] = free.pop(row.id)
    gone = list(own | {row.id: row for row in same.values()})
    rows = [
        {
            "path_id": a.path_id,
            "category_id": a.category_id,
            "coco_id": a.coco_id,
            "body": dict(a.body),
            **(_kept(same[n]) if n in same else {}),
        }
        for n, a in enumerate(new)
    ]
    return _Places(gone, rows)


def _kept(row: sa.Row[Any]) -> dict[str, Any]:
    return {"id": row.id, "category_id": row.category_id, "coco_id": row.coco_id}


_Parts = Mapping[int, Collection[int]]
"""Categories merged into a category, by its id."""


def _same_id(row: sa.Row[Any], annotation: ImportedAnnotation, parts: _Parts) -> bool:
    del parts  # whose ids another file may have given to something else
    known = row.category_id == annotation.category_id and row.coco_id == annotation.coco_id
    return annotation.coco_id is not None and known


def _same_body(row: sa.Row[Any], annotation: ImportedAnnotation, parts: _Parts) -> bool:
    among = {annotation.category_id, *parts[annotation.category_id]}
    return row.category_id in among and bool(row.body == annotation.body)


def of_paths(tx: Transaction, path_ids: Sequence[int] | None = None) -> list[ImportedAnnotation]:
    """Return the kept annotations of some paths, by default of all, in the order of coming."""
    query = sa.select(imported_annotation).order_by(imported_annotation.c.id)
    if path_ids is None:
        rows = list(tx.execute(query))
    else:
        by_path = imported_annotation.c.path_id
        rows = [r for part in chunks(path_ids) for r in tx.execute(query.where(by_path.in_(part)))]
    return [ImportedAnnotation(row.path_id, row.category_id, row.coco_id, row.body) for row in rows]


def without_own_id(tx: Transaction) -> list[int]:
    """Return the ids of the rows that have no id in COCO files, or that of an earlier row."""
    columns = imported_annotation.c
    place = sa.func.row_number().over(partition_by=columns.coco_id, order_by=columns.id)
    numbered = sa.select(columns.id, columns.coco_id, place.label("place")).subquery()
    lacking = sa.or_(numbered.c.coco_id.is_(None), numbered.c.place > 1)
    return list(
        tx.execute(sa.select(numbered.c.id).where(lacking).order_by(numbered.c.id)).scalars()
    )


def give_coco_ids(tx: Transaction, ids: Sequence[int]) -> None:
    """Give rows the next free ids in COCO files."""
    columns = imported_annotation.c
    last = max(tx.execute(sa.select(sa.func.max(columns.coco_id))).scalar() or 0, 0)
    tx.execute(
        sa.update(imported_annotation)
        .where(columns.id == sa.bindparam("b_id"))
        .values(coco_id=sa.bindparam("b_coco_id")),
        [{"b_id": i, "b_coco_id": last + place} for place, i in enumerate(ids, start=1)],
    )


def ids_from(tx: Transaction, first: int) -> frozenset[int]:
    """Return the ids in COCO files that are `first` or higher."""
    column = imported_annotation.c.coco_id
    return frozenset(tx.execute(sa.select(column).where(column >= first)).scalars())


def counts(
    tx: Transaction, targets: Mapping[int, int]
) -> dict[tuple[int, State | None, bool], int]:
    """Return how many annotations there are, by what their pairs are.

    Args:
        tx: A transaction.
        targets: The category under which those of a category come out, by id.

    Returns:
        Numbers by target, state of the pair's label, and whether there is a label at all; a pair
        that people disagree about has one without a state.
    """
    columns = imported_annotation.c
    if tx.execute(sa.select(columns.id).limit(1)).first() is None:
        return {}
    target = sa.case(dict(targets), value=columns.category_id, else_=columns.category_id)
    known = sa.and_(label.c.image_id == image_path.c.image_id, label.c.category_id == target)
    has_label = label.c.answer_id.is_not(None)
    query = (
        sa.select(target, label.c.state, has_label, sa.func.count())
        .select_from(imported_annotation)
        .join(image_path, image_path.c.id == columns.path_id)
        .outerjoin(label, known)
        .where(image_path.c.image_id.is_not(None), image_path.c.size >= 0)
        .group_by(target, label.c.state, has_label)
    )
    return {
        (i, None if state is None else STATE_OF[state], bool(there)): int(number)
        for i, state, there, number in tx.execute(query)
    }
