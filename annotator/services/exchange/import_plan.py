"""What a label file would change in a project, worked out before anything is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annotator.domain import Category, ImagePath, Source, State
from annotator.errors import FormatError
from annotator.formats.records import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.services.catalogue.lookup import CategoryNames, PathNames
from annotator.store.answers import LabelsByImage
from annotator.store.categories import NewCategory
from annotator.store.staged_imports import StagedAnnotation, StagedAnswer, StagedPath

NOT_EXHAUSTIVE = "not_exhaustive_category_names"
"""Key beside a path's unknown COCO keys that holds an imported LVIS mark."""

EXAMPLES = 10
"""Unmatched names that a preview shows."""

Matched = Sequence[tuple[ImageRecord, ImagePath]]


@dataclass(frozen=True, kw_only=True)
class ImportSummary:
    """What an import does, or would do."""

    file: str
    format: str
    images: int
    """Images that the file lists."""
    matched: int
    unmatched: tuple[str, ...]
    """The first names that no picture of the project has."""
    unmatched_count: int
    new_categories: tuple[str, ...]
    present: int
    """Pairs that become present."""
    absent: int
    """Pairs that become absent."""
    already_known: int
    """Pairs whose label is the same already."""
    disagreements: int
    """Pairs that people of this project answered otherwise; their answers stay."""
    suggestions: int
    """Pairs that a model filled in; never imported as labels."""
    annotations: int
    """Boxes and the like, kept for export."""
    archived: tuple[str, ...] = ()
    """Of each archived category that the file names, a sentence that says where its labels are."""
    applied: int = 0
    """Pairs that were changed; 0 in a preview."""

    def row(self) -> dict[str, object]:
        """Return the summary as JSON."""
        values = asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ImportSummary:
        """Return the summary of which `row` was made."""
        names = {name: tuple(row[name]) for name in ("unmatched", "new_categories", "archived")}
        return cls(**{**row, **names})

    def text(self) -> str:
        """Return the summary as sentences."""
        lines = [
            f"{self.file}: {self.matched} of {self.images} listed images found, {self.present} "
            f"pairs present, {self.absent} absent, {self.already_known} already known"
        ]
        if self.unmatched_count:
            names = ", ".join(repr(n) for n in self.unmatched[:3])
            lines.append(f"{self.unmatched_count} images are not in the project, such as {names}")
        if self.disagreements:
            lines.append(f"{self.disagreements} pairs keep the answers of people in this project")
        if self.suggestions:
            lines.append(f"{self.suggestions} pairs filled in by a model were not taken as labels")
        if self.annotations:
            lines.append(f"{self.annotations} boxes are kept for export")
        lines += self.archived
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """An import worked out: what is to be staged, and the names that its places stand for."""

    summary: ImportSummary
    new_categories: Sequence[NewCategory]
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
        self._by_name = by_name
        self._labels = labels
        self._importer = importer

    def add(self, image_id: int, records: Sequence[ImageRecord]) -> None:
        """Add what is said about an image, by one record for each of its files."""
        known = self._labels.of(image_id)
        seen: dict[str, State] = {}
        found: dict[tuple[int, int, int], StagedAnswer] = {}
        for pair in (pair for record in records for pair in record.pairs):
            category = self._by_name.find(pair.category)
            name = category.name if category else pair.category
            state, source = known.get(category.id, (None, None)) if category else (None, None)
            if seen.setdefault(name, pair.state) is not pair.state:
                self.counts["disagreements"] += 1
            elif state is pair.state:
                self.counts["known"] += 1
            elif source not in (None, Source.IMPORTED):
                self.counts["disagreements"] += 1
            else:
                answer = self._answer(image_id, name, pair)
                if found.setdefault(answer[:3], answer) is answer:
                    self.counts[pair.state.value] += 1
        self.answers += found.values()

    def _answer(self, image_id: int, category: str, pair: PairRecord) -> StagedAnswer:
        source = _source(pair.source)
        by_file = source is Source.IMPORTED
        person = self._importer if by_file else pair.annotator or self._importer
        return StagedAnswer(
            self.people.of(person),
            image_id,
            self.categories.of(category),
            pair.state,
            source,
            pair.score,
        )


