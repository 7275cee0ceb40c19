"""Label files in and out: each format is a pair of functions between a file and records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from annotator.errors import FormatError
from annotator.formats import coco_reading, coco_writing, csv_labels, csv_reading
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.formats.records import (
    MODEL,
    AnnotationRecord,
    CategoryRecord,
    Content,
    ImageRecord,
    LabelFile,
    LabelRows,
    PairRecord,
)

__all__ = [
    "FORMATS",
    "MODEL",
    "AnnotationRecord",
    "CategoryRecord",
    "Format",
    "ImageRecord",
    "LabelFile",
    "LabelRows",
    "PairRecord",
    "ReadOptions",
    "format_for",
    "register",
]


class Read(Protocol):
    """Turns a file into records."""

    def __call__(self, path: Path, options: ReadOptions = DEFAULTS) -> LabelFile:
        """Return what the file says; the options decide where it could be read in two ways."""


class Write(Protocol):
    """Turns records into a file."""

    def __call__(self, labels: LabelRows, path: Path) -> list[Path]:
        """Write the file, whole or not at all, and return what was written."""


class Unwritable(Protocol):
    """Tells beforehand what a format has no place for."""

    def __call__(self, content: Content, names: Sequence[str]) -> str:
        """Return why labels of these categories cannot be written, or an empty text."""


@dataclass(frozen=True)
class Format:
    """One way to keep labels in a file."""

    name: str
    suffixes: tuple[str, ...]
    """Endings of its files, in lower case."""
    read: Read
    write: Write
    unwritable: Unwritable


FORMATS: dict[str, Format] = {}
"""Every known format by name."""


def register(new: Format) -> None:
    """Add a format.

    Raises:
        ValueError: If a format of that name or ending exists.
    """
    taken = {suffix for known in FORMATS.values() for suffix in known.suffixes}
    if new.name in FORMATS or taken.intersection(new.suffixes):
        raise ValueError(f"format {new.name!r} or one of its suffixes is already registered")
    FORMATS[new.name] = new


def format_for(path: Path, name: str | None = None) -> Format:
    """Return the format with this name, or the one that the file's ending calls for.

    Raises:
        FormatError: If there is none; the message lists the known ones.
    """
    if name is not None:
        if name not in FORMATS:
            raise FormatError(f"unknown format {name!r}; known: {', '.join(sorted(FORMATS))}.")
        return FORMATS[name]
    for known in FORMATS.values():
        if path.suffix.lower() in known.suffixes:
            return known
    endings = ", ".join(f"{f.name} ({' '.join(f.suffixes)})" for f in FORMATS.values())
    raise FormatError(
        f"{path}: the suffix {path.suffix!r} belongs to no known format; known: {endings}. Name "
        "the format with --format."
    )


register(Format("coco", (".json",), coco_reading.read, coco_writing.write, coco_writing.unwritable))
register(
    Format(
        "csv", (".csv", ".tsv", ".txt"), csv_reading.read, csv_labels.write, csv_labels.unwritable
    )
)
