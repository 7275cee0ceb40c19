"""Small jobs that a server does every now and then, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from annotator.errors import AnnotatorError

log = logging.getLogger("annotator.serve")

EVERY_SECONDS = 10.0


class Housekeeping:
    """Does jobs again and again until it is closed; one that fails does not keep the others."""

    def __init__(self, jobs: Sequence[Callable[[], object]], every: float = EVERY_SECONDS) -> None:
        """Begin at once.

        Args:
            jobs: What to do, in this order; each takes no longer than a moment.
            every: Seconds between two rounds.
        """
        self._jobs = jobs
        self._every = every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the job that is being done."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        failed = set[int]()  # told once, not again every few seconds
        while not self._done.wait(self._every):
            for number, job in enumerate(self._jobs):
                try:
                    job()
                except Exception as error:
                    if number not in failed:
                        # What a person can mend is a sentence already.
                        trace = None if isinstance(error, AnnotatorError) else error
                        log.error("%s (It will be retried.)", error, exc_info=trace)
                    failed.add(number)
                else:
                    failed.discard(number)
