"""From which probability on a version suggests each category, as the settings wish."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from annotator.settings import Suggestions
from annotator.worker.learner import Bools, Scores, Snapshot
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.thresholds import f1_threshold, precision_threshold, shrunk
from mlrpl.labels import PRESENT, UNKNOWN

COMMON = 1_000_000
"""Pairs at most that the common threshold is found on, spread evenly over the images."""


def wished(
    snapshot: Snapshot,
    scores: Scores,
    calibration: Calibration,
    ranked: Bools,
    wish: Suggestions,
) -> npt.NDArray[np.float64]:
    """Return the probability `(C,)` from which on present is suggested.

    F1 and precision are what the open pairs would have if the probabilities are right.

    Args:
        snapshot: What is known.
        scores: `(N, C)` of the model.
        calibration: That is used.
        ranked: `(C,)`, categories without a probability; what they get has no meaning.
        wish: The settings.
    """
    count = scores.shape[1]
    if wish.aim == "probability" or ranked.all():
        return np.full(count, wish.threshold)

    def best(said: npt.NDArray[np.float64]) -> float:
        if wish.aim == "f1":
            return f1_threshold(said)
        return precision_threshold(said, wish.precision)

    step = max(1, scores.size // COMMON)
    own, together = np.full(count, 0.5), []
    for column in np.flatnonzero(~ranked):
        rows = np.flatnonzero(snapshot.labels[:, column] == UNKNOWN)
        each = Calibration(calibration.slope, calibration.intercepts[column : column + 1])
        said = probabilities(scores[rows, column][:, None], each)[:, 0]
        own[column] = best(said)
        together.append(said[::step])
    present = (snapshot.labels == PRESENT).sum(axis=0)
    return shrunk(own, best(np.concatenate(together)), present)
