"""A project's labels as one label file, ready to be written in any format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Image, ImagePath, PairLabel, State
from annotator.formats.records import (
    CERTIFIED,
    MODEL,
    AnnotationRecord,
    CategoryRecord,
    Content,
    ImageRecord,
    LabelFile,
    PairRecord,
)
from annotator.services import hierarchy
from annotator.services.fills import Fill, row_of
from annotator.services.suggestions import decided_columns
from annotator.store import Transaction, annotators, answers, categories, images, imported, values

CHUNK = 2000
"""Images whose labels are read at a time."""

COCO_VALUES = ("coco.info", "coco.licenses", "coco.extra")
"""Where an imported file's top-level keys are kept."""

NOT_EXHAUSTIVE = "not_exhaustive_category_names"
"""Key beside a path's unknown COCO keys that holds an imported LVIS mark."""


@dataclass(frozen=True)
class _Context:
    people: Mapping[int, str]
    shown: Mapping[int, Category]
    arrays: VersionArrays | None
    boxes: Mapping[int, Sequence[imported.ImportedAnnotation]]
    fills: list[Fill]
    parents: hierarchy.Parents


def give_ids(tx: Transaction) -> None:
    """Give every path and category that has no COCO id yet the next free one, for good."""
    paths = [p for p in images.every_path(tx) if p.image_id is not None]
    free = 1 + max((p.coco_id for p in paths if p.coco_id is not None), default=0)
    for path in paths:
        if path.coco_id is None:
            images.set_coco(tx, path.id, free, path.extra)
            free += 1
    listed = categories.every(tx, archived=True)
    free = 1 + max((c.coco_id for c in listed if c.coco_id is not None), default=0)
    for category in listed:
        if category.coco_id is None:
            categories.set_coco(tx, category.id, free, category.extra)
            free += 1


def label_file(
    tx: Transaction,
    *,
    content: Content,
    subset: str,
    arrays: VersionArrays | None,
    info: Mapping[str, Any],
    fills: Sequence[Fill] = (),
    parents: hierarchy.Parents | None = None,
) -> LabelFile:
    """Return everything an export holds.

    Args:
        tx: An open transaction.
        content: `completed` also lists what the version says about open pairs, `certified` what
            was filled in under a certificate.
        subset: `labelled` leaves out images without any known pair.
        arrays: The promoted version; needed for `completed`.
        info: Keys for COCO's `info` beside those of an imported file.
        fills: What is filled in under certificates; listed with `certified`.
        parents: Of the hierarchy: what follows from a label is not taken from a fill.
    """
    shown = {c.id: c for c in categories.every(tx)}
    boxes: dict[int, list[imported.ImportedAnnotation]] = defaultdict(list)
    for annotation in imported.of_paths(tx):
        boxes[annotation.path_id].append(annotation)
    context = _Context(
        people={a.id: a.name for a in annotators.every(tx)},
        shown=shown,
        arrays=arrays if content == "completed" else None,
        boxes=boxes,
        fills=list(fills) if content == "certified" else [],
        parents=parents or {},
    )
    old_info, licenses, extra = (values.get(tx, key) for key in COCO_VALUES)
    return LabelFile(
        categories=tuple(
            CategoryRecord(
                name=c.name, supercategory=c.supercategory, coco_id=c.coco_id, extra=c.extra
            )
            for c in shown.values()
        ),
        images=tuple(_with_own_names(_records(tx, context, subset))),
        content=content,
        info={**(old_info or {}), **info},
        licenses=tuple(licenses or ()),
        extra=extra or {},
    )


def _records(
    tx: Transaction, context: _Context, subset: str
) -> Iterator[tuple[ImagePath, ImageRecord]]:
    every = images.every(tx)
    for start in range(0, len(every), CHUNK):
        part = every[start : start + CHUNK]
        ids = [image.id for image in part]
        labels, paths = answers.labels_of(tx, ids), images.paths_of(tx, ids)
        for image in part:
            own = [x for x in labels.get(image.id, []) if x.category_id in context.shown]
            if subset == "labelled" and not any(x.state for x in own):
                continue
            pairs = tuple(_pair(x, context) for x in own if x.state is not None)
            suggestions = tuple(_suggestions(image, own, context))
            for path in paths.get(image.id, []):
                yield path, _record(image, path, pairs, suggestions, context)


def _record(
    image: Image,
    path: ImagePath,
    pairs: tuple[PairRecord, ...],
    suggestions: tuple[PairRecord, ...],
    context: _Context,
) -> ImageRecord:
    present = {pair.category for pair in pairs if pair.state is State.PRESENT}
    annotations = tuple(  # the format withholds those of pairs that are not present
        AnnotationRecord(category=context.shown[a.category_id].name, coco_id=a.coco_id, body=a.body)
        for a in context.boxes.get(path.id, ())
        if a.category_id in context.shown
    )
    extra = dict(path.extra)
    marked = extra.pop(NOT_EXHAUSTIVE, None)
    return ImageRecord(
        file_name=path.path,
        pairs=pairs,
        suggestions=suggestions,
        annotations=annotations,
        not_exhaustive=None if marked is None else tuple(n for n in marked if n in present),
        width=image.width,
        height=image.height,
        coco_id=path.coco_id,
        extra=extra,
    )


def _pair(label: PairLabel, context: _Context) -> PairRecord:
    assert label.state is not None  # unknown pairs are not exported
    return PairRecord(
        category=context.shown[label.category_id].name,
        state=label.state,
        source=label.source.value if label.source else None,
        score=label.score,
        annotator=context.people.get(label.annotator_id or 0),
    )


def _suggestions(
    image: Image, labels: Sequence[PairLabel], context: _Context
) -> Iterator[PairRecord]:
    """Yield the version's decision about every open pair that it may decide.

    Pairs in conflict are not open.
    """
    if context.fills:
        yield from _filled(image, labels, context)
    if context.arrays is None:
        return
    answered = {x.category_id for x in labels}
    scores = context.arrays.image_scores(image.ordinal)  # (C,)
    bars, suggested = context.arrays.bars(scores), context.arrays.suggested(scores)
    decided = decided_columns(context.arrays) & ~np.isnan(scores)
    for category in context.shown.values():
        column = context.arrays.columns.get(category.ordinal)
        if category.id in answered or column is None or not decided[column]:
            continue
        yield PairRecord(
            category=category.name,
            state=State.PRESENT if suggested[column] else State.ABSENT,
            source=MODEL,
            score=round(float(bars[column]), 4),
        )


def _filled(image: Image, labels: Sequence[PairLabel], context: _Context) -> Iterator[PairRecord]:
    """Yield what is filled in for an image; a person's answer, and what follows from it, win."""
    known = hierarchy.states_of(labels)
    settled = {*known, *hierarchy.implications(context.parents, known).implied}
    shown = {category.ordinal: category for category in context.shown.values()}
    for ordinal, filled in sorted(row_of(context.fills, image.ordinal).items()):
        category = shown.get(ordinal)
        if category is not None and category.id not in settled:
            yield PairRecord(
                category=category.name,
                state=filled.state,
                source=CERTIFIED,
                extra={"certificate": filled.certificate},
            )


def _with_own_names(
    records: Iterator[tuple[ImagePath, ImageRecord]],
) -> Iterator[ImageRecord]:
    """Yield the records; where two roots hold the same path, the later ones name their root."""
    used: set[str] = set()
    for path, record in records:
        name = record.file_name
        if name in used:
            name = f"{path.root}/{name}"
        used.add(name)
        yield record if name == record.file_name else replace(record, file_name=name)
