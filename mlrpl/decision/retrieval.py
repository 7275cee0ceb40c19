"""Finds images like a few examples, before any model has learned what they have in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.floating]

HALF_AWAY = 10
"""Absent examples at which half of their mean is taken away; a few say little about the rest."""
_BLOCK = 8192


def prototype(present: Vectors, absent: Vectors | None = None) -> npt.NDArray[np.float32] | None:
    """Return the direction of what present examples share and absent ones lack, unit length.

    It is the mean of the present ones minus `n / (n + HALF_AWAY)` of the mean of n absent ones.

    Args:
        present: `(K, D)` vectors of unit length.
        absent: `(n, D)` likewise, or None.

    Returns:
        `(D,)`, or None without a present example, or where they cancel out.
    """
    if not len(present):
        return None
    direction = np.asarray(present, np.float64).mean(axis=0)
    if absent is not None and len(absent):
        share = len(absent) / (len(absent) + HALF_AWAY)
        direction = direction - share * np.asarray(absent, np.float64).mean(axis=0)
    length = float(np.linalg.norm(direction))
    return (direction / length).astype(np.float32) if length > 1e-9 else None


def likeness(search: Vectors, directions: Vectors) -> npt.NDArray[np.float32]:
    """Return how much images are like prototypes, higher is more, a block of images at a time.

    Args:
        search: `(N, D)`, possibly mapped from disk.
        directions: `(D,)` of one prototype or `(D, K)` of several.

    Returns:
        `(N,)` or `(N, K)`.
    """
    found = np.empty((len(search), *directions.shape[1:]), np.float32)
    for start in range(0, len(search), _BLOCK):
        found[start : start + _BLOCK] = search[start : start + _BLOCK] @ directions
    return found
