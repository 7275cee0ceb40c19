"""Reads NUS-WIDE: 81 concepts, the published training and test images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlrpl.datasets.base import (
    TEST,
    TRAIN,
    LabelledImages,
    Labels,
    ReadOptions,
    in_parts,
    needed,
)
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

PARTS = {TRAIN: "Train", TEST: "Test"}


def read(root: Path, options: ReadOptions) -> LabelledImages:  # noqa: ARG001
    """Return the published training and test part.

    A value other than 0 and 1 is unknown: the published `Labels_lake_Train.txt` has one. Images
    without any concept are part of the set; many papers leave them out. Expected in `root`:
    `Concepts81.txt`, `ImageList/TrainImagelist.txt` and `TestImagelist.txt`,
    `TrainTestLabels/Labels_CONCEPT_Train.txt` and `..._Test.txt`, or else
    `ImageList/Imagelist.txt` with `AllLabels/Labels_CONCEPT.txt`; the label folders may lie in
    `Groundtruth`, the concepts in `ConceptsList`; pictures in `Flickr`, as the lists name them.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a label file does not fit its list.
    """
    concepts = _concepts(root)
    listed = {
        part: _listed(root / "ImageList" / f"{name}Imagelist.txt", f"{name.lower()} images")
        for part, name in PARTS.items()
    }
    divided = _first(root, "TrainTestLabels")
    read_part = _divided if divided.is_dir() else _from_all
    parts = [read_part(root, concepts, PARTS[part], images) for part, images in listed.items()]
    return LabelledImages(
        name="nuswide",
        root=root,
        files=tuple(f"Flickr/{image}" for images in listed.values() for image in images),
        categories=concepts,
        labels=np.concatenate(parts),
        splits=in_parts({part: len(images) for part, images in listed.items()}),
    )


def _concepts(root: Path) -> tuple[str, ...]:
    path = root / "Concepts81.txt"
    if not path.exists() and (root / "ConceptsList" / path.name).exists():
        path = root / "ConceptsList" / path.name
    needed(path, "the names of NUS-WIDE's 81 concepts, one a line")
    return tuple(path.read_text(encoding="utf-8").split())


def _listed(path: Path, what: str) -> list[str]:
    needed(path, f"the list of NUS-WIDE's {what}, one file a line")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip().replace("\\", "/") for line in lines if line.strip()]


def _first(root: Path, name: str) -> Path:
    inner = root / "Groundtruth" / name
    return inner if inner.is_dir() else root / name


def _divided(root: Path, concepts: tuple[str, ...], part: str, images: list[str]) -> Labels:
    folder = _first(root, "TrainTestLabels")
    columns = [_column(folder / f"Labels_{c}_{part}.txt", c, len(images)) for c in concepts]
    return np.stack(columns, axis=1)


def _from_all(root: Path, concepts: tuple[str, ...], part: str, images: list[str]) -> Labels:
    folder = needed(
        _first(root, "AllLabels"), "NUS-WIDE's labels, where there is no folder TrainTestLabels"
    )
    everything = _listed(root / "ImageList" / "Imagelist.txt", "images")
    place = {image: row for row, image in enumerate(everything)}
    missing = [image for image in images if image not in place]
    if missing:
        raise ValueError(
            f"Imagelist.txt lacks the {part.lower()} image {missing[0]}; take the published lists"
        )
    rows = np.array([place[image] for image in images], dtype=np.int64)
    columns = [_column(folder / f"Labels_{c}.txt", c, len(everything))[rows] for c in concepts]
    return np.stack(columns, axis=1)


def _column(path: Path, concept: str, count: int) -> npt.NDArray[np.int8]:
    needed(path, f"whether {concept!r} is in each image of NUS-WIDE, 0 or 1 a line")
    values = path.read_text(encoding="utf-8").split()
    if len(values) != count:
        raise ValueError(f"{path} has {len(values)} lines for {count} images; download it again")
    meaning = {"1": PRESENT, "0": ABSENT}
    return np.array([meaning.get(value, UNKNOWN) for value in values], dtype=np.int8)
