"""What files of scores say, independent of any format."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.errors import FormatError
from annotator.formats.json_shapes import Identifier
from annotator.formats.notes import Notes


@dataclass(frozen=True, eq=False)
class PredictionFile:
    """Scores of pairs, each pair once."""

    images: tuple[Identifier, ...]
    """Every image that the file speaks about: a name, or a number that is a COCO id."""
    categories: tuple[Identifier, ...]
    """Likewise."""
    image: npt.NDArray[np.int64]
    """`(n,)` places in `images`."""
    category: npt.NDArray[np.int64]
    """`(n,)` places in `categories`."""
    score: npt.NDArray[np.float64]
    """`(n,)`, finite; higher says more surely present."""
    notes: tuple[str, ...] = ()
    """Sentences about what is unusual in the file and was read all the same."""


class Scores:
    """Collects the scores of a file; the highest one of a pair counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._images: dict[Identifier, int] = {}
        self._categories: dict[Identifier, int] = {}
        self._image, self._category, self._score = array("q"), array("q"), array("d")

    def speaks_about(self, image: Identifier) -> int:
        """Return the place of an image, which the file may list without a score."""
        return self._images.setdefault(image, len(self._images))

    def add(self, image: Identifier, category: Identifier, score: float) -> None:
        """Add a finite score."""
        assert math.isfinite(score)
        self._image.append(self.speaks_about(image))
        self._category.append(self._categories.setdefault(category, len(self._categories)))
        self._score.append(score)

    def file(self, notes: Notes) -> PredictionFile:
        """Return everything that was collected.

        Raises:
            FormatError: If there is no score at all.
        """
        if not self._score:
            raise FormatError(
                f"{self._path}: there is not a single score in it; labels without scores are for "
                "`annotator import`."
            )
        score = np.array(self._score)
        count = len(self._categories)
        pair = np.array(self._image) * count + np.array(self._category)
        order = np.lexsort((score, pair))
        last = np.append(np.diff(pair[order]) > 0, True)
        kept = order[last]
        repeated = len(score) - len(kept)
        if repeated:
            notes.say(f"Scores of a pair that has a higher one, left out: {repeated:,}.")
        return PredictionFile(
            images=tuple(self._images),
            categories=tuple(self._categories),
            image=pair[kept] // count,
            category=pair[kept] % count,
            score=score[kept],
            notes=notes.sentences(),
        )
