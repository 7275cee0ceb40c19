"""Reads VG-200: the 200 most frequent categories of Visual Genome in the published split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mlrpl.datasets.base import TEST, TRAIN, LabelledImages, ReadOptions, in_parts, needed
from mlrpl.labels import ABSENT, PRESENT

COUNT = 200
LISTS = {TRAIN: "train_list_500.txt", TEST: "test_list_500.txt"}
LABELS = "vg_category_200_labels_index.json"
NAMES = "vg_category_200.txt"
FOLDERS = ("VG_100K", "VG_100K_2")


def read(root: Path, options: ReadOptions) -> LabelledImages:  # noqa: ARG001
    """Return the published training and test part.

    Expected in `root`: `train_list_500.txt` and `test_list_500.txt` with one file name a line,
    `vg_category_200_labels_index.json` with the columns (0 to 199) that are present in each file,
    and the pictures in `VG_100K` (and `VG_100K_2`, where they were not put together). The
    published files do not name the categories; `vg_category_200.txt` may, one name a line.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file holds something else.
    """
    listed = {part: _listed(root / name, part) for part, name in LISTS.items()}
    images = [image for part in listed.values() for image in part]
    present = _present(root / LABELS)
    labels = np.full((len(images), COUNT), ABSENT, dtype=np.int8)
    for row, image in zip(labels, images, strict=True):
        if image not in present:
            raise ValueError(f"{root / LABELS} says nothing about {image}, which a list names")
        row[present[image]] = PRESENT
    second = _second_folder(root)
    return LabelledImages(
        name="vg200",
        root=root,
        files=tuple(f"{FOLDERS[image in second]}/{image}" for image in images),
        categories=_names(root / NAMES),
        labels=labels,
        splits=in_parts({part: len(found) for part, found in listed.items()}),
    )


def _listed(path: Path, part: str) -> list[str]:
    needed(path, f"the published list of VG-200's {part} images, one file name a line")
    return path.read_text(encoding="utf-8").split()


def _present(path: Path) -> dict[str, list[int]]:
    needed(path, "the published columns that are present in each file of VG-200")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {str(image): [int(c) for c in columns] for image, columns in content.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no list of columns by file ({error}); take the published file"
        ) from error
    if any(not 0 <= column < COUNT for columns in found.values() for column in columns):
        raise ValueError(f"{path} names columns outside 0 to {COUNT - 1}; take the file for 200")
    return found


def _second_folder(root: Path) -> set[str]:
    """Return the pictures that lie in the second of Visual Genome's folders only."""
    first, second = (root / name for name in FOLDERS)
    if not second.is_dir():
        return set()
    in_first = {path.name for path in first.iterdir()} if first.is_dir() else set()
    return {path.name for path in second.iterdir()} - in_first


def _names(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return tuple(f"category {column}" for column in range(COUNT))
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line)
    if len(names) != COUNT:
        raise ValueError(f"{path} has {len(names)} names; give {COUNT}, one a line")
    return names
