"""Word vectors of category names: from an array file, or from a text file in GloVe's format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def load_word_vectors(
    path: Path, categories: int, category_names: Sequence[str] | None = None
) -> Vectors:
    """Return one vector a category, `(C, W)`.

    Args:
        path: A `.npy` file with `(C, W)` in column order, or a text file with a word and its
            numbers a line, separated by blanks, as GloVe and word2vec publish them.
        categories: How many, C.
        category_names: In column order; a text file needs them.

    Raises:
        ValueError: If the file is missing or damaged, has another shape, holds no finite number, or
            has no vector for a name.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path} with word vectors; correct word_vectors")
    if path.suffix == ".npy":
        vectors = _array(path)
    elif category_names is None:
        raise ValueError(f"{path} is looked up by name; give category_names, or a .npy file")
    else:
        vectors = _by_name(path, category_names)
    if vectors.ndim != 2 or len(vectors) != categories:
        raise ValueError(
            f"{path} has the shape {vectors.shape} for {categories} categories; "
            "give one row a category"
        )
    if not np.isfinite(vectors).all():
        raise ValueError(f"{path} holds NaN or infinite numbers; make the word vectors again")
    return vectors


def _array(path: Path) -> Vectors:
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is no array of numbers ({error}); save it with NumPy") from error


def _by_name(path: Path, names: Sequence[str]) -> Vectors:
    """Return the vector of a name as a whole, else the mean over those of its words that have one.

    Case does not count. Blanks, hyphens and underscores part words.
    """
    words = [_words(name) for name in names]
    wholes = ["-".join(parts) for parts in words]
    found = _read(path, {*wholes, *(word for parts in words for word in parts)})
    rows = []
    for whole, parts in zip(wholes, words, strict=True):
        known = [found[word] for word in ([whole] if whole in found else parts) if word in found]
        rows.append(np.mean(known, axis=0) if known else None)
    missing = [name for name, row in zip(names, rows, strict=True) if row is None]
    if missing:
        raise ValueError(
            f"{path} has no vector for {', '.join(map(repr, missing))}; rename these categories, "
            "add lines for them, or leave word_vectors out to learn the vectors"
        )
    return np.stack([row for row in rows if row is not None]).astype(np.float32)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", name.casefold())


def _read(path: Path, wanted: set[str]) -> dict[str, Vectors]:
    """Return the vectors of these words; where a word occurs twice, the first one."""
    found: dict[str, Vectors] = {}
    width = 0
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            word, *values = line.split() or [""]
            if not word or (number == 1 and len(values) == 1):
                continue  # word2vec begins with the size of the table
            width = width or len(values)
            key = word.casefold().replace("_", "-")
            if key not in wanted or key in found:
                continue
            try:
                found[key] = np.array(values, dtype=np.float32)
            except ValueError:
                found[key] = np.zeros(0, dtype=np.float32)
            if len(found[key]) != width or not width:
                raise ValueError(f"{path}, line {number}: expected a word and {width} numbers")
    return found
