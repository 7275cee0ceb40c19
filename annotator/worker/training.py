"""The training job: snapshot, fit, calibrate, score, write, compare, publish, prune."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import VersionParameters
from annotator.domain import Category, Version
from annotator.errors import NotFound, NotReady
from annotator.settings import Project
from annotator.store import versions
from annotator.worker import embedding
from annotator.worker.control import Control
from annotator.worker.device import choose_device
from annotator.worker.learner import (
    Bools,
    Decisions,
    Learner,
    Scores,
    Snapshot,
    enough_for_probabilities,
    make_decisions,
    take_snapshot,
)
from annotator.worker.pruning import delete_leftovers, prune
from annotator.worker.rescoring import queue_of, rescore
from annotator.worker.verdict import Verdict, compare, held_out_metrics
from mlrpl import checkpoint
from mlrpl.decision.calibration import decide
from mlrpl.labels import PRESENT, UNKNOWN, known_mask
from mlrpl.methods import names
from mlrpl.methods.base import Method


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
    delete_leftovers(project, control.store)
    if options.get("rescore"):
        return rescore(project, control, int(options["rescore"]), device)
    features = _features(project, control, device)
    method = _known_method(options.get("method") or project.settings.method)
    with control.store.reading() as tx:
        snapshot = take_snapshot(tx, features.rows)
    snapshot.require_labels()
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
            "Nothing to learn from yet: no picture outside the held-out tenth has a present "
            "answer; mark a few more."
        )
    calibrates = enough_for_probabilities(snapshot)
    found = learner.out_of_fold(control) if calibrates else None
    method = learner.fit(rows, control, of=learner.groups + 1 if calibrates else 1)
    history = [{"epoch": r.epoch + 1, **r.terms} for r in learner.reports]
    control.report("scoring")
    scores = learner.predict(method, np.flatnonzero(learner.done), control.check)
    # A name may order images before the first present answer, but it never makes a suggestion.
    speaks = method.speaks().cpu().numpy()
    scores[:, ~(taught | speaks)] = np.nan
    decisions = make_decisions(snapshot, scores, found, threshold)
    decisions.thresholds[~taught] = np.inf
    return Trained(snapshot, method, scores, decisions, history, len(rows))


def _publish(
    project: Project, control: Control, trained: Trained, method: str, started: float
) -> str:
    """Write the version's folder first and make its row ready second, as decision 0202 says."""
    snapshot, backbone = trained.snapshot, project.settings.backbone
    control.report("writing")
    control.check()
    with control.store.writing() as tx:
        number = versions.reserve(
            tx,
            control.job,
            method=method,
            backbone=backbone,
            trained_answers=snapshot.answers,
            trained_present=snapshot.present,
            last_operation=snapshot.last_operation,
            now=control.clock(),
        )
        current = versions.promoted(tx)
    metrics, verdict = _metrics(trained), _verdict(project, current, trained)
    metrics["seconds"] = time.monotonic() - started
    files.write(
        files.folder(project, number),
        _parameters(trained, method, backbone),
        trained.scores,
        queue_of(snapshot, trained.scores, trained.decisions, number),
        metrics,
        save_weights=lambda path: _save(path, trained.method, method),
    )
    control.check()
    with control.store.writing() as tx:
        versions.publish(
            tx,
            control.job,
            number,
            metrics=metrics,
            training_seconds=metrics["seconds"],
            promote=verdict.promote,
            note=verdict.note,
            now=control.clock(),
        )
    prune(project, control.store, previous=current.number if current else None)
    return f"Version {number} was trained on {trained.images} images. {verdict.note}"


def _features(project: Project, control: Control, device: str) -> FeatureFiles:
    features = FeatureFiles.open(project.features_path)
    if features is None or not features.done.any():
        embedding.embed(project, control, device)
        features = FeatureFiles.open(project.features_path)
    if features is None or not features.done.any():
        raise NotReady("No picture could be embedded, so there is nothing to learn from.")
    return features


def _known_method(name: str) -> str:
    if name not in names():
        raise NotFound(f"There is no method {name!r}; known: {', '.join(names())}.")
    return name


def _verdict(project: Project, current: Version | None, trained: Trained) -> Verdict:
    if current is None:
        return Verdict(True, "The first version.")
    snapshot = trained.snapshot
    rows = np.flatnonzero(snapshot.held_out & snapshot.labelled)
    old: Scores | None = None
    try:
        arrays = files.read(files.folder(project, current.number))
    except NotFound:
        pass
    else:
        old = np.full((len(rows), len(snapshot.categories)), np.nan, np.float32)
        there = rows < len(arrays.scores)
        for column, category in enumerate(snapshot.categories):
            old[there, column] = arrays.category_scores(category.ordinal)[rows[there]]
    labels = snapshot.labels[rows]
    return compare(trained.scores[rows], old, labels, old_number=current.number)


def _metrics(trained: Trained) -> dict[str, Any]:
    snapshot, decisions = trained.snapshot, trained.decisions
    rows = np.flatnonzero(snapshot.held_out & snapshot.labelled)
    is_open = (snapshot.labels == UNKNOWN) & ~np.isnan(trained.scores)
    metrics = held_out_metrics(trained.scores[rows], snapshot.labels[rows])
    ordinals = [str(c.ordinal) for c in snapshot.categories]
    each = metrics.pop("average_precision")
    return metrics | {
        "average_precision": dict(zip(ordinals, each, strict=True)),
        "slope": decisions.calibration.slope,
        "intercepts": dict(zip(ordinals, decisions.calibration.intercepts.tolist(), strict=True)),
        "ranked_only": [c.ordinal for c in _where(snapshot, decisions.ranked)],
        "suggestions": int((decide(trained.scores, decisions.thresholds) & is_open).sum()),
        "open_pairs": int(is_open.sum()),
        "trained_images": trained.images,
        "known_pairs": int(known_mask(snapshot.labels).sum()),
        "history": trained.history,
    }


def _parameters(trained: Trained, method: str, backbone: str) -> VersionParameters:
    snapshot, decisions = trained.snapshot, trained.decisions
    return VersionParameters(
        method=method,
        backbone=backbone,
        category_ordinals=tuple(c.ordinal for c in snapshot.categories),
        slope=decisions.calibration.slope,
        intercepts=tuple(decisions.calibration.intercepts.tolist()),
        thresholds=tuple(decisions.thresholds.tolist()),
        ranked_only=tuple(c.ordinal for c in _where(snapshot, decisions.ranked)),
    )


def _where(snapshot: Snapshot, mask: Bools) -> list[Category]:
    return [c for c, yes in zip(snapshot.categories, mask, strict=True) if yes]


def _save(path: Path, method: Method, name: str) -> None:
    checkpoint.save(path, method, name, method.dimensions)
