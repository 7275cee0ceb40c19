"""Writes CSV with a column for each category."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats.csv_columns import is_tag_name
from annotator.formats.files import write_bytes
from annotator.formats.records import LabelFile


def write(labels: LabelFile, path: Path) -> list[Path]:
    """Write a column for each category, with 1, 0 or nothing, and return the path in a list.

    Raises:
        FormatError: If the file cannot say what the records say, or cannot be written.
    """
    names = [category.name for category in labels.categories]
    if any(image.suggestions for image in labels.images):
        raise FormatError(
            f"{path}: CSV cannot mark what a model decided; export COCO, or only what is answered."
        )
    if len(names) == 1 and is_tag_name(names[0]):
        raise FormatError(
            f"{path}: CSV with the one category {names[0]!r} would read back as a list of tags; "
            "rename the category or export COCO."
        )
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["file", *names])
    for image in labels.images:
        cells = {p.category: "1" if p.state is State.PRESENT else "0" for p in image.pairs}
        writer.writerow([image.file_name, *(cells.get(name, "") for name in names)])
    try:
        content = buffer.getvalue().encode()
    except UnicodeEncodeError as error:
        shown = error.object[max(0, error.start - 20) : error.end].encode(
            "utf-8", "backslashreplace"
        )
        raise FormatError(
            f"{path}: the name ending in {shown.decode()!r} is not UTF-8; rename the file."
        ) from None
    write_bytes(path, content)
    return [path]
