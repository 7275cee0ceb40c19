"""From which probability on to suggest, for the best F1 or for a wished precision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHRINKAGE = 10.0
"""Present answers at which a category's own threshold counts half."""
_LOWEST, _HIGHEST = 0.02, 0.98


def f1_threshold(probabilities: npt.NDArray[np.floating]) -> float:
    """Return the probability from which on to suggest for the highest expected F1.

    No label is needed where probabilities can be taken at their word. At the best threshold it
    is half of the F1 that is reached (Lipton et al., 2014).

    Args:
        probabilities: `(n,)` of pairs; NaN counts for nothing.

    Returns:
        Between 0.02 and 0.98; 0.5 without a pair.
    """
    ordered = _descending(probabilities)
    if not len(ordered):
        return 0.5
    hits = np.cumsum(ordered)
    expected = 2 * hits / (np.arange(1, len(ordered) + 1) + hits[-1])
    return float(np.clip(ordered[int(np.argmax(expected))], _LOWEST, _HIGHEST))


def precision_threshold(probabilities: npt.NDArray[np.floating], precision: float) -> float:
    """Return the lowest probability from which on so large a share of the suggestions is right.

    Args:
        probabilities: `(n,)` of pairs, taken at their word; NaN counts for nothing.
        precision: Wished share, between 0 and 1.

    Returns:
        Between 0.02 and 0.98; the wished share itself where no pair reaches it.

    Raises:
        ValueError: If `precision` is not between 0 and 1.
    """
    if not 0 < precision < 1:
        raise ValueError(f"precision must lie between 0 and 1, got {precision}")
    ordered = _descending(probabilities)
    right = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    reached = np.flatnonzero(right >= precision)
    lowest = float(ordered[reached[-1]]) if len(reached) else precision
    return float(np.clip(lowest, _LOWEST, _HIGHEST))


def shrunk(
    thresholds: npt.NDArray[np.floating], common: float, present: npt.NDArray[np.integer]
) -> Floats:
    """Return thresholds drawn to a common one where few present answers are known.

    Args:
        thresholds: `(C,)` of each category alone.
        common: Of all categories together.
        present: `(C,)` known present answers.
    """
    known = np.asarray(present, np.float64)
    return np.asarray((known * thresholds + SHRINKAGE * common) / (known + SHRINKAGE))


def _descending(probabilities: npt.NDArray[np.floating]) -> Floats:
    finite = np.asarray(probabilities, np.float64)
    return np.sort(finite[np.isfinite(finite)])[::-1]
