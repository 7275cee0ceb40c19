"""How raw scores become suggestions: calibration, thresholds, and what is only ranked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.settings import Suggestions
from annotator.store.probes import AuditAnswers
from annotator.worker.learner import Bools, Scores, Snapshot
from annotator.worker.probe_correction import shift_of
from annotator.worker.thresholds import wished
from mlrpl.decision.calibration import (
    Calibration,
    fit_calibration,
    ranked_only,
    ranking_threshold,
    raw_threshold,
)
from mlrpl.labels import PRESENT, UNKNOWN, known_mask

MIN_PRESENT = 30
"""Present answers over all categories below which no score is called a probability."""


@dataclass(frozen=True)
class Decisions:
    """How raw scores are read."""

    calibration: Calibration
    ranked: Bools
    """`(C,)`, categories whose score is no probability."""
    thresholds: npt.NDArray[np.float64]
    """`(C,)` raw scores from which on present is suggested."""
    centres: npt.NDArray[np.float64]
    """`(C,)` raw scores at which present is taken to be as likely as absent."""
    shift: npt.NDArray[np.float64]
    """`(C,)` logits by which probes have moved the intercepts."""

    @property
    def fitted(self) -> Calibration:
        """The calibration as the answers alone have it."""
        return Calibration(self.calibration.slope, self.calibration.intercepts - self.shift)


def enough_for_probabilities(snapshot: Snapshot) -> bool:
    """Whether there are enough answers outside fold 0 to call any score a probability.

    Otherwise the out-of-fold models, three quarters of a training's time, would be for nothing.
    """
    return _enough(snapshot.labels[~snapshot.held_out])


def held_out_scores(snapshot: Snapshot, scores: Scores) -> Scores | None:
    """Return the scores `(N, C)` of fold 0 alone, NaN elsewhere, to calibrate on; None: too few.

    This is for features of a network that was fine-tuned on the answers outside fold 0. Every
    image there has features that know its own answers, so even a model that never saw it is too
    sure of it. Fold 0 has trained nothing. Its answers then set the slope, the intercepts and so
    the thresholds, which leaves the order of the images and with it the figures as they are.
    """
    if not _enough(snapshot.labels[snapshot.held_out]):
        return None
    return np.where(snapshot.held_out[:, None], scores, np.float32(np.nan))


def _enough(labels: npt.NDArray[np.int8]) -> bool:
    if int((labels == PRESENT).sum()) < MIN_PRESENT:
        return False
    known = np.nonzero(known_mask(labels))
    return not ranked_only(known[1], labels[known], labels.shape[1]).all()


def make_decisions(
    snapshot: Snapshot,
    scores: Scores,
    out_of_fold: Scores | None,
    wish: Suggestions,
    audit: AuditAnswers | None = None,
) -> Decisions:
    """Calibrate on out-of-fold scores and set the thresholds.

    Every answer counts once. The weights of `snapshot` say how far training trusts an answer; most
    of those trusted less are absent, so weighted probabilities would all be too high.

    Args:
        snapshot: What is known.
        scores: `(N, C)` of the model that will be used.
        out_of_fold: `(N, C)` as `Learner.out_of_fold` or `held_out_scores` gives them; None
            leaves every category ranked only.
        wish: The settings that say from which probability on present is suggested.
        audit: What probes found. They say how much is present among the open pairs, which
            those that people chose to answer do not.
    """
    count = len(snapshot.categories)
    calibration, ranked = Calibration(1.0, np.zeros(count)), np.ones(count, dtype=bool)
    if out_of_fold is not None:
        usable = known_mask(snapshot.labels) & np.isfinite(out_of_fold)
        columns = np.nonzero(usable)[1]
        known = snapshot.labels[usable]
        ranked = ranked_only(columns, known, count)
        calibration = fit_calibration(out_of_fold[usable], columns, known, count)
    shift = np.zeros(count)
    if audit is not None and not ranked.all():
        shift = shift_of(snapshot, scores, calibration, ranked, audit)
        calibration = Calibration(calibration.slope, calibration.intercepts + shift)
    probability = wished(snapshot, scores, calibration, ranked, wish)
    thresholds = raw_threshold(calibration, probability)
    centres = raw_threshold(calibration, 0.5)
    looked_at = int(snapshot.labelled.sum())
    for column in np.flatnonzero(ranked):
        is_open = snapshot.labels[:, column] == UNKNOWN
        present = int((snapshot.labels[:, column] == PRESENT).sum())
        thresholds[column] = ranking_threshold(scores[is_open, column], present, looked_at)
        centres[column] = thresholds[column]
    return Decisions(calibration, ranked, thresholds, centres, shift)
