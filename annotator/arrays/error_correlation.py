"""How a version's errors on one image go together, kept beside its scores."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from annotator.arrays import checksums
from annotator.errors import ProjectError
from mlrpl.decision.conditional import ErrorCorrelation

ERRORS = "errors.npy"
"""Name of the file in a version's folder; without it known labels move no other score."""


def write_errors(path: Path, errors: ErrorCorrelation) -> None:
    """Write how errors go together into a version's folder, whole or not at all.

    The file holds `(2, C, C)` float32: the correlation, and the images known in both categories.
    """
    temporary = path / f".{ERRORS}.tmp"
    with temporary.open("wb") as file:
        np.save(file, np.stack([errors.correlation, errors.together]).astype(np.float32))
        file.flush()
        os.fsync(file.fileno())
    checksums.forget(path, [ERRORS])
    temporary.replace(path / ERRORS)
    checksums.record(path, [ERRORS])


def read_errors(path: Path, columns: int) -> ErrorCorrelation | None:
    """Return what `write_errors` wrote, or None if the version has none.

    Args:
        path: The version's folder.
        columns: Categories of the version.

    Raises:
        ProjectError: If the file is damaged or of another number of categories.
    """
    try:
        array = np.load(path / ERRORS)
        if array.shape != (2, columns, columns) or not np.isfinite(array).all():
            raise ValueError(f"no two tables of {columns} categories")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        raise ProjectError(
            f"{path / ERRORS} is damaged; run `{checksums.repair_command(path)}`"
        ) from None
    return ErrorCorrelation(array[0].astype(np.float64), array[1].astype(np.int64))
