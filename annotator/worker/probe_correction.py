"""Blind probes correct what a calibration on chosen answers says, and measure how sure it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from annotator.store.probes import AuditAnswers
from annotator.worker.learner import Bools, Scores, Snapshot
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.prior_shift import MIN_PROBES, expected_calibration_error, prior_shift
from mlrpl.labels import UNKNOWN, known_mask

_BLOCK = 8192

Rows = npt.NDArray[np.int64]


def shift_of(
    snapshot: Snapshot,
    scores: Scores,
    calibration: Calibration,
    ranked: Bools,
    audit: AuditAnswers,
) -> npt.NDArray[np.float64]:
    """Return the logits `(C,)` by which probes move the intercepts; see `prior_shift`.

    Args:
        snapshot: What is known.
        scores: `(N, C)` of the model that will be used.
        calibration: Fitted to answers.
        ranked: `(C,)`, categories without a probability.
        audit: What was said to the probes. Only those count whose pair is still open: they are a
            fair sample of the open pairs of today.
    """
    sums, counts = _open_means(snapshot, scores, calibration)
    means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    means[ranked] = np.nan
    rows, columns, present = _usable(snapshot, scores, ranked, audit)
    del rows
    return prior_shift(means, counts, columns, present)


def calibration_error(
    snapshot: Snapshot,
    scores: Scores,
    calibration: Calibration,
    ranked: Bools,
    audit: AuditAnswers,
) -> dict[str, Any]:
    """Return how far a version's probabilities lie from what is there.

    It is measured on probes, each half of them with intercepts that the other half has moved; on
    the answers of fold 0 where there are too few probes.

    Args:
        snapshot: What is known.
        scores: `(N, C)` of the model.
        calibration: Fitted to answers, before any probe has moved it.
        ranked: `(C,)`, categories without a probability.
        audit: What was said to the probes.

    Returns:
        `ece`, 0 to 1, None where there is nothing to measure it on; `ece_on`, `probes` or
        `held_out`; `ece_pairs`, how many.
    """
    rows, columns, present = _usable(snapshot, scores, ranked, audit)
    if len(rows) >= MIN_PROBES:
        logits = calibration.slope * scores[rows, columns].astype(np.float64)
        logits += calibration.intercepts[columns]
        half = np.arange(len(rows)) % 2
        for part in (0, 1):
            others = half != part
            seen = AuditAnswers(*(a[others] for a in _ordinals(snapshot, rows, columns, present)))
            shift = shift_of(snapshot, scores, calibration, ranked, seen)
            logits[half == part] += shift[columns[half == part]]
        return _row(expit(logits), present, "probes")
    held = np.flatnonzero(snapshot.held_out)
    said = probabilities(scores[held], calibration)
    known = known_mask(snapshot.labels[held]) & np.isfinite(said) & ~ranked
    return _row(said[known], snapshot.labels[held][known] > 0, "held_out")


def _row(said: npt.NDArray[np.float64], present: npt.NDArray[np.bool_], on: str) -> dict[str, Any]:
    error = expected_calibration_error(said, present) if len(said) else None
    return {"ece": error, "ece_on": on, "ece_pairs": len(said)}


def _open_means(
    snapshot: Snapshot, scores: Scores, calibration: Calibration
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the sum of the probabilities of open pairs and their number, `(C,)` each."""
    sums, counts = np.zeros(scores.shape[1]), np.zeros(scores.shape[1], np.int64)
    for start in range(0, len(scores), _BLOCK):
        said = probabilities(scores[start : start + _BLOCK], calibration)
        is_open = snapshot.labels[start : start + _BLOCK] == UNKNOWN
        is_open &= np.isfinite(said) & snapshot.askable[start : start + _BLOCK, None]
        sums += np.where(is_open, said, 0).sum(axis=0)
        counts += is_open.sum(axis=0)
    return sums, counts


def _usable(
    snapshot: Snapshot, scores: Scores, ranked: Bools, audit: AuditAnswers
) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """Return rows, columns and findings of the probes whose pair is open and has a probability."""
    ordinals = [c.ordinal for c in snapshot.categories]
    column_of = np.full(1 + max([*ordinals, *audit.category.tolist()], default=0), -1)
    column_of[ordinals] = np.where(ranked, -1, np.arange(len(ordinals)))
    columns = column_of[audit.category]
    keep = (columns >= 0) & (audit.image < len(scores))
    rows, columns, present = audit.image[keep], columns[keep], audit.present[keep]
    is_open = (snapshot.labels[rows, columns] == UNKNOWN) & np.isfinite(scores[rows, columns])
    return rows[is_open], columns[is_open], present[is_open]


def _ordinals(
    snapshot: Snapshot, rows: Rows, columns: Rows, present: npt.NDArray[np.bool_]
) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    ordinals = np.array([c.ordinal for c in snapshot.categories], np.int64)
    return rows, ordinals[columns], present
