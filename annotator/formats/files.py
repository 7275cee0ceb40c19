"""Reads and writes whole text files, with errors that a person can act on."""

from __future__ import annotations

from pathlib import Path

from annotator.errors import FormatError, NotFound
from annotator.settings import write_atomically


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Raises:
        FormatError: If the file cannot be read or is not UTF-8.
        NotFound: If there is no such file.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist; name an existing label file.") from None
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 text."
        ) from None
    except OSError as error:
        raise FormatError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}; name a file that "
            "can."
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        FormatError: If the file cannot be written.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise FormatError(
            f"{path} cannot be written: {(error.strerror or str(error)).lower()}; choose another "
            "place."
        ) from None
