"""Which files an export writes, and for which program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from annotator.errors import FormatError, NotFound
from annotator.formats import FORMATS, Format
from annotator.formats.records import Content, LabelRows

FILE_STEMS = {"answered": "labels", "certified": "certified", "completed": "completed"}
CONSUMERS = ("datumaro",)
"""Programs that find files only under names of their own."""


def of(
    out: Path, formats: Sequence[str], content: Content, subset: str, consumer: str | None
) -> list[tuple[Format, Path]]:
    """Return each format with the file to write."""
    for name in formats:
        if name not in FORMATS:
            raise NotFound(f"There is no format {name!r}; known: {', '.join(sorted(FORMATS))}.")
    if consumer is None:
        stem = FILE_STEMS[content]
        chosen = [FORMATS[name] for name in formats]
        return [(f, out / f"{stem}_{subset}{f.suffixes[0]}") for f in chosen]
    if consumer not in CONSUMERS:
        raise NotFound(f"There is no --for {consumer!r}; known: {', '.join(CONSUMERS)}.")
    if list(formats) != ["coco"]:
        raise NotFound(f"--for {consumer} writes COCO only; leave --format out.")
    # Datumaro finds `annotations/instances_SUBSET.json` and nothing else.
    name = subset if content == "answered" else f"{content}_{subset}"
    return [(FORMATS["coco"], out / "annotations" / f"instances_{name}.json")]


def refused(content: Content, names: Sequence[str]) -> dict[str, str]:
    """Return why a format cannot hold a content, by format; those that can are left out."""
    reasons = {name: known.unwritable(content, names) for name, known in FORMATS.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def write(rows: LabelRows, targets: Sequence[tuple[Format, Path]]) -> list[Path]:
    """Write the files and return their paths.

    Raises:
        FormatError: If one cannot be written, once all others are.
    """
    written: list[Path] = []
    problems: list[str] = []
    for known, target in targets:
        try:
            written += known.write(rows, target)
        except FormatError as error:
            problems.append(str(error))
    if problems and written:
        problems.append(f"{', '.join(path.name for path in written)} was written.")
    if problems:
        raise FormatError(" ".join(problems))
    return written
