"""The training job: snapshot, fit, calibrate, score, write, compare, publish, prune."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import Version
from annotator.errors import LeaseLost, NotFound, NotReady
from annotator.settings import Project
from annotator.store import versions
from annotator.worker import embedding
from annotator.worker.control import Control
from annotator.worker.device import choose_device
from annotator.worker.learner import (
    Decisions,
    Learner,
    Scores,
    Snapshot,
    enough_for_probabilities,
    make_decisions,
    take_snapshot,
)
from annotator.worker.verdict import Verdict, compare, held_out_metrics
from annotator.worker.worth import make_queue
from mlrpl import checkpoint
from mlrpl.decision.calibration import decide
from mlrpl.labels import PRESENT, UNKNOWN, known_mask
from mlrpl.methods import names
from mlrpl.methods.base import Method

_LOG = logging.getLogger(__name__)


def run(project: Project, control: Control, device: str) -> str:
    """Train a version and publish it; return one sentence about it.

    Options of the job: `method`, `options` (of the method), `epochs`, `seed`; or `rescore`, the
    number of a version that is to score every image again instead.

    Raises:
        NotReady: If there is nothing to learn from, or the device is not there.
        NotFound: If the method or the version to score with is unknown.
        LeaseLost: If another worker has taken the job over; then nothing was published.
    """
    options = control.job.options
    device = choose_device(device)
    _delete_leftovers(project, control)
    if options.get("rescore"):
        return rescore(project, control, int(options["rescore"]), device)
    features = _features(project, control, device)
    method = _known_method(options.get("method") or project.settings.method)
    with control.store.reading() as tx:
        snapshot = take_snapshot(tx, features.rows)
    started = time.monotonic()
    learner = Learner(
        snapshot,
        features,
        method=method,
        options=options.get("options"),
        epochs=options.get("epochs"),
        seed=int(options.get("seed", 0)),
        device=device,
    )
    trained = _train(learner, control, project.settings.suggestions.threshold)
    return _publish(project, control, trained, method, started)


@dataclass(frozen=True)
class Trained:
    """What a training came to, before it has a number."""

    snapshot: Snapshot
    method: Method
    scores: Scores
    """`(N, C)`, NaN where there is no suggestion."""
    decisions: Decisions
    history: list[dict[str, Any]]
    images: int
    """Images that trained it."""


def _train(learner: Learner, control: Control, threshold: float) -> Trained:
    snapshot = learner.snapshot
    rows = learner.trains_on()
    taught = (snapshot.labels[rows] == PRESENT).any(axis=0)
    if not taught.any():
        raise NotReady(
            "Nothing to learn from yet: no picture outside the held-out tenth has a present answer; "
            "mark a few more."
        )
    calibrates = enough_for_probabilities(snapshot)
    found = learner.out_of_fold(control) if calibrates else None
    method = learner.fit(rows, control, of=learner.groups + 1 if calibrates else 1)
    history = [{"epoch": r.epoch + 1, **r.terms} for r in learner.reports]
    control.report("scoring")
    scores = learner.predict(method, np.flatnonzero(learner.done), control.check)
    scores[:, ~taught] = np.nan
    decisions = make_decisions(snapshot, scores, found, threshold)
    return Trained(snapshot, method, scores, decisions, history, len(rows))


def _publish(
    project: Project, control: Control, trained: Trained, method: str, started: float
) -> str:
    snapshot = trained.snapshot
    control.report("writing")
    control.check()
    with control.store.writing() as tx:
        number = versions.reserve(
            tx,
            control.job,
            method=method,
            backbone=project.settings.backbone,
            trained_answers=snapshot.answers,
            trained_present=snapshot.present,
            last_operation=snapshot.last_operation,
            now=control.clock(),
        )
    path = files.folder(project, number)
    try:
        metrics = _metrics(trained)
        verdict, current = _verdict(project, control, trained)
        seconds = time.monotonic() - started
        metrics["seconds"] = seconds
        files.write(
            path,
            _parameters(trained, method, project.settings.backbone),
            trained.scores,
            _queue(trained.snapshot, trained.scores, trained.decisions, number),
            metrics,
            save_weights=lambda file: _save(file, trained, method),
        )
        control.check()
        with control.store.writing() as tx:
            versions.publish(
                tx,
                control.job,
                number,
                metrics=metrics,
                training_seconds=seconds,
                promote=verdict.promote,
                note=verdict.note,
                now=control.clock(),
            )
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    prune(project, control, previous=current)
    return f"Version {number} was trained on {trained.images} images. {verdict.note}"


def prune(project: Project, control: Control, *, previous: int | None) -> list[int]:
    """Delete the arrays of versions that nobody looks at, and return their numbers.

    They stay for the promoted version, the one before it, the one promoted last, the newest, and
    the best by mean average precision.
    """
    with control.store.reading() as tx:
        every = versions.every(tx)
        promoted = versions.promoted(tx)
    best = sorted(every, key=_goodness, reverse=True)[: project.settings.retraining.keep_versions]
    keep = {v.number for v in best} | {every[-1].number, previous}
    if promoted:
        keep.add(promoted.number)
        keep.add(max((v.number for v in every if v.number < promoted.number), default=None))
    pruned = []
    for version in every:
        path = files.folder(project, version.number)
        if version.number not in keep and files.has_arrays(path):
            files.delete_arrays(path)
            pruned.append(version.number)
    return pruned


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
    features = FeatureFiles.open(project.features_path)
    if features is None or parameters.backbone != features.backbone:
        raise NotReady(
            f"Version {number} was trained on {parameters.backbone}, but there are no such "
            "features; set that backbone in project.toml and run `annotator embed`."
        )
    method = checkpoint.load(path / files.WEIGHTS)
    with control.store.reading() as tx:
        snapshot = _of_version(take_snapshot(tx, features.rows), parameters)
    learner = Learner(snapshot, features, method=parameters.method, device=device)
    control.report("scoring")
    scores = learner.predict(method, np.flatnonzero(learner.done), control.check)
    scores[:, ~_taught(path, len(parameters.category_ordinals))] = np.nan
    decisions = _decisions_of(parameters)
    queue = _queue(snapshot, scores, decisions, number)
    control.check()
    files.write_arrays(path, scores, queue)
    return f"Version {number} has scored {int(learner.done.sum())} images."
