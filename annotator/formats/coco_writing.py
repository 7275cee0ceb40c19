"""Writes COCO files that the usual consumers load and that read back without loss."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats.coco_ids import distinct, whole_image_id, with_ids
from annotator.formats.coco_profile import (
    ANNOTATION_TYPE,
    BOX_KEYS,
    CERTIFICATES,
    CERTIFIED_NOTE,
    FILLED_IN,
    INFO_KEYS,
    NEGATIVE,
    NOT_CERTIFIED_NOTE,
    NOT_EXHAUSTIVE,
    POSITIVE,
    SEMANTICS,
    TABLE,
    TABLE_KEYS,
    TOP_KEYS,
    UNCERTIFIED,
    WITHHELD,
)
from annotator.formats.files import new_file
from annotator.formats.records import (
    CERTIFIED,
    CategoryRecord,
    Content,
    ImageRecord,
    LabelFile,
    LabelRows,
    PairRecord,
)

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))

_PROVENANCE = ("source", "score", "annotator", "ts")

_SPOOLED_BYTES = 1_000_000
"""A section up to this size stays in memory until it is joined with the others."""


def unwritable(content: Content, names: Sequence[str]) -> str:
    """Return an empty text: COCO has a place for everything."""
    del content, names
    return ""


def write(labels: LabelRows, path: Path) -> list[Path]:
    """Write one COCO file and return its path in a list.

    Every image is listed. A present pair without a box of its own gets one box over the whole
    image. Imported boxes keep their ids and keys; those of a pair that is not present are set
    aside under `withheld_annotations`. Records of a `LabelFile` without an id, or with one that an
    earlier record has, get the next free ids in order.

    Images are written as they come, each section to a file without a name, which are joined at the
    end: a file may be larger than the memory.

    Raises:
        FormatError: If an image has no size and needs a box, or the file cannot be written.
    """
    rows = with_ids(labels) if isinstance(labels, LabelFile) else labels
    try:
        with new_file(path) as file, ExitStack() as stack:
            sections = {
                key: _Section(
                    stack.enter_context(
                        SpooledTemporaryFile(max_size=_SPOOLED_BYTES, dir=str(path.parent))
                    )
                )
                for key in ("categories", "images", "annotations", TABLE, WITHHELD)
            }
            _Writing(rows, path, sections).into(file)
    except ValueError as error:
        raise FormatError(f"{path}: a number cannot be written as JSON: {error}.") from None
    return [path]


class _Section:
    """The rows of one top-level list, those of an image on one line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.is_empty = True

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            separator = b"" if self.is_empty else b",\n"
            self._file.write(separator + _ENCODER.encode(rows)[1:-1].encode("ascii"))
            self.is_empty = False

    def into(self, file: IO[bytes]) -> None:
        self._file.seek(0)
        shutil.copyfileobj(self._file, file)


