"""Reads and writes CSV: a column for each category, or a list of tags for each file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from annotator.domain import State, name_key
from annotator.errors import FormatError
from annotator.formats.files import read_text, write_bytes
from annotator.formats.records import (
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
    implied,
)

_FILE_COLUMNS = ("file", "filename", "file_name", "image")
_TAGS = "labels"
_DELIMITERS = ",;\t"
_CELLS = {
    "1": State.PRESENT,
    "1.0": State.PRESENT,
    "0": State.ABSENT,
    "0.0": State.ABSENT,
}
"""What a cell says; programs that keep empty cells as numbers write 1.0."""


def read(path: Path, unlisted: State | None = None) -> LabelFile:
    """Return what a CSV file says, of either of two shapes.

    With a column for each category a cell is 1 (present), 0 (absent) or empty (unknown). With the
    two columns `file` and `labels` a cell lists what is present, joined by `|`. Commas, semicolons
    or tabs separate the cells.

    Args:
        path: A UTF-8 file whose first line names the columns, the first of them `file`.
        unlisted: What an empty cell or an unlisted tag means: None (unknown) or ABSENT.

    Raises:
        FormatError: If the file cannot be used; names the file, the line, the column and the cure.
        NotFound: If there is no such file.
    """
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise FormatError(f"{path}: the file is empty; its first line must name the columns.")
    line, columns = header[0], [column.strip() for column in header[1]]
    if columns[0].lower() not in _FILE_COLUMNS:
        raise FormatError(
            f"{path}: line {line}: expected the first column to be 'file', got {columns[0]!r}."
        )
    if [column.lower() for column in columns[1:]] == [_TAGS]:
        return _read_tags(path, lines, unlisted)
    return _read_table(path, columns[1:], line, lines, unlisted)


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
    if [name.lower() for name in names] == [_TAGS]:
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


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its first line and the cells of every row that is not blank."""
    text = read_text(path)
    source = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for cells in source:
            if cells:
                yield line, cells
            line = source.line_num + 1
    except csv.Error as error:
        raise FormatError(
            f"{path}: line {line}: {error}; check the quotes from this line on."
        ) from None


def _delimiter(text: str) -> str:
    """Return what separates the columns: whatever makes most of a first line with a file column."""
    best, most = ",", 0
    first = next(iter(io.StringIO(text, newline=None)), "")
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([first], delimiter=delimiter), [""])
        if cells and cells[0].strip().lower() in _FILE_COLUMNS and len(cells) > most:
            best, most = delimiter, len(cells)
    return best


def _read_table(
    path: Path,
    names: list[str],
    header_line: int,
    lines: Iterator[tuple[int, list[str]]],
    unlisted: State | None,
) -> LabelFile:
    _check_columns(path, names, header_line)
    categories = tuple(CategoryRecord(name=name) for name in names)
    empty: Mapping[str, PairRecord | None] = implied(categories, unlisted)
    meanings: list[dict[str, PairRecord | None]] = [
        {"": empty.get(name)} | {cell: PairRecord(name, state) for cell, state in _CELLS.items()}
        for name in names
    ]
    images = []
    for line, cells in _files(path, lines, 1 + len(names)):
        pairs = []
        for name, cell, meaning in zip(names, cells[1:], meanings, strict=True):
            try:
                pair = meaning[cell.strip()]
            except KeyError:
                raise FormatError(
                    f"{path}: line {line}, column {name!r}: expected 1, 0 or empty, got {cell!r}."
                ) from None
            if pair is not None:
                pairs.append(pair)
        images.append(ImageRecord(file_name=cells[0], pairs=tuple(pairs)))
    return LabelFile(categories=categories, images=tuple(images))


def _check_columns(path: Path, names: list[str], line: int) -> None:
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=2):
        where = f"{path}: line {line}, column {number}"
        if not name:
            raise FormatError(f"{where}: expected the name of a category, got nothing.")
        first = seen.setdefault(name_key(name), number)
        if first != number:
            raise FormatError(
                f"{where}: {name!r} names the same category as column {first}; rename one."
            )


def _read_tags(
    path: Path, lines: Iterator[tuple[int, list[str]]], unlisted: State | None
) -> LabelFile:
    spellings: dict[str, tuple[int, str]] = {}
    listed: list[tuple[str, list[str]]] = []
    for line, (file_name, cell) in _files(path, lines, 2):
        tags = list(dict.fromkeys(tag.strip() for tag in cell.split("|") if tag.strip()))
        for tag in tags:
            first, spelling = spellings.setdefault(name_key(tag), (line, tag))
            if spelling != tag:
                raise FormatError(
                    f"{path}: line {line}, column '{_TAGS}': {tag!r} is spelled {spelling!r} in "
                    f"line {first}; spell it one way."
                )
        listed.append((file_name, tags))
    categories = tuple(CategoryRecord(name=name) for _, name in spellings.values())
    present = {category.name: PairRecord(category.name, State.PRESENT) for category in categories}
    meant = implied(categories, unlisted)
    images = tuple(
        ImageRecord(
            file_name=file_name,
            pairs=tuple((meant | {tag: present[tag] for tag in tags}).values()),
        )
        for file_name, tags in listed
    )
    return LabelFile(categories=categories, images=images)


def _files(
    path: Path, lines: Iterator[tuple[int, list[str]]], width: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header, each with `width` cells and a file of its own."""
    first_lines: dict[str, int] = {}
    for line, cells in lines:
        if len(cells) != width:
            raise FormatError(
                f"{path}: line {line}: expected {width} cells like the first line, got "
                f"{len(cells)}."
            )
        if not cells[0].strip():
            raise FormatError(f"{path}: line {line}, column 'file': expected a name, got nothing.")
        first = first_lines.setdefault(cells[0], line)
        if first != line:
            raise FormatError(
                f"{path}: line {line}: {cells[0]!r} is already listed in line {first}; keep one "
                "of the two lines."
            )
        yield line, cells
