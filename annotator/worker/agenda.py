"""What a worker finds to do by itself: pictures without features, and a version that is due."""

from __future__ import annotations

from datetime import datetime

from annotator.arrays.features import FeatureFiles
from annotator.domain import Job, JobKind, JobState
from annotator.services import policy
from annotator.settings import Project
from annotator.store import Store, Transaction, images, jobs

_ACTIVE = (JobState.QUEUED, JobState.RUNNING)


def enqueue_due(project: Project, store: Store, now: datetime) -> list[Job]:
    """Queue what is due and return it; the store keeps a kind from being queued twice.

    A first version waits for the first features: people see pictures and answer meanwhile, and
    the embedding gives way once there is something to train on.
    """
    wanted: list[tuple[JobKind, str]] = []
    with store.reading() as tx:
        features = FeatureFiles.open(project.features_path)
        if _lacks_features(tx, features) and not _rests(tx, JobKind.EMBED, now):
            wanted.append((JobKind.EMBED, "images without features"))
        reason = policy.due(policy.situation(tx, now), project.settings.retraining)
        if reason and features is not None and features.done.any():
            wanted.append((JobKind.TRAIN, reason))
    if not wanted:
        return []
    with store.writing() as tx:
        return [jobs.enqueue(tx, kind, {"reason": reason}, now) for kind, reason in wanted]


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


def _rests(tx: Transaction, kind: JobKind, now: datetime) -> bool:
    job = jobs.latest(tx, kind)
    if job is None or job.state is JobState.DONE:
        return False
    if job.state in _ACTIVE or job.finished_at is None:
        return True
    return (now - job.finished_at).total_seconds() < policy.RETRY_SECONDS
