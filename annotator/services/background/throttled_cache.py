"""Figures that take long to count: kept until something changes, and counted only so often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from annotator.errors import AnnotatorError

REST = 20.0
"""Counting anew waits this many times as long as it takes, so it never takes over 5 % of a core."""

QUICK = 0.25
"""Seconds up to which counting takes no time to speak of and needs no rest."""

AT_ONCE = 1_000_000
"""Pairs of a project up to which no count takes time to speak of; larger ones count behind."""

HEAD_START = 0.5
"""Seconds after which a count behind begins, so that the page that asked for it is drawn first:
counting takes so much of the interpreter's time that the page would wait for most of it."""

_TURN = threading.Lock()
"""Counts behind take turns: two at once would take the memory of two and finish no sooner."""


class ThrottledCache:
    """One figure of a project, which may stay behind a little where counting it takes long."""

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        *,
        at_once: int = AT_ONCE,
        head_start: float = HEAD_START,
    ) -> None:
        """Begin with nothing counted.

        Args:
            now: Seconds on a clock that never goes back.
            at_once: Pairs up to which `soon` counts by itself, without a thread.
            head_start: Seconds after which a count behind begins.
        """
        self._now = now
        self._at_once = at_once
        self._head_start = head_start
        self._counting = threading.Lock()
        self._lock = threading.Lock()
        self._kept: tuple[object, dict[str, Any]] | None = None
        self._number = 0
        self._until = 0.0
        self._failed: AnnotatorError | None = None
        self._thread: threading.Thread | None = None

    def get(self, stands: object, count: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the figure.

        Args:
            stands: What it depends on; while this is the same nothing is counted.
            count: Counts it.
        """
        with self._counting:
            kept = self._resting(stands)
            return self._count(stands, count) if kept is None else kept

    def soon(
        self, stands: object, count: Callable[[], dict[str, Any]], *, pairs: int
    ) -> dict[str, Any]:
        """Return the figure as it was counted last, and count it anew behind where it changed.

        Args:
            stands: As in `get`.
            count: As in `get`; it runs in a thread of its own and needs its own transaction.
            pairs: Of the project; in a small one the figure is counted at once.

        Returns:
            `figures`, None before the first count; `number`, one more with every count; `behind`,
            whether something has changed since, so that asking again is worth while.

        Raises:
            AnnotatorError: If the last count behind failed; the next call counts again.
        """
        if pairs <= self._at_once:
            self.get(stands, count)
        elif self._resting(stands) is None:
            self._begin(stands, count)
        with self._lock:
            failed, self._failed = self._failed, None
            if failed is not None:
                raise failed
            if self._kept is None:
                return {"figures": None, "number": self._number, "behind": True}
            behind = self._kept[0] != stands
            return {"figures": self._kept[1], "number": self._number, "behind": behind}

    def settle(self) -> None:
        """Wait until nothing is counted behind any more."""
        if self._thread is not None:
            self._thread.join()

    def _resting(self, stands: object) -> dict[str, Any] | None:
        """Return what is kept while it need not be counted anew."""
        with self._lock:
            if self._kept is None:
                return None
            fresh = self._kept[0] == stands or self._now() < self._until
            return self._kept[1] if fresh else None

    def _begin(self, stands: object, count: Callable[[], dict[str, Any]]) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Timer(self._head_start, self._behind, (stands, count))
                self._thread.daemon = True
                self._thread.start()

    def _behind(self, stands: object, count: Callable[[], dict[str, Any]]) -> None:
        try:
            with _TURN:
                self.get(stands, count)
        except AnnotatorError as error:
            with self._lock:
                self._failed = error

    def _count(self, stands: object, count: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        started = self._now()
        found = count()
        took = self._now() - started
        with self._lock:
            self._kept, self._number = (stands, found), self._number + 1
            self._until = self._now() + (REST * took if took > QUICK else 0.0)
        return found
