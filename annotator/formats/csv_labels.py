"""Writes CSV with a column for each category."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from pathlib import Path

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import csv_formulas
from annotator.formats.csv_columns import is_tag_name
from annotator.formats.files import new_file
from annotator.formats.records import Content, ImageRecord, LabelRows


def unwritable(content: Content, names: Sequence[str]) -> str:
    """Return why labels of these categories cannot be written, or an empty text."""
    if content != "answered":
        return (
            "CSV has no place for who decided a pair, so it holds answered labels only; export "
            "COCO for the others."
        )
    if len(names) == 1 and is_tag_name(names[0]):
        return (
            f"CSV with the one category {names[0]!r} would read back as a list of tags; rename the "
            "category or export COCO."
        )
    return ""


def write(labels: LabelRows, path: Path) -> list[Path]:
    """Write a column for each category, with 1, 0 or nothing, and return the path in a list.

    Names that a spreadsheet would take for formulas get an apostrophe in front; see `csv_formulas`.

    Raises:
        FormatError: If the file cannot say what the records say, or cannot be written.
    """
    names = [category.name for category in labels.categories]
    if why := unwritable(labels.content, names):
        raise FormatError(f"{path}: {why}")
    try:
        with new_file(path) as file:
            writer = csv.writer(codecs.getwriter("utf-8")(file))
            writer.writerow(["file", *map(csv_formulas.harmless, names)])
            for image in labels.checked():
                writer.writerow(_row(image, names))
    except UnicodeEncodeError as error:
        shown = error.object[max(0, error.start - 20) : error.end].encode(
            "utf-8", "backslashreplace"
        )
        raise FormatError(
            f"{path}: the name ending in {shown.decode()!r} is not UTF-8; rename the file."
        ) from None
    return [path]


def _row(image: ImageRecord, names: Sequence[str]) -> list[str]:
    cells = {p.category: "1" if p.state is State.PRESENT else "0" for p in image.pairs}
    return [csv_formulas.harmless(image.file_name), *(cells.get(name, "") for name in names)]
