"""An existing version scores the images that came later, or anew those that were pruned."""

from __future__ import annotations

import logging

import numpy as np

from annotator.arrays import versions as files
from annotator.arrays.error_correlation import read_errors
from annotator.arrays.evidence import has_where, write_where
from annotator.arrays.features import FeatureFiles
from annotator.arrays.followed import read_followed
from annotator.arrays.version_features import features_path
from annotator.errors import NotReady
from annotator.services.message import counted
from annotator.settings import Project
from annotator.store import versions
from annotator.worker.acquisition import queue_basis
from annotator.worker.calibration import Decisions
from annotator.worker.evidence import fit_where
from annotator.worker.job_control import Control
from annotator.worker.learner import Learner
from annotator.worker.predictors import followed_scores, predicted_by
from annotator.worker.snapshots import complete_snapshot
from mlrpl import checkpoint
from mlrpl.decision.calibration import raw_threshold

_LOG = logging.getLogger(__name__)


def rescore(project: Project, control: Control, number: int, device: str) -> str:
    """Let an existing version score every image that has features, and write its arrays anew.

    Raises:
        NotFound: If there is no such version.
        NotReady: If there are no features of its backbone.
    """
    with control.store.reading() as tx:
        versions.get(tx, number)
    path = files.folder(project, number)
    parameters = files.read_parameters(path)
    features = FeatureFiles.open(features_path(project, number))
    if features is None or parameters.backbone != features.backbone:
        raise NotReady(
            f"Version {number} was trained on {parameters.backbone}, but there are no such "
            "features; set that backbone in project.toml and run `annotator embed`."
        )
    method = checkpoint.load(path / files.WEIGHTS)
    ordinals = parameters.category_ordinals
    snapshot = complete_snapshot(project, control, features.rows, ordinals=ordinals)
    learner = Learner(snapshot, features, method=parameters.method, device=device)
    control.report("scoring")
    scores = learner.predict(method, np.flatnonzero(learner.done), control.check)
    thresholds = np.asarray(parameters.thresholds)
    scores[:, np.isinf(thresholds)] = np.nan
    followed = read_followed(path, len(thresholds))
    if followed is not None:
        named = list(zip(followed.names, followed.versions, strict=True))
        said = predicted_by(project, snapshot, named)
        scores = followed_scores(scores, said, followed, learner.done)
    ranked = np.isin(parameters.category_ordinals, parameters.ranked_only)
    centres = np.where(ranked, thresholds, raw_threshold(parameters.calibration, 0.5))
    decisions = Decisions(
        parameters.calibration, ranked, thresholds, centres, np.zeros(len(thresholds))
    )
    control.check()
    if not has_where(path):  # of a version from before there were maps
        where = fit_where(features, scores, check=control.check)
        if where is not None:
            write_where(path, where)
    errors = read_errors(path, len(thresholds))
    with control.store.reading() as tx:
        basis = queue_basis(tx, project.settings.asking, features, errors)
    files.write_arrays(path, scores, basis.queue(snapshot, scores, decisions, number))
    _LOG.info("version %s: %s", number, basis.sentence())
    return f"Version {number} has scored {counted(int(learner.done.sum()), 'image')}."


def covers(project: Project, number: int) -> bool:
    """Whether a version has scored every image that has features by now."""
    path = files.folder(project, number)
    features = FeatureFiles.open(features_path(project, number))
    if not files.has_arrays(path) or features is None:
        return False
    arrays = files.read(path)
    if arrays.parameters.backbone != features.backbone or not arrays.columns:
        return True  # it could not score them anyway
    scored = np.asarray(~np.isnan(arrays.scores_by_category).all(axis=0))
    rows = features.done_rows
    return bool(len(rows) == 0 or (rows[-1] < len(scored) and scored[rows].all()))


def is_outdated(project: Project, number: int) -> bool:
    """Whether a version scored images whose features are gone or come from other grey values."""
    path = files.folder(project, number)
    features = FeatureFiles.open(features_path(project, number))
    if not files.has_arrays(path) or features is None:
        return False
    if features.grey_range != project.settings.images.grey_range:
        return True
    scored = np.flatnonzero(~np.isnan(files.read(path).scores_by_category).all(axis=0))
    return not np.isin(scored, features.done_rows).all()
