"""An order of images in which the first ones are as different from each other as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

PICKED = 2000
"""Images that are chosen by distance; the rest follows in an order that only chance made."""


def diversity_order(
    search: npt.NDArray[np.float32],
    hashes: Sequence[str],
    *,
    picked: int = PICKED,
    seed: int = 0,
    check: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.int64]:
    """Return the rows in a diverse order, the same one for the same images and seed.

    Each next row is the one farthest from all rows before it (greedy k-center, at most twice as
    far from the best cover as possible), in time `O(N * picked)`.

    Args:
        search: `(N, d)`, unit length.
        hashes: Content hash of each row; the rest is ordered by it, which is as good as chance.
        picked: Rows to choose by distance.
        seed: For the first row.
        check: Called before each choice; raises to give up.

    Source:
        Gonzalez, Clustering to minimize the maximum intercluster distance, 1985.
    """
    count = len(search)
    by_hash = np.array(sorted(range(count), key=hashes.__getitem__), dtype=np.int64)
    if not count:
        return by_hash
    vectors = np.array(search, dtype=np.float32)
    chosen = [int(by_hash[np.random.default_rng(seed).integers(count)])]
    similarity = vectors @ vectors[chosen[0]]  # (N,) to the nearest chosen row; 1 = alike
    similarity[chosen[0]] = np.inf
    while len(chosen) < min(count, picked):
        check()
        chosen.append(int(np.argmin(similarity)))
        np.maximum(similarity, vectors @ vectors[chosen[-1]], out=similarity)
        similarity[chosen[-1]] = np.inf
    rest = by_hash[~np.isin(by_hash, chosen)]
    return np.concatenate([np.array(chosen, dtype=np.int64), rest])
