"""What pictures and kept maps have in common: they look different in every epoch, or plain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Varied:
    """What is augmented by seed, epoch and row alone, and not at all for a while."""

    def __init__(self, *, augmented: bool, seed: int) -> None:
        """Begin with the first epoch."""
        self.epoch = 0
        """Which augmentations are drawn."""
        self._augmented = augmented
        self._seed = seed

    @contextmanager
    def without_augmentation(self) -> Iterator[None]:
        """Give everything as it is for a while, as at test time."""
        augmented, self._augmented = self._augmented, False
        try:
            yield
        finally:
            self._augmented = augmented
