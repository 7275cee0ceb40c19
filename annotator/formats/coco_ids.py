"""Ids in COCO files: distinct, and the same in every export."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from annotator.formats.records import LabelFile

FIRST = 2**40
"""Ids of annotations over whole images start here, above those that other programs give."""

_PER_IMAGE = 2**20
_HASHED = FIRST + 2**52
"""From here up to 2**53, the last whole number that every JSON reader takes, ids are hashes."""


def whole_image_id(image_id: int, category_id: int, taken: set[int]) -> int:
    """Return the id of the annotation that stands for one pair.

    It follows from the pair alone, so it is the same in every export and every project in which
    image and category have these ids, whatever labels come and go beside it.

    >>> whole_image_id(1, 3, set()) - FIRST
    1048579

    Args:
        image_id: In the file.
        category_id: In the file.
        taken: Ids from `FIRST` on that other annotations have; a hash is added.
    """
    if 0 <= category_id < _PER_IMAGE and 0 <= image_id < 2**32:
        number = FIRST + image_id * _PER_IMAGE + category_id
        if number not in taken:
            return number
    for attempt in count():  # pragma: no branch - ends at the first free one
        digest = hashlib.sha256(f"{image_id} {category_id} {attempt}".encode()).digest()
        number = _HASHED + int.from_bytes(digest[:8], "big") % (2**53 - _HASHED)
        if number not in taken:
            taken.add(number)
            return number
    raise AssertionError("there is always a free number")


def distinct(wanted: Iterable[int | None]) -> list[int]:
    """Return ids in which every first holder keeps its own and the others get the next free ones.

    >>> distinct([7, None, 7, 2])
    [7, 8, 9, 2]
    """
    numbers = list(wanted)
    free = count(max([0, *(number for number in numbers if number is not None)]) + 1)
    seen: set[int] = set()
    result = []
    for number in numbers:
        if number is None or number in seen:
            result.append(next(free))
        else:
            seen.add(number)
            result.append(number)
    return result


def with_ids(labels: LabelFile) -> LabelFile:
    """Return records in which each image and annotation has an id of its own."""
    image_ids = iter(distinct(image.coco_id for image in labels.images))
    numbers = distinct(a.coco_id for image in labels.images for a in image.annotations)
    owned = iter(numbers)
    images = tuple(
        replace(
            image,
            coco_id=next(image_ids),
            annotations=tuple(replace(a, coco_id=next(owned)) for a in image.annotations),
        )
        for image in labels.images
    )
    high = frozenset(number for number in numbers if number >= FIRST)
    return replace(labels, images=images, high_ids=high)
