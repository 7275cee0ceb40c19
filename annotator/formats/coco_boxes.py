"""Reads the body of a COCO annotation: its box and flags as consumers need them, the rest as is."""

from __future__ import annotations

from typing import Any

from annotator.formats.coco_profile import ANNOTATION_KEYS, BOX_KEYS, FILLED_IN
from annotator.formats.json_shapes import Row, is_finite

_CROWD = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}
"""`iscrowd` by the words for it."""


def body(row: Row) -> dict[str, Any]:
    """Return everything an annotation says but its ids.

    What an export had to add is taken out, and so is what is null or cannot be. Numbers in quotes
    become numbers, `iscrowd` 0 or 1.

    Raises:
        FormatError: If box, area or `iscrowd` say nothing that can be read so.
    """
    found = row.without(ANNOTATION_KEYS)
    added = found.pop(FILLED_IN) if isinstance(found.get(FILLED_IN), list) else ()
    for key in BOX_KEYS:
        if key in found and (found[key] is None or key in added):
            del found[key]
    if not found.get("bbox", True):
        del found["bbox"]
    for key, read in (("bbox", _box), ("area", _area), ("iscrowd", _crowd)):
        if key in found:
            found[key] = read(row, found[key])
    if found.get("area", 0) is None:
        del found["area"]
    return found


def _area(row: Row, value: object) -> float | None:
    """Return an area; None for one below 0, which some programs write where they know none."""
    area = row.number("area", value, "a number of square pixels, or left out")
    if area >= 0:
        return area
    row.note("area", "Areas below 0, which are read as not known")
    return None


def _box(row: Row, box: object) -> list[float]:
    expected = "four numbers [x, y, width, height]; correct it or leave it out"
    if not isinstance(box, list) or len(box) != 4:
        row.refuse("bbox", f"must be {expected}")
    if all(map(is_finite, box)):
        return box
    return [row.number("bbox", side, expected) for side in box]


def _crowd(row: Row, value: object) -> int:
    if type(value) is int and value in (0, 1):
        return value
    word = str(value).strip().lower().removesuffix(".0")
    if word not in _CROWD:
        row.wrong("iscrowd", "0 or 1, or left out")
    row.note("iscrowd", "Values of 'iscrowd' in other words, read as 0 or 1")
    return _CROWD[word]
