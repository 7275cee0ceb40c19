"""Reads CSV: a row for each pair and score, or a column of scores for each category."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annotator.formats.csv_columns import Table, is_tag_name, plain_name
from annotator.formats.files import read_text
from annotator.formats.json_shapes import number_in
from annotator.formats.notes import Notes
from annotator.formats.predictions.names import Names
from annotator.formats.predictions.records import Scores

_SCORES = frozenset(
    {"score", "scores", "confidence", "conf", "probability", "prob", "logit", "prediction"}
)
"""Names of the column of scores, as `plain_name` gives them."""
_SILENT = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})


def read(path: Path, names: Names, notes: Notes) -> Scores:
    """Return the scores of a CSV file.

    Either it has columns for file, category and score, as Open Images writes them (`ImageID`,
    `LabelName`, `Confidence`); then other columns are left out. Or each column beside that of the
    files is a category. An empty cell, or one that says NaN, is silence.

    Raises:
        FormatError: If the columns are neither, or a cell is no number.
        NotFound: If there is no such file.
    """
    listed = Table(path, read_text(path, notes), notes)
    scores = [i for i in listed.others() if plain_name(listed.names[i]) in _SCORES]
    tags = [i for i in listed.others() if is_tag_name(listed.names[i])]
    found = Scores(path)
    if len(scores) == 1 and len(tags) == 1:
        cells = _long(listed, tags[0], scores[0], notes)
    elif not scores and not tags and listed.others():
        cells = _wide(listed, notes)
    else:
        shown = ", ".join(map(repr, listed.names[:6]))
        listed.refuse(
            listed.header_line,
            "expected the columns file, category and score, or a column of scores for each "
            f"category, got {shown}",
        )
    for line, column, file, category, text in cells:
        image = names.image(file)
        value = number_in(text)
        if value is not None:
            found.add(image, names.category(category), float(value))
        elif text.strip().casefold() in _SILENT:
            found.speaks_about(image)
            notes.count("Cells without a number, read as silence", f"line {line}")
        else:
            listed.refuse(line, f"expected a number as the score, got {text.strip()!r:.40}", column)
    return found


_Cell = tuple[int, int, str, str, str]
"""Line, column, file, category and score."""


def _long(listed: Table, category: int, score: int, notes: Notes) -> Iterator[_Cell]:
    for line, cells in listed.rows(notes):
        name = cells[category].strip()
        if not name:
            listed.refuse(line, "expected the name of a category, got nothing", category)
        yield line, score, cells[listed.file_column].strip(), name, cells[score]


def _wide(listed: Table, notes: Notes) -> Iterator[_Cell]:
    columns = [i for i in listed.others() if not listed.is_numbering(i)]
    for line, cells in listed.rows(notes):
        for column in columns:
            name = listed.names[column]
            if not name:
                listed.refuse(listed.header_line, f"column {column + 1} has no name", None)
            yield line, column, cells[listed.file_column].strip(), name, cells[column]
