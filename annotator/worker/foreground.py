"""A job from the command line: done here, or watched while another worker does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotator.domain import Job, JobKind, JobState
from annotator.errors import AnnotatorError, NotReady
from annotator.services.clock import utc_now
from annotator.services.training import challengers
from annotator.services.training.challengers import AUTO
from annotator.settings import changed, load_project
from annotator.store import Store, jobs, versions
from annotator.worker.main import do_job, is_worker_alive

POLL_SECONDS = 0.5

_LIVING = (JobState.QUEUED, JobState.RUNNING)


def run_or_follow(
    path: Path,
    kind: JobKind,
    options: Mapping[str, Any],
    *,
    device: str = "auto",
    on_progress: Callable[..., None] = lambda *_: None,
) -> tuple[dict[str, Any], str]:
    """Do a job, or wait for the worker that does it.

    A training with the method `auto` is followed by every challenger that may learn now.

    Args:
        path: The project directory.
        kind: What to do.
        options: Of the job.
        device: Where to compute: auto, cpu or cuda.
        on_progress: Called with done, total and stage.

    Returns:
        The job's outcome as JSON, and as a sentence.

    Raises:
        AnnotatorError: If the job failed; the message is the job's.
    """
    row, text = _run_or_follow(path, kind, options, device=device, on_progress=on_progress)
    if options.get("method") != AUTO:
        return row, text
    said = [text]
    with closing(Store.open(load_project(path).database_url)) as store:
        try:
            for asked in _challengers(path, store):
                said.append(_challenged(path, asked, device, on_progress))
        except NotReady as why:
            said.append(str(why))
        with store.reading() as tx:
            version = versions.promoted(tx)
    if version is not None:
        said.append(f"Version {version.number} ({version.method}) is in use.")
        row["promoted_version"] = version.number
    return row | {"message": " ".join(said)}, "\n".join(said)


def _challengers(path: Path, store: Store) -> Iterator[Mapping[str, Any]]:
    """Yield the options of each challenger, which a person has asked for, however often it lost.

    Raises:
        NotReady: If none can learn yet; the message says why.
    """
    wish = {"method": AUTO, "retraining.automatic": True}
    settings = changed(load_project(path).settings, wish)
    for name in challengers.allowed(settings):
        with store.reading() as tx:
            race = challengers.race(tx, utc_now())
        why = challengers.why_none(race, settings)
        if why or race.base is None:
            raise NotReady(why)
        yield challengers.options(race.base, name)


def _challenged(
    path: Path, asked: Mapping[str, Any], device: str, on_progress: Callable[..., None]
) -> str:
    kind = JobKind.CHALLENGE
    try:
        return _run_or_follow(path, kind, asked, device=device, on_progress=on_progress)[1]
    except AnnotatorError as error:
        return f"{asked['challenger']}: {error}"


def _run_or_follow(
    path: Path,
    kind: JobKind,
    options: Mapping[str, Any],
    *,
    device: str,
    on_progress: Callable[..., None],
) -> tuple[dict[str, Any], str]:
    def show(progress: Mapping[str, Any]) -> None:
        on_progress(progress.get("done", 0), progress.get("total"), progress.get("stage", ""))

    job = do_job(path, kind, options, device=device, on_progress=show)
    store = Store.open(load_project(path).database_url)
    try:
        while job.state in _LIVING:
            time.sleep(POLL_SECONDS)
            with store.reading() as tx:
                job = jobs.get(tx, job.id)
                alive = is_worker_alive(jobs.workers(tx), utc_now())
            show(job.progress)
            if not alive and job.state in _LIVING:
                raise AnnotatorError(
                    f"The worker of job {job.id} has stopped; run the command again."
                )
        if job.state is not JobState.DONE:
            raise AnnotatorError(job.message or f"The {kind.value} job was {job.state.value}.")
        with store.reading() as tx:
            promoted = versions.promoted(tx)
    finally:
        store.close()
    return _row(job, promoted.number if promoted else None), job.message


def _row(job: Job, version: int | None) -> dict[str, Any]:
    values = asdict(job)
    kept = ("id", "kind", "state", "message", "options")
    return {key: values[key] for key in kept} | {"promoted_version": version}
