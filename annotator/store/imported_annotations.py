"""Annotations of imported COCO files, such as boxes, kept so that an export has them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import imported_annotation


@dataclass(frozen=True)
class ImportedAnnotation:
    """One annotation of a file."""

    path_id: int
    category_id: int
    coco_id: int | None
    body: Mapping[str, Any]
    """Everything but its id, image and category."""


def add(tx: Transaction, annotations: Sequence[ImportedAnnotation]) -> int:
    """Keep annotations; those of a path and category replace what was kept for them before."""
    wanted = {(a.path_id, a.category_id) for a in annotations}
    for part in chunks(sorted({path_id for path_id, _ in wanted})):
        columns = imported_annotation.c
        query = sa.select(columns.id, columns.path_id, columns.category_id)
        rows = tx.execute(query.where(columns.path_id.in_(part))).all()
        old = [row.id for row in rows if (row.path_id, row.category_id) in wanted]
        for ids in chunks(old):
            tx.execute(sa.delete(imported_annotation).where(columns.id.in_(ids)))
    new = [
        {
            "path_id": a.path_id,
            "category_id": a.category_id,
            "coco_id": a.coco_id,
            "body": dict(a.body),
        }
        for a in annotations
    ]
    for inserted in chunks(new, 5000):
        tx.execute(sa.insert(imported_annotation), inserted)
    return len(annotations)


def of_paths(tx: Transaction) -> list[ImportedAnnotation]:
    """Return every kept annotation, in the order in which they came."""
    rows = tx.execute(sa.select(imported_annotation).order_by(imported_annotation.c.id))
    return [ImportedAnnotation(row.path_id, row.category_id, row.coco_id, row.body) for row in rows]
