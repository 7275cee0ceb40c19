"""Kept maps for training a backbone's last stage: what lies below it saw each picture once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mlrpl.finetuning.varied import Varied

Rows = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class MapLoader(Varied):
    """Kept maps by row, to be given to `TrainingData` as `pictures`, for the upper half of a `cut`.

    Every second picture of an epoch is a mirrored one; which ones depends on the seed, the epoch
    and the row alone. Squares are not cut out of it, as they are by `ImageLoader`.
    """

    def __init__(self, read: Callable[[Rows, Bools], Tensor], *, seed: int = 0) -> None:
        """Keep what reads.

        Args:
            read: Returns the maps `(B, ...)` float32 of rows `(B,)`, mirrored where it is told.
            seed: Of the mirroring.
        """
        super().__init__(augmented=True, seed=seed)
        self._read = read

    def __call__(self, rows: Rows) -> Tensor:
        """Return the maps of some rows."""
        mirrored = np.array([self._augmented and self._is_mirrored(row) for row in rows], bool)
        return self._read(rows, mirrored)

    def _is_mirrored(self, row: int) -> bool:
        return bool(np.random.default_rng((self._seed, self.epoch, int(row))).random() < 0.5)
