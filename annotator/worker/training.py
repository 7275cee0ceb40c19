"""The training job: snapshot, fit, calibrate, score, write, compare, publish, prune."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays import versions as files
from annotator.arrays.error_correlation import write_errors
from annotator.arrays.evidence import Where, write_where
from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import owned
from annotator.arrays.versions import VersionParameters
from annotator.domain import Category, Version
from annotator.errors import NotFound, NotReady, ProjectError
from annotator.services.message import counted
from annotator.settings import Project, Settings
from annotator.store import answers, probes, versions
from annotator.worker import embedding, finetuning
from annotator.worker.acquisition import QueueBasis, queue_basis
from annotator.worker.calibration import (
    Decisions,
    enough_for_probabilities,
    held_out_scores,
    make_decisions,
)
from annotator.worker.device import choose_device
from annotator.worker.embedding import BackboneLoader
from annotator.worker.error_correlation import fit_errors
from annotator.worker.evaluation import Verdict, compare, held_out_metrics
from annotator.worker.evidence import fit_where
from annotator.worker.finetuning import Tuned
from annotator.worker.job_control import Control
from annotator.worker.learner import Bools, Learner, Rows, Scores, Snapshot
from annotator.worker.probe_correction import calibration_error
from annotator.worker.pruning import delete_leftovers, prune
from annotator.worker.rescoring import rescore
from annotator.worker.snapshots import complete_snapshot
from mlrpl import checkpoint
from mlrpl.decision.calibration import decide
from mlrpl.decision.conditional import ErrorCorrelation
from mlrpl.labels import PRESENT, UNKNOWN, known_mask
from mlrpl.methods import names
from mlrpl.methods.base import Method
from mlrpl.models.backbones import load_backbone

_LOG = logging.getLogger(__name__)


def run(
    project: Project, control: Control, device: str, *, load: BackboneLoader = load_backbone
) -> str:
    """Train a version and publish it; return one sentence about it.

    Options of the job: `method`, `options` (of the method), `epochs`, `seed`, `finetune` (true or
    false; without it `retraining.finetune` decides); or `rescore`, the number of a version that is
    to score every image again instead.

    Without fine-tuning it learns on the project's frozen features; or, while a fine-tuned version
    is promoted, on the features of that one's network. Nothing of fold 0 has trained that
    network either, so the comparison of versions stays fair.

    Raises:
        NotReady: If there is nothing to learn from, or the device is not there.
        NotFound: If the method or the version to score with is unknown.
        LeaseLost: If another worker has taken the job over; then nothing was published.
    """
    options = control.job.options
    device = choose_device(device)
    delete_leftovers(project, control.store)
    if options.get("rescore"):
        number = int(options["rescore"])
        finetuning.embed_owned(project, control, number, device, load=load)
        return rescore(project, control, number, device)
    with control.store.reading() as tx:
        given = answers.answer_counts(tx).answers
    tunes = finetuning.wanted(options.get("finetune"), project, device, given)
    owner = None if tunes else finetuning.features_to_learn_on(project, control)
    features = _features(project, control, device, owner, load)
    method = _known_method(options.get("method") or project.settings.method)
    snapshot = complete_snapshot(project, control, features.rows)
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
    rows = _rows(learner)
    wish = project.settings
    if not tunes:
        trained = _train(learner, rows, control, wish, seen=owner is not None)
        return _publish(project, control, trained, started, owner=owner)
    epochs, rows = options.get("epochs"), rows[snapshot.askable[rows]]
    with finetuning.tuned(project, control, learner, rows, load=load, epochs=epochs) as tuned:
        learner = learner.like(features=tuned.features)
        learner.reports = tuned.reports
        rows, fitted = rows[learner.done[rows]], tuned.fitted(method)
        trained = _train(learner, rows, control, wish, seen=True, fitted=fitted)
        return _publish(project, control, trained, started, tuned=tuned)


@dataclass(frozen=True)
class Trained:
    """What a training came to, before it has a number."""

    snapshot: Snapshot
    method: Method
    method_name: str
    backbone: str
    """What the network behind the features is, or began as."""
    scores: Scores
    """`(N, C)`, NaN where there is no suggestion."""
    decisions: Decisions
    history: list[dict[str, Any]]
    images: int
    """Images that trained it."""
    where: Where | None
    """Where in a picture the scores come from; None without a token map."""
    errors: ErrorCorrelation | None
    """How its errors on one image go together; None where that is not known."""
    sureness: dict[str, Any]
    """How far its probabilities lie from what is there; see `calibration_error`."""
    asked: QueueBasis
    """What decides which images come first."""


def _rows(learner: Learner) -> Rows:
    rows = learner.trains_on()
    if not (learner.snapshot.labels[rows] == PRESENT).any():
        raise NotReady(
            "Nothing to learn from yet: no image outside the held-out tenth has a present "
            "answer; answer a few more."
        )
    return rows


def _train(
    learner: Learner,
    rows: Rows,
    control: Control,
    wish: Settings,
    *,
    seen: bool,
    fitted: Method | None = None,
) -> Trained:
    """Fit, score and calibrate.

    Args:
        learner: With the features.
        rows: Ordinals of the images that train.
        control: Told about every epoch, asked before every step.
        wish: The settings: from which probability on present is suggested, what is asked first.
        seen: Whether the network behind the features has learned from the answers, too; then only
            fold 0 says how sure a score is.
        fitted: The method, where it is trained on these features already.
    """
    snapshot = learner.snapshot
    taught = (snapshot.labels[rows] == PRESENT).any(axis=0)
    calibrates = not seen and enough_for_probabilities(snapshot)
    found = learner.out_of_fold(control) if calibrates else None
    method = fitted or learner.fit(rows, control, of=learner.groups + 1 if calibrates else 1)
    control.report("scoring")
    scores = learner.predict(method, np.flatnonzero(learner.done), control.check)
    # A name may order images before the first present answer, but it never makes a suggestion.
    speaks = method.zero_shot_categories().cpu().numpy()
    scores[:, ~(taught | speaks)] = np.nan
    _require_finite(scores[learner.done][:, taught | speaks])
    if seen:
        found = held_out_scores(snapshot, scores)
    with control.store.reading() as tx:
        audit = probes.audit_answers(tx)  # they set intercepts, and have trained nothing
    decisions = make_decisions(snapshot, scores, found, wish.suggestions, audit)
    decisions.thresholds[~taught] = np.inf
    errors = fit_errors(snapshot, found, decisions.fitted, decisions.ranked)
    with control.store.reading() as tx:
        basis = queue_basis(tx, wish.asking, learner.features, errors)
    return Trained(
        snapshot, method, learner.method, learner.features.backbone, scores, decisions,
        _history(learner), len(rows), fit_where(learner.features, scores, check=control.check),
        errors, calibration_error(snapshot, scores, decisions.fitted, decisions.ranked, audit),
        basis,
    )  # fmt: skip


def _require_finite(scores: Scores) -> None:
    """Refuse a training that got out of hand: NaN would read as "no suggestion" from here on."""
    wrong = int((~np.isfinite(scores).all(axis=0)).sum())
    if wrong:
        raise NotReady(
            f"The scores of {wrong} of {scores.shape[1]} categories are no finite numbers, so no "
            "version was made; train again with a lower learning rate or with another method."
        )


def _history(learner: Learner) -> list[dict[str, Any]]:
    return [{"epoch": r.epoch + 1, **r.terms} for r in learner.reports]


def _publish(
    project: Project,
    control: Control,
    trained: Trained,
    started: float,
    *,
    owner: int | None = None,
    tuned: Tuned | None = None,
) -> str:
    """Write the version's folder first and make its row ready second, as decision 0202 says.

    A network that was tuned and its features are moved into the folder before it is ready.
    """
    snapshot = trained.snapshot
    control.report("writing")
    control.check()
    with control.store.writing() as tx:
        number = versions.reserve(
            tx,
            control.job,
            method=trained.method_name,
            backbone=trained.backbone,
            trained_answers=snapshot.answers,
            trained_present=snapshot.present,
            last_operation=snapshot.last_operation,
            now=control.clock(),
        )
        current = versions.promoted(tx)
    metrics, verdict = _metrics(trained), _verdict(project, current, trained)
    metrics["seconds"] = time.monotonic() - started
    metrics["finetuned"] = tuned is not None
    files.write(
        files.folder(project, number),
        _parameters(trained, number if tuned else owner),
        trained.scores,
        trained.asked.queue(snapshot, trained.scores, trained.decisions, number),
        metrics,
        save_weights=lambda path: _save(path, trained, tuned),
        features=tuned.features.path if tuned else None,
    )
    how = "fine-tuned" if tuned else "trained"
    message = f"Version {number} was {how} on {counted(trained.images, 'image')}. {verdict.note}"
    control.check()
    with control.finishing(message) as tx:
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
    _LOG.info("version %s: %s", number, trained.asked.sentence())
    try:
        prune(project, control.store, previous=current.number if current else None)
    except Exception:  # noqa: BLE001 - the version is there, and the next one prunes again
        _LOG.exception("older versions were not pruned")
    return message


def _features(
    project: Project, control: Control, device: str, owner: int | None, load: BackboneLoader
) -> FeatureFiles:
    path = project.features_path if owner is None else owned(project, owner)
    features = FeatureFiles.open(path)
    if features is None or not features.done.any():
        if owner is None:
            embedding.embed(project, control, device, load=load)
        else:
            finetuning.embed_owned(project, control, owner, device, load=load)
        features = FeatureFiles.open(path)
    if features is None or not features.done.any():
        raise NotReady("No image could be embedded, so there is nothing to learn from.")
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
    except (NotFound, ProjectError):  # pruned, or damaged: the new one takes its place
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
    has_features = np.isfinite(trained.scores).any(axis=1)
    metrics = held_out_metrics(trained.scores[rows], snapshot.labels[rows])
    ordinals = [str(c.ordinal) for c in snapshot.categories]
    each = metrics.pop("average_precision")
    return metrics | {
        "average_precision": dict(zip(ordinals, each, strict=True)),
        "slope": decisions.calibration.slope,
        **trained.sureness,
        "prior_shift": dict(zip(ordinals, decisions.shift.tolist(), strict=True)),
        "intercepts": dict(zip(ordinals, decisions.calibration.intercepts.tolist(), strict=True)),
        "ranked_only": [c.ordinal for c in _where(snapshot, decisions.ranked)],
        "suggestions": int((decide(trained.scores, decisions.thresholds) & is_open).sum()),
        "open_pairs": int(is_open.sum()),
        "trained_images": trained.images,
        "labelled_images": int((snapshot.labelled & has_features).sum()),
        "known_pairs": int(known_mask(snapshot.labels).sum()),
        "asking": trained.asked.row(),
        "history": trained.history,
    }


def _parameters(trained: Trained, features_of: int | None) -> VersionParameters:
    snapshot, decisions = trained.snapshot, trained.decisions
    return VersionParameters(
        method=trained.method_name,
        backbone=trained.backbone,
        category_ordinals=tuple(c.ordinal for c in snapshot.categories),
        slope=decisions.calibration.slope,
        intercepts=tuple(decisions.calibration.intercepts.tolist()),
        thresholds=tuple(decisions.thresholds.tolist()),
        ranked_only=tuple(c.ordinal for c in _where(snapshot, decisions.ranked)),
        features_of=features_of,
    )


def _where(snapshot: Snapshot, mask: Bools) -> list[Category]:
    return [c for c, yes in zip(snapshot.categories, mask, strict=True) if yes]


def _save(path: Path, trained: Trained, tuned: Tuned | None) -> None:
    checkpoint.save(path, trained.method, trained.method_name, trained.method.dimensions)
    if trained.where is not None:
        write_where(path.parent, trained.where)
    if trained.errors is not None:
        write_errors(path.parent, trained.errors)
    if tuned is not None:
        tuned.save(path)
