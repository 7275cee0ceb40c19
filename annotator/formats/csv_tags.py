"""Reads CSV with a column of tags: what is listed is present; a file may have several rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from annotator.domain import State, name_key
from annotator.formats.csv_cells import PLAIN, STATES, Cells, Said, problem_with
from annotator.formats.csv_columns import Table
from annotator.formats.csv_separators import split_tags
from annotator.formats.notes import Notes
from annotator.formats.options import ReadOptions
from annotator.formats.records import CategoryRecord, ImageRecord, PairRecord, implied

Rows = Sequence[tuple[int, list[str]]]


def read_tags(
    table: Table, column: int, states: int | None, options: ReadOptions, notes: Notes
) -> tuple[tuple[CategoryRecord, ...], tuple[ImageRecord, ...]]:
    """Return the categories that a column names, and the images with what is present.

    Args:
        table: The file.
        column: Index of the column of tags.
        states: Index of the column that says what the tags of its row are; None: present.
        options: What decides where the file could be read in two ways.
        notes: Of the file.

    Raises:
        FormatError: If a cell has two meanings, a tag two spellings, or a pair two states.
    """
    rows = list(table.rows(notes))
    files = [cells[table.file_column] for _, cells in rows]
    repeated = len(set(files)) < len(files)

    def refuse(place: int, problem: str) -> NoReturn:
        table.refuse(rows[place][0], problem, column)

    tags = split_tags(
        [cells[column] for _, cells in rows],
        separator=options.separator,
        repeated=repeated,
        refuse=refuse,
        notes=notes,
    )
    if repeated:
        first, times = Counter(files).most_common(1)[0][0], len(files) - len(set(files))
        notes.count("Rows that name a file again, read together", repr(first), times)
    said = _states(table, rows, states, options, notes)
    names = _names(table, column, rows, tags)
    categories = tuple(CategoryRecord(name=name) for name in names)
    pairs = {(name, state): PairRecord(name, state) for name in names for state in State}
    silence: dict[str, PairRecord | None] = dict(implied(categories, options.unlisted_state))
    images = []
    for file, found in _by_file(table, column, rows, tags, said).items():
        told = {name: pairs[name, state] if state else None for name, state in found.items()}
        known = tuple(pair for pair in (silence | told).values() if pair is not None)
        images.append(ImageRecord(file_name=file, pairs=known))
    return categories, tuple(images)


def _states(
    table: Table, rows: Rows, column: int | None, options: ReadOptions, notes: Notes
) -> list[State | None]:
    """Return what the tags of every row are; None for unknown."""
    if column is None:
        return [State.PRESENT] * len(rows)
    cells, states = Cells(options), []
    for line, row in rows:
        said = cells.said(row[column])
        if said is None or said is Said.NOTHING:
            table.refuse(line, problem_with(row[column]), column)
        states.append(STATES.get(said))
        if row[column] not in PLAIN:
            cells.count(row[column])
    if cells.zero_is_unknown:
        zeros = [cells.is_unknown_zero(row[column]) for _, row in rows]
        states = [None if zero else state for zero, state in zip(zeros, states, strict=True)]
    cells.note(notes)
    return states


def _names(table: Table, column: int, rows: Rows, tags: Sequence[Sequence[str]]) -> list[str]:
    """Return every tag once, in the order of the file."""
    spellings: dict[str, tuple[int, str]] = {}
    for (line, _), found in zip(rows, tags, strict=True):
        for tag in found:
            first, spelling = spellings.setdefault(name_key(tag), (line, tag))
            if spelling != tag:
                table.refuse(
                    line,
                    f"{tag!r} is spelled {spelling!r} in line {first}; spell it one way",
                    column,
                )
    return [name for _, name in spellings.values()]


def _by_file(
    table: Table,
    column: int,
    rows: Rows,
    tags: Sequence[Sequence[str]],
    said: Sequence[State | None],
) -> dict[str, dict[str, State | None]]:
    """Return, by file and tag, what all its rows say together."""
    labels: dict[str, dict[str, State | None]] = {}
    for (line, row), found, state in zip(rows, tags, said, strict=True):
        told = labels.setdefault(row[table.file_column], {})
        for tag in found:
            if told.setdefault(tag, state) is not state:
                name = row[table.file_column]
                table.refuse(
                    line,
                    f"an earlier line says otherwise about {tag!r} in {name!r}; keep one of them",
                    column,
                )
    return labels
