"""Loads JSON files, with errors that name the file and the place."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from annotator.errors import FormatError
from annotator.formats.files import read_text
from annotator.formats.json_shapes import kind_of
from annotator.formats.notes import Notes

_LONG_NUMBER = re.compile(r"\d{4301}")
_STRANGE_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
"""Half a character, which is right beside its other half only."""


def load(path: Path, notes: Notes) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        FormatError: If the file cannot be read, is no JSON or no object, or holds what cannot be
            kept: numbers that are none, texts that are no Unicode.
        NotFound: If there is no such file.
    """
    document = load_any(path, notes)
    if not isinstance(document, dict):
        raise FormatError(
            f"{path}: the top level is {kind_of(document)}, not an object with 'images', "
            "'annotations' and 'categories'; name a COCO annotation file."
        )
    return document


def load_any(path: Path, notes: Notes) -> Any:
    """Return what a JSON file holds, an object or anything else; otherwise as `load`."""
    text = read_text(path, notes)
    suspects: list[str] = []
    document = _parsed(path, text, suspects)
    if suspects or _STRANGE_CHARACTER.search(text):
        _refuse_unusable(path, document)
    return document


def _parsed(path: Path, text: str, suspects: list[str]) -> Any:
    """Return what JSON text says; numbers that are none are put to the suspects."""

    def real(digits: str) -> float:
        value = float(digits)
        if value in (math.inf, -math.inf):
            suspects.append(digits)
        return value

    def constant(name: str) -> float:
        suspects.append(name)
        return float(name)

    try:
        return json.loads(text, parse_constant=constant, parse_float=real)
    except json.JSONDecodeError as error:
        problem = _not_json(error)
    except RecursionError:
        problem = "this is not usable JSON: it is nested too deeply; write it again"
    except ValueError:  # Python reads no number of more than 4,300 digits
        found = _LONG_NUMBER.search(text)
        line = text.count("\n", 0, found.start() if found else 0) + 1
        problem = (
            f"line {line}: this is not usable JSON: a number has thousands of digits; correct it"
        )
    raise FormatError(f"{path}: {problem}.")


def _not_json(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "the file is empty; write it again"
    early = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    what = "the file ends early" if early else "this is not JSON"
    return f"line {error.lineno}, column {error.colno}: {what} ({error.msg}); write the file again"


def _refuse_unusable(path: Path, document: Any) -> None:
    """Refuse the first value of a document that no database and no other program can keep."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            shown = "NaN" if math.isnan(value) else "a number too large, or Infinity"
            raise FormatError(
                f"{path}: {place} holds {shown}, which is not a valid number; write null instead."
            )
        if isinstance(value, str) and not _is_text(value):
            raise FormatError(
                f"{path}: {place} holds {ascii(value)[:60]}, which is not Unicode text; correct it."
            )
        if isinstance(value, list):
            waiting.extend((f"{place}[{n}]", item) for n, item in enumerate(value))
        if isinstance(value, dict):
            waiting.extend((f"a key of {place or 'the file'}", key) for key in value)
            waiting.extend((f"{place}.{k}".removeprefix("."), v) for k, v in value.items())


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
