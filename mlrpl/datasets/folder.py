"""Reads a folder of one's own pictures with a `labels.csv`."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlrpl.datasets.base import TEST, TRAIN, VALIDATION, LabelledImages, ReadOptions, Rows, needed
from mlrpl.labels import ABSENT, PRESENT

NAME = "labels.csv"
TEST_SHARE = 0.2
"""Of the images that are tested on where the file divides none."""


@dataclass(frozen=True)
class _Line:
    number: int
    file: str
    labels: tuple[str, ...]
    split: str


def read(root: Path, options: ReadOptions) -> LabelledImages:
    """Return the images of `labels.csv`; a label that an image does not list is absent.

    Expected in `root`: `labels.csv` with the columns `file`, `labels` (joined by `|`) and, if
    the split is fixed, `split` (`train`, `validation` or `test`); pictures in `root` or in
    `root/images`. Without a column `split`, 20 % of the images, drawn by the seed, are the test.
    Categories are sorted by name.

    Raises:
        FileNotFoundError: If the file or a picture is missing.
        ValueError: If the file cannot be understood.
    """
    path = needed(root / NAME, "the labels of the pictures, with the columns file and labels")
    lines = _lines(path)
    folder = _picture_folder(root, lines)
    categories = tuple(sorted({label for line in lines for label in line.labels}))
    column = {name: index for index, name in enumerate(categories)}
    labels = np.full((len(lines), len(categories)), ABSENT, dtype=np.int8)
    for row, line in zip(labels, lines, strict=True):
        row[[column[label] for label in line.labels]] = PRESENT
    return LabelledImages(
        name="folder",
        root=folder,
        files=tuple(line.file for line in lines),
        categories=categories,
        labels=labels,
        splits=_splits(path, lines, options.seed),
    )


def _lines(path: Path) -> list[_Line]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        header = reader.fieldnames or []
        for name in ("file", "labels"):
            if name not in header:
                raise ValueError(f"{path} has no column {name!r}; its first line names the columns")
        divided = "split" in header
        lines = [
            _Line(
                number=reader.line_num,
                file=(row["file"] or "").strip().replace("\\", "/"),
                labels=tuple(x.strip() for x in (row["labels"] or "").split("|") if x.strip()),
                split=(row["split"] or "").strip() if divided else "",
            )
            for row in reader
        ]
    _checked(path, lines, divided=divided)
    return lines


def _checked(path: Path, lines: list[_Line], *, divided: bool) -> None:
    if not lines:
        raise ValueError(f"{path} lists no picture; give one a line")
    often = Counter(line.file for line in lines)
    for line in lines:
        place = f"{path}, line {line.number}"
        if not line.file:
            raise ValueError(f"{place}: the file is empty; name a picture")
        if often[line.file] > 1:
            raise ValueError(
                f"{place}: {line.file} is listed {often[line.file]} times; list it once"
            )
        if divided and line.split not in (TRAIN, VALIDATION, TEST):
            raise ValueError(
                f"{place}: the split should be train, validation or test, got {line.split!r}"
            )


def _picture_folder(root: Path, lines: list[_Line]) -> Path:
    """Return `root` or `root/images`, whichever holds the pictures."""
    folder = root if (root / lines[0].file).is_file() else root / "images"
    missing = [line for line in lines if not (folder / line.file).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder / missing[0].file} is missing ({len(missing)} of {len(lines)} are); it "
            f"should be the picture of line {missing[0].number} of {root / NAME}"
        )
    return folder


def _splits(path: Path, lines: list[_Line], seed: int) -> dict[str, Rows]:
    named = np.array([line.split for line in lines])
    if named[0]:
        splits = {
            part: np.flatnonzero(named == part).astype(np.int64)
            for part in (TRAIN, VALIDATION, TEST)
            if (named == part).any()
        }
        for part in (TRAIN, TEST):
            if part not in splits:
                raise ValueError(f"{path} has no line of the split {part!r}; give at least one")
        return splits
    order = np.random.default_rng(seed).permutation(len(lines))
    tested = round(TEST_SHARE * len(lines))
    if not 0 < tested < len(lines):
        raise ValueError(f"{path} lists {len(lines)} pictures; 5 at least can be divided 80/20")
    return {TRAIN: np.sort(order[tested:]), TEST: np.sort(order[:tested])}
