"""What a label file would change in a project, worked out before anything is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import Category, ImagePath, Source, State
from annotator.errors import FormatError
from annotator.formats.records import (
    AnnotationRecord,
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
)
from annotator.services.catalogue.lookup import CategoryNames
from annotator.services.exchange.import_summary import EXAMPLES, ImportSummary, advice, first
from annotator.services.exchange.name_matching import Found, MatchedNames
from annotator.store.answers import LabelsByImage
from annotator.store.categories import NewCategory
from annotator.store.staged_imports import StagedAnnotation, StagedAnswer, StagedPath

NOT_EXHAUSTIVE = "not_exhaustive_category_names"
"""Key beside a path's unknown COCO keys that holds an imported LVIS mark."""


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """An import worked out: what is to be staged, and the names that its places stand for."""

    summary: ImportSummary
    new_categories: Sequence[NewCategory]
    category_ids: Mapping[int, int]
    """COCO ids for categories that have none yet, by category id."""
    categories: Sequence[str]
    people: Sequence[str]
    answers: Sequence[StagedAnswer]
    """By image id."""
    paths: Sequence[StagedPath]
    annotations: Sequence[StagedAnnotation]


class _Places:
    """A list of names, each with its place."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def of(self, name: str) -> int:
        return self._places.setdefault(name, len(self._places))

    def names(self) -> list[str]:
        return list(self._places)


class _Tally:
    """The answers of a file, and what a preview says about them."""

    def __init__(self, by_name: CategoryNames, labels: LabelsByImage, importer: str) -> None:
        self.answers: list[StagedAnswer] = []
        self.counts: Counter[str] = Counter()
        self.categories = _Places()
        self.people = _Places()
        self.contradictions: list[str] = []
        self._by_name = by_name
        self._found: dict[str, tuple[str, int | None]] = {}
        self._labels = labels
        self._importer = importer

    def add(self, image_id: int, records: Sequence[ImageRecord]) -> None:
        """Add what is said about an image, by one record for each of its files."""
        known = self._labels.of(image_id)
        contradicted = self._contradicted(records)
        found: dict[tuple[int, int, int], StagedAnswer] = {}
        told: set[str] = set()
        for pair in (pair for record in records for pair in record.pairs):
            name, category_id = self._category(pair.category)
            if name in contradicted:
                continue
            state, source = known.get(category_id, (None, None)) if category_id else (None, None)
            if state is pair.state:
                self.counts["known"] += name not in told
            elif source not in (None, Source.IMPORTED):
                self.counts["disagreements"] += name not in told
            else:
                answer = self._answer(image_id, name, pair)
                if found.setdefault(answer[:3], answer) is answer:
                    self.counts[pair.state.value] += 1
            told.add(name)
        self.answers += found.values()

    def _contradicted(self, records: Sequence[ImageRecord]) -> set[str]:
        """Return the categories that are called both present and absent; notes the first places."""
        said: dict[str, tuple[ImageRecord, PairRecord]] = {}
        found: set[str] = set()
        for record in records:
            for pair in record.pairs:
                name, _ = self._category(pair.category)
                first, before = said.setdefault(name, (record, pair))
                if before.state is pair.state or name in found:
                    continue
                found.add(name)
                self.counts["contradictions"] += 1
                if len(self.contradictions) < EXAMPLES:
                    self.contradictions.append(
                        f"{first.file_name!r} says that {before.category!r} is "
                        f"{before.state.value}, {record.file_name!r} that {pair.category!r} is "
                        f"{pair.state.value}"
                    )
        return found

    def _category(self, spelled: str) -> tuple[str, int | None]:
        """Return name and id of a category; no id if it is new."""
        if spelled not in self._found:
            category = self._by_name.find(spelled)
            self._found[spelled] = (category.name, category.id) if category else (spelled, None)
        return self._found[spelled]

    def _answer(self, image_id: int, category: str, pair: PairRecord) -> StagedAnswer:
        return StagedAnswer(
            self.people.of(pair.annotator or self._importer),
            image_id,
            self.categories.of(category),
            pair.state,
            _source(pair.source),
            pair.score,
        )


def plan_import(
    file: Path,
    format_name: str,
    content: LabelFile,
    names: MatchedNames,
    paths: Sequence[ImagePath],
    categories: Sequence[Category],
    labels: LabelsByImage,
    *,
    importer: str,
) -> ImportPlan:
    """Match a file's categories with a project's and see what is new.

    Args:
        file: For messages.
        format_name: For the summary.
        content: What the file says.
        names: Of its images, matched with the project's files.
        paths: Every image path of the project.
        categories: Every category, archived ones included.
        labels: The labels of the project.
        importer: In whose name answers without an annotator of their own are recorded.

    Raises:
        FormatError: If not a single image of the file can be told to be in the project.
    """
    matched = names.matched
    if not matched:
        raise FormatError(_about_other_images(file, names, paths))
    by_name = CategoryNames(categories)
    tally = _Tally(by_name, labels, importer)
    for image_id, records in _by_image(matched):
        tally.add(image_id, records)
    new, category_ids = _category_ids(content.categories, categories, by_name)
    annotations = list(_annotations(matched, tally.categories))
    return ImportPlan(
        summary=_summary(file, format_name, names, tally, new, len(annotations)),
        new_categories=new,
        category_ids=category_ids,
        categories=tally.categories.names(),
        people=tally.people.names(),
        answers=tally.answers,
        paths=list(_paths(matched, paths)),
        annotations=annotations,
    )


def _summary(
    file: Path,
    format_name: str,
    names: MatchedNames,
    tally: _Tally,
    new: Sequence[NewCategory],
    annotations: int,
) -> ImportSummary:
    return ImportSummary(
        file=str(file),
        format=format_name,
        images=names.listed,
        matched=len(names.matched),
        matched_by=names.inexact,
        root=names.root,
        folder=names.folder,
        unmatched=tuple(names.unmatched[:EXAMPLES]),
        unmatched_count=len(names.unmatched),
        ambiguous=tuple(names.ambiguous[:EXAMPLES]),
        ambiguous_count=len(names.ambiguous),
        to_decide=advice(names.by_root) if names.ambiguous else "",
        left_out=tuple(names.left_out[:EXAMPLES]),
        left_out_count=len(names.left_out),
        repeated=names.repeated,
        contradictions=tuple(tally.contradictions),
        contradiction_count=tally.counts["contradictions"],
        new_categories=tuple(c.name for c in new),
        present=tally.counts["present"],
        absent=tally.counts["absent"],
        already_known=tally.counts["known"],
        disagreements=tally.counts["disagreements"],
        suggestions=sum(len(record.suggestions) for record, _ in names.matched),
        annotations=annotations,
    )


def _by_image(matched: Found) -> Iterator[tuple[int, list[ImageRecord]]]:
    """Yield the records of each image, whose files may have several names, by image id."""
    records: dict[int, list[ImageRecord]] = defaultdict(list)
    for record, path in matched:
        assert path.image_id is not None  # what is matched holds an image
        records[path.image_id].append(record)
    yield from sorted(records.items())


def _category_ids(
    listed: Sequence[CategoryRecord], categories: Sequence[Category], by_name: CategoryNames
) -> tuple[list[NewCategory], dict[int, int]]:
    """Return the categories that are new, and ids for known ones that have none, where free."""
    taken = {c.coco_id for c in categories}
    new: list[NewCategory] = []
    ids: dict[int, int] = {}
    for record in listed:
        known = by_name.find(record.name)
        free = None if record.coco_id in taken else record.coco_id
        if known is None:
            new.append(NewCategory(record.name, record.supercategory, free, record.extra))
        elif free is None or known.coco_id is not None or known.id in ids:
            continue
        else:
            ids[known.id] = free
        taken.add(free)
    return new, ids


def _paths(matched: Found, paths: Sequence[ImagePath]) -> Iterator[StagedPath]:
    """Yield the ids and unknown keys that an export shall have again."""
    used = {p.coco_id for p in paths}
    changed: dict[int, StagedPath] = {}
    for record, path in matched:
        before = changed.get(path.id) or StagedPath(path.id, path.coco_id, dict(path.extra))
        extra = {**before.extra, **record.extra}
        present = [p.category for p in record.pairs if p.state is State.PRESENT]
        if record.not_exhaustive is not None and set(record.not_exhaustive) != set(present):
            extra[NOT_EXHAUSTIVE] = list(record.not_exhaustive)
        coco_id = before.coco_id
        if coco_id is None and record.coco_id not in used:
            coco_id = record.coco_id
            used.add(coco_id)
        if coco_id != before.coco_id or extra != before.extra:
            changed[path.id] = StagedPath(path.id, coco_id, extra)
    yield from changed.values()


def _annotations(matched: Found, places: _Places) -> Iterator[StagedAnnotation]:
    before: dict[int, list[AnnotationRecord]] = {}
    for record, path in matched:
        told = before.get(path.id, [])  # the same boxes in another spelling of the name
        new = [a for a in record.annotations if not any(_same(a, b) for b in told)]
        before[path.id] = [*told, *new]
        for a in new:
            yield StagedAnnotation(path.id, places.of(a.category), a.coco_id, dict(a.body))


def _same(one: AnnotationRecord, other: AnnotationRecord) -> bool:
    return one.category == other.category and one.body == other.body


def _source(name: str | None) -> Source:
    try:
        return Source(name or "imported")
    except ValueError:
        return Source.IMPORTED


def _about_other_images(file: Path, names: MatchedNames, paths: Sequence[ImagePath]) -> str:
    if not names.listed:
        return f"{file} lists no image; there is nothing to import."
    example = next((p.path for p in paths if p.image_id is not None), "")
    reasons = []
    if names.ambiguous:
        reasons.append(f"{first(names.ambiguous)}; {advice(names.by_root)}")
    if names.left_out:
        told = f"{first(names.left_out)}; name images as this project does, such as {example!r}"
        reasons.append(told)
    if reasons:
        return f"{file}: no name in it leads to an image of its own: {'; '.join(reasons)}."
    return (
        f"{file} is about other images: none of its {names.listed} file names, such as "
        f"{names.unmatched[0]!r}, is in this project, whose names look like {example!r}."
    )
