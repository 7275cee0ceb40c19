"""Reads JSON whose shape nobody has checked, with errors that name the file and the place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from annotator.errors import FormatError
from annotator.formats.notes import Notes

Identifier = int | str
"""An id of a file: a number, or a text where it is no whole number."""

LARGEST_SIZE = 10_000_000
"""No picture has as many pixels in one direction."""
DEEPEST = 60
"""Levels of lists and objects in a key that this program does not know."""

_LIMIT = 2**63
_PART = 200
_WHOLE = re.compile(r"([+-]?\d+)(?:\.0+)?", re.ASCII)
_CONTAINERS = frozenset({list, dict})


class Row:
    """One object in a list of a JSON file."""

    __slots__ = ("_file", "_notes", "index", "section", "values")

    def __init__(
        self, file: Path, section: str, index: int, values: dict[str, Any], notes: Notes
    ) -> None:
        self._file = file
        self._notes = notes
        self.section = section
        self.index = index
        self.values = values

    def place(self, key: str = "") -> str:
        """Return where in the file a key of this object is."""
        return f"{self.section}[{self.index}]" + (f".{key}" if key else "")

    def note(self, key: str, kind: str) -> None:
        """Count one more of what is unusual in the file and was read all the same."""
        self._notes.count(kind, self.place(key))

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise what is wrong with one key of this object.

        Raises:
            FormatError: Always.
        """
        if len(problem) > 2 * _PART:  # the cure stands at the end
            problem = f"{problem[:_PART]}...{problem[-_PART:]}"
        raise FormatError(f"{self._file}: {self.place(key)} {problem}.")

    def identifier(self, key: str) -> Identifier:
        """Return an id that has to be there: a number, or a text that says no number."""
        return self._identifier(key, self.values.get(key))

    def optional_identifier(self, key: str) -> Identifier | None:
        """Return an id, or None where it is missing or null."""
        return None if self.values.get(key) is None else self.identifier(key)

    def identifiers(self, key: str) -> list[Identifier]:
        """Return a list of ids; empty where it is missing or null."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, "a list of ids such as [1, 3]")
        return [self._identifier(key, item) for item in value]

    def _identifier(self, key: str, value: object) -> Identifier:
        if type(value) is int and -_LIMIT <= value < _LIMIT:
            return value
        found = identifier(value)
        if found is None:
            self.wrong(key, "an id: a whole number such as 17, or a text")
        if isinstance(found, int):
            self.note(key, "Ids in quotes or with a decimal point, read as whole numbers")
        return found

    def pixels(self, key: str) -> int | None:
        """Return a number of pixels, or None where it is missing, null or 0."""
        value = self.optional_number(key)
        if value is None:
            return None
        if value == 0:
            self.note(key, "Sizes of 0, which are read as not known")
            return None
        if not 0 < value < LARGEST_SIZE or value != int(value):
            self.wrong(
                key, f"a whole number of pixels from 1 to {LARGEST_SIZE - 1:,}, or be left out"
            )
        return int(value)

    def text(self, key: str) -> str:
        """Return a text that has to be there and say something."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, "text that is not empty")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where it is missing or null."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            self.wrong(key, "text in quotes")
        return value

    def optional_number(self, key: str) -> float | None:
        """Return a number, or None where it is missing or null."""
        value = self.values.get(key)
        return None if value is None else self.number(key, value)

    def number(self, key: str, value: object, expected: str = "a number") -> float:
        """Return a value that stands under a key as a number, which may be in quotes."""
        if is_finite(value):
            return value
        found = number_in(value) if isinstance(value, str) else None
        if found is None:
            self.wrong(key, expected)
        self.note(key, "Numbers in quotes, read as numbers")
        return found

    def without(self, keys: frozenset[str]) -> dict[str, Any]:
        """Return the keys this program does not know, with their values."""
        kept = {key: value for key, value in self.values.items() if key not in keys}
        for key, value in kept.items():
            if _is_deep(value):
                self.refuse(key, f"is nested deeper than {DEEPEST} levels; leave it out")
        return kept

    def wrong(self, key: str, expected: str) -> NoReturn:
        """Raise that a key is missing or is something else than expected.

        Raises:
            FormatError: Always.
        """
        if key not in self.values:
            self.refuse(key, f"is missing; it must be {expected}")
        self.refuse(key, f"must be {expected}, got {_shown(self.values[key])}")


def _is_deep(value: object, left: int = DEEPEST) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list) or _CONTAINERS.isdisjoint(map(type, value)):
        return False
    return left == 0 or any(_is_deep(item, left - 1) for item in value)


def rows(path: Path, document: dict[str, Any], section: str, notes: Notes) -> Iterator[Row]:
    """Yield the objects of a top-level list; nothing where it is missing or null.

    Raises:
        FormatError: If the section is no list or holds something else than objects.
    """
    items = document.get(section)
    if items is None:
        return
    if not isinstance(items, list):
        raise FormatError(f"{path}: '{section}' is {kind_of(items)}; it must be a list.")
    for index, values in enumerate(items):
        if not isinstance(values, dict):
            raise FormatError(
                f"{path}: {section}[{index}] is {kind_of(values)}; it must be an object with keys."
            )
        yield Row(path, section, index, values, notes)


def refuse_deep(path: Path, keys: Mapping[str, Any]) -> None:
    """Refuse keys of the file that are nested so deeply that they could not be written again.

    Raises:
        FormatError: If there is one.
    """
    for key, value in keys.items():
        if _is_deep(value):
            raise FormatError(
                f"{path}: '{key}' is nested deeper than {DEEPEST} levels; leave it out."
            )


def identifier(value: object) -> Identifier | None:
    """Return an id in the one form that all its spellings have; None where it is none.

    Whole numbers beyond 64 bits are names, as texts are.

    >>> [identifier(value) for value in (7, "7", 7.0, "img_7", 7.5, True)]
    [7, 7, 7, 'img_7', None, None]
    """
    if isinstance(value, str):
        text = value.strip()
        whole = _WHOLE.fullmatch(text)
        number = int(whole[1]) if whole and len(text) < 25 else None
        return number if number is not None and -_LIMIT <= number < _LIMIT else text or None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if type(value) is int:
        return value if -_LIMIT <= value < _LIMIT else str(value)
    return None


def number_in(text: str) -> float | None:
    """Return the number that a text says, whole where it is written so; None where it says none.

    >>> [number_in(text) for text in ("5", " 5.50 ", "five", "nan", "1e999")]
    [5, 5.5, None, None, None]
    """
    if _WHOLE.fullmatch(text.strip()) and "." not in text and len(text) < 25:
        return int(text)
    try:
        value = float("nan" if "_" in text else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_finite(value: object) -> TypeGuard[int | float]:
    """Return whether a JSON value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        return kind_of(value)
    return text if len(text) <= 40 else text[:37] + "..."
