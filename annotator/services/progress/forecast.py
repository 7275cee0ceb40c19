"""How much work is left: the one forecast of a project, which all pages show alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from annotator.services.message import span
from annotator.services.progress.stopping import Stopping

SECONDS = 15.0
"""How long the forecast of a status line may stay behind; it is asked for all the time."""


class Forecasts:
    """The forecast for pages that ask for it all the time, or that only need the pace."""

    def __init__(self, stopping: Stopping, now: Callable[[], float] = time.monotonic) -> None:
        self._stopping = stopping
        self._now = now
        self._lock = threading.Lock()
        self._left = ""
        self._until = 0.0

    def left(self) -> str:
        """Return how long the rest takes, as `about 2 hours`; empty where nothing can be said."""
        with self._lock:
            if self._now() < self._until:
                return self._left
            self._until = self._now() + SECONDS
        row = self._stopping.latest().figures
        work = None if row is None else row["forecast"]
        said = "" if work is None else f"about {span(work['seconds'])}"
        with self._lock:
            self._left = said
        return said

    def single_seconds(self) -> float | None:
        """Return how long one answer about one pair takes; None while that is being counted."""
        row = self._stopping.latest().figures
        return None if row is None else row["pace"]["single_seconds"]
