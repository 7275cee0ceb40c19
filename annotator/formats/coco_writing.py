"""Writes COCO files that the usual consumers load and that read back without loss."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats.coco_profile import (
    ANNOTATION_TYPE,
    BOX_KEYS,
    CERTIFIED_NOTE,
    FILLED_IN,
    INFO_KEYS,
    NEGATIVE,
    NOT_EXHAUSTIVE,
    POSITIVE,
    SEMANTICS,
    TABLE,
    TABLE_KEYS,
    TOP_KEYS,
    UNCERTIFIED,
    WITHHELD,
)
from annotator.formats.files import write_bytes
from annotator.formats.records import (
    CERTIFIED,
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
)

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def write(labels: LabelFile, path: Path) -> list[Path]:
    """Write one COCO file and return its path in a list.

    Every image is listed. A present pair without a box of its own gets one box over the whole
    image. Imported boxes keep their ids and keys; those of a pair that is not present are set
    aside under `withheld_annotations`. Records without an id, or with one that an earlier record
    has, get the next free ids in order.

    Raises:
        FormatError: If an image has no size and needs a box, or the file cannot be written.
    """
    try:
        content = "".join(_Writing(labels, path).parts()).encode("ascii")
    except ValueError as error:
        raise FormatError(f"{path}: a number cannot be written as JSON: {error}.") from None
    write_bytes(path, content)
    return [path]


class _Writing:
    """One file on its way to text: rows are encoded as they are made, so that few live at once."""

    def __init__(self, labels: LabelFile, path: Path) -> None:
        self._labels = labels
        self._path = path
        ids = _distinct(category.coco_id for category in labels.categories)
        self._category_ids = dict(
            zip((category.name for category in labels.categories), ids, strict=True)
        )
        self._images: list[str] = []
        self._annotations: list[str] = []
        self._withheld: list[str] = []
        self._table: list[str] = []
        self._image_counts: Counter[str] = Counter()
        self._instance_counts: Counter[str] = Counter()
        self._free_ids = count(1)

    def parts(self) -> Iterator[str]:
        """Yield the text of the file, piece by piece."""
        self._collect()
        labels = self._labels
        head = {"info": _info(labels), "licenses": list(labels.licenses)}
        rest = {key: value for key, value in labels.extra.items() if key not in TOP_KEYS}
        categories = [_ENCODER.encode(self._category(c)) for c in labels.categories]
        sections = {
            "categories": categories,
            "images": self._images,
            "annotations": self._annotations,
            TABLE: self._table,
            **({WITHHELD: self._withheld} if self._withheld else {}),
        }
        separator = "{\n"
        for key, value in (head | rest).items():
            yield f"{separator}{_ENCODER.encode(key)}:{_ENCODER.encode(value)}"
            separator = ",\n"
        for key, rows in sections.items():
            yield f'{separator}"{key}":[\n'
            yield ",\n".join(rows)
            yield "\n]"
        yield "\n}\n"

    def _collect(self) -> None:
        images = self._labels.images
        image_ids = _distinct(image.coco_id for image in images)
        numbers = _distinct(a.coco_id for image in images for a in image.annotations)
        self._free_ids = count(max([0, *numbers]) + 1)
        owned = iter(numbers)
        for image, image_id in zip(images, image_ids, strict=True):
            pairs = (*image.pairs, *image.suggestions)
            present = {pair.category: pair for pair in pairs if pair.state is State.PRESENT}
            boxed = self._add_boxes(image, image_id, present.keys(), owned)
            bare = [pair for name, pair in present.items() if name not in boxed]
            for pair in bare:
                self._annotations.append(_ENCODER.encode(self._whole(image, image_id, pair)))
            self._table.extend(_ENCODER.encode(self._table_row(image_id, pair)) for pair in pairs)
            self._image_counts.update(present.keys())
            self._instance_counts.update(boxed)
            self._instance_counts.update(pair.category for pair in bare)
            row = self._image(image, image_id, {pair.category for pair in bare})
            self._images.append(_ENCODER.encode(row))

    def _add_boxes(
        self, image: ImageRecord, image_id: int, present: Collection[str], owned: Iterator[int]
    ) -> Counter[str]:
        """Encode the imported annotations of an image; return how many each category shows."""
        boxed = Counter[str]()
        for annotation in image.annotations:
            ids = {
                "id": next(owned),
                "image_id": image_id,
                "category_id": self._category_ids[annotation.category],
            }
            missing = [key for key in BOX_KEYS if key not in annotation.body]
            row = ids | dict(annotation.body) | ids
            if missing:
                row |= self._filled(image, row, missing)
            if annotation.category in present:
                boxed[annotation.category] += 1
                self._annotations.append(_ENCODER.encode(row))
            else:
                self._withheld.append(_ENCODER.encode(row))
        return boxed

    def _filled(
        self, image: ImageRecord, row: Mapping[str, Any], missing: Sequence[str]
    ) -> dict[str, Any]:
        """Return what an annotation lacks that consumers cannot do without."""
        box = row.get("bbox") or self._box(image)
        values = {"bbox": box, "area": box[2] * box[3], "iscrowd": 0, "segmentation": []}
        return {key: values[key] for key in missing} | {FILLED_IN: list(missing)}

    def _whole(self, image: ImageRecord, image_id: int, pair: PairRecord) -> dict[str, Any]:
        """Return the annotation that says: somewhere in this image."""
        box = self._box(image)
        certificate = pair.extra.get("certificate") if pair.source == CERTIFIED else None
        provenance = {
            "source": pair.source,
            "certificate": certificate,
            "annotator": pair.annotator,
            "ts": pair.at,
        }
        row = {
            "id": next(self._free_ids),
            "image_id": image_id,
            "category_id": self._category_ids[pair.category],
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "segmentation": [],
            "score": pair.score,
            "attributes": {"image_level": True} | _known(provenance),
        }
        return _known(row)

    def _box(self, image: ImageRecord) -> list[int]:
        if image.width is None or image.height is None:
            raise FormatError(
                f"{self._path}: image {image.file_name!r} has no width and height, which the box "
                "around a whole image needs; add them to the record."
            )
        return [0, 0, image.width, image.height]

    def _image(self, image: ImageRecord, image_id: int, bare: set[str]) -> dict[str, Any]:
        states = {pair.category: pair.state for pair in (*image.pairs, *image.suggestions)}
        present = {name for name, state in states.items() if state is State.PRESENT}
        partly = present if image.not_exhaustive is None else bare.union(image.not_exhaustive)
        ids = {"id": image_id, "file_name": image.file_name}
        keys = {
            POSITIVE: self._ids(present),
            NEGATIVE: self._ids(states.keys() - present),
            NOT_EXHAUSTIVE: self._ids(partly),
        }
        size = _known({"width": image.width, "height": image.height})
        return ids | size | dict(image.extra) | ids | size | keys

    def _table_row(self, image_id: int, pair: PairRecord) -> dict[str, Any]:
        provenance = {
            "source": pair.source,
            "score": pair.score,
            "annotator": pair.annotator,
            "ts": pair.at,
        }
        pair_ids = {"image_id": image_id, "category_id": self._category_ids[pair.category]}
        return (
            pair_ids
            | {"state": pair.state.value}
            | _known(provenance)
            | {key: value for key, value in pair.extra.items() if key not in TABLE_KEYS}
        )

    def _category(self, category: CategoryRecord) -> dict[str, Any]:
        images = self._image_counts[category.name]
        known = {
            "id": self._category_ids[category.name],
            "name": category.name,
            "supercategory": category.supercategory,
            "frequency": _frequency(images),
            "image_count": images,
            "instance_count": self._instance_counts[category.name],
        }
        return known | dict(category.extra) | known

    def _ids(self, names: Iterable[str]) -> list[int]:
        return sorted(self._category_ids[name] for name in names)


def _info(labels: LabelFile) -> dict[str, Any]:
    known: dict[str, Any] = {
        "annotation_type": ANNOTATION_TYPE,
        "label_semantics": SEMANTICS[labels.content],
        "content": labels.content,
    }
    if labels.content == "completed":
        known |= {"certified": False, "content_note": UNCERTIFIED}
    if labels.content == "certified":
        known |= {"certified": True, "content_note": CERTIFIED_NOTE}
    return {key: value for key, value in labels.info.items() if key not in INFO_KEYS} | known


def _frequency(images: int) -> str:
    """Return the LVIS class of a category: rare, common or frequent.

    >>> [_frequency(count) for count in (10, 11, 100, 101)]
    ['r', 'c', 'c', 'f']
    """
    if images <= 10:
        return "r"
    return "c" if images <= 100 else "f"


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _distinct(wanted: Iterable[int | None]) -> list[int]:
    """Return ids in which every first holder keeps its own and the others get the next free ones.

    >>> _distinct([7, None, 7, 2])
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
