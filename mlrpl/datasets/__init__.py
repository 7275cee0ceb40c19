"""Data sets with the papers' protocols, read from their published layouts with NumPy alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from mlrpl.datasets import coco2014, folder, nuswide, openimages, vg200, voc2007
from mlrpl.datasets.base import TEST, TRAIN, VALIDATION, LabelledImages, ReadOptions

__all__ = [
    "TEST",
    "TRAIN",
    "VALIDATION",
    "LabelledImages",
    "ReadOptions",
    "layout",
    "load",
    "names",
]

Reader = Callable[[Path, ReadOptions], LabelledImages]

_READERS: dict[str, Reader] = {
    "coco2014": coco2014.read,
    "folder": folder.read,
    "nuswide": nuswide.read,
    "openimages": openimages.read,
    "vg200": vg200.read,
    "voc2007": voc2007.read,
}


def names() -> list[str]:
    """Return the known data sets, sorted."""
    return sorted(_READERS)


def layout(name: str) -> str:
    """Return what is said about a data set: its protocol, and the files that have to be there.

    Raises:
        ValueError: If the name is unknown.
    """
    said = inspect.getdoc(_reader(name)) or ""
    return said.partition("\n\nRaises:")[0]


def load(
    name: str,
    root: Path | str,
    split: str | None = None,
    *,
    min_positives: int = 0,
    keep_unlabelled: bool = True,
    seed: int = 0,
) -> LabelledImages:
    """Return a data set; no picture is opened.

    Args:
        name: One of `names()`.
        root: Its folder; `layout` says what has to be in there.
        split: `train`, `test` or, where there is one, `validation`; None means all of them.
        min_positives: Categories with fewer present labels, all parts counted, are left out.
        keep_unlabelled: Whether images without any present label stay.
        seed: Of the split, where the data set brings none.

    Raises:
        FileNotFoundError: If a file is missing; the message names it and what it should be.
        ValueError: If the name is unknown or a file cannot be understood.
    """
    read = _reader(name)
    found = Path(root)
    if not found.is_dir():
        raise FileNotFoundError(f"{found} is missing; it should be the folder of {name}")
    data = read(found, ReadOptions(seed=seed, min_positives=min_positives))
    if min_positives > 0:
        data = data.with_min_positives(min_positives)
    if not keep_unlabelled:
        data = data.without_unlabelled()
    return data if split is None else data.only(split)


def _reader(name: str) -> Reader:
    if name not in _READERS:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(names())}")
    return _READERS[name]