def plan_import(
    file: Path,
    format_name: str,
    content: LabelFile,
    paths: Sequence[ImagePath],
    categories: Sequence[Category],
    labels: LabelsByImage,
    *,
    importer: str,
) -> ImportPlan:
    """Match a file's images and categories with a project's and see what is new.

    Args:
        file: For messages.
        format_name: For the summary.
        content: What the file says.
        paths: Every image path of the project.
        categories: Every category, archived ones included.
        labels: The labels of the project.
        importer: In whose name answers without an annotator of their own are recorded.

    Raises:
        FormatError: If not a single image of the file is in the project.
    """
    by_path = PathNames(paths)
    found = [(record, by_path.find(record.file_name)) for record in content.images]
    matched = [(record, path) for record, path in found if path is not None]
    unmatched = [record.file_name for record, path in found if path is None]
    if not matched:
        raise FormatError(_about_other_images(file, unmatched, paths))
    by_name = CategoryNames(categories)
    tally = _Tally(by_name, labels, importer)
    for image_id, records in _by_image(matched):
        tally.add(image_id, records)
    new = [c for c in content.categories if not by_name.find(c.name)]
    annotations = list(_annotations(matched, tally.categories))
    summary = ImportSummary(
        file=str(file),
        format=format_name,
        images=len(content.images),
        matched=len(matched),
        unmatched=tuple(unmatched[:EXAMPLES]),
        unmatched_count=len(unmatched),
        new_categories=tuple(c.name for c in new),
        present=tally.counts["present"],
        absent=tally.counts["absent"],
        already_known=tally.counts["known"],
        disagreements=tally.counts["disagreements"],
        suggestions=sum(len(record.suggestions) for record, _ in matched),
        annotations=len(annotations),
    )
    return ImportPlan(
        summary=summary,
        new_categories=_with_free_ids(new, categories),
        categories=tally.categories.names(),
        people=tally.people.names(),
        answers=tally.answers,
        paths=list(_paths(matched, paths)),
        annotations=annotations,
    )


def _by_image(matched: Matched) -> Iterator[tuple[int, list[ImageRecord]]]:
    """Yield the records of each image, whose files may have several names, by image id."""
    records: dict[int, list[ImageRecord]] = defaultdict(list)
    for record, path in matched:
        assert path.image_id is not None  # PathNames keeps only paths that hold an image
        records[path.image_id].append(record)
    yield from sorted(records.items())


def _with_free_ids(
    new: Sequence[CategoryRecord], categories: Sequence[Category]
) -> list[NewCategory]:
    taken = {c.coco_id for c in categories}
    return [
        NewCategory(
            name=c.name,
            supercategory=c.supercategory,
            coco_id=None if c.coco_id in taken else c.coco_id,
            extra=c.extra,
        )
        for c in new
    ]


def _paths(matched: Matched, paths: Sequence[ImagePath]) -> Iterator[StagedPath]:
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


def _annotations(matched: Matched, places: _Places) -> Iterator[StagedAnnotation]:
    for record, path in matched:
        for a in record.annotations:
            yield StagedAnnotation(path.id, places.of(a.category), a.coco_id, dict(a.body))


def _source(name: str | None) -> Source:
    try:
        return Source(name or "imported")
    except ValueError:
        return Source.IMPORTED


def _about_other_images(file: Path, unmatched: Sequence[str], paths: Sequence[ImagePath]) -> str:
    if not unmatched:
        return f"{file} lists no image; there is nothing to import."
    example = next((p.path for p in paths if p.image_id is not None), "")
    return (
        f"{file} is about other images: none of its {len(unmatched)} file names, such as "
        f"{unmatched[0]!r}, is in this project, whose names look like {example!r}."
    )
