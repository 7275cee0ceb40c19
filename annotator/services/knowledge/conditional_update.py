"""What the known labels of an image say about its open pairs, beyond what the model saw itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from annotator.arrays.versions import VersionArrays
from annotator.domain import PairLabel, State
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels, KnownLabelsCache
from annotator.store.changes import Moment
from mlrpl.decision.conditional import (
    RIDGE,
    STRENGTH,
    ErrorCorrelation,
    contributions,
    standardised_errors,
    update,
)

Floats = npt.NDArray[np.floating]
Keys = npt.NDArray[np.float32]

_VALUES = {State.PRESENT: PRESENT, State.ABSENT: ABSENT}


def own_labels(labels: Iterable[PairLabel], ordinals: Mapping[int, int]) -> dict[int, int]:
    """Return the labels of one image, `PRESENT` or `ABSENT`, by category ordinal.

    Args:
        labels: Of the image; pairs in conflict say nothing.
        ordinals: By category id.
    """
    return {
        ordinals[label.category_id]: _VALUES[label.state]
        for label in labels
        if label.state in _VALUES and label.category_id in ordinals
    }


def given(arrays: VersionArrays, scores: Floats, own: Mapping[int, int]) -> Floats:
    """Return an image's raw scores `(C,)` now that some of its labels are known.

    Categories that are known or only ranked keep theirs, and so does every category of a version
    that came without `errors`.

    Args:
        arrays: Of the version.
        scores: `(C,)` of the image, NaN where there is none.
        own: From `own_labels`.
    """
    errors = arrays.errors
    if errors is None or not own:
        return scores
    logits, labels = _logits(arrays, scores), _by_column(arrays, own)
    moves = (update(logits, labels, errors) - logits) / arrays.parameters.slope
    return np.asarray(np.asarray(scores, np.float64) + np.nan_to_num(moves, nan=0.0))


def reasons(
    arrays: VersionArrays, scores: Floats, own: Mapping[int, int], ordinal: int
) -> dict[int, float]:
    """Return by how many logits each known label moves one category, by ordinal of the label."""
    errors, column = arrays.errors, arrays.columns.get(ordinal)
    if errors is None or column is None or ordinal in own:
        return {}
    logits, labels = _logits(arrays, scores), _by_column(arrays, own)
    if not np.isfinite(logits[column]):
        return {}
    known = np.flatnonzero((labels != 0) & np.isfinite(logits))
    moves = STRENGTH * contributions(logits, labels, errors)[column]
    ordinals = arrays.parameters.category_ordinals
    return {ordinals[k]: float(move) for k, move in zip(known, moves, strict=True)}


@dataclass(frozen=True, eq=False)
class Surprises:
    """How far each known label lies from what a version expected; only these, not all pairs."""

    images: npt.NDArray[np.int32]
    """`(K,)` ordinals."""
    columns: npt.NDArray[np.int16]
    """`(K,)` columns of the version."""
    errors: npt.NDArray[np.float32]
    """`(K,)` in standard deviations."""
    count: int
    """Images of the version."""

    @classmethod
    def of(cls, arrays: VersionArrays, known: KnownLabels) -> Surprises:
        """Return the surprises of a version in all known labels; 0.1 s for a million."""
        parameters = arrays.parameters
        probable = _probable(arrays)
        column_of = np.full(known.labels.shape[1], -1, np.int16)
        for column, ordinal in enumerate(parameters.category_ordinals):
            if ordinal < len(column_of) and probable[column]:
                column_of[ordinal] = column
        labels = known.labels[: len(arrays.scores)]
        images, ordinals = np.nonzero(labels)
        columns = column_of[ordinals]
        keep = columns >= 0
        images, ordinals, columns = images[keep], ordinals[keep], columns[keep]
        logits = parameters.slope * arrays.scores[images, columns].astype(np.float64)
        logits += parameters.calibration.intercepts[columns]
        errors = standardised_errors(expit(logits), labels[images, ordinals])
        there = np.isfinite(errors)
        return cls(
            images[there].astype(np.int32),
            columns[there],
            errors[there].astype(np.float32),
            len(arrays.scores),
        )

    def moves(self, errors: ErrorCorrelation, column: int, slope: float) -> Keys:
        """Return by how much the known labels move one category's raw scores, `(N,)`.

        Each label speaks for itself here: what several labels of one image say in common counts
        several times, unlike in `given`. With one known label both agree.
        """
        shares = STRENGTH / (1 + RIDGE) / slope * errors.correlation[:, column]
        shares[column] = 0.0
        weights = shares.astype(np.float32)[self.columns] * self.errors
        return np.bincount(self.images, weights, self.count).astype(np.float32)


class Reranking:
    """Moves of one category over all images; made anew when labels or version have changed."""

    def __init__(self, labels: KnownLabelsCache) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._made: tuple[VersionArrays, Moment, Surprises] | None = None

    def moves(self, arrays: VersionArrays, ordinal: int) -> Keys | None:
        """Return `Surprises.moves` of a category, or None where there is nothing to move it by.

        It is too slow for a key press, and belongs where a page of images is put together.
        """
        column = arrays.columns.get(ordinal)
        if arrays.errors is None or column is None or not _probable(arrays)[column]:
            return None
        known = self._labels.current()
        if known is None:
            return None
        with self._lock:
            made = self._made
            if made is None or made[0] is not arrays or made[1] != known.moment:
                made = (arrays, known.moment, Surprises.of(arrays, known))
                self._made = made
        return made[2].moves(arrays.errors, column, arrays.parameters.slope)


def _probable(arrays: VersionArrays) -> npt.NDArray[np.bool_]:
    """Return `(C,)`, the columns whose score is a probability."""
    ranked = np.isin(arrays.parameters.category_ordinals, arrays.parameters.ranked_only)
    return np.asarray(arrays.taught & ~ranked)


def _logits(arrays: VersionArrays, scores: Floats) -> npt.NDArray[np.float64]:
    """Return calibrated logits `(C,)`, NaN where a score is no probability."""
    parameters = arrays.parameters
    raw = parameters.slope * np.asarray(scores, np.float64) + parameters.calibration.intercepts
    return np.where(_probable(arrays), raw, np.nan)


def _by_column(arrays: VersionArrays, own: Mapping[int, int]) -> npt.NDArray[np.int64]:
    return np.array([own.get(o, 0) for o in arrays.parameters.category_ordinals], np.int64)
