"""What a version said about answers that had not trained the model which said it."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.arrays import checksums
from annotator.errors import ProjectError

OUT_OF_FOLD = "out_of_fold.npz"
"""Name of the file in a version's folder; without it only fold 0 says how good the version is."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Scores of answered pairs outside fold 0, each by a model that never saw its image."""

    image: npt.NDArray[np.int32]
    """`(K,)` image ordinals."""
    category: npt.NDArray[np.int32]
    """`(K,)` category ordinals."""
    score: npt.NDArray[np.float32]
    """`(K,)`, raw."""

    def matrix(self, rows: int, ordinals: list[int]) -> npt.NDArray[np.float32]:
        """Return the scores `(rows, C)` of these categories, NaN where there is none."""
        wanted = np.asarray(ordinals, np.int64)
        last = max(int(wanted.max(initial=-1)), int(self.category.max(initial=-1)))
        columns = np.full(last + 1, -1)
        columns[wanted] = np.arange(len(wanted))
        usable = (columns[self.category] >= 0) & (self.image < rows)
        scores = np.full((rows, len(ordinals)), np.nan, np.float32)
        scores[self.image[usable], columns[self.category[usable]]] = self.score[usable]
        return scores


def write_out_of_fold(path: Path, found: OutOfFold) -> None:
    """Write the scores into a version's folder, whole or not at all."""
    temporary = path / f".{OUT_OF_FOLD}.tmp"
    with temporary.open("wb") as file:
        np.savez(file, image=found.image, category=found.category, score=found.score)
        file.flush()
        os.fsync(file.fileno())
    checksums.forget(path, [OUT_OF_FOLD])
    temporary.replace(path / OUT_OF_FOLD)
    checksums.record(path, [OUT_OF_FOLD])


def read_out_of_fold(path: Path) -> OutOfFold | None:
    """Return what `write_out_of_fold` wrote, None if there is nothing.

    Raises:
        ProjectError: If the file is damaged.
    """
    try:
        if checksums.changed(path, [OUT_OF_FOLD]):
            raise ValueError("not what was written")
        with (path / OUT_OF_FOLD).open("rb") as file, np.load(file) as stored:
            found = OutOfFold(*(stored[name] for name in ("image", "category", "score")))
        if not found.image.shape == found.category.shape == found.score.shape:
            raise ValueError("columns of different lengths")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        raise ProjectError(
            f"{path / OUT_OF_FOLD} is damaged; run `{checksums.repair_command(path)}`"
        ) from None
    return found


def delete_out_of_fold(path: Path) -> None:
    """Delete the scores of a version that nothing is compared with any more."""
    checksums.forget(path, [OUT_OF_FOLD])
    (path / OUT_OF_FOLD).unlink(missing_ok=True)
