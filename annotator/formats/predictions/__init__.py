"""Files of scores that other programs gave to pairs: each format is a function from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotator.errors import FormatError, NotFound
from annotator.formats.json_documents import load_any
from annotator.formats.json_shapes import kind_of
from annotator.formats.notes import Notes
from annotator.formats.predictions import coco, label_studio, table
from annotator.formats.predictions.names import Names
from annotator.formats.predictions.records import PredictionFile, Scores

__all__ = ["FORMATS", "Names", "PredictionFile", "read"]

_JSON: dict[str, Callable[[Path, Any, Names, Notes], Scores]] = {
    "coco-results": coco.read_results,
    "coco": coco.read_annotations,
    "label-studio": label_studio.read,
}

FORMATS = (*_JSON, "csv")
"""Names of the formats; Open Images writes the last one."""

_JSON_ENDINGS = (".json",)
_TABLE_ENDINGS = (".csv", ".tsv", ".txt")


def read(path: Path, *, format: str | None = None, names: Path | None = None) -> PredictionFile:
    """Return the scores that a file holds.

    Args:
        path: The file.
        format: One of `FORMATS`; None: the ending and what is in the file decide.
        names: A file that says what its ids mean; see `Names.read`.

    Raises:
        FormatError: If the file cannot be used; names the file, the place and the cure.
        NotFound: If there is no such file.
    """
    if format is not None and format not in FORMATS:
        raise FormatError(f"unknown format {format!r}; known: {', '.join(FORMATS)}.")
    if not path.is_file():
        found_there = "is a folder" if path.is_dir() else "does not exist"
        raise NotFound(f"{path} {found_there}; name an existing file of scores.")
    ending = path.suffix.lower()
    if format is None and ending not in (*_JSON_ENDINGS, *_TABLE_ENDINGS):
        raise FormatError(
            f"{path}: the suffix {path.suffix!r} belongs to no known format; name one of "
            f"{', '.join(FORMATS)} with --format."
        )
    notes, known = Notes(), Names() if names is None else Names.read(names)
    if format == "csv" or (format is None and ending in _TABLE_ENDINGS):
        found = table.read(path, known, notes)
    else:
        document = load_any(path, notes)
        found = _JSON[format or _kind(path, document)](path, document, known, notes)
    return found.file(notes)


def _kind(path: Path, document: Any) -> str:
    """Return which of the JSON formats a document follows.

    Raises:
        FormatError: If it is none of them.
    """
    if isinstance(document, dict) and "images" in document and "annotations" in document:
        return "coco"
    first = document[0] if isinstance(document, list) and document else None
    if isinstance(first, dict) and "image_id" in first:
        return "coco-results"
    if isinstance(first, dict) and "data" in first:
        return "label-studio"
    what = "an empty list" if document == [] else kind_of(document)
    raise FormatError(
        f"{path}: this is {what} without scores that can be read; name COCO results, COCO "
        "annotations with 'score', a Label Studio export with predictions, or a CSV file."
    )
