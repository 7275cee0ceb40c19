"""What a worker finds to do by itself: pictures without features, and a version that is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.domain import Job, JobKind, JobState
from annotator.services import policy
from annotator.settings import Project
from annotator.store import Store, Transaction, images, jobs, versions

Wanted = tuple[JobKind, dict[str, Any]]
"""A kind of job and its options."""

_ACTIVE = (JobState.QUEUED, JobState.RUNNING)


def enqueue_due(project: Project, store: Store, now: datetime) -> list[Job]:
    """Queue what is due and return it; the store keeps a kind from being queued twice.

    A first version waits for the first features: people see pictures and answer meanwhile, and
    the embedding gives way once there is something to train on.
    """
    wanted: list[Wanted] = []
    with store.reading() as tx:
        features = FeatureFiles.open(project.features_path)
        if _lacks_features(tx, features) and not _rests(tx, JobKind.EMBED, now):
            wanted.append((JobKind.EMBED, {"reason": "images without features"}))
        if features is not None and features.done.any():
            wanted += _training(tx, project, now)
    if not wanted:
        return []
    with store.writing() as tx:
        return [jobs.enqueue(tx, kind, options, now) for kind, options in wanted]


def training_waits(project: Project, store: Store, now: datetime) -> bool:
    """Whether a training should go before the embedding of further images; queues a due one."""
    enqueue_due(project, store, now)
    with store.reading() as tx:
        job = jobs.latest(tx, JobKind.TRAIN)
        return job is not None and job.state is JobState.QUEUED


def _lacks_features(tx: Transaction, features: FeatureFiles | None) -> bool:
    count = images.count(tx)
    if features is None:
        return count > 0
    return count > len(features.done_rows) + len(features.failed())


def _training(tx: Transaction, project: Project, now: datetime) -> list[Wanted]:
    reason = policy.due(policy.situation(tx, now), project.settings.retraining)
    if reason:
        return [(JobKind.TRAIN, {"reason": reason})]
    promoted = versions.promoted(tx)
    if promoted is None or _rests(tx, JobKind.TRAIN, now):
        return []
    path = files.folder(project, promoted.number)
    if files.is_ready(path) and not files.has_arrays(path):  # pruned, then promoted by hand
        return [(JobKind.TRAIN, {"rescore": promoted.number})]
    return []


def _rests(tx: Transaction, kind: JobKind, now: datetime) -> bool:
    job = jobs.latest(tx, kind)
    if job is None or job.state is JobState.DONE:
        return False
    ended = job.finished_at or job.created_at
    return job.state in _ACTIVE or (now - ended).total_seconds() < policy.RETRY_SECONDS
