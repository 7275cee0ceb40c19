"""Held-out scores of a version that exists, to compare another one with."""

from __future__ import annotations

import numpy as np

from annotator.arrays import versions as files
from annotator.arrays.held_out import OutOfFold, read_out_of_fold
from annotator.errors import NotFound, ProjectError
from annotator.settings import Project
from annotator.worker.learner import Scores, Snapshot
from mlrpl.labels import known_mask


def held_out_of(project: Project, number: int, snapshot: Snapshot) -> Scores | None:
    """Return what a version said about answers that had not trained what said it.

    Those are the images of fold 0, and out of fold the other images that were labelled when it was
    trained. Versions on features of a fine-tuned network, and old ones, have fold 0 only.

    Args:
        project: Whose version it is.
        number: Of the version.
        snapshot: Says the columns and images.

    Returns:
        `(N, C)`, NaN elsewhere; None if its scores are gone or damaged.
    """
    path = files.folder(project, number)
    try:
        arrays = files.read(path)
    except (NotFound, ProjectError):
        return None
    ordinals = [c.ordinal for c in snapshot.categories]
    scores = np.full(snapshot.labels.shape, np.nan, np.float32)
    try:
        kept = read_out_of_fold(path)
    except ProjectError:
        kept = None
    if kept is not None:
        scores = kept.matrix(len(scores), ordinals)
        scores[snapshot.held_out] = np.nan
    rows = np.flatnonzero(snapshot.held_out & snapshot.labelled)
    rows = rows[rows < len(arrays.scores)]
    for column, ordinal in enumerate(ordinals):
        scores[rows, column] = arrays.category_scores(ordinal)[rows]
    return scores


def out_of_fold(snapshot: Snapshot, held_out: Scores) -> OutOfFold | None:
    """Return what is kept of a new version's held-out scores; None if there are only fold 0's."""
    usable = known_mask(snapshot.labels) & np.isfinite(held_out) & ~snapshot.held_out[:, None]
    rows, columns = np.nonzero(usable)
    if not len(rows):
        return None
    ordinals = np.array([c.ordinal for c in snapshot.categories], np.int32)
    return OutOfFold(rows.astype(np.int32), ordinals[columns], held_out[rows, columns])
