"""What known labels of an image say about its other categories, beyond what the model saw.

The model's errors on one image go together: where it overlooked the saddle it tends to overlook the
horse. From out-of-fold probabilities and answers the correlation of these errors is estimated; when
some labels of an image become known, the rest moves with the best linear prediction of its error.
A label that the model expected has no error and moves nothing, so nothing is counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from mlrpl.labels import PRESENT, UNKNOWN

Floats = npt.NDArray[np.float64]

SHRINKAGE = 300.0
"""Images, both categories known, at which an estimated correlation counts half."""
RIDGE = 1.0
"""Variance of an error that is its own affair, in units of the variance it shares."""
STRENGTH = 0.5
"""Logits by which one standard deviation of expected error moves a category."""
_EDGE = 0.01
"""Probabilities are kept this far from 0 and 1, so that one surprise cannot decide everything."""


@dataclass(frozen=True, eq=False)
class ErrorCorrelation:
    """How a model's errors on one image go together."""

    correlation: Floats
    """`(C, C)`, symmetric, positive semi-definite, 1 on the diagonal."""
    together: npt.NDArray[np.int64]
    """`(C, C)` images in which both categories are known."""


def fit_correlation(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    *,
    shrinkage: float = SHRINKAGE,
) -> ErrorCorrelation:
    """Estimate how errors go together.

    Correlations are drawn to 0 by `shrinkage` and projected to a correlation matrix. A pair of
    categories that are never known together has correlation 0.

    Args:
        probabilities: `(N, C)` out-of-fold, 0 to 1; NaN where there is none.
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        shrinkage: Images at which an estimate counts half; above 0.

    Raises:
        ValueError: If the shapes differ or `shrinkage` is not above 0.
    """
    if probabilities.shape != labels.shape or probabilities.ndim != 2:
        raise ValueError(
            f"probabilities {probabilities.shape} and labels {labels.shape} must be equal (N, C)"
        )
    if not shrinkage > 0:
        raise ValueError(f"shrinkage must be above 0, got {shrinkage}")
    known = (labels != UNKNOWN) & np.isfinite(probabilities)
    errors = np.where(known, standardised_errors(probabilities, labels), 0.0)
    together = known.T.astype(np.float64) @ known
    square = (errors**2).T @ known  # (C, C) sum of squares of the row's category where both known
    scale = np.sqrt(square * square.T)
    raw = np.divide(errors.T @ errors, scale, out=np.zeros_like(scale), where=scale > 0)
    shrunk = raw * together / (together + shrinkage)
    np.fill_diagonal(shrunk, 1.0)
    return ErrorCorrelation(_nearest(shrunk), together.astype(np.int64))


def standardised_errors(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> Floats:
    """Return how far labels lie from what was expected, in standard deviations.

    Args:
        probabilities: Any shape, 0 to 1; NaN gives NaN.
        labels: The same shape, each `PRESENT` or `ABSENT`; the value elsewhere has no meaning.
    """
    p = np.clip(np.asarray(probabilities, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(((labels == PRESENT) - p) / np.sqrt(p * (1 - p)))


def update(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    errors: ErrorCorrelation,
    *,
    ridge: float = RIDGE,
    strength: float = STRENGTH,
) -> Floats:
    """Return an image's calibrated logits given its known labels, `(C,)`.

    Known categories keep the model's logit: they are decided already. Without known labels
    nothing changes.

    Args:
        logits: `(C,)` of the model, calibrated; NaN stays NaN and takes no part.
        labels: `(C,)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        errors: From `fit_correlation`.
        ridge: Added to the diagonal; not below 0.
        strength: Logits a standard deviation; 0 switches the update off.

    Source:
        Kriging of standardised errors. The published residual update moves raw logits by raw
        residuals; in standard deviations no scale has to be estimated for rare categories.
    """
    z = np.array(logits, np.float64)
    moves = contributions(z, labels, errors, ridge=ridge).sum(1)
    return np.where(labels == UNKNOWN, z + strength * moves, z)


def contributions(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    errors: ErrorCorrelation,
    *,
    ridge: float = RIDGE,
) -> Floats:
    """Return what each known label adds to each category, in standard deviations, `(C, K)`.

    Columns follow the known categories in ascending order; the sum of a row is the whole move.

    Args:
        logits: As in `update`.
        labels: As in `update`.
        errors: As in `update`.
        ridge: As in `update`.
    """
    z = np.asarray(logits, np.float64)
    known = np.flatnonzero((labels != UNKNOWN) & np.isfinite(z))
    if not len(known):
        return np.zeros((len(z), 0))
    among = errors.correlation[np.ix_(known, known)] + ridge * np.eye(len(known))
    weights = np.linalg.solve(among, errors.correlation[known]).T  # (C, K)
    return np.asarray(weights * standardised_errors(expit(z[known]), labels[known]))


def _nearest(matrix: Floats) -> Floats:
    """Return the correlation matrix that is left when negative directions are cut off."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[0] >= 0:
        return matrix
    fixed = (vectors * np.maximum(values, 0)) @ vectors.T
    scale = np.sqrt(np.maximum(np.diag(fixed), 1e-12))
    return np.asarray(fixed / np.outer(scale, scale))
