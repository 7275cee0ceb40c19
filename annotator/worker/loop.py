"""The worker's loop: claim a job, run it, say how it ended, and look for what is due."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from annotator.domain import Job, JobKind, JobState
from annotator.errors import AnnotatorError, LeaseLost, ProjectError, StoreMoved
from annotator.services.clock import Clock, utc_now
from annotator.settings import Project, load_project
from annotator.store import Store, jobs
from annotator.worker.job_control import (
    HEARTBEAT_SECONDS,
    Cancelled,
    Control,
    Dropped,
    Progress,
    Stopped,
)
from annotator.worker.scheduling import (
    enqueue_due,
    enqueue_idle_work,
    training_waits,
    work_waits,
)

POLL_SECONDS = 0.75
"""How long an idle worker waits before it looks again."""

Runner = Callable[[Project, Control, str], str]
"""Does a job of one kind on a device and returns one sentence about what came of it."""

_KINDS = (JobKind.TRAIN, JobKind.EMBED)
"""The more urgent first: people wait for a version, features come in the meantime."""
_IDLE_KINDS = (JobKind.MAP, JobKind.CHALLENGE)
"""What only a worker does that stays, and that gives way to the others."""

_LOG = logging.getLogger(__name__)


class Worker:
    """One background process of a project."""

    def __init__(
        self,
        project: Project,
        store: Store,
        *,
        runners: Mapping[JobKind, Runner],
        device: str = "auto",
        clock: Clock = utc_now,
        poll_seconds: float = POLL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """Set a worker up; nothing happens before `run`, `run_once` or `run_job`."""
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.stopping = threading.Event()
        self._project = project
        self._store = store
        self._runners = runners
        self._device = device
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._on_progress = on_progress
        self._presence: dict[str, Any] | None = None
        self._problems: dict[str, str] = {}
        self._beat_at = -HEARTBEAT_SECONDS

    def run(self) -> None:
        """Work until `stopping` is set; a job that is running then goes back to the queue.

        Raises:
            StoreMoved: If the database was moved or deleted; nothing done here would be kept.
        """
        self._presence = {}
        try:
            while not self.stopping.is_set():
                try:
                    self._beat()
                    busy = self._look_for_work()
                    self._warn("waiting, will retry", "")
                except StoreMoved:
                    raise
                except AnnotatorError as error:
                    self._warn("waiting, will retry", str(error))
                    busy = False
                if not busy:
                    self.stopping.wait(self._poll_seconds)
        finally:
            self._leave()

    def run_once(self) -> list[Job]:
        """Do everything that is queued or due, and return the jobs as they ended.

        Maps and challengers are left to a worker that stays: nobody waits for them.
        """
        ended: list[Job] = []
        self._presence = {}
        try:
            self._beat()
            while not self.stopping.is_set():
                self._enqueue_due()
                job = self._claim(_KINDS)
                if job is None:
                    break
                ended.append(self._run(job))
        finally:
            self._leave()
        return ended

    def run_job(self, kind: JobKind) -> Job | None:
        """Claim a queued job of one kind and run it; None if there is none to claim.

        Pages see this worker while it runs, but it takes no other job: its presence says `inline`.
        """
        job = self._claim((kind,))
        if job is None:
            return None
        self._presence = {"inline": True}
        try:
            self._beat()
            return self._run(job)
        finally:
            self._leave()

    def _look_for_work(self) -> bool:
        job = self._claim((*_KINDS, *_IDLE_KINDS))
        if job is None:
            if not self._enqueue_due():
                enqueue_idle_work(self._project, self._store, self._clock())
            return False
        ended = self._run(job)
        if ended.message:  # whoever asks for one job says it
            _LOG.info("job %d (%s) %s: %s", job.id, job.kind, ended.state.value, ended.message)
        return True

    def _claim(self, kinds: tuple[JobKind, ...]) -> Job | None:
        with self._store.writing() as tx:
            for kind in kinds:
                job = jobs.claim(tx, self.name, [kind], self._clock())
                if job is not None:
                    return job
        return None

    def _run(self, job: Job) -> Job:
        control = Control(
            self._store,
            job,
            clock=self._clock,
            stopping=self.stopping,
            on_progress=self._on_progress,
            beat=self._beat,
            heartbeat_seconds=self._heartbeat_seconds,
        )
        self._let_others_first(job, control)
        try:
            with control:
                message = self._runners[job.kind](self._reloaded(), control, self._device)
            if not control.finished:
                self._finish(job, JobState.DONE, message)
        except (Cancelled, Dropped) as reason:
            self._finish(job, JobState.CANCELLED, str(reason) or "Cancelled.")
        except Stopped:
            self._requeue(job)
        except LeaseLost as error:
            _LOG.warning("job %d (%s): %s", job.id, job.kind, error)
        except AnnotatorError as error:
            self._finish(job, JobState.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - the loop outlives whatever a job runs into
            _LOG.exception("job %d (%s) failed", job.id, job.kind)
            self._finish(job, JobState.FAILED, _unexpected(error))
        with self._store.reading() as tx:
            return jobs.get(tx, job.id)

    def _let_others_first(self, job: Job, control: Control) -> None:
        """Tell a job what goes before it; one that is done alone gives way to nothing."""
        if job.kind is JobKind.EMBED:
            control.give_way = lambda: training_waits(self._reloaded(), self._store, self._clock())
        if job.kind in _IDLE_KINDS and not (self._presence or {}).get("inline"):
            control.give_way = lambda: work_waits(self._reloaded(), self._store, self._clock())
            control.yields = True

    def _finish(self, job: Job, state: JobState, message: str) -> None:
        try:
            with self._store.writing() as tx:
                jobs.finish(tx, job, state, message, self._clock())
        except LeaseLost as error:
            _LOG.warning("job %d (%s): %s", job.id, job.kind, error)

    def _requeue(self, job: Job) -> None:
        try:
            with self._store.writing() as tx:
                jobs.requeue(tx, job, self._clock())
        except LeaseLost as error:
            _LOG.warning("job %d (%s): %s", job.id, job.kind, error)

    def _enqueue_due(self) -> list[Job]:
        return enqueue_due(self._reloaded(), self._store, self._clock())

    def _reloaded(self) -> Project:
        """Return the project with its settings of now; half-edited ones are passed over."""
        try:
            self._project = load_project(self._project.path)
            self._warn("going on with the old settings", "")
        except ProjectError as error:
            self._warn("going on with the old settings", str(error))
        return self._project

    def _warn(self, what: str, problem: str) -> None:
        """Log a problem when it comes up, not every time that it is met; empty: it is gone."""
        if problem and problem != self._problems.get(what):
            _LOG.warning("%s: %s", what, problem)
        self._problems[what] = problem

    def _beat(self) -> None:
        if self._presence is None or time.monotonic() - self._beat_at < HEARTBEAT_SECONDS * 0.9:
            return
        info = {"pid": os.getpid(), "host": socket.gethostname(), "device": self._device}
        with self._store.writing() as tx:
            jobs.beat(tx, self.name, info | self._presence, self._clock())
        self._beat_at = time.monotonic()

    def _leave(self) -> None:
        self._presence = None
        try:
            with self._store.writing() as tx:
                jobs.leave(tx, self.name)
        except AnnotatorError as error:
            _LOG.warning("could not deregister: %s", error)


def _unexpected(error: Exception) -> str:
    kind, text = type(error).__name__, " ".join(str(error).split())[:200]
    return f"Something unexpected went wrong ({kind}: {text}); the worker's log has the details."
