"""A project's labels as one label file, ready to be written in any format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Image, ImagePath, PairLabel, State
from annotator.formats.coco_ids import FIRST
from annotator.formats.coco_profile import OWN_INFO_KEYS
from annotator.formats.records import (
    CERTIFIED,
    MODEL,
    AnnotationRecord,
    CategoryRecord,
    Content,
    ImageRecord,
    LabelRows,
    PairRecord,
)
from annotator.services.background.running_import import refuse_running
from annotator.services.background.short_transactions import for_all
from annotator.services.background.subprocesses import Progress, nobody
from annotator.services.catalogue import hierarchy
from annotator.services.catalogue.lookup import CategoryNames
from annotator.services.catalogue.written_names import WrittenNames
from annotator.services.exchange.import_plan import NOT_EXHAUSTIVE
from annotator.services.knowledge.fills import Fill, row_of
from annotator.services.knowledge.open_pairs import settled_categories
from annotator.services.knowledge.suggestions import decided_columns
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    categories,
    images,
    imported_annotations,
    key_values,
    merges,
    picture_files,
)

CHUNK = 250
"""Images whose labels are in memory at a time."""

COCO_VALUES = ("coco.info", "coco.licenses", "coco.extra")
"""Where an imported file's top-level keys are kept."""


@dataclass(frozen=True)
class _Context:
    people: Mapping[int, str]
    shown: Mapping[int, Category]
    owners: Mapping[int, Category]
    """The category under which the annotations of a category come out; none if it is archived."""
    by_name: CategoryNames
    arrays: VersionArrays | None
    fills: list[Fill]
    parents: hierarchy.Parents
    names: WrittenNames


def give_ids(store: Store, on_progress: Progress = nobody) -> None:
    """Give what has no COCO id of its own yet the next free one, for good.

    That is every path, category and imported annotation. An id is never changed, so it does no
    harm if the work is broken off.

    Raises:
        ProjectBusy: If labels are imported, which may bring ids of their own.
    """
    with store.reading() as tx:
        paths = images.without_coco_id(tx)
        annotations = imported_annotations.without_own_id(tx)
        others = [c for c in categories.every(tx, archived=True) if c.coco_id is None]
    if others:
        with store.writing() as tx:
            refuse_running(tx)
            categories.give_coco_ids(tx)

    def give_paths(tx: Transaction, ids: Sequence[int]) -> None:
        refuse_running(tx)
        images.give_coco_ids(tx, ids)

    def give_annotations(tx: Transaction, ids: Sequence[int]) -> None:
        refuse_running(tx)
        imported_annotations.give_coco_ids(tx, ids)

    def tell(done: int, total: int) -> None:
        on_progress(done, total, "Assigning ids")

    for_all(store, paths, give_paths, on_progress=tell)
    for_all(store, annotations, give_annotations, on_progress=tell)


def lacks_ids(tx: Transaction) -> bool:
    """Return whether something came in since `give_ids`."""
    return bool(
        images.without_coco_id(tx)
        or imported_annotations.without_own_id(tx)
        or any(c.coco_id is None for c in categories.every(tx, archived=True))
    )


def label_rows(
    tx: Transaction,
    *,
    content: Content,
    subset: str,
    arrays: VersionArrays | None,
    info: Mapping[str, Any],
    fills: Sequence[Fill] = (),
    parents: hierarchy.Parents | None = None,
    on_progress: Progress = nobody,
) -> LabelRows:
    """Return everything an export holds; its images are read while they are written.

    Args:
        tx: A transaction that stays open until all is written.
        content: `completed` also lists what the version says about open pairs, `certified` what
            was filled in under a certificate.
        subset: `labelled` leaves out images without any known pair.
        arrays: The promoted version; needed for `completed`.
        info: Keys for COCO's `info` beside those of an imported file.
        fills: What is filled in under certificates; listed with `certified`.
        parents: Of the hierarchy: what follows from a label is taken from no fill and no version.
        on_progress: Called as images are read.
    """
    every = categories.every(tx, archived=True)
    context = _Context(
        people={a.id: a.name for a in annotators.every(tx)},
        shown={c.id: c for c in every if not c.archived},
        owners=owners(tx, every),
        by_name=CategoryNames(every),
        arrays=arrays if content == "completed" else None,
        fills=list(fills) if content == "certified" else [],
        parents=parents or {},
        names=WrittenNames(picture_files.every(tx), picture_files.roots(tx)),
    )
    old_info, licenses, extra = (key_values.get(tx, key) for key in COCO_VALUES)
    kept = {key: v for key, v in (old_info or {}).items() if key not in OWN_INFO_KEYS}
    return LabelRows(
        categories=tuple(
            CategoryRecord(
                name=c.name, supercategory=c.supercategory, coco_id=c.coco_id, extra=c.extra
            )
            for c in context.shown.values()
        ),
        images=_Images(lambda: _records(tx, context, subset, on_progress)),
        content=content,
        info={**kept, **info},
        licenses=tuple(licenses or ()),
        extra=extra or {},
        high_ids=imported_annotations.ids_from(tx, FIRST),
    )


