"""Makes features small: tokens and search vectors of at most 128 numbers, by a stored PCA."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WIDTH = 128
"""Length of a search vector, and of a reduced token at most."""
SAMPLE = 256
"""Images that a projection is fitted on at most; more change little."""
GRID = 8
"""Side of a token map at most."""


@dataclass(frozen=True, eq=False)
class Projection:
    """What turns a backbone's output into stored rows; made by `fit_projection`."""

    pooling: Floats
    """`(P', P)`: which positions are averaged into each stored one."""
    token_mean: Floats
    """`(T,)`."""
    token_basis: Floats
    """`(T, T')`, orthonormal columns, the direction of most spread first."""
    search_mean: Floats
    """`(D,)`, of power-normalised pooled vectors."""
    search_basis: Floats
    """`(D, 128)`, likewise."""

    def tokens(self, tokens: npt.NDArray[np.floating]) -> Floats:
        """Return reduced token maps `(B, P', T')` of full ones `(B, P, T)`."""
        full = np.asarray(tokens, dtype=np.float32)
        if len(self.pooling) < full.shape[1]:
            full = self.pooling @ full
        return np.asarray((full - self.token_mean) @ self.token_basis, dtype=np.float32)

    def search(self, pooled: npt.NDArray[np.floating]) -> Floats:
        """Return search vectors `(B, 128)` of pooled ones `(B, D)`, each of length 1.

        Their dot product says how alike two images are, 1 at most. A vector of length zero, which
        only an image at the very centre would have, becomes the first axis.
        """
        vectors = (_powered(pooled) - self.search_mean) @ self.search_basis
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        first = np.eye(1, vectors.shape[1], dtype=np.float32)
        unit = np.where(length > 0, vectors / np.where(length > 0, length, 1), first)
        return np.asarray(unit, dtype=np.float32)

    def arrays(self) -> dict[str, Floats]:
        """Return everything there is to store, by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.floating]]) -> Projection:
        """Return the projection that `arrays` came from.

        Raises:
            ValueError: If one is missing.
        """
        missing = [item.name for item in fields(cls) if item.name not in arrays]
        if missing:
            raise ValueError(f"no projection: {', '.join(missing)} missing; fit it again")
        return cls(*(np.asarray(arrays[item.name], np.float32) for item in fields(cls)))

    def save(self, path: Path) -> None:
        """Write an `.npz` file under a temporary name and rename it."""
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("wb") as file:
            np.savez(file, **self.arrays())  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Projection:
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls.from_arrays({name: file[name] for name in file.files})


def fit_projection(
    pooled: npt.NDArray[np.floating], tokens: npt.NDArray[np.floating]
) -> Projection:
    """Return the projection that keeps most of the spread of a sample.

    Args:
        pooled: `(n, D)`, one image or more, drawn at random; 256 are plenty.
        tokens: `(n, P, T)` of the same images. A map of more than 64 positions is averaged
            down to 8 x 8, or to 64 runs of neighbours if it is not square.

    Returns:
        The projection. Where the sample is too small to tell the directions apart, the rest are
        drawn at random, the same ones every time.

    Raises:
        ValueError: If the sample is empty.
    """
    if not len(pooled) or len(pooled) != len(tokens):
        raise ValueError(
            f"a projection needs at least one image and a token map for each, "
            f"got {len(pooled)} pooled vectors and {len(tokens)} maps"
        )
    pooling = _pooling(tokens.shape[1])
    reduced = np.asarray(tokens, dtype=np.float32)
    if len(pooling) < tokens.shape[1]:
        reduced = pooling @ reduced
    token_mean, token_basis = _principal(reduced.reshape(-1, tokens.shape[2]))
    search_mean, search_basis = _principal(_powered(pooled))
    wide = np.zeros((pooled.shape[1], WIDTH), dtype=np.float32)
    wide[:, : search_basis.shape[1]] = search_basis
    return Projection(pooling, token_mean, token_basis, search_mean, wide)


def _powered(vectors: npt.NDArray[np.floating]) -> Floats:
    values = np.asarray(vectors, dtype=np.float32)
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)), dtype=np.float32)


def _principal(rows: Floats) -> tuple[Floats, Floats]:
    """Return the mean `(d,)` and the first min(d, 128) directions `(d, k)` of some rows."""
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    spread, directions = np.linalg.eigh(centred.T @ centred)
    width = min(rows.shape[1], WIDTH)
    told = int((spread > 1e-9 * max(spread.max(), 1e-30)).sum())
    basis = directions[:, ::-1][:, : min(width, told)]
    rest = np.random.default_rng(0).standard_normal((rows.shape[1], width - basis.shape[1]))
    basis = np.linalg.qr(np.concatenate([basis, rest], axis=1))[0]
    largest = np.take_along_axis(basis, np.abs(basis).argmax(axis=0)[None], axis=0)
    return mean.astype(np.float32), (basis * np.where(largest < 0, -1, 1)).astype(np.float32)


def _pooling(positions: int) -> Floats:
    side = round(positions**0.5)
    if positions <= GRID**2:
        return np.eye(positions, dtype=np.float32)
    if side * side != positions:
        return _means(positions, GRID**2)
    return np.asarray(np.kron(_means(side, GRID), _means(side, GRID)), dtype=np.float32)


def _means(size: int, parts: int) -> Floats:
    matrix = np.zeros((parts, size), dtype=np.float32)
    for row, columns in zip(matrix, np.array_split(np.arange(size), parts), strict=True):
        row[columns] = 1 / len(columns)
    return matrix
