"""The training job: snapshot, fit, calibrate, score; what comes of it is published."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import owned
from annotator.errors import NotFound, NotReady
from annotator.services.training.challengers import AUTO, QUICK
from annotator.settings import Project
from annotator.store import answers, probes
from annotator.worker import embedding, finetuning
from annotator.worker.acquisition import queue_basis
from annotator.worker.calibration import enough_for_probabilities, held_out_scores, make_decisions
from annotator.worker.device import choose_device
from annotator.worker.embedding import BackboneLoader
from annotator.worker.error_correlation import fit_errors
from annotator.worker.evidence import fit_where
from annotator.worker.job_control import Control
from annotator.worker.learner import FOLD_GROUPS, Bools, Learner, Rows, Scores, Snapshot
from annotator.worker.predictor_worth import measured_worth
from annotator.worker.predictors import Predicted, fair_rows, follow, predicted
from annotator.worker.probe_correction import calibration_error
from annotator.worker.pruning import delete_leftovers
from annotator.worker.publishing import Trained, publish
from annotator.worker.rescoring import rescore
from annotator.worker.snapshots import complete_snapshot
from mlrpl.decision.stacking import Stack
from mlrpl.labels import PRESENT
from mlrpl.methods import names
from mlrpl.methods.base import Method
from mlrpl.models.backbones import load_backbone

Judge = Callable[[Snapshot, Scores], None]
"""Told the scores of held-out answers as soon as they are there; ends a training by raising."""


def run(
    project: Project, control: Control, device: str, *, load: BackboneLoader = load_backbone
) -> str:
    """Train a version and publish it; return one sentence about it.

    Options of the job: `method`, `options` (of the method), `epochs`, `seed`, `finetune` (true or
    false; without it `retraining.finetune` decides); or `rescore`, the number of a version that is
    to score every image again instead.

    Without fine-tuning it learns on the project's frozen features; or, while a fine-tuned version
    is promoted, on the features of that one's network. Nothing of fold 0 has trained that
    network either, so the comparison of versions stays fair. The method `auto` begins with the
    quick one on frozen features; all others are challengers.

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
    method, asked = options.get("method") or project.settings.method, options.get("finetune")
    is_automatic = method == AUTO
    if is_automatic:
        method, asked = QUICK, bool(asked)
    lesson = Lesson(
        method=_known_method(method),
        tunes=finetuning.wanted(asked, project, device, given),
        options=options,
        device=device,
        load=load,
    )

    def take(rows: int) -> Snapshot:
        return complete_snapshot(project, control, rows)

    with learned(project, control, lesson, take) as trained:
        return publish(project, control, trained, is_automatic=is_automatic)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is to learn, and how."""

    method: str
    tunes: bool
    """Whether the network learns, too."""
    options: Mapping[str, Any]
    """Of the job."""
    device: str
    load: BackboneLoader


@contextmanager
def learned(
    project: Project,
    control: Control,
    lesson: Lesson,
    take: Callable[[int], Snapshot],
    judge: Judge = lambda *_: None,
) -> Iterator[Trained]:
    """Train, and keep what a network that was tuned has made as long as the context lasts.

    Args:
        project: Of the job.
        control: Told about every step, asked before each.
        lesson: What learns.
        take: Returns the snapshot, told for how many images there are features.
        judge: See `Judge`.

    Raises:
        NotReady: If there is nothing to learn from, or the method cannot be used here.
    """
    owner = None if lesson.tunes else finetuning.features_to_learn_on(project, control)
    features = _features(project, control, lesson.device, owner, lesson.load)
    snapshot = take(features.rows)
    snapshot.require_labels()
    started, epochs = time.monotonic(), lesson.options.get("epochs")
    learner = Learner(
        snapshot,
        features,
        method=lesson.method,
        options=lesson.options.get("options"),
        epochs=epochs,
        seed=int(lesson.options.get("seed", 0)),
        device=lesson.device,
    )
    rows = _rows(learner)
    outcome = _Outcome(project, control, judge, started)
    if not lesson.tunes:
        yield outcome.of(learner, rows, seen=owner is not None, owner=owner)
        return
    rows = rows[snapshot.askable[rows]]
    with finetuning.tuned(
        project, control, learner, rows, load=lesson.load, epochs=epochs
    ) as tuned:
        learner = learner.like(features=tuned.features)
        learner.reports = tuned.reports
        rows, fitted = rows[learner.done[rows]], tuned.fitted(lesson.method)
        yield outcome.of(learner, rows, seen=True, fitted=fitted, tuned=tuned)


def _rows(learner: Learner) -> Rows:
    rows = learner.trains_on()
    if not (learner.snapshot.labels[rows] == PRESENT).any():
        raise NotReady(
            "Nothing to learn from yet: no image outside the held-out tenth has a present "
            "answer; answer a few more."
        )
    return rows


@dataclass(frozen=True)
class _Outcome:
    """Fits, scores and calibrates for one job."""

    project: Project
    control: Control
    judge: Judge
    started: float
    """Monotonic seconds."""

    def of(
        self,
        learner: Learner,
        rows: Rows,
        *,
        seen: bool,
        owner: int | None = None,
        fitted: Method | None = None,
        tuned: finetuning.Tuned | None = None,
    ) -> Trained:
        """Return what a training comes to.

        Args:
            learner: With the features.
            rows: Ordinals of the images that train.
            seen: Whether the network behind the features has learned from the answers, too; then
                only fold 0 says how sure a score is.
            owner: The version whose features they are; None: the project's, or `tuned`.
            fitted: The method, where it is trained on these features already.
            tuned: The network that was tuned just now.
        """
        snapshot, control = learner.snapshot, self.control
        taught = (snapshot.labels[rows] == PRESENT).any(axis=0)
        calibrates = not seen and enough_for_probabilities(snapshot)
        said = predicted(self.project, control.store, snapshot)
        alone = learner.out_of_fold(control) if calibrates else None
        found, stack = said.weigh(snapshot, alone)
        if found is not None:
            self.judge(snapshot, found)
        method = fitted or learner.fit(rows, control, of=FOLD_GROUPS + 1 if calibrates else 1)
        control.report("scoring")
        scores = _scores(learner, method, taught, control)
        if seen:
            found, stack = said.weigh(snapshot, held_out_scores(snapshot, scores))
        scores, followed = follow(scores, said, stack, taught, learner.done)
        if seen and found is not None:
            scores = fair_rows(scores, found, snapshot)
        honest = np.where(snapshot.held_out[:, None], scores, np.float32(np.nan))
        if not calibrates:
            self.judge(snapshot, honest)
        elif found is not None:
            honest = np.where(np.isnan(honest), found, honest)
        with control.store.reading() as tx:
            audit = probes.audit_answers(tx)  # they set intercepts, and have trained nothing
        decisions = make_decisions(
            snapshot, scores, found, self.project.settings.suggestions, audit
        )
        decisions.thresholds[~taught] = np.inf
        errors = fit_errors(snapshot, found, decisions.fitted, decisions.ranked)
        with control.store.reading() as tx:
            basis = queue_basis(tx, self.project.settings.asking, learner.features, errors)
        return Trained(
            snapshot, method, learner.method, learner.features.backbone, scores, decisions,
            _history(learner), len(rows), fit_where(learner.features, scores, check=control.check),
            errors, calibration_error(snapshot, scores, decisions.fitted, decisions.ranked, audit),
            basis, honest, owner, tuned, self.started, followed, said.signature,
            _worth(learner, said, stack, alone, control),
        )  # fmt: skip


def _scores(learner: Learner, method: Method, taught: Bools, control: Control) -> Scores:
    """Return what a method says about all images, NaN for categories that it knows nothing of."""
    scores = learner.predict(method, np.flatnonzero(learner.done), control.check)
    # A name may order images before the first present answer, but it never suggests.
    speaks = method.zero_shot_categories().cpu().numpy()
    scores[:, ~(taught | speaks)] = np.nan
    _require_finite(scores[learner.done][:, taught | speaks])
    return scores


def _worth(
    learner: Learner, said: Predicted, stack: Stack, alone: Scores | None, control: Control
) -> list[dict[str, Any]]:
    if alone is None:
        return []
    control.report("comparing predictors")
    return measured_worth(learner.snapshot, said, stack, alone, learner.nameless, control.check)


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
