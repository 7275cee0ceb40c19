"""Reads Open Images: labels that people verified, so that most pairs are truly unknown."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlrpl.datasets.base import (
    TEST,
    TRAIN,
    VALIDATION,
    LabelledImages,
    ReadOptions,
    in_parts,
    needed,
)
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

PARTS = (TRAIN, VALIDATION, TEST)
COLUMNS = ("ImageID", "LabelName", "Confidence")
FEWEST = 100
"""Present labels of a category that is read where the caller names no number."""


def read(root: Path, options: ReadOptions) -> LabelledImages:
    """Return the parts whose labels and pictures are there.

    Confidence 1 is present, 0 absent; a pair that nobody verified is unknown, and so is one about
    which two people disagree. Images without a picture on the disk are left out, since hardly
    anybody keeps all nine million, and so are categories with fewer present labels than asked for
    (100 if nothing was), counted over all parts.

    Expected in `root`: `PART-annotations-human-imagelabels.csv` for `train`, `validation` or
    `test`, which may begin with `oidv6-` and end with `-boxable` as published; columns
    `ImageID,Source,LabelName,Confidence`; `class-descriptions.csv` (or `oidv6-`, `oidv7-`) with
    `LabelName,DisplayName`; pictures `PART/ImageID.jpg`.

    Raises:
        FileNotFoundError: If there is no such file at all, or a part has labels and no folder.
        ValueError: If a file has other columns, or no labelled picture is there.
    """
    annotations = {part: path for part in PARTS if (path := _annotations(root, part)) is not None}
    if not annotations:
        needed(root / f"{TRAIN}-annotations-human-imagelabels.csv", "Open Images' verified labels")
    verified = {part: _verified(path, root / part) for part, path in annotations.items()}
    columns = _columns(verified, options.min_positives or FEWEST)
    files: list[str] = []
    rows: list[np.ndarray] = []
    for part, images in verified.items():
        for image, said in images.items():
            row = np.full(len(columns), UNKNOWN, dtype=np.int8)
            for label, value in said.items():
                if label in columns:
                    row[columns[label]] = value
            files.append(f"{part}/{image}.jpg")
            rows.append(row)
    if not rows:
        raise ValueError(f"no picture of {', '.join(verified)} in {root} has a verified label")
    names = _names(root)
    return LabelledImages(
        name="openimages",
        root=root,
        files=tuple(files),
        categories=tuple(names.get(label, label) for label in columns),
        labels=np.stack(rows),
        splits=in_parts({part: len(images) for part, images in verified.items()}),
    )


def _annotations(root: Path, part: str) -> Path | None:
    for ending in ("", "-boxable"):
        for beginning in ("", "oidv6-"):
            path = root / f"{beginning}{part}-annotations-human-imagelabels{ending}.csv"
            if path.exists():
                return path
    return None


def _verified(path: Path, folder: Path) -> dict[str, dict[str, int]]:
    """Return what was said about every picture that is there, by label."""
    needed(folder, f"the folder of the pictures that {path.name} is about")
    here = {each.stem for each in folder.iterdir() if each.suffix == ".jpg"}
    found: dict[str, dict[str, int]] = {}
    for image, label, value in _said(path):
        if image in here:
            labels = found.setdefault(image, {})
            labels[label] = value if labels.get(label, value) == value else UNKNOWN
    return found


def _said(path: Path) -> Iterator[tuple[str, str, int]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        if not set(COLUMNS) <= set(header):
            raise ValueError(f"{path} has the columns {header}; it should have {list(COLUMNS)}")
        image, label, confidence = (header.index(column) for column in COLUMNS)
        for row in reader:
            value = {"1": PRESENT, "0": ABSENT}.get(row[confidence].removesuffix(".0"))
            if value is None:
                raise ValueError(
                    f"{path}, line {reader.line_num}: Confidence should be 1 or 0, "
                    f"got {row[confidence]!r}"
                )
            yield row[image], row[label], value


def _columns(verified: dict[str, dict[str, dict[str, int]]], least: int) -> dict[str, int]:
    """Return the column of each label that is present often enough."""
    positives: Counter[str] = Counter()
    for images in verified.values():
        for said in images.values():
            positives.update(label for label, value in said.items() if value == PRESENT)
    kept = sorted(label for label, count in positives.items() if count >= least)
    if not kept:
        most = max(positives.values(), default=0)
        raise ValueError(
            f"no category of openimages has {least} positives among the pictures that are there; "
            f"the most frequent one has {most}"
        )
    return {label: column for column, label in enumerate(kept)}


def _names(root: Path) -> dict[str, str]:
    """Return the display name of each label; two labels of one name keep their code as well."""
    published = [root / f"{start}class-descriptions.csv" for start in ("oidv7-", "oidv6-", "")]
    path = next((each for each in published if each.exists()), published[-1])
    needed(path, "the names of Open Images' labels, LabelName,DisplayName")
    with path.open(newline="", encoding="utf-8") as file:
        names = {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}
    names.pop("LabelName", None)
    often = Counter(names.values())
    return {
        label: name if often[name] == 1 else f"{name} ({label})" for label, name in names.items()
    }
