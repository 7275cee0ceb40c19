"""Reads MS-COCO 2014 as a multi-label set: 80 categories, train2014 and val2014."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
from mlrpl.labels import ABSENT, PRESENT

PARTS = {TRAIN: "train2014", TEST: "val2014"}


def read(root: Path, options: ReadOptions) -> LabelledImages:  # noqa: ARG001
    """Return `train2014` as `train` and `val2014` as `test`.

    A category is present in an image that has at least one box of it, crowds included. Images
    without a box are part of the set; most papers leave them out of both parts (82,081 and 40,137
    remain), HST's code tests on all 40,504. Expected: `annotations/instances_train2014.json` and
    `instances_val2014.json`, pictures in `train2014` and `val2014`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If it is none of COCO's.
    """
    files: list[str] = []
    counts: dict[str, int] = {}
    parts: list[Labels] = []
    sizes: list[npt.NDArray[np.float32]] = []
    categories: tuple[str, ...] = ()
    for part, name in PARTS.items():
        path = root / "annotations" / f"instances_{name}.json"
        needed(path, f"the boxes of {name} of MS-COCO")
        images, labels, shares, found = _instances(path)
        if categories and found != categories:
            raise ValueError(f"{path} has other categories than the training part; use COCO 2014")
        categories = found
        files.extend(f"{name}/{image}" for image in images)
        counts[part] = len(images)
        parts.append(labels)
        sizes.append(shares)
    return LabelledImages(
        name="coco2014",
        root=root,
        files=tuple(files),
        categories=categories,
        labels=np.concatenate(parts),
        splits=in_parts(counts),
        sizes=np.concatenate(sizes),
    )


def _instances(
    path: Path,
) -> tuple[list[str], Labels, npt.NDArray[np.float32], tuple[str, ...]]:
    """Return file names, labels, sizes and categories, all in the order of COCO's numbers."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        categories = sorted(content["categories"], key=lambda each: each["id"])
        images = sorted(content["images"], key=lambda each: each["id"])
        column = {each["id"]: index for index, each in enumerate(categories)}
        row = {each["id"]: index for index, each in enumerate(images)}
        labels = np.full((len(images), len(categories)), ABSENT, dtype=np.int8)
        sizes = np.zeros(labels.shape, dtype=np.float32)
        areas = [float(each["width"]) * float(each["height"]) for each in images]
        for box in content["annotations"]:
            place = row[box["image_id"]], column[box["category_id"]]
            labels[place] = PRESENT
            sizes[place] += box["bbox"][2] * box["bbox"][3] / areas[place[0]]
        names = tuple(str(each["name"]) for each in categories)
        files = [str(each["file_name"]) for each in images]
        return files, labels, sizes.clip(max=1), names
    except (ValueError, LookupError, TypeError, ZeroDivisionError) as error:
        raise ValueError(
            f"{path} is no instances file of COCO ({type(error).__name__}: {error}); "
            "download the annotations again"
        ) from error
