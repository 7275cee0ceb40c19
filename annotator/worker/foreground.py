"""A job from the command line: done here, or watched while another worker does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotator.domain import Job, JobKind, JobState
from annotator.errors import AnnotatorError
from annotator.services.clock import utc_now
from annotator.settings import load_project
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
