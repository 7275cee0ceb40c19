"""Reads CSV with a column for each category."""

from __future__ import annotations

from annotator.domain import State, name_key
from annotator.errors import FormatError
from annotator.formats.csv_cells import PLAIN, STATES, Cells, Said, problem_with, said_by
from annotator.formats.csv_columns import Table
from annotator.formats.notes import Notes
from annotator.formats.options import ReadOptions
from annotator.formats.records import CategoryRecord, ImageRecord, PairRecord, implied

_OTHER_COLUMN = "; call the column 'labels' if it lists tags, take it out if it is no category"


def read_categories(
    table: Table, columns: list[int], options: ReadOptions, notes: Notes
) -> tuple[tuple[CategoryRecord, ...], tuple[ImageRecord, ...]]:
    """Return the categories that these columns are, and the images with what the cells say.

    Raises:
        FormatError: If a name is missing or used twice, a cell says nothing known, or two rows
            say different things about one file.
    """
    _check_names(table, columns)
    reading = _Reading(table, columns, options)
    images = reading.images(notes)
    if reading.cells.zero_is_unknown:
        images = reading.images(Notes())  # which it could not know before it met both
    reading.cells.note(notes)
    return reading.categories, images


class _Reading:
    def __init__(self, table: Table, columns: list[int], options: ReadOptions) -> None:
        self.cells = Cells(options)
        self.categories = tuple(CategoryRecord(name=table.names[index]) for index in columns)
        self._table = table
        self._columns = columns
        self._silence = implied(self.categories, options.unlisted_state)
        self._pairs: dict[tuple[int, State], PairRecord] = {}

    def images(self, notes: Notes) -> tuple[ImageRecord, ...]:
        """Return what every row says about its file."""
        table = self._table
        meanings: list[dict[str, PairRecord | None]] = [{} for _ in self._columns]
        first: dict[str, tuple[int, tuple[PairRecord, ...]]] = {}
        for line, cells in table.rows(notes):
            pairs = []
            for index, meaning in zip(self._columns, meanings, strict=True):
                cell = cells[index]
                if cell not in meaning:
                    meaning[cell] = self._meaning(line, index, cell)
                if cell not in PLAIN:
                    self.cells.count(cell)
                pair = meaning[cell]
                if pair is not None:
                    pairs.append(pair)
            name, said = cells[table.file_column], tuple(pairs)
            first_line, already = first.setdefault(name, (line, said))
            if first_line == line:
                continue
            if already != said:
                table.refuse(
                    line,
                    f"{name!r} is already listed in line {first_line}; keep one of the two lines",
                )
            notes.count("Rows that say the same as an earlier one, read once", f"line {line}")
        return tuple(ImageRecord(file_name=name, pairs=pairs) for name, (_, pairs) in first.items())

    def _meaning(self, line: int, index: int, cell: str) -> PairRecord | None:
        said = self.cells.said(cell)
        if said is None:
            cure = "" if said_by(cell) else _OTHER_COLUMN
            self._table.refuse(line, problem_with(cell) + cure, index)
        name = self._table.names[index]
        if said is Said.NOTHING:
            return self._silence.get(name)
        state = STATES.get(said)
        if state is None or self.cells.is_unknown_zero(cell):
            return None
        return self._pairs.setdefault((index, state), PairRecord(name, state))


def _check_names(table: Table, columns: list[int]) -> None:
    seen: dict[str, int] = {}
    for index in columns:
        name, number = table.names[index], index + 1
        where = f"{table.path}: line {table.header_line}, column {number}"
        if not name:
            raise FormatError(f"{where}: expected the name of a category, got nothing.")
        first = seen.setdefault(name_key(name), number)
        if first != number:
            raise FormatError(
                f"{where}: {name!r} names the same category as column {first}; rename one."
            )
