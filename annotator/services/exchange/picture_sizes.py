"""Pictures whose size in a label file is not their own, so that boxes may not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from annotator.domain import ImagePath
from annotator.formats.coco_profile import ANNOTATED_SIZE
from annotator.formats.records import ImageRecord
from annotator.services.exchange.name_matching import Found, MatchedNames

Sizes = Mapping[int, tuple[int, int]]
"""Width and height of every image, by its id."""


def compare_sizes(names: MatchedNames, sizes: Sizes) -> tuple[MatchedNames, list[str]]:
    """Return the matched records and sentences about those that give a picture another size.

    Boxes are never rescaled: where there are some, the record keeps the size that they fit, which
    an export writes beside the picture's own.
    """
    turned: list[tuple[ImageRecord, ImagePath]] = []
    other: list[tuple[ImageRecord, ImagePath]] = []
    matched: list[tuple[ImageRecord, ImagePath]] = []
    for record, path in names.matched:
        own = sizes.get(path.image_id or 0)
        listed = record.width, record.height
        if own is None or None in listed or listed == own:
            matched.append((record, path))
            continue
        (turned if listed == own[::-1] else other).append((record, path))
        extra = {**record.extra, ANNOTATED_SIZE: list(listed)} if record.annotations else {}
        matched.append((replace(record, extra=extra or record.extra), path))
    return replace(names, matched=matched), [
        *_sentences(turned, sizes, "turned: their width and height are swapped in the file"),
        *_sentences(other, sizes, "of another size than the file says"),
    ]


def _sentences(found: Found, sizes: Sizes, what: str) -> Iterator[str]:
    if not found:
        return
    record, path = found[0]
    own = sizes[path.image_id or 0]
    count = "1 picture is" if len(found) == 1 else f"{len(found):,} pictures are"
    boxes = any(record.annotations for record, _ in found)
    kept = (
        f" Boxes are kept as they are; exports name the size that they fit as '{ANNOTATED_SIZE}'."
        if boxes
        else ""
    )
    yield (
        f"{count} {what}, such as {record.file_name!r} ({record.width} x {record.height} in the "
        f"file, {own[0]} x {own[1]} here).{kept}"
    )
