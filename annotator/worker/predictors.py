"""Predictors as evidence: what they say about the pairs of a snapshot, and how far it is followed.

Decision 0409 says why it is done here, between the method's scores and their calibration.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays import predictions as files
from annotator.arrays.followed import Followed
from annotator.arrays.predictions import Predictions
from annotator.errors import ProjectError
from annotator.settings import Project
from annotator.store import Store, predictors
from annotator.worker.learner import UNLABELLED, Bools, Scores, Snapshot
from mlrpl.decision.stacking import (
    Answers,
    Stack,
    cross_fitted,
    fit_stack,
    heard,
    normal_scores,
)
from mlrpl.labels import PRESENT, UNKNOWN, known_mask

ABSENT_EACH = 10.0
"""Absent answers wanted for each present one where there is no fair model; open pairs make up."""

_LOG = logging.getLogger(__name__)

Evidence = npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Predicted:
    """What the predictors of a project say about the pairs of a snapshot."""

    names: tuple[str, ...]
    versions: tuple[str, ...]
    evidence: Evidence
    """`(P, N, C)` normal scores within each category, NaN where a predictor is silent."""

    @property
    def signature(self) -> list[list[str]]:
        """As that of `annotator.store.predictors`."""
        return sorted([n, v] for n, v in zip(self.names, self.versions, strict=True))

    def without(self, place: int) -> Predicted:
        """Return it with one predictor silenced."""
        evidence = np.delete(self.evidence, place, axis=0)
        keep = [i for i in range(len(self.names)) if i != place]
        return Predicted(
            tuple(self.names[i] for i in keep), tuple(self.versions[i] for i in keep), evidence
        )

    def weigh(self, snapshot: Snapshot, fair: Scores | None) -> tuple[Scores | None, Stack]:
        """Fit how far to follow each predictor; return fair scores that follow them, and the fit.

        Args:
            snapshot: What is known.
            fair: `(N, C)` scores of answers that have not trained what scored them: out of fold or,
                where the features have learned from all others, those of fold 0. None where there
                are too few answers; then predictors are weighed by the answers alone.
        """
        if fair is None:
            return None, fit_stack(_few_answers(snapshot, self.evidence), len(snapshot.categories))
        groups = snapshot.groups
        if (known_mask(snapshot.labels) & np.isfinite(fair))[snapshot.held_out].any():
            halves = np.arange(len(groups)) % 2
            groups = np.where(snapshot.held_out, halves, -1)
        return cross_fitted(fair, self.evidence, snapshot.labels, groups)


def predicted(project: Project, store: Store, snapshot: Snapshot) -> Predicted:
    """Return what the project's predictors say; one whose scores are damaged is silent."""
    with store.reading() as tx:
        every = predictors.weighed(tx)
    return predicted_by(project, snapshot, [(p.name, p.version) for p in every])


def predicted_by(
    project: Project, snapshot: Snapshot, named: Sequence[tuple[str, str]]
) -> Predicted:
    """Return what some predictors say, by their names and versions."""
    rows, ordinals = len(snapshot.labels), [c.ordinal for c in snapshot.categories]
    evidence = np.full((len(named), rows, len(ordinals)), np.nan, np.float16)
    for place, (name, version) in enumerate(named):
        try:
            found = files.read(project, version)
        except ProjectError as error:
            _LOG.warning("predictor %s is left out: %s", name, error)
            continue
        _fill(evidence[place], found, ordinals)
    return Predicted(tuple(n for n, _ in named), tuple(v for _, v in named), evidence)


def _fill(evidence: Evidence, found: Predictions, ordinals: Sequence[int]) -> None:
    for column, ordinal in enumerate(ordinals):
        evidence[:, column] = normal_scores(found.column(ordinal, len(evidence)))


def follow(
    scores: Scores, said: Predicted, stack: Stack, taught: Bools, done: Bools
) -> tuple[Scores, Followed]:
    """Return scores that follow the predictors, and what has to be kept to do it again.

    A category that has not been taught goes by what predictors say beforehand, and by its name
    where the method scores that.

    Args:
        scores: `(N, C)` of the method, NaN where it has nothing to say.
        said: What the predictors say.
        stack: How far they are followed.
        taught: `(C,)`, categories with a present answer.
        done: `(N,)`, images that have features; the others get no score.
    """
    weights = np.where(taught, stack.weights, stack.beforehand[:, None])
    slope = stack.slope if stack.weights.any() else 1.0
    kept = Followed(slope, said.names, said.versions, weights)
    return followed_scores(scores, said, kept, done), kept


def followed_scores(scores: Scores, said: Predicted, kept: Followed, done: Bools) -> Scores:
    """Return scores that follow predictors with the weights of a version; see `follow`."""
    if not kept.weights.any():
        return scores
    result = scores * np.float32(kept.slope)
    for column in np.flatnonzero(kept.weights.any(axis=0)):
        weights, evidence = kept.weights[:, column], said.evidence[:, :, column]
        total = (weights.astype(np.float32)[:, None] * heard(evidence)).sum(axis=0)
        speaks = (np.isfinite(evidence) & (weights > 0)[:, None]).any(axis=0) & done
        if np.isfinite(scores[done, column]).any():
            result[:, column] += total
        else:
            result[:, column] = np.where(speaks, total, np.nan)
    return result


def _few_answers(snapshot: Snapshot, evidence: Evidence) -> Answers:
    """Return the answers outside fold 0, with open pairs as weak absent ones.

    People often say only what is present at first. A present pair then has to be told from the
    open ones, of which most are absent.
    """
    rng = np.random.default_rng(0)
    usable = ~snapshot.held_out & (snapshot.folds >= 0)
    known = known_mask(snapshot.labels) & usable[:, None]
    rows, columns = np.nonzero(known)
    candidates = np.flatnonzero(usable)
    drawn = np.sort(rng.choice(candidates, min(len(candidates), UNLABELLED), replace=False))
    asked = (snapshot.labels[usable] == PRESENT).any(axis=0)
    open_rows, open_columns = np.nonzero((snapshot.labels[drawn] == UNKNOWN) & asked)
    present = snapshot.labels[rows, columns] == PRESENT
    lacking = ABSENT_EACH * present.sum() - (~present).sum()
    weight = np.clip(lacking / max(1, len(open_rows)), 0, 1)
    rows = np.concatenate([rows, drawn[open_rows]])
    columns = np.concatenate([columns, open_columns])
    return Answers(
        scores=np.zeros(len(rows)),
        evidence=heard(evidence[:, rows, columns]),
        columns=columns.astype(np.int64),
        present=np.concatenate([present, np.zeros(len(open_rows), dtype=bool)]),
        weights=np.concatenate([np.ones(len(present)), np.full(len(open_rows), weight)]),
    )


def fair_rows(scores: Scores, fair: Scores, snapshot: Snapshot) -> Scores:
    """Return scores in which the images of fold 0 have their fair ones, where there are any."""
    put = snapshot.held_out[:, None] & np.isfinite(fair)
    return np.where(put, fair, scores).astype(np.float32)
