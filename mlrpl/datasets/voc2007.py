"""Reads PASCAL VOC 2007: 20 categories, difficult objects neither present nor absent."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from mlrpl.datasets.base import TEST, TRAIN, LabelledImages, ReadOptions, in_parts, needed
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

CATEGORIES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
PARTS = {TRAIN: "trainval", TEST: "test"}


def read(root: Path, options: ReadOptions) -> LabelledImages:  # noqa: ARG001
    """Return `trainval` as `train` and `test`.

    A category of which an image shows difficult objects only is unknown there, as the challenge
    ignores them. Expected: `ImageSets/Main/trainval.txt` and `test.txt`, `Annotations/ID.xml`,
    `JPEGImages/ID.jpg`, in `root` or in its folder `VOC2007` or `VOCdevkit/VOC2007`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If an annotation cannot be read.
    """
    folder = _folder(root)
    listed = {part: _listed(folder, name) for part, name in PARTS.items()}
    identifiers = [identifier for part in listed.values() for identifier in part]
    labels = np.full((len(identifiers), len(CATEGORIES)), ABSENT, dtype=np.int8)
    sizes = np.zeros(labels.shape, dtype=np.float32)
    for row, identifier in enumerate(identifiers):
        shown, difficult = _objects(folder / "Annotations" / f"{identifier}.xml")
        labels[row, difficult] = UNKNOWN
        for column, share in shown:
            labels[row, column] = PRESENT
            sizes[row, column] += share
    return LabelledImages(
        name="voc2007",
        root=folder,
        files=tuple(f"JPEGImages/{identifier}.jpg" for identifier in identifiers),
        categories=CATEGORIES,
        labels=labels,
        splits=in_parts({part: len(found) for part, found in listed.items()}),
        sizes=sizes.clip(max=1),
    )


def _folder(root: Path) -> Path:
    for folder in (root, root / "VOC2007", root / "VOCdevkit" / "VOC2007"):
        if (folder / "ImageSets").is_dir():
            return folder
    return root


def _listed(folder: Path, part: str) -> list[str]:
    path = folder / "ImageSets" / "Main" / f"{part}.txt"
    needed(path, f"the list of the {part} images of VOC 2007, one identifier a line")
    return path.read_text(encoding="utf-8").split()


def _objects(path: Path) -> tuple[list[tuple[int, float]], list[int]]:
    """Return the columns and sizes of a picture's objects, and the columns of difficult ones."""
    needed(path, "the objects of one picture of VOC 2007")
    try:
        root = ElementTree.parse(path).getroot()
        area = _number(root, "size/width") * _number(root, "size/height")
        shown: list[tuple[int, float]] = []
        difficult: list[int] = []
        for each in root.iter("object"):
            column = CATEGORIES.index(each.findtext("name", "").strip())
            if each.findtext("difficult", "0").strip() == "1":
                difficult.append(column)
                continue
            width = _number(each, "bndbox/xmax") - _number(each, "bndbox/xmin") + 1
            height = _number(each, "bndbox/ymax") - _number(each, "bndbox/ymin") + 1
            shown.append((column, width * height / area))
    except (ElementTree.ParseError, ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f"{path} is no annotation of VOC 2007 ({error}); download the set again"
        ) from error
    return shown, difficult


def _number(element: ElementTree.Element, name: str) -> float:
    text = element.findtext(name)
    if text is None:
        raise ValueError(f"{name} is missing")
    return float(text)
