"""Checks a label file the way its consumers use it."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycocotools.coco import COCO

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import LabelFile, format_for
from annotator.formats.coco_profile import (
    ANNOTATION_TYPE,
    CERTIFICATES,
    NEGATIVE,
    NOT_EXHAUSTIVE,
    POSITIVE,
    TABLE,
)
from annotator.formats.coco_reading import read_document
from annotator.formats.json_documents import load
from annotator.formats.json_shapes import identifier, is_finite
from annotator.formats.notes import Notes
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.formats.records import CERTIFIED, MODEL

_SHOWN = 20
_LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What is in a label file and what is wrong with it."""

    problems: tuple[str, ...] = ()
    """One sentence each; at most twenty of a kind."""
    images: int = 0
    categories: int = 0
    annotations: int = 0
    present: int = 0
    absent: int = 0
    suggestions: int = 0
    notes: tuple[str, ...] = ()
    """What is unusual in the file and would be read all the same."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def validate(path: Path, name: str | None = None, options: ReadOptions = DEFAULTS) -> Validation:
    """Check a label file and count what is in it.

    A COCO file is loaded with pycocotools, every annotation has what consumers need, and all
    places that speak about a pair agree. A CSV file is read.

    Args:
        path: The file.
        name: Format; None: by the file's ending.
        options: What decides where the file could be read in two ways.

    Raises:
        FormatError: If no format fits the file's ending.
        NotFound: If there is no such file.
    """
    chosen = format_for(path, name)
    try:
        if chosen.name != "coco":
            return _counted(chosen.read(path, options), ())
        notes = Notes()
        document = load(path, notes)
        labels = read_document(path, document, options, notes)
    except FormatError as error:
        return Validation(problems=(str(error),))
    checks = (
        _annotation_problems(document),
        _loading_problems(document),
        _key_problems(document),
        _table_problems(document),
        _info_problems(document, labels),
    )
    problems = tuple(f"{path}: {problem}" for check in checks for problem in _first(check))
    return _counted(labels, problems, len(document.get("annotations") or ()))


def _counted(labels: LabelFile, problems: tuple[str, ...], annotations: int = 0) -> Validation:
    states = [pair.state for image in labels.images for pair in image.pairs]
    present = states.count(State.PRESENT)
    return Validation(
        problems=problems,
        images=len(labels.images),
        categories=len(labels.categories),
        annotations=annotations,
        present=present,
        absent=len(states) - present,
        suggestions=sum(1 for _ in labels.suggestions),
        notes=labels.notes,
    )


def _first(problems: Iterable[str]) -> Iterator[str]:
    more = 0
    for number, problem in enumerate(problems):
        if number < _SHOWN:
            yield problem
        else:
            more += 1
    if more:
        yield f"and {more} more like the last one."


def _annotation_problems(document: dict[str, Any]) -> Iterator[str]:
    seen: dict[Any, int] = {}
    for index, row in enumerate(document.get("annotations") or ()):
        where = f"annotations[{index}]"
        for key in ("id", "bbox", "area", "iscrowd"):
            if row.get(key) is None:
                yield f"{where}.{key} is missing; importing and exporting adds it."
        number = identifier(row.get("id"))
        first = seen.setdefault(number, index)
        if number is not None and first != index:
            yield f"{where}.id is {number}, as in annotations[{first}]; give each its own."
        box = row.get("bbox")
        if isinstance(box, list) and len(box) == 4:
            yield from _box_problems(where, box)
        area = row.get("area")
        if area is not None and (not is_finite(area) or area < 0):
            yield f"{where}.area must be a number from 0 on, got {area!r}."
        crowd = row.get("iscrowd")
        if crowd is not None and (type(crowd) is not int or crowd not in (0, 1)):
            yield (
                f"{where}.iscrowd must be 0 or 1, got {crowd!r}; importing and exporting mends it."
            )


def _box_problems(where: str, box: list[Any]) -> Iterator[str]:
    if not all(map(is_finite, box)):
        yield f"{where}.bbox holds numbers in quotes; importing and exporting mends it."
    elif min(box[2:]) < 0:
        yield f"{where}.bbox has a negative size; write [x, y, width, height]."


def _loading_problems(document: dict[str, Any]) -> Iterator[str]:
    """Load the file as its most common consumer does, and ask what that finds."""
    rows = document.get("annotations") or ()
    if any("id" not in row or not is_finite(row.get("area")) for row in rows):
        return
    coco = COCO()
    coco.dataset = {**document, **{key: document.get(key) or [] for key in _LISTS}}
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    images, listed = coco.getImgIds(), document["images"] or ()
    if len(images) != len(listed):
        yield f"pycocotools finds {len(images)} of {len(listed)} images."
    found = coco.getAnnIds(imgIds=images, areaRng=[-1, math.inf])
    if len(found) != len(rows):
        yield f"pycocotools finds {len(found)} of {len(rows)} annotations."
    if len(coco.loadAnns(found)) != len(found):
        yield "pycocotools cannot load every annotation that it finds."


def _key_problems(document: dict[str, Any]) -> Iterator[str]:
    """Compare the LVIS keys of each image with the annotations."""
    boxed: dict[Any, set[Any]] = {}
    for row in document.get("annotations") or ():
        image, category = identifier(row["image_id"]), identifier(row["category_id"])
        boxed.setdefault(image, set()).add(category)
    ours = (document.get("info") or {}).get("annotation_type") == ANNOTATION_TYPE
    for index, row in enumerate(document["images"] or ()):
        where = f"images[{index}] ({row.get('file_name')!r})"
        lacking = [key for key in (POSITIVE, NEGATIVE, NOT_EXHAUSTIVE) if key not in row]
        if lacking and ours:
            yield f"{where} lacks {', '.join(lacking)}; export the file again."
        present, absent = _ids(row, POSITIVE), _ids(row, NEGATIVE)
        annotated = boxed.get(identifier(row["id"]), set())
        for number in sorted(absent & (present | annotated), key=str):
            yield f"{where} says that category {number} is both present and absent; keep one."
        if ours and not lacking and present != annotated:
            numbers = ", ".join(sorted(map(str, present ^ annotated)))
            yield f"{where}: {POSITIVE} and the annotations differ in categories {numbers}."


def _ids(row: dict[str, Any], key: str) -> set[Any]:
    return {identifier(value) for value in row.get(key) or ()}


def _table_problems(document: dict[str, Any]) -> Iterator[str]:
    """Compare the table of pairs with the LVIS keys, both ways."""
    table = document.get(TABLE)
    if table is None:
        return
    told: dict[State, set[tuple[Any, Any]]] = {State.PRESENT: set(), State.ABSENT: set()}
    for row in table:
        pair = identifier(row["image_id"]), identifier(row["category_id"])
        told[State(row["state"])].add(pair)
    for state, key in ((State.PRESENT, POSITIVE), (State.ABSENT, NEGATIVE)):
        listed = {
            (identifier(row["id"]), number)
            for row in document["images"] or ()
            for number in _ids(row, key)
        }
        for image, category in sorted(told[state] ^ listed, key=str):
            one, other = (TABLE, key) if (image, category) in told[state] else (key, TABLE)
            yield (
                f"{one} says that category {category} is {state} in image {image}, {other} does "
                "not; export the file again."
            )


def _info_problems(document: dict[str, Any], labels: LabelFile) -> Iterator[str]:
    info = document.get("info") or {}
    sources = {pair.source for _, pair in labels.suggestions}
    covered = bool(info.get(CERTIFICATES))
    if CERTIFIED in sources and not covered:
        yield f"info.{CERTIFICATES} must list the certificates of pairs with source 'certified'."
    elif labels.content == "certified" and info.get("certified") and not covered:
        yield f"info.certified must be false where info.{CERTIFICATES} lists no certificate."
    if MODEL not in sources:
        return
    if info.get("certified") is not False:
        yield f"info.certified must be false where pairs have source '{MODEL}'."
    words = f"{info.get('description', '')} {info.get('content_note', '')}"
    if "uncertified" not in words:
        yield f"info.content_note must say 'uncertified' where pairs have source '{MODEL}'."
