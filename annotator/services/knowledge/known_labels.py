"""All labels as one small table with its counts, made beside the requests and kept for a while."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from annotator.services.clock import Clock, utc_now
from annotator.store import Store, answers, categories, images

log = logging.getLogger("annotator.services")

PRESENT, ABSENT = 1, -1
"""Values of `KnownLabels.labels`; 0 is unknown."""

Counts = npt.NDArray[np.int64]

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """What people have said about all pairs at one moment, and how often things go together."""

    labels: npt.NDArray[np.int8]
    """`(N, C)` by image ordinal and category ordinal; pairs in conflict are unknown."""
    ids: npt.NDArray[np.int64]
    """`(N,)` image ids by ordinal, 0 where the file is missing."""
    have: dict[int, Counts]
    """By state of category i, `(C, C)`: images with i in that state that have category j."""
    of: dict[int, Counts]
    """Likewise, images where j is known."""
    last_operation: int
    made_at: datetime

    @classmethod
    def counted(
        cls,
        labels: npt.NDArray[np.int8],
        ids: npt.NDArray[np.int64],
        *,
        last_operation: int,
        made_at: datetime,
    ) -> KnownLabels:
        """Return labels with their counts; the arguments are the fields of the same names."""
        have, of = _counted(labels)
        return cls(labels, ids, have, of, last_operation, made_at)

    def state(self, image: int, category: int) -> int:
        """Return the label of a pair by ordinals; unknown beyond the table."""
        if image >= self.labels.shape[0] or category >= self.labels.shape[1]:
            return 0
        return int(self.labels[image, category])

    def share(self, category: int) -> tuple[int, int]:
        """Return how many images have a category, and of how many that is known."""
        if category >= self.labels.shape[1]:
            return 0, 0
        have = int(self.have[PRESENT][category, category])
        return have, have + int(self.of[ABSENT][category, category])

    def share_with(self, given: int, state: int, category: int) -> tuple[int, int]:
        """Return `share` among the images with another category in a state."""
        if max(given, category) >= self.labels.shape[1]:
            return 0, 0
        return int(self.have[state][given, category]), int(self.of[state][given, category])


class KnownLabelsCache:
    """The newest table that is ready; another is made in a thread of its own when it is old.

    Counting takes seconds in a large project, so no request waits for it, but for the first one,
    and that for a moment only.
    """

    def __init__(self, store: Store, clock: Clock = utc_now, *, seconds: float = 60.0) -> None:
        """Set the cache up; nothing is counted before the first question.

        Args:
            store: Of the project.
            clock: Says how old a table is.
            seconds: Age from which on a table is made anew, if anything was answered since.
        """
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="known-labels")
        self._kept: KnownLabels | None = None
        self._making: Future[KnownLabels] | None = None

    def current(self, patience: float = 0.3) -> KnownLabels | None:
        """Return the newest table, or None if the first one is not ready within some seconds.

        Raises:
            StoreUnavailable: If the database could not be read for the first one.
        """
        with self._lock:
            self._take()
            kept = self._kept
            if kept is None or self._is_old(kept):
                self._making = self._making or self._threads.submit(self._made, kept)
            making = self._making
        if kept is not None or making is None:
            return kept
        try:
            return making.result(patience)
        except NotYet:
            return None

    def close(self) -> None:
        """Wait until nothing is counted any more."""
        self._threads.shutdown()

    def _take(self) -> None:
        if self._making is None or not self._making.done():
            return
        error = self._making.exception()
        if error is None:
            self._kept = self._making.result()
        else:
            log.warning("the labels could not be counted: %s", error)
        self._making = None

    def _is_old(self, kept: KnownLabels) -> bool:
        return (self._clock() - kept.made_at).total_seconds() >= self._seconds

    def _made(self, old: KnownLabels | None) -> KnownLabels:
        now = self._clock()
        with self._store.reading() as tx:
            after = 0 if old is None else old.last_operation
            last = answers.answer_counts(tx, after_operation=after).last_operation
            if old is not None and last == after:
                return replace(old, made_at=now)
            columns = 1 + max((c.ordinal for c in categories.every(tx, archived=True)), default=-1)
            order = images.order(tx)
            table = answers.label_table(tx)
        rows = 1 + max(max(order, default=-1), int(table.image.max(initial=-1)))
        ids = np.zeros(rows, np.int64)
        ids[list(order)] = list(order.values())
        labels = np.zeros((rows, columns), np.int8)
        values = np.where(table.present, PRESENT, ABSENT).astype(np.int8)
        values[table.conflict] = 0
        labels[table.image, table.category] = values
        return KnownLabels.counted(labels, ids, last_operation=last, made_at=now)


def _counted(labels: npt.NDArray[np.int8]) -> tuple[dict[int, Counts], dict[int, Counts]]:
    """Return the fields `have` and `of` of `KnownLabels`."""
    columns = labels.shape[1]
    have = {state: np.zeros((columns, columns), np.int64) for state in (PRESENT, ABSENT)}
    of = {state: np.zeros((columns, columns), np.int64) for state in (PRESENT, ABSENT)}
    for start in range(0, len(labels), _BLOCK):
        block = labels[start : start + _BLOCK]
        block = block[block.any(axis=1)]
        present, known = (block == PRESENT).astype(np.float32), (block != 0).astype(np.float32)
        for state in (PRESENT, ABSENT):
            given = (block == state).astype(np.float32).T
            have[state] += np.rint(given @ present).astype(np.int64)
            of[state] += np.rint(given @ known).astype(np.int64)
    return have, of
