"""Reads CSV: a column for each category, or a column of tags."""

from __future__ import annotations

import re
from pathlib import Path

from annotator.formats.csv_categories import read_categories
from annotator.formats.csv_cells import are_states
from annotator.formats.csv_columns import Table, is_tag_name, plain_name
from annotator.formats.csv_tags import read_tags
from annotator.formats.files import read_text
from annotator.formats.notes import Notes
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.formats.records import LabelFile

_STATE_NAMES = frozenset({"state", "value", "confidence", "present", "presence", "answer"})
"""Names of a column that says whether the tag beside it is present."""
_BESIDE_TAGS = re.compile(
    "(bbox|box|image)?(width|height|depth|[xy](min|max|1|2)?|[wh]|left|top|right|bottom)|split"
    "|(is)?(occluded|truncated|groupof|depiction|inside|difficult|crowd)"
)
"""Names of columns beside a column of tags that hold numbers, or say something about a box."""


def read(path: Path, options: ReadOptions = DEFAULTS) -> LabelFile:
    """Return what a CSV file says, of either of two shapes.

    With a column for each category a cell is 1 (present), 0 (absent) or empty (unknown). With a
    column of tags, called `labels` or the like, a cell lists what is present; a file may have
    several rows. Commas, semicolons, tabs or bars separate the cells.

    Args:
        path: A text file whose first line names the columns, one of them that of the files.
        options: What decides where the file could be read in two ways.

    Raises:
        FormatError: If the file cannot be used; names the file, the line, the column and the cure.
        NotFound: If there is no such file.
    """
    notes = Notes()
    table = Table(path, read_text(path, notes), notes)
    columns = _columns(table, notes)
    tags = _tag_column(table, columns, options)
    if tags is None:
        categories, images = read_categories(table, columns, options, notes)
    else:
        states = _state_column(table, columns, tags, notes)
        categories, images = read_tags(table, tags, states, options, notes)
    return LabelFile(categories=categories, images=images, notes=notes.sentences())


def _columns(table: Table, notes: Notes) -> list[int]:
    """Return the columns that say something about labels."""
    columns = []
    for index in table.others():
        if table.is_numbering(index):
            notes.count("Columns that only number the rows, left out", repr(table.names[index]))
        else:
            columns.append(index)
    return columns


def _tag_column(table: Table, columns: list[int], options: ReadOptions) -> int | None:
    """Return the column that lists tags, or None where each column is a category."""
    named = [index for index in columns if is_tag_name(table.names[index])]
    if len(columns) == 1 and named:
        cells = table.column(named[0])
        if options.separator is None and are_states(cells):
            name = table.names[named[0]]
            table.refuse(
                table.header_line,
                f"the cells, such as {next(c for c in cells if c.strip())!r}, may be tags or say "
                f"whether a category {name!r} is present; name tags with --separator none, or "
                "call the column by its category",
                named[0],
            )
        return named[0]
    lists = [i for i in named if any(c.strip() and not are_states([c]) for c in table.column(i))]
    if len(lists) > 1:
        names = " and ".join(repr(table.names[index]) for index in lists[:2])
        table.refuse(table.header_line, f"the columns {names} both list tags; take one of them out")
    return lists[0] if lists else None


def _state_column(table: Table, columns: list[int], tags: int, notes: Notes) -> int | None:
    """Return the column that says whether the tag beside it is present; None: there is none.

    Other columns beside tags are left out, if they cannot be categories of their own.
    """
    found = None
    for index in columns:
        name = table.names[index]
        if index == tags:
            continue
        if found is None and plain_name(name) in _STATE_NAMES:
            found = index
        elif not _BESIDE_TAGS.fullmatch(plain_name(name)) and are_states(table.column(index)):
            table.refuse(
                table.header_line,
                f"the cells may say whether {name!r} is present, but the column "
                f"{table.names[tags]!r} lists tags; take one of the two columns out",
                index,
            )
        else:
            notes.count("Columns beside the tags, left out", repr(name))
    return found
