"""Training data whose features a network computes from the pictures when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from mlrpl.data import Features, TrainingData

KEPT_BYTES = 2 << 30
"""Features up to this size, in float16, are computed once and kept; larger ones once a reading."""
_BLOCK = 32
"""Pictures that the network sees at a time."""

Rows = npt.NDArray[np.int64]
Extract = Callable[[Rows], Features]


class LazyFeatures(TrainingData):
    """The same images and labels as other training data, with features as if they were stored.

    `pooled` and `tokens` can be indexed by rows; nothing is computed before that.
    """

    def __init__(
        self, data: TrainingData, extract: Extract, pooled: int, tokens: tuple[int, int]
    ) -> None:
        """Wrap training data.

        Args:
            data: Whose rows are looked at.
            extract: Returns the features of some rows, without gradient, on the CPU.
            pooled: Length of a pooled vector.
            tokens: Positions and width of a token map; no positions: there is none.
        """
        super().__init__(data.labels, weights=data.weights, rows=data.rows)
        count = len(data.labels)
        self._extract = extract
        self._there = np.zeros(count, dtype=bool)
        self._kept: tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]] | None = None
        shapes = (count, pooled), (count, *tokens)
        if 2 * count * (pooled + tokens[0] * tokens[1]) <= KEPT_BYTES:
            self._kept = np.zeros(shapes[0], np.float16), np.zeros(shapes[1], np.float16)
        self.pooled = cast(npt.NDArray[Any], _Column(self, 0, shapes[0]))
        if tokens[0]:
            self.tokens = cast(npt.NDArray[Any], _Column(self, 1, shapes[1]))

    def features(self, rows: Rows) -> Features:
        """Return the features of some images, as float32."""
        pooled, tokens = self.read(rows)
        kept = torch.from_numpy(tokens) if self.tokens is not None else None
        return Features(torch.from_numpy(pooled), kept)

    def read(self, rows: Rows) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return pooled vectors and token maps of some rows, computed where they are not kept."""
        if self._kept is None:
            return self._compute(rows)
        missing = np.unique(rows[~self._there[rows]])
        for start in range(0, len(missing), _BLOCK):
            block = missing[start : start + _BLOCK]
            for kept, found in zip(self._kept, self._compute(block), strict=True):
                kept[block] = np.clip(found, *_HALF)
            self._there[block] = True
        pooled, tokens = self._kept
        return pooled[rows].astype(np.float32), tokens[rows].astype(np.float32)

    def _compute(self, rows: Rows) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        found = [self._extract(rows[i : i + _BLOCK]) for i in range(0, len(rows), _BLOCK)]
        pooled = [f.pooled for f in found if f.pooled is not None]
        tokens = [f.tokens for f in found if f.tokens is not None]
        joined = torch.cat(pooled).float().numpy(), torch.cat(tokens).float().numpy()
        if not all(np.isfinite(values).all() for values in joined):
            raise ValueError("the network gives numbers that are not finite; lower its rate")
        return joined


_HALF = (float(np.finfo(np.float16).min), float(np.finfo(np.float16).max))


class _Column:
    """One of the two arrays of `LazyFeatures`, as far as methods use it."""

    dtype = np.dtype(np.float32)

    def __init__(self, data: LazyFeatures, place: int, shape: tuple[int, ...]) -> None:
        self._data = data
        self._place = place
        self.shape = shape
        self.ndim = len(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> npt.NDArray[np.float32]:
        asked = np.arange(self.shape[0])[rows]
        found = self._data.read(np.atleast_1d(asked))[self._place]
        return found[0] if np.ndim(asked) == 0 else found
