"""The rows and columns of a CSV file: what separates them, and which column is what."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from annotator.errors import FormatError
from annotator.formats import csv_formulas
from annotator.formats.notes import Notes

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_FILES = re.compile(r"(?:file|(?:image|img|picture|photo)(?:file)?)(?:name|path)?|path")
"""Names of the column of files, as `plain_name` gives them."""
_USUAL = ("file", "filename", "image", "imagename", "img", "path")
_PERHAPS_FILES = re.compile(r"(?:file|image|img|picture|photo)?(?:id|url)|name")
"""Names that a column of files may have where no column has a better one."""
_NUMBERING = frozenset({"index", "idx", "no", "nr", "row", "number", "#"})
_TAGS = re.compile(
    "(?:finding|image|true)?"
    "(?:(?:label|tag|class|category|keyword)(?:names?)?|labels|tags|classes|categories|keywords)"
)
_PICTURE = re.compile(r"\.(jpe?g|jpe|jfif|png|gif|bmp|webp|tiff?|hei[cf]|avif)$", re.IGNORECASE)

FORMS = "file, filename, image, image_name, img or path"


def plain_name(name: str) -> str:
    """Return what all spellings of a column's name have in common.

    >>> {plain_name(name) for name in ("Image Name", "image_name", "imageName")}
    {'imagename'}
    """
    return re.sub(r"[\s_.\-]+", "", name).casefold()


def is_tag_name(name: str) -> bool:
    """Whether a column of that name lists tags."""
    return _TAGS.fullmatch(plain_name(name)) is not None


class Table:
    """A CSV file with named columns, one of which names the files."""

    def __init__(self, path: Path, text: str, notes: Notes) -> None:
        """Find out what separates the columns and what they are called.

        Raises:
            FormatError: If there is no line of names, or no column can be the files'.
        """
        self.path = path
        self._text, said = _without_directive(text)
        self._delimiter = said or _delimiter(self._text)
        self._skipped = text[: len(text) - len(self._text)].count("\n")
        line, names = self._header()
        self.header_line = line
        while names and not names[-1]:
            names.pop()
        self.names = names
        """The names of all columns, without surrounding blanks; unnamed ones at the end are not
        counted."""
        self.file_column = self._files_column(notes)

    def refuse(self, line: int, problem: str, column: int | None = None) -> NoReturn:
        """Raise what is wrong with a line, in the column of that index if there is one.

        Raises:
            FormatError: Always.
        """
        where = "" if column is None else f", column {self.names[column]!r}"
        raise FormatError(f"{self.path}: line {line}{where}: {problem}.")

    def rows(self, notes: Notes) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the cells of every row below the names, one cell for each column."""
        width = len(self.names)
        for line, cells in self._lines():
            if line <= self.header_line:
                continue
            if not any(map(str.strip, cells)):
                notes.count("Empty rows, left out", f"line {line}")
                continue
            if len(cells) > width and not any(map(str.strip, cells[width:])):
                cells = cells[:width]
            if len(cells) != width:
                self._refuse_ragged(line, cells)
            if not cells[self.file_column].strip():
                self.refuse(line, "expected a name, got nothing", self.file_column)
            yield line, cells

    def column(self, index: int) -> list[str]:
        """Return the cells of one column."""
        return [cells[index] for _, cells in self.rows(Notes())]

    def others(self) -> list[int]:
        """Return the indices of all columns but that of the files."""
        return [index for index in range(len(self.names)) if index != self.file_column]

    def is_numbering(self, index: int) -> bool:
        """Whether a column only numbers or names the rows: it stands before the files."""
        if index > self.file_column:
            return False
        name = plain_name(self.names[index])
        if not name or re.fullmatch(r"unnamed:\d+", name):
            return True
        if name not in _NUMBERING and not _PERHAPS_FILES.fullmatch(name):
            return False
        numbers = [c.strip() for c in self.column(index)]
        if not all(map(str.isdecimal, numbers)):
            return len(set(numbers)) == len(numbers)
        return all(int(one) < int(next_one) for one, next_one in pairwise(numbers))

    def _refuse_ragged(self, line: int, cells: list[str]) -> NoReturn:
        width = len(self.names)
        if width < len(cells) <= self._header_width:
            raise FormatError(
                f"{self.path}: line {self.header_line}, column {width + 1}: expected the name of "
                "a category, got nothing."
            )
        self.refuse(
            line,
            f"expected {width} cells like the first line, got {len(cells)}; put names that hold "
            f"{_DELIMITERS[self._delimiter]} in quotes, and leave cells empty rather than out",
        )

    def _header(self) -> tuple[int, list[str]]:
        for line, cells in self._filled_lines():
            self._header_width = len(cells)
            return line, [cell.strip() for cell in cells]
        raise FormatError(f"{self.path}: the file is empty; its first line must name the columns.")

    def _filled_lines(self) -> Iterator[tuple[int, list[str]]]:
        return ((line, cells) for line, cells in self._lines() if any(map(str.strip, cells)))

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of its first line and the cells of every row that is not blank."""
        source = csv.reader(
            io.StringIO(self._text, newline=""), delimiter=self._delimiter, strict=True
        )
        line = 1
        try:
            for cells in source:
                if cells:
                    plain = [csv_formulas.plain(c) if c[:1] == "'" else c for c in cells]
                    yield line + self._skipped, plain
                line = source.line_num + 1
        except csv.Error as error:
            raise FormatError(
                f"{self.path}: line {line + self._skipped}: {error}; check the quotes from this "
                "line on."
            ) from None

    def _files_column(self, notes: Notes) -> int:
        plain = [plain_name(name) for name in self.names]
        for known in (_FILES, _PERHAPS_FILES):
            found = next((i for i, name in enumerate(plain) if known.fullmatch(name)), None)
            if found is not None:
                if plain[found] not in _USUAL[:3]:
                    notes.say(
                        f"The column {self.names[found]!r} is read as the names of the files."
                    )
                return found
        shown = ", ".join(map(repr, self.names[:6])) + (", ..." if len(self.names) > 6 else "")
        if any(map(_PICTURE.search, self.names)):
            self.refuse(
                self.header_line,
                f"the first line must name the columns, as in 'file,cat,dog', got {shown}",
            )
        found = self._column_of_pictures()
        if found is None:
            self.refuse(
                self.header_line,
                f"expected a column of file names called {FORMS}, got {shown}{self._nearest()}",
            )
        notes.say(f"The column {self.names[found]!r} is read as the names of the files.")
        return found

    def _column_of_pictures(self) -> int | None:
        """Return the only column in which every cell ends as the name of a picture does."""
        rows = [cells for line, cells in self._filled_lines() if line > self.header_line]
        found = [
            index
            for index in range(len(self.names))
            if rows and all(len(r) > index and _PICTURE.search(r[index].strip()) for r in rows)
        ]
        return found[0] if len(found) == 1 else None

    def _nearest(self) -> str:
        for name in self.names:
            near = get_close_matches(plain_name(name), _USUAL, n=1, cutoff=0.7)
            if near:
                return f"; did you mean {near[0]!r} by {name!r}"
        return ""


def _without_directive(text: str) -> tuple[str, str | None]:
    """Return a text without the line `sep=;` of spreadsheets, and the sign that it names."""
    found = re.match(r"sep=([,;|\t])\r?\n", text)
    return (text[found.end() :], found[1]) if found else (text, None)


def _delimiter(text: str) -> str:
    """Return what separates the columns: what best makes a file column of the first line."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")

    def fit(delimiter: str) -> tuple[bool, bool, bool, int]:
        cells = next(csv.reader([first], delimiter=delimiter), []) or [""]
        plain = [plain_name(cell.strip()) for cell in cells]
        files = [_FILES.fullmatch(name) is not None for name in plain]
        perhaps = any(map(_PERHAPS_FILES.fullmatch, plain))
        return files[0], any(files), perhaps, len(cells)

    return max(_DELIMITERS, key=fit)
