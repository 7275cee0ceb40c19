"""Where in a picture a version's scores come from: one direction a category among the tokens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import checksums
from annotator.errors import ProjectError

WHERE = "where.npy"
"""Name of the file in a version's folder; versions without it have no maps."""

Floats = npt.NDArray[np.floating[Any]]

_BLUR = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True, eq=False)
class Where:
    """A linear stand-in of a version, by which each place of a picture has a share in the score."""

    directions: npt.NDArray[np.float32]
    """`(C, T)`, one a column of the version, in the space of the stored tokens."""
    explained: npt.NDArray[np.float32]
    """`(C,)`, share of a score's variance that the stand-in gets right on images it was not fitted
    on; at most 1, below 0 where it is worse than the mean, NaN where the version has no score."""


def write_where(path: Path, where: Where) -> None:
    """Write the directions into a version's folder as `(C, T + 1)` float32, `explained` last."""
    temporary = path / f".{WHERE}.tmp"
    array = np.concatenate([where.directions, where.explained[:, None]], axis=1)
    with temporary.open("wb") as file:
        np.save(file, array.astype(np.float32))
        file.flush()
        os.fsync(file.fileno())
    checksums.forget(path, [WHERE])
    temporary.replace(path / WHERE)
    checksums.record(path, [WHERE])


def has_where(path: Path) -> bool:
    """Whether the version in a folder can say where its scores come from."""
    return (path / WHERE).exists()


def read_where(path: Path) -> Where | None:
    """Return what `write_where` wrote, or None if the version has none.

    Raises:
        ProjectError: If the file is damaged.
    """
    try:
        array = np.load(path / WHERE)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        raise ProjectError(
            f"{path / WHERE} is damaged; run `{checksums.repair_command(path)}`"
        ) from None
    return Where(array[:, :-1], array[:, -1])


def map_shape(positions: int) -> tuple[int, int] | None:
    """Return the rows and columns of a token map, or None if its positions are no square."""
    side = round(positions**0.5)
    return (side, side) if positions and side * side == positions else None


def map_of(tokens: Floats, direction: Floats) -> npt.NDArray[np.float64]:
    """Return how much each place of a picture raises a category's score.

    Tokens count by the square root of their length: long ones, mostly plain background of high
    contrast, would outshout the object otherwise. The map is smoothed over neighbours. Both put
    its peak onto the object more often, see `benchmarks/localisation.py`.

    Args:
        tokens: `(P, T)` of one image; P is a square number.
        direction: `(T,)`, a row of `Where.directions`.

    Returns:
        `(rows, columns)`; above 0 where the place speaks for the category, below 0 against it.

    Raises:
        ValueError: If the positions are no square.
    """
    shape = map_shape(len(tokens))
    if shape is None:
        raise ValueError(f"{len(tokens)} positions are no square map")
    vectors = np.asarray(tokens, np.float64)
    lengths = np.sqrt(np.linalg.norm(vectors, axis=1))  # (P,)
    values = vectors @ np.asarray(direction, np.float64)  # (P,)
    grid = (values / np.maximum(lengths, 1e-12)).reshape(shape)
    return _smoothed(_smoothed(grid).T).T


def _smoothed(grid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean of each row with its neighbours above and below; the border counts twice."""
    wide = np.pad(grid, ((1, 1), (0, 0)), mode="edge")
    parts = (weight * wide[k : k + len(grid)] for k, weight in enumerate(_BLUR))
    return np.asarray(sum(parts), np.float64)