def owners(tx: Transaction, every: Sequence[Category]) -> dict[int, Category]:
    """Return the category under which the annotations of each come out; none if it is archived."""
    by_id = {c.id: c for c in every}
    last = {i: by_id[target] for i, target in merges.read(tx).last_targets(by_id).items()}
    return {i: owner for i, owner in last.items() if not owner.archived}


class _Images:
    """Images that are read anew whenever somebody goes through them."""

    def __init__(self, read: Callable[[], Iterator[ImageRecord]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[ImageRecord]:
        return self._read()


def _records(
    tx: Transaction, context: _Context, subset: str, on_progress: Progress
) -> Iterator[ImageRecord]:
    done, total = 0, images.count(tx)
    for part in images.in_parts(tx, CHUNK):
        on_progress(done, total, "Reading labels")
        ids = [image.id for image in part]
        labels, paths = answers.labels_of(tx, ids), images.paths_of(tx, ids)
        boxes: dict[int, list[imported_annotations.ImportedAnnotation]] = defaultdict(list)
        path_ids = [path.id for found in paths.values() for path in found]
        for annotation in imported_annotations.of_paths(tx, path_ids):
            boxes[annotation.path_id].append(annotation)
        for image in part:
            own = [x for x in labels.get(image.id, []) if x.category_id in context.shown]
            if subset == "labelled" and not any(x.state for x in own):
                continue
            pairs = tuple(_pair(x, context) for x in own if x.state is not None)
            suggestions = tuple(_suggestions(image, own, context))
            for path in paths.get(image.id, []):
                yield _record(image, path, pairs, suggestions, boxes.get(path.id, ()), context)
        done += len(part)


def _record(
    image: Image,
    path: ImagePath,
    pairs: tuple[PairRecord, ...],
    suggestions: tuple[PairRecord, ...],
    boxes: Sequence[imported_annotations.ImportedAnnotation],
    context: _Context,
) -> ImageRecord:
    present = {pair.category for pair in pairs if pair.state is State.PRESENT}
    annotations = tuple(  # the format withholds those of pairs that are not present
        AnnotationRecord(category=owner.name, coco_id=a.coco_id, body=a.body)
        for a in boxes
        if (owner := context.owners.get(a.category_id)) is not None
    )
    extra = dict(path.extra)
    marked = extra.pop(NOT_EXHAUSTIVE, None)
    return ImageRecord(
        file_name=context.names.of(path.root, path.path),
        pairs=pairs,
        suggestions=suggestions,
        annotations=annotations,
        not_exhaustive=None if marked is None else _now_called(marked, present, context),
        width=image.width,
        height=image.height,
        coco_id=path.coco_id,
        extra=extra,
    )


def _now_called(names: Sequence[str], present: set[str], context: _Context) -> tuple[str, ...]:
    """Return the names, as an imported file had them, under which they come out now."""
    known = [context.by_name.find(name) for name in names]
    found = [context.owners.get(category.id) for category in known if category is not None]
    return tuple(dict.fromkeys(c.name for c in found if c is not None and c.name in present))


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
    """Yield the version's decision about every pair that it may decide."""
    if context.fills:
        yield from _filled(image, labels, context)
    if context.arrays is None:
        return
    settled = settled_categories(labels, context.parents)
    scores = context.arrays.image_scores(image.ordinal)  # (C,)
    bars, suggested = context.arrays.bars(scores), context.arrays.suggested(scores)
    decided = decided_columns(context.arrays) & ~np.isnan(scores)
    for category in context.shown.values():
        column = context.arrays.columns.get(category.ordinal)
        if category.id in settled or column is None or not decided[column]:
            continue
        yield PairRecord(
            category=category.name,
            state=State.PRESENT if suggested[column] else State.ABSENT,
            source=MODEL,
            score=round(float(bars[column]), 4),
        )


def _filled(image: Image, labels: Sequence[PairLabel], context: _Context) -> Iterator[PairRecord]:
    """Yield what is filled in for an image; a person's answer, and what follows from it, win."""
    settled = settled_categories(labels, context.parents)
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
