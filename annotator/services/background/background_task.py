"""Work that no request waits for, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from annotator.errors import AnnotatorError, NotReady

log = logging.getLogger("annotator.services")

T = TypeVar("T")

HEAD_START = 0.5
"""Seconds after which a long count begins, so that the page that asked for it is drawn first:
counting takes so much of the interpreter's time that the page would wait for most of it."""


class BackgroundTask(Generic[T]):
    """Runs one piece of work at a time; its thread ends with it."""

    def __init__(
        self,
        name: str,
        *,
        head_start: float = 0.0,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Prepare a task; nothing runs yet.

        Args:
            name: What is being done, for the log.
            head_start: Seconds after which the work begins.
            on_error: Called in the thread if work fails; without it the reason goes into the log.
        """
        self._name = name
        self._head_start = head_start
        self._on_error = on_error or self._log
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._run: Future[T] | None = None

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Begin some work; while other work is running, return that instead."""
        with self._lock:
            if self._run is None or self._run.done():
                thread = ThreadPoolExecutor(1, thread_name_prefix=self._name)
                self._run = thread.submit(self._work, work)
                thread.shutdown(wait=False)
            return self._run

    def settle(self) -> None:
        """Wait until nothing is running."""
        if self._run is not None:
            self._run.exception()

    def close(self) -> None:
        """Wait until nothing is running any more; what is in its head start does not begin."""
        self._closed.set()
        self.settle()

    def _work(self, work: Callable[[], T]) -> T:
        if self._closed.wait(self._head_start):
            raise NotReady("The project was closed.")
        try:
            return work()
        except Exception as error:
            self._on_error(error)
            raise

    def _log(self, error: Exception) -> None:
        foreseen = isinstance(error, AnnotatorError | OSError)
        log.warning("%s failed: %s", self._name, error, exc_info=None if foreseen else error)
