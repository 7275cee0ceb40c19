"""Figures that take long to count: kept until something changes, and counted only so often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from annotator.services.background.background_task import HEAD_START, BackgroundTask

T = TypeVar("T")

REST = 20.0
"""Counting anew waits this many times as long as it takes, so it never takes over 5 % of a core."""

QUICK = 0.25
"""Seconds up to which counting takes no time to speak of and needs no rest."""

AT_ONCE = 1_000_000
"""Pairs of a project up to which no count takes time to speak of; for larger ones there is a
thread."""

_TURN = threading.Lock()
"""Counts in threads take turns: two at once would take the memory of two and finish no sooner."""


@dataclass(frozen=True)
class Counted(Generic[T]):
    """A figure as it was counted last."""

    figures: T | None
    """None before the first count."""
    number: int
    """One more with every count."""
    outdated: bool
    """Whether something has changed since, so that asking again is worth while."""


class ThrottledCache(Generic[T]):
    """One figure of a project, which may be a little out of date where counting it takes long."""

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
            at_once: Pairs up to which `latest` counts by itself, without a thread.
            head_start: Seconds after which a count in a thread begins.
        """
        self._now = now
        self._at_once = at_once
        self.task = BackgroundTask[None]("counting", head_start=head_start, on_error=self._fail)
        self._counting = threading.Lock()
        self._lock = threading.Lock()
        self._kept: tuple[object, T] | None = None
        self._number = 0
        self._until = 0.0
        self._failed: Exception | None = None

    def get(self, key: object, count: Callable[[], T]) -> T:
        """Return the figure.

        Args:
            key: What it depends on; while this is the same nothing is counted.
            count: Counts it.
        """
        with self._counting:
            kept = self._fresh(key)
            return self._count(key, count) if kept is None else kept

    def latest(self, key: object, count: Callable[[], T], *, pairs: int) -> Counted[T]:
        """Return the figure as it was counted last, and count it in a thread where it changed.

        Args:
            key: As in `get`.
            count: As in `get`; it runs in a thread of its own and needs its own transaction.
            pairs: Of the project; in a small one the figure is counted at once.

        Raises:
            AnnotatorError: If the last count in a thread failed; the next call counts again.
        """
        if pairs <= self._at_once:
            self.get(key, count)
        elif self._fresh(key) is None:
            self.task.start(lambda: self._in_turn(key, count))
        with self._lock:
            failed, self._failed = self._failed, None
            if failed is not None:
                raise failed
            if self._kept is None:
                return Counted(None, self._number, outdated=True)
            kept_key, figures = self._kept
            return Counted(figures, self._number, outdated=kept_key != key)

    def _fresh(self, key: object) -> T | None:
        """Return what is kept while it need not be counted anew."""
        with self._lock:
            if self._kept is None:
                return None
            fresh = self._kept[0] == key or self._now() < self._until
            return self._kept[1] if fresh else None

    def _in_turn(self, key: object, count: Callable[[], T]) -> None:
        with _TURN:
            self.get(key, count)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._failed = error

    def _count(self, key: object, count: Callable[[], T]) -> T:
        started = self._now()
        found = count()
        took = self._now() - started
        with self._lock:
            self._kept, self._number = (key, found), self._number + 1
            self._until = self._now() + (REST * took if took > QUICK else 0.0)
        return found
