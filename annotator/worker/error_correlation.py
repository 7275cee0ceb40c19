"""Fits how a version's errors on one image go together, from scores that it never trained on."""

from __future__ import annotations

import numpy as np

from annotator.worker.learner import Bools, Scores, Snapshot
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.conditional import ErrorCorrelation, fit_correlation

FEWEST = 20
"""Images known in both categories below which no two categories are worth a correlation."""


def fit_errors(
    snapshot: Snapshot, out_of_fold: Scores | None, calibration: Calibration, ranked: Bools
) -> ErrorCorrelation | None:
    """Return the correlation of the errors in the labels that the scored models did not see.

    Args:
        snapshot: What is known.
        out_of_fold: `(N, C)` as `make_decisions` takes them.
        calibration: That of the same scores.
        ranked: `(C,)`, categories whose score is no probability; they take no part.

    Returns:
        None where no two categories are known together often enough to say anything.
    """
    if out_of_fold is None:
        return None
    rows = np.flatnonzero(np.isfinite(out_of_fold).any(axis=1))
    expected = probabilities(out_of_fold[rows], calibration)
    expected[:, ranked] = np.nan
    found = fit_correlation(expected, snapshot.labels[rows])
    beside = found.together - np.diag(np.diag(found.together))
    return found if (beside >= FEWEST).any() else None
