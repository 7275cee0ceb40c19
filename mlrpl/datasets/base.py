"""What a data set is once it has been read: files, categories, three-valued labels and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

Labels = npt.NDArray[np.int8]
Rows = npt.NDArray[np.int64]

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Image files with their labels; no picture has been opened yet."""

    name: str
    """Which data set it is."""
    root: Path
    """What `files` are relative to."""
    files: tuple[str, ...]
    """One relative path an image, with forward slashes."""
    categories: tuple[str, ...]
    """One name a column."""
    labels: Labels
    """`(N, C)` int8, each `PRESENT`, `UNKNOWN` or `ABSENT`."""
    splits: Mapping[str, Rows]
    """Rows of each part: `train`, `test` and, where there is one, `validation`."""
    sizes: npt.NDArray[np.float32] | None = None
    """`(N, C)`, the share of the picture that the boxes of a category cover, 0 to 1, boxes that
    overlap counted twice; None where the data set has no boxes."""

    def __post_init__(self) -> None:
        expected = (len(self.files), len(self.categories))
        if self.labels.shape != expected:
            raise ValueError(
                f"labels have shape {self.labels.shape} for {expected[0]} files and {expected[1]} "
                "categories; give one row a file and one column a category"
            )
        if not np.isin(self.labels, (PRESENT, UNKNOWN, ABSENT)).all():
            raise ValueError(
                f"labels must be {PRESENT}, {UNKNOWN} or {ABSENT}, "
                f"got {sorted({int(value) for value in np.unique(self.labels)})}"
            )

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.files)

    def path(self, row: int) -> Path:
        """Return where a picture lies."""
        return self.root / self.files[row]

    def rows(self, split: str) -> Rows:
        """Return the rows of a part.

        Raises:
            ValueError: If the data set has no such part.
        """
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise ValueError(f"{self.name} has no part {split!r}; it has {known}")
        return self.splits[split]

    def only(self, split: str) -> LabelledImages:
        """Return one part alone, with the same categories."""
        kept = np.zeros(len(self), dtype=bool)
        kept[self.rows(split)] = True
        return self._kept(kept, (split,))

    def without_unlabelled(self) -> LabelledImages:
        """Return the images that have at least one present label."""
        return self._kept((self.labels == PRESENT).any(axis=1), tuple(self.splits))

    def with_min_positives(self, least: int) -> LabelledImages:
        """Return the categories with at least so many present labels, all parts counted.

        Raises:
            ValueError: If no category has.
        """
        positives = (self.labels == PRESENT).sum(axis=0)
        columns = np.flatnonzero(positives >= least)
        if not len(columns):
            raise ValueError(
                f"no category of {self.name} has {least} positives; "
                f"the most frequent one has {positives.max(initial=0)}"
            )
        return self._columns(columns)

    def with_categories(self, names: Sequence[str]) -> LabelledImages:
        """Return the columns of these categories, in this order.

        Raises:
            ValueError: If one is missing.
        """
        column = {name: index for index, name in enumerate(self.categories)}
        missing = [name for name in names if name not in column]
        if missing:
            raise ValueError(
                f"{self.name} has no category {missing[0]!r} ({len(missing)} of {len(names)} are "
                "missing); give the data set that the method was trained on"
            )
        return self._columns(np.array([column[name] for name in names], dtype=np.int64))

    def _columns(self, columns: Rows) -> LabelledImages:
        return replace(
            self,
            categories=tuple(self.categories[column] for column in columns),
            labels=np.ascontiguousarray(self.labels[:, columns]),
            sizes=None if self.sizes is None else np.ascontiguousarray(self.sizes[:, columns]),
        )

    def _kept(self, kept: npt.NDArray[np.bool_], parts: Sequence[str]) -> LabelledImages:
        position = np.cumsum(kept) - 1
        splits = {}
        for part in parts:
            rows = self.splits[part]
            splits[part] = position[rows[kept[rows]]].astype(np.int64)
        files = tuple(file for file, keep in zip(self.files, kept, strict=True) if keep)
        sizes = None if self.sizes is None else self.sizes[kept]
        return replace(self, files=files, labels=self.labels[kept], splits=splits, sizes=sizes)


@dataclass(frozen=True)
class ReadOptions:
    """What a reader may be asked for."""

    seed: int = 0
    """Of the split, where a data set brings none."""
    min_positives: int = 0
    """Fewest present labels of a category; readers of huge sets leave rarer ones out at once."""


def needed(path: Path, what: str) -> Path:
    """Return a file or folder that has to be there.

    Raises:
        FileNotFoundError: If it is not; the message says what it should be.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; it should be {what}")
    return path


def in_parts(counts: Mapping[str, int]) -> dict[str, Rows]:
    """Return the rows of parts that lie one after the other, from the number of their images."""
    splits: dict[str, Rows] = {}
    start = 0
    for part, count in counts.items():
        splits[part] = np.arange(start, start + count, dtype=np.int64)
        start += count
    return splits
