"""What a label file would change in a project, worked out before anything is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotator.domain import Category, Change, ImagePath, PairLabel, Source, State
from annotator.errors import FormatError
from annotator.formats.records import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.services.catalog import CategoryNames, PathNames

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
    applied: int = 0
    """Pairs that were changed; 0 in a preview."""

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def text(self) -> str:
        """Return the summary as sentences."""
        lines = [
            f"{self.file}: {self.matched} of {self.images} listed images found, "
            f"{self.present} pairs present, {self.absent} absent, "
            f"{self.already_known} known already"
        ]
        if self.unmatched_count:
            names = ", ".join(repr(n) for n in self.unmatched[:3])
            lines.append(f"{self.unmatched_count} images are not in the project, such as {names}")
        if self.disagreements:
            lines.append(f"{self.disagreements} pairs keep what people of this project said")
        if self.suggestions:
            lines.append(f"{self.suggestions} pairs filled in by a model were not taken as labels")
        if self.annotations:
            lines.append(f"{self.annotations} boxes are kept for export")
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """An import worked out; `changes_by_name` still speaks of categories by name."""

    summary: ImportSummary
    matched: Matched
    new_categories: Sequence[CategoryRecord]
    pairs: Sequence[tuple[int, PairRecord]]
    """`(image id, pair)` of everything to be recorded."""


@dataclass
class _Tally:
    pairs: list[tuple[int, PairRecord]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    seen: dict[tuple[int, str], State] = field(default_factory=dict)


def plan_import(
    file: Path,
    format_name: str,
    content: LabelFile,
    paths: Sequence[ImagePath],
    categories: Sequence[Category],
    labels: Mapping[int, Sequence[PairLabel]],
) -> ImportPlan:
    """Match a file's images and categories with a project's and see what is new.

    Args:
        file: For messages.
        format_name: For the summary.
        content: What the file says.
        paths: Every image path of the project.
        categories: Every category, archived ones included.
        labels: The labels of the project by image id.

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
    tally = _Tally()
    known = {(i, x.category_id): x for i, rows in labels.items() for x in rows}
    for record, path in matched:
        assert path.image_id is not None  # PathNames keeps only paths that hold an image
        _add_pairs(tally, record, path.image_id, by_name, known)
    summary = ImportSummary(
        file=str(file),
        format=format_name,
        images=len(content.images),
        matched=len(matched),
        unmatched=tuple(unmatched[:EXAMPLES]),
        unmatched_count=len(unmatched),
        new_categories=tuple(c.name for c in content.categories if not by_name.find(c.name)),
        present=tally.counts["present"],
        absent=tally.counts["absent"],
        already_known=tally.counts["known"],
        disagreements=tally.counts["disagreements"],
        suggestions=sum(len(record.suggestions) for record, _ in matched),
        annotations=sum(len(record.annotations) for record, _ in matched),
    )
    new = [c for c in content.categories if not by_name.find(c.name)]
    return ImportPlan(summary=summary, matched=matched, new_categories=new, pairs=tally.pairs)


def _add_pairs(
    tally: _Tally,
    record: ImageRecord,
    image_id: int,
    by_name: CategoryNames,
    known: Mapping[tuple[int, int], PairLabel],
) -> None:
    for pair in record.pairs:
        earlier = tally.seen.setdefault((image_id, pair.category), pair.state)
        category = by_name.find(pair.category)
        label = known.get((image_id, category.id)) if category else None
        if earlier is not pair.state:  # two files with the same picture, labelled differently
            tally.counts["disagreements"] += 1
        elif label is not None and label.state is pair.state:
            tally.counts["known"] += 1
        elif label is not None and label.source is not Source.IMPORTED:
            tally.counts["disagreements"] += 1
        elif (image_id, pair) not in tally.pairs[-1:]:
            tally.counts[pair.state.value] += 1
            tally.pairs.append((image_id, pair))


def changes_by_annotator(
    plan: ImportPlan, categories: Sequence[Category], importer: str
) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """Yield, for each name in which answers are recorded, the changes in that name."""
    by_name = CategoryNames(categories)
    groups: dict[str, dict[tuple[int, int], Change]] = defaultdict(dict)
    for image_id, pair in plan.pairs:
        category = by_name.get(pair.category)
        source = _source(pair.source)
        person = importer if source is Source.IMPORTED else pair.annotator or importer
        groups[person][image_id, category.id] = Change(
            image_id=image_id,
            category_id=category.id,
            state=pair.state,
            source=source,
            score=pair.score,
        )
    for person, changes in groups.items():
        yield person, tuple(changes.values())


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
