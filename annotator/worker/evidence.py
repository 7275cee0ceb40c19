"""Fits the linear stand-in of a version that says where in a picture its scores come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from annotator.arrays.evidence import Where, map_shape
from annotator.arrays.features import FeatureFiles

IMAGES = 20_000
"""Images that are fitted on at most, spread evenly over the project; more change little."""
PENALTY = 0.1
"""Of the regression, as a share of the mean variance of a token's value."""
PARTS = 5
"""Each part of the images is told by the others to see how much the stand-in explains."""
FEWEST = 20
"""Images with scores below which nothing is fitted."""

_BLOCK = 512

Matrix = npt.NDArray[np.float64]


def fit_where(
    features: FeatureFiles,
    scores: npt.NDArray[np.float32],
    *,
    check: Callable[[], None] = lambda: None,
    images: int = IMAGES,
) -> Where | None:
    """Return the ridge regression of a version's scores on the mean token of each image.

    All categories are solved at once. What is linear in the mean of the tokens is a sum over the
    places of the picture, and that sum is the map. Any method's scores will do.

    Args:
        features: Those that the version scored.
        scores: `(N, C)`, NaN where the version has none; a category with gaps among the images
            that are fitted on gets no direction.
        check: Called between blocks; may raise to stop.
        images: Fit on that many at most.

    Returns:
        None without a square token map, or with too few images to fit on.
    """
    rows = _spread(features, scores, images)
    if map_shape(features.tokens.shape[1]) is None or len(rows) < FEWEST:
        return None
    width, columns = features.tokens.shape[2], scores.shape[1]
    gaps = np.isnan(scores[rows]).any(axis=0)
    sums = _Sums(width, columns)
    for start in range(0, len(rows), _BLOCK):
        check()
        block = rows[start : start + _BLOCK]
        tokens = np.asarray(features.tokens[block], np.float32).mean(axis=1)
        parts = (start + np.arange(len(block))) % PARTS
        sums.add(tokens, np.where(gaps, 0, scores[block]), parts)
    directions, explained = sums.solve(), sums.explained()
    explained[gaps] = np.nan
    directions[:, gaps] = 0
    return Where(directions.T.astype(np.float32), explained.astype(np.float32))


def _spread(
    features: FeatureFiles, scores: npt.NDArray[np.float32], count: int
) -> npt.NDArray[np.int64]:
    """Return the ordinals of at most `count` images that have features and scores."""
    rows = features.done_rows[features.done_rows < len(scores)]
    if len(rows) > count:
        rows = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    return rows[~np.isnan(scores[rows]).all(axis=1)]


class _Sums:
    """Sums over images from which the regression and its errors follow, for each part."""

    def __init__(self, width: int, columns: int) -> None:
        self.inner = np.zeros((PARTS, width + 1, width + 1))
        """Products of the mean tokens with themselves; the last value of a token is 1."""
        self.outer = np.zeros((PARTS, width + 1, columns))
        self.squares = np.zeros((PARTS, columns))

    def add(
        self,
        tokens: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        parts: npt.NDArray[np.integer],
    ) -> None:
        for part in range(PARTS):
            mine = parts == part
            x = np.column_stack([tokens[mine], np.ones(mine.sum())]).astype(np.float64)
            y = scores[mine].astype(np.float64)
            self.inner[part] += x.T @ x
            self.outer[part] += x.T @ y
            self.squares[part] += (y * y).sum(axis=0)

    def solve(self) -> Matrix:
        """Return the directions `(T, C)`, learned from all parts."""
        return _ridge(self.inner.sum(axis=0), self.outer.sum(axis=0))[:-1]

    def explained(self) -> Matrix:
        """Return the share of the variance that is told right of a part by the others, `(C,)`."""
        missed = np.zeros(self.squares.shape[1])
        for part in range(PARTS):
            others = np.arange(PARTS) != part
            told = _ridge(self.inner[others].sum(axis=0), self.outer[others].sum(axis=0))
            missed += self.squares[part] - 2 * (told * self.outer[part]).sum(axis=0)
            missed += (told * (self.inner[part] @ told)).sum(axis=0)
        count, total = self.inner.sum(axis=0)[-1, -1], self.outer.sum(axis=0)[-1]
        spread = self.squares.sum(axis=0) - total**2 / count
        flat = spread <= 1e-9 * np.maximum(self.squares.sum(axis=0), 1e-30)
        return np.where(flat, np.nan, 1 - missed / np.where(flat, 1, spread))


def _ridge(inner: Matrix, outer: Matrix) -> Matrix:
    """Return the weights `(T + 1, C)`, the constants last, which no penalty holds."""
    count, width = inner[-1, -1], len(inner) - 1
    variance = np.trace(inner[:-1, :-1]) - (inner[-1, :-1] ** 2).sum() / count
    penalty = np.full(width + 1, PENALTY * max(variance, 1e-12) / width)
    penalty[-1] = 0
    return np.asarray(np.linalg.solve(inner + np.diag(penalty), outer), np.float64)