class _Writing:
    """One file on its way to text: rows are encoded as they are made, so that few live at once."""

    def __init__(self, labels: LabelRows, path: Path, sections: Mapping[str, _Section]) -> None:
        self._labels = labels
        self._path = path
        ids = distinct(category.coco_id for category in labels.categories)
        self._category_ids = dict(
            zip((category.name for category in labels.categories), ids, strict=True)
        )
        self._sections = sections
        self._image_counts: Counter[str] = Counter()
        self._instance_counts: Counter[str] = Counter()
        self._taken_ids = set(labels.high_ids)

    def into(self, file: IO[bytes]) -> None:
        """Write the whole file."""
        labels = self._labels
        for image in labels.checked():
            self._add(image)
        for category in labels.categories:
            self._sections["categories"].add([self._category(category)])
        head = {"info": _info(labels), "licenses": list(labels.licenses)}
        rest = {key: value for key, value in labels.extra.items() if key not in TOP_KEYS}
        separator = "{\n"
        for key, value in (head | rest).items():
            text = f"{separator}{_ENCODER.encode(key)}:{_ENCODER.encode(value)}"
            file.write(text.encode("ascii"))
            separator = ",\n"
        for key, section in self._sections.items():
            if key == WITHHELD and section.is_empty:
                continue
            file.write(f'{separator}"{key}":[\n'.encode())
            section.into(file)
            file.write(b"\n]")
        file.write(b"\n}\n")

    def _add(self, image: ImageRecord) -> None:
        assert image.coco_id is not None  # see `LabelRows.images`
        pairs = (*image.pairs, *image.suggestions)
        present = {pair.category: pair for pair in pairs if pair.state is State.PRESENT}
        boxed = self._add_boxes(image, image.coco_id, present.keys())
        bare = [pair for name, pair in present.items() if name not in boxed]
        whole = [self._whole(image, image.coco_id, pair) for pair in bare]
        self._sections["annotations"].add(whole)
        self._sections[TABLE].add([self._table_row(image.coco_id, pair) for pair in pairs])
        self._image_counts.update(present.keys())
        self._instance_counts.update(boxed)
        self._instance_counts.update(pair.category for pair in bare)
        row = self._image(image, image.coco_id, {pair.category for pair in bare})
        self._sections["images"].add([row])

    def _add_boxes(
        self, image: ImageRecord, image_id: int, present: Collection[str]
    ) -> Counter[str]:
        """Write the imported annotations of an image; return how many each category shows."""
        boxed = Counter[str]()
        shown, withheld = [], []
        for annotation in image.annotations:
            ids = {
                "id": annotation.coco_id,
                "image_id": image_id,
                "category_id": self._category_ids[annotation.category],
            }
            missing = [key for key in BOX_KEYS if annotation.body.get(key) is None]
            row = ids | dict(annotation.body) | ids
            row["iscrowd"] = _crowd(row.get("iscrowd"))
            if missing:
                row |= self._filled(image, row, missing)
            if annotation.category in present:
                boxed[annotation.category] += 1
                shown.append(row)
            else:
                withheld.append(row)
        self._sections["annotations"].add(shown)
        self._sections[WITHHELD].add(withheld)
        return boxed

    def _filled(
        self, image: ImageRecord, row: Mapping[str, Any], missing: Sequence[str]
    ) -> dict[str, Any]:
        """Return what an annotation lacks that consumers cannot do without."""
        box = row.get("bbox") or self._box(image)
        values = {"bbox": box, "area": max(0, box[2] * box[3]), "iscrowd": 0, "segmentation": []}
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
        category_id = self._category_ids[pair.category]
        row = {
            "id": whole_image_id(image_id, category_id, self._taken_ids),
            "image_id": image_id,
            "category_id": category_id,
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
        row: dict[str, Any] = {
            "image_id": image_id,
            "category_id": self._category_ids[pair.category],
            "state": pair.state.value,
        }
        provenance = (pair.source, pair.score, pair.annotator, pair.at)
        for key, value in zip(_PROVENANCE, provenance, strict=True):
            if value is not None:  # dozens of millions of rows: no dictionary is made twice
                row[key] = value
        if pair.extra:
            row |= {key: value for key, value in pair.extra.items() if key not in TABLE_KEYS}
        return row

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


def _info(labels: LabelRows) -> dict[str, Any]:
    known: dict[str, Any] = {
        "annotation_type": ANNOTATION_TYPE,
        "label_semantics": SEMANTICS[labels.content],
        "content": labels.content,
    }
    if labels.content == "completed":
        known |= {"certified": False, "content_note": UNCERTIFIED}
    if labels.content == "certified":
        covered = bool(labels.info.get(CERTIFICATES))
        note = CERTIFIED_NOTE if covered else NOT_CERTIFIED_NOTE
        known |= {"certified": covered, "content_note": note}
    return {key: value for key, value in labels.info.items() if key not in INFO_KEYS} | known


def _crowd(value: object) -> int:
    """Return 0 or 1 also for an annotation that was kept with another word for it.

    >>> [_crowd(value) for value in (1, 0, True, "false", "True", None)]
    [1, 0, 1, 0, 1, 0]
    """
    return int(str(value).strip().lower() in ("1", "1.0", "true", "yes"))


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
