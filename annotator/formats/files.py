"""Reads and writes whole text files, with errors that a person can act on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from annotator.errors import FormatError, NotFound
from annotator.formats.notes import Notes
from annotator.settings import writing_atomically

_OTHER_KINDS = {
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"PK\x03\x04": "a spreadsheet or a zip archive; save it as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "a spreadsheet; save it as CSV",
    b"PAR1": "a Parquet file; save it as CSV",
    b"SQLite format 3": "a database; export its labels as COCO or CSV",
    b"%PDF": "a PDF document; save its table as CSV",
}
"""What a file is that begins so, and what to do."""


def read_text(path: Path, notes: Notes) -> str:
    """Return the text of a file in UTF-8 or, which is noted, UTF-16 or UTF-32.

    A byte order mark is left out.

    Raises:
        FormatError: If the file cannot be read or is no such text.
        NotFound: If there is no such file.
    """
    content = _read_bytes(path)
    for beginning, kind in _OTHER_KINDS.items():
        if content.startswith(beginning):
            raise FormatError(f"{path}: this is {kind}.")
    encoding = json.detect_encoding(content)
    if not encoding.startswith("utf-8"):
        notes.say(f"The file is {encoding[:6].upper()} text.")
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}: byte {error.start} is not {encoding.upper()[:6].rstrip('-')}; save the file "
            "as UTF-8 text, which spreadsheets call 'CSV UTF-8'."
        ) from None


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist; name an existing label file.") from None
    except OSError as error:
        raise FormatError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}; name a file that "
            "can."
        ) from None


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, which replaces the one at `path` when the block ends, or never.

    Raises:
        FormatError: If the file cannot be written.
    """
    try:
        with writing_atomically(path) as file:
            yield file
    except OSError as error:
        raise FormatError(
            f"{path} cannot be written: {(error.strerror or str(error)).lower()}; choose another "
            "place."
        ) from None
