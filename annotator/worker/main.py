"""Starting a worker, or doing one job here and now where no worker is alive."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from annotator.domain import Job, JobKind, JobState
from annotator.services.clock import utc_now
from annotator.settings import Project, load_project
from annotator.store import Store, Transaction, jobs
from annotator.worker.job_control import Control, Progress
from annotator.worker.loop import Runner, Worker
from annotator.worker.pruning import delete_leftovers

WORKER_SILENCE = timedelta(seconds=15)
"""After so long without a sign of life a worker counts as dead."""
NICENESS = 5
"""How far the worker steps back behind the page and the browser."""
GRACE_SECONDS = 30.0
"""How long a worker whose parent has died may take to end."""

_LOG = logging.getLogger(__name__)


def work(
    project_path: Path, *, once: bool = False, device: str = "auto", supervised: bool = False
) -> list[Job]:
    """Be a project's worker until told to stop, by SIGTERM, Ctrl-C or the end of the parent.

    Args:
        project_path: The project directory.
        once: Do what is queued or due, and return.
        device: `auto`, `cpu` or `cuda`.
        supervised: Stop when standard input ends, as it does when the parent process dies.

    Returns:
        With `once` the jobs as they ended, else nothing.

    Raises:
        AnnotatorError: If the project or its database cannot be used.
    """
    project = load_project(project_path)
    store = Store.open(project.database_url)
    _step_back()
    try:
        delete_leftovers(project, store)
        worker = Worker(project, store, runners=RUNNERS, device=device)
        if supervised:
            _watch_parent(worker.stopping)
        with _signals(worker.stopping):
            if once:
                return worker.run_once()
            worker.run()
            return []
    finally:
        store.close()


def do_job(
    project_path: Path,
    kind: JobKind,
    options: Mapping[str, Any],
    *,
    device: str = "auto",
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Job:
    """Queue a job, and run it in this process if no worker is alive.

    A job of that kind that waits with other options gives way to this one. One that another
    process without a worker is doing is waited for, and taken over if that process dies.

    Args:
        project_path: The project directory.
        kind: What to do.
        options: See `annotator.worker.training.run`; an embedding has none of its own.
        device: `auto`, `cpu` or `cuda`.
        on_progress: Called with `stage`, `done`, `total` and more as the job goes on.

    Returns:
        The job: queued or running if a worker is alive, else as it ended.

    Raises:
        AnnotatorError: If the project or its database cannot be used.
    """
    project = load_project(project_path)
    store = Store.open(project.database_url)
    try:
        now = utc_now()
        with store.writing() as tx:
            job = _enqueue(tx, kind, options, now)
            alive = is_worker_alive(jobs.workers(tx), now)
        if alive:
            return job
        worker = Worker(project, store, runners=RUNNERS, device=device, on_progress=on_progress)
        with _signals(worker.stopping):
            return _run_or_wait(worker, store, job, on_progress)
    finally:
        store.close()


def _enqueue(tx: Transaction, kind: JobKind, options: Mapping[str, Any], now: datetime) -> Job:
    waiting = jobs.latest(tx, kind)
    if waiting and waiting.state is JobState.QUEUED and dict(waiting.options) != dict(options):
        jobs.request_cancel(tx, waiting.id, now)
    return jobs.enqueue(tx, kind, options, now)


def _run_or_wait(
    worker: Worker, store: Store, job: Job, on_progress: Callable[[Progress], None]
) -> Job:
    while job.state in (JobState.QUEUED, JobState.RUNNING) and not worker.stopping.is_set():
        ended = worker.run_job(job.kind)
        if ended is None:  # another process is at it
            on_progress(job.progress)
            worker.stopping.wait(1.0)
        with store.reading() as tx:
            job = jobs.get(tx, job.id)
    if job.state is JobState.QUEUED:  # interrupted here, and nobody is there to go on
        with store.writing() as tx:
            job = jobs.request_cancel(tx, job.id, utc_now())
    return job


def is_worker_alive(beats: list[jobs.WorkerBeat], now: datetime) -> bool:
    """Whether any worker that takes jobs as they come has given a sign of life lately."""
    lately = [beat for beat in beats if now - beat.at < WORKER_SILENCE]
    return any(not beat.info.get("inline") for beat in lately)


def _embed(project: Project, control: Control, device: str) -> str:
    from annotator.worker import finetuning  # late: an idle worker needs no torch

    return finetuning.run_embedding(project, control, device)


def _train(project: Project, control: Control, device: str) -> str:
    from annotator.worker import training  # late, likewise

    return training.run(project, control, device)


def _challenge(project: Project, control: Control, device: str) -> str:
    from annotator.worker import challenge  # late, likewise

    return challenge.run(project, control, device)


def _map(project: Project, control: Control, device: str) -> str:
    from annotator.worker import picture_map  # late, likewise, though it needs none at all

    return picture_map.run(project, control, device)


RUNNERS: dict[JobKind, Runner] = {
    JobKind.EMBED: _embed,
    JobKind.TRAIN: _train,
    JobKind.CHALLENGE: _challenge,
    JobKind.MAP: _map,
}


def _step_back() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """Let the first signal stop the worker cleanly and the second one at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if stopping.is_set():
            raise SystemExit(128 + number)
        stopping.set()

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may install signal handlers
        return
    before = {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _watch_parent(stopping: threading.Event) -> None:
    def watch() -> None:
        # Not through sys.stdin, whose lock would be held while the interpreter shuts down.
        while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 4096):
            pass
        _LOG.info("the parent process has ended")
        stopping.set()
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
