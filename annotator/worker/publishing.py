"""A training becomes a version: its folder is written, then its row is made ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays import versions as files
from annotator.arrays.error_correlation import write_errors
from annotator.arrays.evidence import Where, write_where
from annotator.arrays.followed import Followed, write_followed
from annotator.arrays.held_out import write_out_of_fold
from annotator.arrays.versions import VersionParameters
from annotator.domain import Category, Version
from annotator.errors import ProjectError
from annotator.services.message import counted
from annotator.services.training.challengers import WON, points
from annotator.services.training.retraining import PREDICTORS, WORTH
from annotator.settings import Project
from annotator.store import versions
from annotator.worker.acquisition import QueueBasis
from annotator.worker.calibration import Decisions
from annotator.worker.evaluation import Verdict, compare, gain, held_out_metrics
from annotator.worker.finetuning import Tuned
from annotator.worker.held_out import held_out_of, out_of_fold
from annotator.worker.job_control import Control
from annotator.worker.learner import Bools, Scores, Snapshot
from annotator.worker.pruning import prune
from mlrpl import checkpoint
from mlrpl.decision.calibration import decide
from mlrpl.decision.conditional import ErrorCorrelation
from mlrpl.labels import UNKNOWN, known_mask
from mlrpl.methods.base import Method

STALE = 2 / 3
"""A version that learned from a smaller share of what is known now no longer stays in use for
another method's sake."""

_LOG = logging.getLogger(__name__)


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
    held_out: Scores
    """`(N, C)`, of answers that have not trained what scored them, NaN elsewhere."""
    owner: int | None
    """The version whose features it learned on; None: the project's, or those of `tuned`."""
    tuned: Tuned | None
    """The network that was tuned with it."""
    started: float
    """Monotonic seconds."""
    followed: Followed
    """How far it follows each predictor."""
    predictors: list[list[str]]
    """Name and version of each predictor that was weighed."""
    worth: list[dict[str, Any]]
    """See `measured_worth`."""

    @property
    def kind(self) -> tuple[str, bool]:
        """Method, and whether the features are those of a fine-tuned network."""
        return self.method_name, self.owner is not None or self.tuned is not None


def publish(
    project: Project,
    control: Control,
    trained: Trained,
    *,
    is_automatic: bool = False,
    won: Mapping[str, Any] | None = None,
) -> str:
    """Write the version's folder first and make its row ready second, as decision 0202 says.

    A network that was tuned and its features are moved into the folder before it is ready.

    Args:
        project: Of the job.
        control: Of the job.
        trained: What was learned.
        is_automatic: Whether a version of another method that won as a challenger stays in use
            unless this one is better.
        won: How it won, where it is a challenger itself: with `against`, the number of the version
            whose place it takes, and `note`.

    Returns:
        One sentence about it.
    """
    tuned = trained.tuned
    control.report("writing")
    control.check()
    number, current = _reserve(control, trained)
    metrics = _metrics(trained) | ({} if won is None else {WON: dict(won)})
    verdict = _verdict(project, current, trained, is_automatic=is_automatic, won=won)
    metrics["seconds"] = time.monotonic() - trained.started
    metrics["finetuned"] = tuned is not None
    files.write(
        files.folder(project, number),
        _parameters(trained, number if tuned else trained.owner),
        trained.scores,
        trained.asked.queue(trained.snapshot, trained.scores, trained.decisions, number),
        metrics,
        save_weights=lambda path: _save(path, trained),
        features=tuned.features.path if tuned else None,
    )
    how = "fine-tuned" if tuned else "trained"
    message = f"Version {number} was {how} on {counted(trained.images, 'image')}. {verdict.note}"
    control.check()
    with control.finishing(message, won) as tx:
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
    _prune(project, control, current)
    return message


def _prune(project: Project, control: Control, previous: Version | None) -> None:
    try:
        prune(project, control.store, previous=previous.number if previous else None)
    except Exception:  # noqa: BLE001 - the version is there, and the next one prunes again
        _LOG.exception("older versions were not pruned")


def _reserve(control: Control, trained: Trained) -> tuple[int, Version | None]:
    """Return the number of the new version, and the version in use."""
    snapshot = trained.snapshot
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
        return number, versions.promoted(tx)


def _verdict(
    project: Project,
    current: Version | None,
    trained: Trained,
    *,
    is_automatic: bool,
    won: Mapping[str, Any] | None,
) -> Verdict:
    if won is not None:
        return _verdict_of_challenger(current, won)
    if current is None:
        return Verdict(True, "The first version.")
    snapshot = trained.snapshot
    old = held_out_of(project, current.number, snapshot)
    if is_automatic and old is not None and _holds_the_place(project, current, trained):
        found = gain(trained.held_out, old, snapshot.labels, snapshot.groups)
        if found.measured and not found.better:
            return Verdict(
                False,
                f"Not promoted: version {current.number} ({current.method}) stays in use, as this "
                f"one is not better beyond chance: {points(found.overall)} on "
                f"{counted(found.pairs, 'held-out answer')}.",
            )
    rows = np.flatnonzero(snapshot.held_out & snapshot.labelled)
    labels = snapshot.labels[rows]
    return compare(
        trained.scores[rows],
        None if old is None else old[rows],
        labels,
        old_number=current.number,
        must_win=trained.tuned is not None and not current.metrics.get("finetuned"),
    )


def _holds_the_place(project: Project, current: Version, trained: Trained) -> bool:
    """Whether the version in use won as another method, and knows nearly all that is known now."""
    snapshot, decisions = trained.snapshot, trained.decisions
    if WON not in current.metrics:
        return False
    try:
        parameters = files.read_parameters(files.folder(project, current.number))
    except ProjectError:
        return False
    if trained.kind == (current.method, parameters.features_of is not None):
        return False
    limits = zip(parameters.category_ordinals, parameters.thresholds, strict=True)
    speaks = {ordinal for ordinal, threshold in limits if np.isfinite(threshold)}
    now = {c.ordinal for c in _where(snapshot, np.isfinite(decisions.thresholds))}
    known = int(known_mask(snapshot.labels).sum())
    return now <= speaks and int(current.metrics.get("known_pairs") or 0) >= STALE * known


def _verdict_of_challenger(current: Version | None, won: Mapping[str, Any]) -> Verdict:
    if current is not None and current.number != won["against"]:
        return Verdict(
            False,
            f"Not promoted: it was better than version {won['against']}, but version "
            f"{current.number} is in use by now.",
        )
    return Verdict(True, str(won["note"]))


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
        PREDICTORS: trained.predictors,
        WORTH: trained.worth,
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


def _save(path: Path, trained: Trained) -> None:
    checkpoint.save(path, trained.method, trained.method_name, trained.method.dimensions)
    if trained.where is not None:
        write_where(path.parent, trained.where)
    if trained.followed.names:
        write_followed(path.parent, trained.followed)
    if trained.errors is not None:
        write_errors(path.parent, trained.errors)
    kept = out_of_fold(trained.snapshot, trained.held_out)
    if kept is not None:
        write_out_of_fold(path.parent, kept)
    if trained.tuned is not None:
        trained.tuned.save(path)
