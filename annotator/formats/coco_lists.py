"""Reads the lists of a COCO file that others refer to: its categories and its images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from annotator.domain import State, name_key
from annotator.formats.coco_profile import (
    ANNOTATED_SIZE,
    ANNOTATION_TYPE,
    CATEGORY_KEYS,
    IMAGE_KEYS,
    NEGATIVE,
    NOT_EXHAUSTIVE,
    ORIGINAL_ID,
    POSITIVE,
    TABLE,
    WITHHELD,
)
from annotator.formats.json_shapes import Identifier, Row, rows
from annotator.formats.notes import Notes
from annotator.formats.records import (
    NOT_BY_PEOPLE,
    AnnotationRecord,
    CategoryRecord,
    ImageRecord,
    PairRecord,
)

_ADDRESSES = ("coco_url", "flickr_url", "path", "url")
"""Keys that name the file of an image where `file_name` does not, in the order of trust."""
_NO_GROUP = ("", "none")


class Draft:
    """One image while the sections of the file add to it."""

    __slots__ = (
        "annotations",
        "file_name",
        "labels",
        "not_exhaustive",
        "number",
        "rows",
        "settled",
    )

    def __init__(self, row: Row, number: Identifier, file_name: str) -> None:
        self.number = number
        self.rows = [row]
        """What lists it; more than one where a file lists it twice."""
        self.file_name = file_name
        self.labels: dict[str, PairRecord] = {}
        self.settled: frozenset[str] = frozenset()
        self.annotations: list[AnnotationRecord] = []
        self.not_exhaustive: list[str] | None = None

    def record(self, meant: Mapping[str, PairRecord]) -> ImageRecord:
        """Return the image with everything that was added; `meant` is what silence means."""
        pairs = [pair for pair in self.labels.values() if pair.source not in NOT_BY_PEOPLE]
        pairs.extend(pair for name, pair in meant.items() if name not in self.labels)
        present = {name for name, pair in self.labels.items() if pair.state is State.PRESENT}
        partly = self.not_exhaustive
        if partly is not None and set(partly) == present:
            partly = None
        row = self.rows[0]
        number, original = kept_id(row, self.number)
        return ImageRecord(
            file_name=self.file_name,
            pairs=tuple(pairs),
            suggestions=tuple(p for p in self.labels.values() if p.source in NOT_BY_PEOPLE),
            annotations=tuple(self.annotations),
            not_exhaustive=None if partly is None else tuple(dict.fromkeys(partly)),
            width=row.pixels("width"),
            height=row.pixels("height"),
            coco_id=number,
            extra=row.without(IMAGE_KEYS) | original,
        )


def kept_id(row: Row, found: Identifier | None) -> tuple[int | None, dict[str, str]]:
    """Return the id of an object, if it is a number; else None and the key that keeps the text."""
    if not isinstance(found, str):
        return found, {}
    row.note("id", f"Ids that are no whole numbers, kept as '{ORIGINAL_ID}' beside new ones")
    return None, {ORIGINAL_ID: found}


def read_images(path: Path, document: dict[str, Any], notes: Notes) -> dict[Identifier, Draft]:
    """Return the images of a file by id; an image that is listed twice has both.

    Raises:
        FormatError: If two images have one id, or one has no name.
    """
    drafts: dict[Identifier, Draft] = {}
    by_name: dict[str, Draft] = {}
    for row in rows(path, document, "images", notes):
        number, name = row.identifier("id"), _file_name(row)
        if row.values.get(ANNOTATED_SIZE):
            row.note("", f"Images whose boxes fit another size, given as '{ANNOTATED_SIZE}'")
        other, draft = drafts.get(number), by_name.get(name)
        if other is not None and other is not draft:
            row.refuse(
                "id",
                f"is {number!r}, as in {other.rows[0].place()}, which is {other.file_name!r} and "
                f"not {name!r}; give each image its own id",
            )
        if draft is None:
            draft = by_name[name] = Draft(row, number, name)
        else:
            row.note("file_name", "Images listed again under the same name, read as one")
            draft.rows.append(row)
        drafts[number] = draft
    return drafts


def _file_name(row: Row) -> str:
    name = row.values.get("file_name")
    if name is not None and not (isinstance(name, str) and not name.strip()):
        return row.text("file_name")
    for key in _ADDRESSES:
        address = row.values.get(key)
        if isinstance(address, str) and address.strip():
            found = _name_in(address.strip())
            if found:
                row.note(key, "Images without 'file_name', named by another key")
                return found
    return row.text("file_name")


def _name_in(address: str) -> str:
    """Return the file name in a web address; a path is one as it stands.

    >>> _name_in("https://images.example/train/a%20b.jpg?size=large"), _name_in("train/a.jpg")
    ('a b.jpg', 'train/a.jpg')
    """
    if "://" not in address:
        return address
    try:
        return unquote(urlsplit(address).path.rpartition("/")[2])
    except ValueError:
        return ""


def read_categories(
    path: Path, document: dict[str, Any], notes: Notes
) -> dict[Identifier, CategoryRecord]:
    """Return the categories of a file by id; two ids may stand for one.

    Raises:
        FormatError: If two categories have one id, or one name and different meanings.
    """
    return _Categories(path, document, notes).read()


class _Categories:
    def __init__(self, path: Path, document: dict[str, Any], notes: Notes) -> None:
        self._path = path
        self._document = document
        self._notes = notes
        self._rows: dict[Identifier, Row] = {}

    def read(self) -> dict[Identifier, CategoryRecord]:
        by_name: dict[str, list[Identifier]] = defaultdict(list)
        for row in rows(self._path, self._document, "categories", self._notes):
            number = row.identifier("id")
            name = name_key(row.text("name"))
            first = self._rows.setdefault(number, row)
            if first is row:
                by_name[name].append(number)
            elif name_key(first.text("name")) != name:
                row.refuse("id", f"is {number!r}, as in {first.place()}; give each its own")
            else:
                row.note("", "Categories listed again, read once")
        group = self._unused_group()
        records: dict[Identifier, CategoryRecord] = {}
        for numbers in by_name.values():
            kept = self._told_apart([n for n in numbers if n != group])
            for number in kept:
                records[number] = records[kept[0]] if number != kept[0] else self._record(number)
        return {number: records[number] for number in self._rows if number in records}

    def _told_apart(self, numbers: list[Identifier]) -> list[Identifier]:
        """Return which ids of one name count: those in use, if they mean the same."""
        if len(numbers) < 2:
            return numbers
        used = [number for number in numbers if number in self._used] or numbers[:1]
        for number in numbers:
            if number not in used:
                self._rows[number].note(
                    "", "Categories that nothing uses and whose name another has, left out"
                )
        groups = {_group(self._rows[number]) for number in used}
        if len(groups - set(_NO_GROUP)) > 1:
            first, second = self._rows[used[0]], self._rows[used[1]]
            second.refuse(
                "name",
                f"is {second.text('name').strip()!r}, as in {first.place()}, but their "
                "supercategories differ; rename one, or give both the same supercategory",
            )
        for number in used[1:]:
            self._rows[number].note("", "Categories whose name another has, read as one with it")
        return used

    def _record(self, number: Identifier) -> CategoryRecord:
        row = self._rows[number]
        coco_id, original = kept_id(row, number)
        return CategoryRecord(
            name=row.text("name").strip(),
            supercategory=row.optional_text("supercategory") or "",
            coco_id=coco_id,
            extra=row.without(CATEGORY_KEYS) | original,
        )

    def _unused_group(self) -> Identifier | None:
        """Return the id of the category that only names the set, as Roboflow writes it.

        It has the id 0 and the supercategory `none`, other categories have theirs, and nothing in
        the file uses it. Files of this program have no such thing.
        """
        row = self._rows.get(0)
        if row is None or row.values.get("supercategory") != "none" or self._ours:
            return None
        groups = {_group(other) for number, other in self._rows.items() if number != 0}
        stands_over = row.text("name").strip() in groups or not groups.intersection(_NO_GROUP)
        if not groups or not stands_over or 0 in self._used:
            return None
        self._notes.say(
            f"The category {row.text('name').strip()!r} only names the set and is left out."
        )
        return 0

    @property
    def _ours(self) -> bool:
        info = self._document.get("info")
        return isinstance(info, dict) and info.get("annotation_type") == ANNOTATION_TYPE

    @cached_property
    def _used(self) -> set[Identifier]:
        """The ids of categories that anything in the file refers to."""
        found: set[Identifier] = set()
        for section in ("annotations", WITHHELD, TABLE):
            for row in rows(self._path, self._document, section, Notes()):
                found.add(row.identifier("category_id"))
        for row in rows(self._path, self._document, "images", Notes()):
            for key in (POSITIVE, NEGATIVE, NOT_EXHAUSTIVE):
                found.update(row.identifiers(key))
        return found


def _group(row: Row) -> str:
    return (row.optional_text("supercategory") or "").strip()
