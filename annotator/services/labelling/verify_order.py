"""In which order the images of one category are worth a look."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import VersionArrays
from annotator.wire.verify import Mode
from mlrpl.decision.calibration import decide
from mlrpl.decision.retrieval import likeness

FIRST_PART = 500
"""Images that are looked up first; each later part is four times as large."""

Keys = npt.NDArray[np.float32]
Ordinals = npt.NDArray[np.int64]


def in_order(keys: Keys) -> Iterator[Ordinals]:
    """Yield positions by ascending key, ties by position, in parts; those with NaN never.

    Only as much is sorted as is asked for.

    >>> [part.tolist() for part in in_order(np.array([3, 1, np.nan, 1], np.float32))]
    [[1, 3, 0]]
    """
    left = np.flatnonzero(~np.isnan(keys))
    size = FIRST_PART
    while len(left):
        part = left
        if len(left) > size:
            border = np.partition(keys[left], size - 1)[size - 1]
            is_in = keys[left] <= border  # the ties at the border, too
            part, left = left[is_in], left[~is_in]
        else:
            left = left[:0]
        yield part[np.argsort(keys[part], kind="stable")]
        size *= 4


def keys_by_score(
    arrays: VersionArrays, ordinal: int, mode: Mode, moves: Keys | None = None
) -> Keys:
    """Return the keys `(N,)` of a mode that goes by score; NaN where an image is not for it.

    What is suggested is for `CONFIRM`, the highest score first; what is not is for `SWEEP`, the
    lowest first; both are for `UNCERTAIN`, those nearest to the threshold first.

    Args:
        arrays: Of the version.
        ordinal: Of the category.
        mode: Of the page.
        moves: `(N,)`, by how much known labels move the scores. They change the order only, and
            not what is suggested, so that a page is read as it was shown when it is saved.
    """
    scores = arrays.category_scores(ordinal)
    is_suggested = suggested(arrays, ordinal, scores)
    scores = scores if moves is None else scores + moves
    if mode is Mode.CONFIRM:
        return np.where(is_suggested, -scores, np.nan).astype(np.float32)
    if mode is Mode.SWEEP:
        return np.where(is_suggested, np.nan, scores).astype(np.float32)
    threshold = arrays.parameters.thresholds[arrays.columns[ordinal]]
    return np.asarray(np.abs(scores - np.float32(threshold)), np.float32)


def suggested(arrays: VersionArrays, ordinal: int, scores: Keys) -> npt.NDArray[np.bool_]:
    """Return which raw scores of one category suggest present."""
    threshold = arrays.parameters.thresholds[arrays.columns[ordinal]]
    return decide(scores, np.asarray(threshold))


def keys_by_likeness(
    features: FeatureFiles, direction: npt.NDArray[np.floating] | None, images: int
) -> Keys | None:
    """Return the negative likeness `(images,)` to a prototype; None without one.

    Args:
        features: Of the project.
        direction: `(128,)` of the prototype.
        images: Images of the project; those without features get NaN.
    """
    if direction is None:
        return None
    keys = np.full(images, np.nan, np.float32)
    rows = min(images, features.rows)
    keys[:rows] = -likeness(features.search[:rows], direction)
    keys[:rows][features.done[:rows] == 0] = np.nan
    return keys


def keys_by_diversity(features: FeatureFiles | None, images: int) -> Keys:
    """Return the place `(images,)` of each image, the most different ones first, then by file."""
    keys = np.arange(images, dtype=np.float32)
    order = None if features is None else features.order
    if order is not None:
        order = order[order < images]
        keys[order] = np.arange(len(order), dtype=np.float32) - len(order)
    return keys


def only_within(keys: Keys, chosen: npt.NDArray[np.bool_] | None) -> Keys:
    """Return keys with NaN for all images but the chosen ones `(N,)`; None: all are chosen."""
    if chosen is None:
        return keys
    inside = np.zeros(len(keys), bool)
    inside[: len(chosen)] = chosen[: len(keys)]
    return np.where(inside, keys, np.nan).astype(np.float32)
