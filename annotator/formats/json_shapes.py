"""Reads JSON whose shape nobody has checked, with errors that name the file and the place."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from annotator.errors import FormatError
from annotator.formats.files import read_text

_LIMIT = 2**63


class Row:
    """One object in a list of a JSON file."""

    __slots__ = ("_file", "index", "section", "values")

    def __init__(self, file: Path, section: str, index: int, values: dict[str, Any]) -> None:
        self._file = file
        self.section = section
        self.index = index
        self.values = values

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise what is wrong with one key of this object.

        Raises:
            FormatError: Always.
        """
        place = f"{self.section}[{self.index}]" + (f".{key}" if key else "")
        raise FormatError(f"{self._file}: {place} {problem}.")

    def whole(self, key: str) -> int:
        """Return a whole number that has to be there."""
        value = self.values.get(key)
        if type(value) is not int or not -_LIMIT <= value < _LIMIT:
            self._missing_or_wrong(key, "a whole number such as 17, without quotes")
        return value

    def optional_whole(self, key: str) -> int | None:
        """Return a whole number, or None where it is missing or null."""
        return None if self.values.get(key) is None else self.whole(key)

    def pixels(self, key: str) -> int | None:
        """Return a number of pixels, or None where it is missing or null."""
        value = self.values.get(key)
        if value is None:
            return None
        if not is_finite(value) or value != int(value):
            self._missing_or_wrong(key, "a whole number of pixels, without quotes")
        if not 0 < value < _LIMIT:
            self.refuse(key, f"must be above 0, got {value}; leave it out if it is not known")
        return int(value)

    def text(self, key: str) -> str:
        """Return a text that has to be there and say something."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self._missing_or_wrong(key, "text that is not empty")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where it is missing or null."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            self._missing_or_wrong(key, "text in quotes")
        return value

    def optional_number(self, key: str) -> float | None:
        """Return a number, or None where it is missing or null."""
        value = self.values.get(key)
        if value is None:
            return None
        if not is_finite(value):
            self._missing_or_wrong(key, "a number, without quotes")
        return value

    def whole_numbers(self, key: str) -> list[int]:
        """Return a list of whole numbers; empty where it is missing or null."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or any(type(item) is not int for item in value):
            self._missing_or_wrong(key, "a list of ids such as [1, 3]")
        return value

    def without(self, keys: frozenset[str]) -> dict[str, Any]:
        """Return the keys this program does not know, with their values."""
        return {key: value for key, value in self.values.items() if key not in keys}

    def _missing_or_wrong(self, key: str, expected: str) -> NoReturn:
        if key not in self.values:
            self.refuse(key, f"is missing; it must be {expected}")
        self.refuse(key, f"must be {expected}, got {_shown(self.values[key])}")


def load(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        FormatError: If the file cannot be read, is no JSON or no object.
        NotFound: If there is no such file.
    """
    try:
        document = json.loads(read_text(path), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if not error.doc.strip():
            raise FormatError(f"{path}: the file is empty; write it again.") from None
        early = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        what = "the file ends early" if early else "this is not JSON"
        raise FormatError(
            f"{path}: line {error.lineno}, column {error.colno}: {what} ({error.msg}); write the "
            "file again."
        ) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: this is not usable JSON: {error}.") from None
    if not isinstance(document, dict):
        raise FormatError(
            f"{path}: the top level is {_kind(document)}, not an object with 'images', "
            "'annotations' and 'categories'; name a COCO annotation file."
        )
    return document


def rows(path: Path, document: dict[str, Any], section: str) -> Iterator[Row]:
    """Yield the objects of a top-level list; nothing where it is missing or null.

    Raises:
        FormatError: If the section is no list or holds something else than objects.
    """
    items = document.get(section)
    if items is None:
        return
    if not isinstance(items, list):
        raise FormatError(f"{path}: '{section}' is {_kind(items)}; it must be a list.")
    for index, values in enumerate(items):
        if not isinstance(values, dict):
            raise FormatError(
                f"{path}: {section}[{index}] is {_kind(values)}; it must be an object with keys."
            )
        yield Row(path, section, index, values)


def is_finite(value: object) -> TypeGuard[int | float]:
    """Return whether a JSON value is a number, and not infinite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a valid number; write null instead")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
