"""Pictures for training a backbone: read by several threads, augmented anew in every epoch."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import Tensor

from mlrpl.finetuning.varied import Varied

Rows = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

PAPER_SIZE = 448
"""Side of the input in the papers, in pixels, to which the following sizes belong."""
PAPER_RESIZED = 512
"""Side that a picture has before a square is cut out of it."""
PAPER_CROPS = (512, 448, 384, 320, 256)
"""Sides of that square, each as likely as the others."""


@dataclass(frozen=True)
class Augmentation:
    """What a picture goes through before the network sees it."""

    box: Box
    """Left, upper, right and lower edge of what is seen, as shares of the picture, 0 to 1."""
    mirrored: bool


NO_AUGMENTATION = Augmentation((0.0, 0.0, 1.0, 1.0), mirrored=False)
"""The whole picture, as at test time."""


def draw_augmentation(generator: np.random.Generator) -> Augmentation:
    """Draw what the papers do in training.

    They resize to 512 x 512, cut out a square of 512, 448, 384, 320 or 256 at a random place,
    resize it to 448 x 448 and mirror every second one. Here the same square is cut out of the
    original and resized once, which keeps more detail and has no sizes in pixels, so it fits any
    size of input.

    Source:
        The training recipe that HST and SARB share (Chen et al., IJCV 2024; Pu et al., AAAI 2022).
    """
    side = int(generator.choice(PAPER_CROPS))
    left, upper = (int(v) for v in generator.integers(0, PAPER_RESIZED - side + 1, size=2))
    edges = (left, upper, left + side, upper + side)
    box = (
        edges[0] / PAPER_RESIZED,
        edges[1] / PAPER_RESIZED,
        edges[2] / PAPER_RESIZED,
        edges[3] / PAPER_RESIZED,
    )
    return Augmentation(box, mirrored=bool(generator.random() < 0.5))


class ImageLoader(Varied):
    """Prepared pictures by row, to be given to `TrainingData` as `pictures`.

    What a picture goes through depends on the seed, the epoch and its row alone, so a training
    that is resumed sees what it would have seen. `FineTuned` sets the epoch, and asks for plain
    pictures where it looks at the training images in evaluation mode. Data to predict on, and
    validation data, take a loader of their own that is not `augmented`.
    """

    def __init__(
        self,
        open_picture: Callable[[int], Image.Image],
        *,
        size: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        augmented: bool = True,
        seed: int = 0,
        workers: int | None = None,
    ) -> None:
        """Start the threads; `close` ends them.

        Args:
            open_picture: Returns the picture of a row; called from several threads. What it raises
                ends the training.
            size: Side of the square input of the network, in pixels, at least 1.
            mean: Taken off each channel of a picture whose values lie in 0 to 1.
            std: What each channel is divided by then.
            augmented: Whether pictures are augmented, as in training, or only resized.
            seed: Of the augmentations.
            workers: Threads that read; None means one a CPU.

        Raises:
            ValueError: If the size is not positive.
        """
        if size < 1:
            raise ValueError(f"size must be at least 1 pixel, got {size}")
        self.size = size
        super().__init__(augmented=augmented, seed=seed)
        self._open = open_picture
        self._mean = torch.tensor(mean).view(3, 1, 1) * 255
        self._std = torch.tensor(std).view(3, 1, 1) * 255
        self._pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, "pictures")
        self._waiting: dict[tuple[int, int], Future[Tensor]] = {}

    def __call__(self, rows: Rows) -> Tensor:
        """Return the prepared pictures `(B, 3, S, S)` float32 of some rows."""
        return torch.stack([self._take(int(row)).result() for row in rows])

    def prefetch(self, rows: Rows) -> None:
        """Begin to read rows that will be asked for next; `__call__` then finds them ready."""
        for row in rows:
            key = self._key(int(row))
            if key not in self._waiting:
                self._waiting[key] = self._pool.submit(self._prepared, *key)

    def close(self) -> None:
        """End the threads; nothing can be read any more."""
        self._waiting.clear()
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> ImageLoader:
        """Return itself; leaving the context closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def augmentation(self, row: int, epoch: int) -> Augmentation:
        """Return what the picture of a row goes through in an epoch."""
        if not self._augmented:
            return NO_AUGMENTATION
        return draw_augmentation(np.random.default_rng((self._seed, epoch, row)))

    def _key(self, row: int) -> tuple[int, int]:
        return row, self.epoch if self._augmented else -1

    def _take(self, row: int) -> Future[Tensor]:
        key = self._key(row)
        found = self._waiting.pop(key, None)
        return found or self._pool.submit(self._prepared, *key)

    def _prepared(self, row: int, epoch: int) -> Tensor:
        drawn = NO_AUGMENTATION if epoch < 0 else draw_augmentation(self._generator(row, epoch))
        pixels = torch.from_numpy(resized(self._open(row), self.size, drawn))
        return (pixels.permute(2, 0, 1).float() - self._mean) / self._std

    def _generator(self, row: int, epoch: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, epoch, row))


def resized(
    picture: Image.Image, size: int, augmentation: Augmentation = NO_AUGMENTATION
) -> Pixels:
    """Return `(S, S, 3)` of a part of a picture, its aspect ratio given up as in the papers.

    Args:
        picture: Any mode; it is turned into RGB.
        size: Side, S, in pixels.
        augmentation: Which part, and whether it is mirrored. `NO_AUGMENTATION` prepares pictures
            exactly as `mlrpl.embedding.embed` does.

    Source:
        The filter is bilinear with antialiasing where the papers' is bicubic, so that training
        and embedding agree.
    """
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    left, upper, right, lower = augmentation.box
    box = (left * rgb.width, upper * rgb.height, right * rgb.width, lower * rgb.height)
    small = rgb.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    if augmentation.mirrored:
        small = ImageOps.mirror(small)
    return np.array(small, dtype=np.uint8)
