"""Reads COCO results, and COCO annotations that have a score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annotator.errors import FormatError
from annotator.formats.coco_lists import read_categories, read_images
from annotator.formats.json_shapes import Row, kind_of, rows
from annotator.formats.notes import Notes
from annotator.formats.predictions.names import Names
from annotator.formats.predictions.records import Scores

_LACKING = "Entries without a score, left out"


def read_results(path: Path, document: Any, names: Names, notes: Notes) -> Scores:
    """Return the scores of a COCO results file: a list of `image_id`, `category_id`, `score`.

    Raises:
        FormatError: If it is no such list.
    """
    if not isinstance(document, list):
        raise FormatError(f"{path}: the top level is {kind_of(document)}, not a list of results.")
    found = Scores(path)
    for row in rows(path, {"results": document}, "results", notes):
        image, category = row.identifier("image_id"), row.identifier("category_id")
        _add(found, row, names.image(image), names.category(category))
    return found


def read_annotations(path: Path, document: Any, names: Names, notes: Notes) -> Scores:
    """Return the scores of a COCO annotation file whose annotations have a `score`.

    Raises:
        FormatError: If it is no COCO file, or an annotation is about what it does not list.
    """
    if not isinstance(document, dict):
        raise FormatError(f"{path}: the top level is {kind_of(document)}, not a COCO file.")
    del names  # the file has its own
    images = read_images(path, document, notes)
    categories = read_categories(path, document, notes)
    found = Scores(path)
    for draft in images.values():
        found.speaks_about(draft.file_name)
    for row in rows(path, document, "annotations", notes):
        image, category = row.identifier("image_id"), row.identifier("category_id")
        if image not in images:
            row.refuse("image_id", f"is {image!r}, which 'images' does not list")
        if category not in categories:
            row.refuse("category_id", f"is {category!r}, which 'categories' does not list")
        _add(found, row, images[image].file_name, categories[category].name)
    return found


def _add(found: Scores, row: Row, image: int | str, category: int | str) -> None:
    score = row.optional_number("score")
    if score is None:
        found.speaks_about(image)
        row.note("score", _LACKING)
        return
    found.add(image, category, float(score))
