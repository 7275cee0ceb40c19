"""The line between a running job and the store: progress goes out, a cancellation comes in."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn

from annotator.domain import Job, JobState
from annotator.errors import AnnotatorError, LeaseLost
from annotator.services.clock import Clock, utc_now
from annotator.store import Store, Transaction, jobs

HEARTBEAT_SECONDS = 2.0
"""How often a running job reports to the store."""

Progress = Mapping[str, Any]
"""`stage`, `done`, `total`, and for training `loss`, `epoch`, `epochs`."""

_LOG = logging.getLogger(__name__)


class Cancelled(Exception):
    """A person asked for this job to end."""


class Stopped(Exception):
    """The worker has to end or do something more urgent; the job goes back to the queue."""


class Dropped(Exception):
    """There is no point in this job any more; the argument says why, in a sentence."""


class OutOfTime(Exception):
    """The job has used up the seconds that it was given."""


class Control:
    """What a job is given to report with, and to ask whether it should go on.

    While it is entered, a thread of its own sends the newest progress in short transactions, so
    the work itself never waits for the database.
    """

    def __init__(
        self,
        store: Store,
        job: Job,
        *,
        clock: Clock = utc_now,
        stopping: threading.Event | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        beat: Callable[[], None] = lambda: None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Tie a claimed job to its row.

        Args:
            store: Where the job's row is.
            job: As `jobs.claim` returned it.
            clock: For the times that are written.
            stopping: Set from outside when the worker has to end.
            on_progress: Called with every report, in the job's thread.
            beat: Called with every heartbeat, for the worker's own presence.
            heartbeat_seconds: Seconds between two heartbeats.
        """
        self.job = job
        self.store = store
        self.clock = clock
        self.finished = False
        """Whether the job has ended in the store; see `finishing`."""
        self.give_way: Callable[[], bool] = lambda: False
        """Asked by long jobs now and then; true lets something more urgent go first."""
        self.yields = False
        """Whether `give_way` is asked with every heartbeat, and the job goes back to the queue."""
        self.ends_at = math.inf
        """Monotonic seconds at which the job's time is up."""
        self._stopping = stopping or threading.Event()
        self._on_progress = on_progress
        self._beat = beat
        self._seconds = heartbeat_seconds
        self._progress: Progress = {}
        self._cancelled = threading.Event()
        self._lost = threading.Event()
        self._yielded = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Control:
        """Start the heartbeat."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the heartbeat and wait until it is silent."""
        self._ended.set()
        self._thread.join()

    def report(self, stage: str, done: int = 0, total: int = 0, **details: Any) -> None:
        """Say how far the job is; `details` are further JSON-able entries of the progress."""
        self._progress = {"stage": stage, "done": done, "total": total, **details}
        self._on_progress(self._progress)

    def should_stop(self) -> bool:
        """Whether the job has to end now, for whatever reason; cheap enough for every step."""
        events = (self._cancelled, self._lost, self._stopping, self._yielded)
        return any(e.is_set() for e in events) or time.monotonic() > self.ends_at

    def check(self) -> None:
        """Return if the job may go on.

        Raises:
            LeaseLost: If another worker has taken the job over.
            Cancelled: If a person asked for the end.
            Stopped: If the worker has to end, or something more urgent waits.
            OutOfTime: If the job's time is up.
        """
        if self._lost.is_set():
            raise LeaseLost("another worker has taken over this job")
        if self._cancelled.is_set():
            raise Cancelled
        if self._stopping.is_set() or self._yielded.is_set():
            raise Stopped
        if time.monotonic() > self.ends_at:
            raise OutOfTime

    @contextmanager
    def finishing(
        self, message: str, result: Mapping[str, Any] | None = None
    ) -> Iterator[Transaction]:
        """Yield a transaction for what the job has made; with it the job ends, or neither happens.

        Args:
            message: One sentence about what came of it.
            result: See `jobs.finish`.

        Raises:
            LeaseLost: If another worker has taken the job over.
        """
        with self.store.writing() as tx:
            yield tx
            jobs.finish(tx, self.job, JobState.DONE, message, self.clock(), result=result)
        self.finished = True

    def requeue(self) -> NoReturn:
        """End the job here and let it go on later, from where it is.

        Raises:
            Stopped: Always.
        """
        raise Stopped

    def heartbeat(self) -> None:
        """Send the newest progress once, and take note of a cancellation or a takeover."""
        try:
            with self.store.writing() as tx:
                if jobs.heartbeat(tx, self.job, self._progress, self.clock()):
                    self._cancelled.set()
            self._beat()
            if self.yields and self.give_way():
                self._yielded.set()
        except LeaseLost:
            self._lost.set()
        except AnnotatorError as error:
            _LOG.warning("the heartbeat of job %d was not written: %s", self.job.id, error)
        except Exception:  # noqa: BLE001 - the next one may be written; the thread has to outlive it
            _LOG.exception("the heartbeat of job %d was not written", self.job.id)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds) and not self._lost.is_set():
            self.heartbeat()
