"""The pool of a certificate: the open pairs that could be filled in, in their frozen order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays.certificates import FillBits, Ints
from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.services.catalogue.hierarchy import Parents
from annotator.services.knowledge.open_pairs import settled_matrix
from annotator.store import Transaction, categories, certificates
from mlrpl.decision.calibration import Calibration, probabilities

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint64]

BLOCK = 1_000_000
"""Pairs that are unpacked together."""


@dataclass(frozen=True)
class Pool:
    """Open pairs with a probability, from the least to the most likely present."""

    pairs: Ints
    """`(N, 2)` image and category ordinals, ties by ordinal."""
    probabilities: Floats
    """`(N,)`, ascending."""
    categories: tuple[Category, ...]
    """Those whose pairs are in it."""
    left_out: tuple[str, ...]
    """Names of the shown categories without a calibrated opinion: they are suggested only."""

    @property
    def known(self) -> int:
        """Present labels of the pool's categories, outside the pool."""
        return sum(c.present_count for c in self.categories)


def build(
    tx: Transaction, arrays: VersionArrays, fills: Iterable[FillBits], parents: Parents
) -> Pool:
    """Collect the pool as it stands now.

    Left out are pairs with a label (one in conflict, too) or one that follows from another, pairs
    that were asked blind before, pairs that are filled in, and images whose file is missing.

    Args:
        tx: A transaction.
        arrays: Of the promoted version.
        fills: Of the certificates that stand.
        parents: Of the hierarchy.
    """
    shown = categories.every(tx)
    chosen = tuple(c for c in shown if _has_probability(arrays, c.ordinal))
    ordinals = np.array([c.ordinal for c in chosen], np.int32)
    is_open = np.ascontiguousarray(~_closed(tx, fills, parents).T)  # by category
    keys, size = np.empty(int(is_open[ordinals].sum()), np.uint64), 0
    for place, ordinal in enumerate(ordinals.tolist()):
        column = arrays.columns[ordinal]
        scores = np.asarray(arrays.scores_by_category[column])
        rows = np.flatnonzero(np.isfinite(scores) & is_open[ordinal, : len(scores)])
        found = _keys(_probabilities(arrays, column, scores[rows]), place * is_open.shape[1] + rows)
        keys[size : size + len(rows)] = found
        size += len(rows)
    keys = keys[:size]
    keys.sort()
    pairs, chances = _unpacked(keys, is_open.shape[1], ordinals)
    return Pool(
        pairs=pairs,
        probabilities=chances,
        categories=chosen,
        left_out=tuple(c.name for c in shown if c not in chosen),
    )


def _keys(chances: Floats, cells: npt.NDArray[np.integer]) -> Keys:
    """Return probabilities and cells of a table, below 2^32, as numbers that sort by both.

    A pair is one number while millions are sorted, for time and memory: the bits of numbers from 0
    on are in the order of the numbers.

    >>> np.argsort(_keys(np.array([0.5, 0.0, 0.5, 0.25], np.float32), np.arange(4))).tolist()
    [1, 3, 0, 2]
    """
    keys = chances.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= cells.astype(np.uint64)
    return keys


def _unpacked(keys: Keys, images: int, ordinals: Ints) -> tuple[Ints, Floats]:
    """Return image and category ordinals, and probabilities, of keys.

    Args:
        keys: Of cells that are numbered category by category.
        images: Cells of a category.
        ordinals: Of the categories.
    """
    pairs, chances = np.empty((len(keys), 2), np.int32), np.empty(len(keys), np.float32)
    for start in range(0, len(keys), BLOCK):
        part = keys[start : start + BLOCK]
        place, image = np.divmod(part.astype(np.uint32), np.uint32(images))  # the lower half
        pairs[start : start + BLOCK, 0] = image
        pairs[start : start + BLOCK, 1] = ordinals[place]
        chances[start : start + BLOCK] = (part >> np.uint64(32)).astype(np.uint32).view(np.float32)
    return pairs, chances


def probability(arrays: VersionArrays, image: int, category: int) -> float | None:
    """Return the probability of a pair by ordinals; None where the version has none."""
    if not _has_probability(arrays, category):
        return None
    column = arrays.columns[category]
    scores = np.asarray(arrays.scores_by_category[column][image : image + 1])
    if not len(scores) or not np.isfinite(scores[0]):
        return None
    return float(_probabilities(arrays, column, scores)[0])


def _has_probability(arrays: VersionArrays, ordinal: int) -> bool:
    column = arrays.columns.get(ordinal)
    if column is None or ordinal in arrays.parameters.ranked_only:
        return False
    return bool(arrays.taught[column])


def _probabilities(arrays: VersionArrays, column: int, scores: Floats) -> Floats:
    own = arrays.parameters.calibration
    calibration = Calibration(own.slope, np.asarray(own.intercepts)[column : column + 1])
    return probabilities(scores[:, None], calibration)[:, 0].astype(np.float32)


def _closed(tx: Transaction, fills: Iterable[FillBits], parents: Parents) -> npt.NDArray[np.bool_]:
    """Return which pairs cannot be in a pool, `(images, categories)` by ordinal.

    A fill counts with the categories whose meaning has changed: its pairs are not filled in twice.
    """
    closed = settled_matrix(tx, parents)
    closed[certificates.probed(tx)] = True
    for fill in fills:
        for start in range(0, min(len(closed), fill.images), 8192):
            stop = min(start + 8192, fill.images)
            closed[start:stop, : fill.columns] |= fill.rows(start, stop).any(axis=0)
    return closed


def super_categories(shown: Sequence[Category]) -> dict[str, list[int]]:
    """Return the ordinals of the categories of each super-category, by its name.

    Those of one category, and one that all categories are in, say nothing that the category or
    the whole pool does not say.
    """
    found: dict[str, list[int]] = {}
    for category in shown:
        if category.supercategory:
            found.setdefault(category.supercategory, []).append(category.ordinal)
    return {name: own for name, own in found.items() if 1 < len(own) < len(shown)}
