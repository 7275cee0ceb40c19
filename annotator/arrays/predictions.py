"""The scores of predictors on disk: one folder for each state of a predictor, never written twice.

A folder is named for what it holds. The project's database says which one a predictor has, so a
predictor gets new scores at one moment, and a folder that no predictor has is a leftover.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.arrays import checksums
from annotator.errors import ProjectError
from annotator.settings import Project

SCORES = "scores.npy"
LARGEST = 60_000.0
"""Scores are kept in two bytes, which hold no larger ones."""
LEFTOVER_SECONDS = 3600.0
"""Age from which on a folder that no predictor has is deleted; a younger one may be about to be
had."""

Scores = npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one predictor says about every pair; higher says more surely present.

    The array may be smaller than the project: pairs of images and categories that came later are
    pairs that it is silent about.
    """

    scores: Scores
    """`(images, categories)` by ordinal, NaN where it is silent; mapped from disk."""

    def column(self, ordinal: int, rows: int) -> npt.NDArray[np.float32]:
        """Return the scores of one category `(rows,)`."""
        found = np.full(rows, np.nan, np.float32)
        if ordinal < self.scores.shape[1]:
            count = min(rows, len(self.scores))
            found[:count] = self.scores[:count, ordinal]
        return found

    def of_image(self, ordinal: int) -> npt.NDArray[np.float32]:
        """Return the scores of one image, as many as there are categories here."""
        if ordinal >= len(self.scores):
            return np.full(self.scores.shape[1], np.nan, np.float32)
        return np.asarray(self.scores[ordinal], np.float32)


def folder(project: Project, version: str) -> Path:
    """Return where the scores of that name lie."""
    return project.predictions_path / version


def write(project: Project, scores: npt.NDArray[np.floating]) -> str:
    """Write scores, whole or not at all, and return the name that they are found under.

    Args:
        project: Whose.
        scores: `(images, categories)` by ordinal, NaN where there is nothing to say. Numbers beyond
            `LARGEST` become that.

    Raises:
        ProjectError: If they cannot be written.
    """
    kept = np.clip(scores, -LARGEST, LARGEST).astype(np.float16)
    digest = hashlib.sha256(np.array(kept.shape, np.int64).tobytes())
    digest.update(np.ascontiguousarray(kept).tobytes())
    version = digest.hexdigest()[:16]
    path = folder(project, version)
    if (path / SCORES).exists() and not checksums.changed(path):
        return version
    temporary = None
    try:
        path.parent.mkdir(exist_ok=True)  # not that of the project: one that was deleted stays so
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{version}.", suffix=".tmp"))
        temporary.chmod(0o755)
        with (temporary / SCORES).open("wb") as file:
            np.save(file, kept)
            file.flush()
            os.fsync(file.fileno())
        checksums.record(temporary, [SCORES])
        shutil.rmtree(path, ignore_errors=True)  # one that was damaged
        temporary.rename(path)
    except OSError as error:
        raise ProjectError(
            f"The scores cannot be written to {path}: {(error.strerror or str(error)).lower()}; "
            "check the disk and its permissions."
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return version


def read(project: Project, version: str) -> Predictions:
    """Read the scores of that name; they are mapped, not loaded.

    Raises:
        ProjectError: If they are missing or damaged.
    """
    path = folder(project, version)
    try:
        if checksums.changed(path):
            raise ValueError("not what was written")
        scores = np.load(path / SCORES, mmap_mode="r")
        if scores.ndim != 2 or scores.dtype != np.float16:
            raise ValueError("no table of scores")
    except (OSError, ValueError, EOFError):
        raise ProjectError(
            f"{path} is missing or damaged; run `annotator predictors {project.path} refresh`"
        ) from None
    return Predictions(scores)


def delete(project: Project, version: str) -> None:
    """Delete the scores of that name, if they are there."""
    if version:
        shutil.rmtree(folder(project, version), ignore_errors=True)


def delete_leftovers(project: Project, in_use: Collection[str]) -> int:
    """Delete the folders that no predictor has, unless they are young, and return how many."""
    deleted = 0
    try:
        entries = list(os.scandir(project.predictions_path))
    except OSError:
        return 0
    for entry in entries:
        if entry.name in in_use or not entry.is_dir():
            continue
        if time.time() - entry.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(entry.path, ignore_errors=True)
            deleted += 1
    return deleted
