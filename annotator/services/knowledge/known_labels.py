"""All labels as one small table with its counts, made in a thread and kept for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from annotator.services.background.background_task import BackgroundTask
from annotator.services.clock import Clock, utc_now
from annotator.store import Store, Transaction, answers, categories, changes, images
from annotator.store.changes import Moment

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
    present: dict[int, Counts]
    """By state of category i, `(C, C)`: images with i in that state where j is present."""
    known: dict[int, Counts]
    """Likewise, images where j is known."""
    moment: Moment
    made_at: datetime

    @classmethod
    def counted(
        cls,
        labels: npt.NDArray[np.int8],
        ids: npt.NDArray[np.int64],
        *,
        moment: Moment,
        made_at: datetime,
    ) -> KnownLabels:
        """Return labels with their counts; the arguments are the fields of the same names."""
        present, known = _counted(labels)
        return cls(labels, ids, present, known, moment, made_at)

    @classmethod
    def read(cls, tx: Transaction, *, made_at: datetime) -> KnownLabels:
        """Return the labels as of a transaction, with their counts."""
        return cls.counted(*_matrix(tx), moment=changes.moment(tx), made_at=made_at)

    def state(self, image: int, category: int) -> int:
        """Return the label of a pair by ordinals; unknown beyond the table."""
        if image >= self.labels.shape[0] or category >= self.labels.shape[1]:
            return 0
        return int(self.labels[image, category])

    def share(self, category: int) -> tuple[int, int]:
        """Return how many images have a category, and of how many that is known."""
        if category >= self.labels.shape[1]:
            return 0, 0
        present = int(self.present[PRESENT][category, category])
        return present, present + int(self.known[ABSENT][category, category])

    def share_with(self, given: int, state: int, category: int) -> tuple[int, int]:
        """Return `share` among the images with another category in a state."""
        if max(given, category) >= self.labels.shape[1]:
            return 0, 0
        return int(self.present[state][given, category]), int(self.known[state][given, category])


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
            seconds: Age from which on a table is made anew, if anything has changed since.
        """
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._kept: KnownLabels | None = None
        self.task = BackgroundTask[KnownLabels]("counting the labels")

    def current(self, patience: float = 0.3) -> KnownLabels | None:
        """Return the newest table, or None if the first one is not ready within some seconds.

        Raises:
            StoreUnavailable: If the database could not be read for the first one.
        """
        kept = self._kept
        if kept is not None:
            if (self._clock() - kept.made_at).total_seconds() >= self._seconds:
                self.task.start(self._make)
            return kept
        try:
            return self.task.start(self._make).result(patience)
        except TimeoutError:
            return None

    def renew(self) -> KnownLabels:
        """Return a table of the labels as they are now; that takes seconds in a large project."""
        self.task.settle()
        return self.task.start(self._make).result()

    def _make(self) -> KnownLabels:
        self._kept = self._made(self._kept)
        return self._kept

    def _made(self, old: KnownLabels | None) -> KnownLabels:
        now = self._clock()
        with self._store.reading() as tx:
            moment = changes.moment(tx)
            if old is not None and moment == old.moment:
                return replace(old, made_at=now)
            labels, ids = _matrix(tx)
        return KnownLabels.counted(labels, ids, moment=moment, made_at=now)


def _matrix(tx: Transaction) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Return the fields `labels` and `ids` of `KnownLabels`."""
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
    return labels, ids


def _counted(labels: npt.NDArray[np.int8]) -> tuple[dict[int, Counts], dict[int, Counts]]:
    """Return the fields `present` and `known` of `KnownLabels`."""
    columns = labels.shape[1]
    both_present = {s: np.zeros((columns, columns), np.int64) for s in (PRESENT, ABSENT)}
    both_known = {s: np.zeros((columns, columns), np.int64) for s in (PRESENT, ABSENT)}
    for start in range(0, len(labels), _BLOCK):
        block = labels[start : start + _BLOCK]
        block = block[block.any(axis=1)]
        present, known = (block == PRESENT).astype(np.float32), (block != 0).astype(np.float32)
        for state in (PRESENT, ABSENT):
            given = (block == state).astype(np.float32).T
            both_present[state] += np.rint(given @ present).astype(np.int64)
            both_known[state] += np.rint(given @ known).astype(np.int64)
    return both_present, both_known
