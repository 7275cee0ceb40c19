"""What a worker finds to do by itself: features, a version, a map, a challenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from annotator.arrays import version_features
from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.likeness import is_complete, stamp
from annotator.domain import Job, JobKind, JobState
from annotator.services.background import running_import
from annotator.services.training import challengers, retraining
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
    running_import.settle(project, store)  # an import whose program is gone
    wanted: list[Wanted] = []
    with store.reading() as tx:
        promoted = versions.promoted(tx)
        number = None if promoted is None else promoted.number
        owner = version_features.owner(project, number)
        paths = {project.features_path, version_features.features_path(project, number)}
        features = [FeatureFiles.open(path) for path in paths]
        grey_range = project.settings.images.grey_range
        is_stale = any(f is not None and f.grey_range != grey_range for f in features)
        wanted += _embedding(tx, features, owner, is_stale, now)
        if any(f is not None and f.done.any() for f in features):
            later = _later_features(tx, project, features)
            wanted += _training(tx, project, now, later)
    if not wanted:
        return []
    with store.writing() as tx:
        return [jobs.enqueue(tx, kind, options, now) for kind, options in wanted]


def enqueue_idle_work(project: Project, store: Store, now: datetime) -> Job | None:
    """Queue the map or the challenger that is due, where nothing else is to be done; return it."""
    with store.reading() as tx:
        if any(job is not None and job.state in _ACTIVE for job in _latest(tx, *JobKind)):
            return None
        wanted = _map(tx, project, now) or _challenger(tx, project, now)
    if wanted is None:
        return None
    with store.writing() as tx:
        return jobs.enqueue(tx, *wanted, now)


def _challenger(tx: Transaction, project: Project, now: datetime) -> Wanted | None:
    if project.settings.method != challengers.AUTO:
        return None
    options = challengers.due(challengers.race(tx, now), project.settings)
    return None if options is None else (JobKind.CHALLENGE, dict(options))


def _map(tx: Transaction, project: Project, now: datetime) -> Wanted | None:
    """Return the comparison of all images that is due because their features are other ones."""
    promoted = versions.promoted(tx)
    path = version_features.features_path(project, None if promoted is None else promoted.number)
    features = version_features.usable_features(path)
    if features is None or not features.done.any() or _rests(tx, JobKind.MAP, now):
        return None
    options = {"features": path.relative_to(project.path).as_posix(), "of": stamp(features)}
    job = jobs.latest(tx, JobKind.MAP)
    is_made = job is not None and job.options == options and is_complete(features)
    return None if is_made else (JobKind.MAP, options)


def work_waits(project: Project, store: Store, now: datetime) -> bool:
    """Whether a map or a challenger should give way to anything else; queues what is due."""
    enqueue_due(project, store, now)
    with store.reading() as tx:
        waiting = _latest(tx, JobKind.TRAIN, JobKind.EMBED)
    return any(job is not None and job.state is JobState.QUEUED for job in waiting)


def _latest(tx: Transaction, *kinds: JobKind) -> list[Job | None]:
    return [jobs.latest(tx, kind) for kind in kinds]


def training_waits(project: Project, store: Store, now: datetime) -> bool:
    """Whether a training should go before the embedding of further images; queues a due one."""
    enqueue_due(project, store, now)
    with store.reading() as tx:
        job = jobs.latest(tx, JobKind.TRAIN)
        return job is not None and job.state is JobState.QUEUED


def _embedding(
    tx: Transaction,
    every: list[FeatureFiles | None],
    owner: int | None,
    is_stale: bool,
    now: datetime,
) -> list[Wanted]:
    """Return the embedding that is due; stale features are those of other grey values."""
    # Both, as one image may have come while another has gone.
    count, listed = images.count(tx), images.count_all(tx)
    tried = min(0 if f is None else len(f.done_rows) + len(f.failed()) for f in every)
    tried_all = listed <= tried
    if (tried_all and not is_stale) or _rests(tx, JobKind.EMBED, now):
        return []
    job = jobs.latest(tx, JobKind.EMBED)
    options = {"images": count, "listed": listed}
    if owner is not None:
        options["network_of"] = owner
    done = job is not None and job.state is JobState.DONE
    if job and done and not is_stale and options.items() <= job.options.items():
        return []  # it has done what can be done for these images
    return [(JobKind.EMBED, {"reason": "images without features", **options})]


def _later_features(tx: Transaction, project: Project, every: Sequence[FeatureFiles | None]) -> int:
    """Return how many labelled images have features that the last version lacked; 0 if few.

    While embedding goes on, only as many again are worth another training.
    """
    last, job = retraining.newest(tx), jobs.latest(tx, JobKind.EMBED)
    then = None if last is None else last.metrics.get("labelled_images")
    if last is None or job is None or not isinstance(then, int):
        return 0
    if job.finished_at is not None and job.finished_at <= last.created_at:
        return 0
    labelled = images.labelled_ordinals(tx)
    there = [sum(map(f.is_done, labelled)) for f in every if f is not None]
    later = min(there, default=0) - then
    share = 1.0 if job.state in _ACTIVE else project.settings.retraining.min_share
    return later if later >= max(1, share * then) else 0


def _training(tx: Transaction, project: Project, now: datetime, later: int) -> list[Wanted]:
    situation = replace(retraining.situation(tx, now), later_features=later)
    reason = retraining.due(situation, project.settings.retraining)
    if reason:
        return [(JobKind.TRAIN, {"reason": reason})]
    promoted = versions.promoted(tx)
    if promoted is None or _rests(tx, JobKind.TRAIN, now):
        return []
    path = files.folder(project, promoted.number)
    options = {"rescore": promoted.number}
    job = jobs.latest(tx, JobKind.TRAIN)
    if job is None or job.options == options or files.has_arrays(path):
        return []
    return [(JobKind.TRAIN, options)]  # pruned, then promoted by hand


def _rests(tx: Transaction, kind: JobKind, now: datetime) -> bool:
    job = jobs.latest(tx, kind)
    if job is None or job.state is JobState.DONE:
        return False
    ended = job.finished_at or job.created_at
    return job.state in _ACTIVE or (now - ended).total_seconds() < retraining.RETRY_SECONDS
