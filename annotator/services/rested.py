"""Figures that take long to count: kept until something changes, and counted only so often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

REST = 20.0
"""Counting anew waits this many times as long as it takes, so it never takes over 5 % of a core."""

QUICK = 0.25
"""Seconds up to which counting takes no time to speak of and needs no rest."""


class Rested:
    """One figure of a project, which may stay behind a little where counting it takes long."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing counted; `now` is in seconds and never goes back."""
        self._now = now
        self._lock = threading.Lock()
        self._kept: tuple[object, dict[str, Any]] | None = None
        self._until = 0.0

    def get(self, stands: object, count: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the figure.

        Args:
            stands: What it depends on; while this is the same nothing is counted.
            count: Counts it.
        """
        with self._lock:
            fresh = self._kept is not None and self._kept[0] == stands
            if self._kept is not None and (fresh or self._now() < self._until):
                return self._kept[1]
            started = self._now()
            found = count()
            self._kept = (stands, found)
            took = self._now() - started
            self._until = self._now() + (REST * took if took > QUICK else 0.0)
            return found
