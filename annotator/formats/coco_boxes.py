"""Reads the body of a COCO annotation: its box and flags as consumers need them, the rest as is."""

from __future__ import annotations

from typing import Any

from annotator.formats.coco_profile import ANNOTATION_KEYS, BOX_KEYS, FILLED_IN
from annotator.formats.json_shapes import Row, is_finite

_CROWD = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}
"""`iscrowd` by the words for it."""


def body(row: Row) -> dict[str, Any]:
    """Return everything an annotation says but its ids.

    What an export had to add is taken out, and so is what is null; numbers in quotes become
    numbers, and `iscrowd` 0 or 1.

    Raises:
        FormatError: If box, area or `iscrowd` say nothing that can be read so.
    """
    found = row.without(ANNOTATION_KEYS)
    added = found.get(FILLED_IN)
    if isinstance(added, list):
        del found[FILLED_IN]
    for key in BOX_KEYS:
        if key in found and (found[key] is None or (isinstance(added, list) and key in added)):
            del found[key]
    if not found.get("bbox", True):
        del found["bbox"]
    if "bbox" in found:
        found["bbox"] = _box(row, found["bbox"])
    if "area" in found:
        found["area"] = row.number("area", found["area"], "a number of square pixels, or left out")
    if "iscrowd" in found:
        found["iscrowd"] = _crowd(row, found["iscrowd"])
    return found


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
