"""How many suggestions wait for an answer: counted once a version, then kept up to date."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.errors import AnnotatorError
from annotator.services.background.throttled_cache import AT_ONCE, HEAD_START
from annotator.services.knowledge.fills import Fill, Fills, has_fill
from annotator.services.knowledge.suggestions import Suggestions
from annotator.store import Store, Transaction, activity
from mlrpl.decision.calibration import raw_threshold

FEW_CHANGES = 5_000
"""Answers since the last look up to which the counts follow one by one."""

SURE = 0.9
"""Probability, of either answer, from which on the model counts as sure."""

CHUNK = 8192
"""Images whose scores are looked at together."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class WaitingCounts:
    """Open pairs by category ordinal, `(K,)` each."""

    suggested: Counts
    """Pairs that the promoted version suggests as present."""
    unsure: Counts
    """Pairs that it is not sure about, either way."""
    conflicts: int
    """Pairs about which people disagree, in the whole project."""

    def of(self, shown: Sequence[Category]) -> int:
        """Return the number of suggestions that wait in some categories."""
        return int(self.suggested[[c.ordinal for c in shown]].sum()) if shown else 0

    def unsure_of(self, shown: Sequence[Category]) -> int:
        """Return in how many open pairs of some categories the model is not sure."""
        return int(self.unsure[[c.ordinal for c in shown]].sum()) if shown else 0


class Labelled:
    """Which pairs have a label, one bit a pair: 100,000 images x 200 categories in 2.5 MB."""

    def __init__(self, rows: int, columns: int) -> None:
        self.columns = columns
        self._bits: Bits = np.zeros((rows, -(-columns // 8)), dtype=np.uint8)

    def mark(self, image: activity.Ordinals, category: activity.Ordinals) -> None:
        """Set the bits of pairs, which may be named twice."""
        value = np.left_shift(1, category & 7).astype(np.uint8)
        np.bitwise_or.at(self._bits, (image, category >> 3), value)

    def has(self, image: int, category: int) -> bool:
        """Whether a pair has a label."""
        return bool(self._bits[image, category >> 3] >> (category & 7) & 1)

    def put(self, image: int, category: int, labelled: bool) -> None:
        """Set or clear the bit of one pair."""
        bit = 1 << (category & 7)
        byte = int(self._bits[image, category >> 3])
        self._bits[image, category >> 3] = byte | bit if labelled else byte & ~bit

    def rows(self, start: int, stop: int) -> npt.NDArray[np.bool_]:
        """Return the bits of some images, `(stop - start, columns)`."""
        part = self._bits[start:stop]
        bits = np.unpackbits(part, axis=1, count=self.columns, bitorder="little")
        return bits.astype(bool)

    def copy(self) -> Labelled:
        """Return a copy that does not change with this one."""
        other = Labelled(0, self.columns)
        other._bits = self._bits.copy()
        return other


def unsure_range(arrays: VersionArrays) -> tuple[Floats, Floats]:
    """Return the raw scores `(C,)` from which, and below which, a version is not sure.

    A category that is only ranked has no probability: there, what is suggested has to be looked
    at, and so counts as unsure.
    """
    parameters = arrays.parameters
    low = raw_threshold(parameters.calibration, 1 - SURE)
    high = raw_threshold(parameters.calibration, SURE)
    for ordinal in parameters.ranked_only:
        column = arrays.columns[ordinal]
        low[column], high[column] = parameters.thresholds[column], np.inf
    low[~arrays.taught] = np.inf
    return low, high


@dataclass
class _Book:
    """What was counted, as of one operation."""

    arrays: VersionArrays | None
    shape: tuple[int, int]
    newest: int
    labelled: Labelled
    known: Labelled
    known_of: Counts
    """Known pairs by category ordinal, to hold against the store's own counters."""
    drift: Counts
    suggested: Counts
    unsure: Counts
    conflicts: int = 0
    bounds: tuple[Floats, Floats] | None = field(default=None)
    fills: list[Fill] = field(default_factory=list)

    def result(self) -> WaitingCounts:
        return WaitingCounts(self.suggested.copy(), self.unsure.copy(), self.conflicts)


class Waiting:
    """The counts of one project; every answer moves them, nothing is counted twice."""

    def __init__(
        self,
        store: Store,
        suggestions: Suggestions,
        *,
        fills: Fills | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        """Tie the counts to a project.

        Args:
            store: Of the project.
            suggestions: Of the project.
            fills: Of the project; what is filled in does not wait for an answer.
            at_once: Pairs up to which `soon` counts anew by itself, without a thread.
        """
        self._store = store
        self._suggestions = suggestions
        self._fills = fills
        self._at_once = at_once
        self._book: _Book | None = None
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._thread: threading.Thread | None = None

    def soon(self, tx: Transaction) -> WaitingCounts | None:
        """Return the exact counts, or None while a large project is counted anew behind."""
        found = self._follow(tx)
        if found is not None:
            return found
        rows, columns = activity.shape(tx)
        if rows * columns <= self._at_once:
            return self.now(tx)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Timer(HEAD_START, self._behind)
            self._thread.daemon = True
            self._thread.start()
        return None

    def now(self, tx: Transaction) -> WaitingCounts:
        """Return the exact counts; counting anew takes seconds in a large project."""
        with self._building:
            found = self._follow(tx)
            if found is not None:
                return found
            book = _build(tx, self._suggestions, self.filled_now(tx))
            with self._lock:
                self._book = book
                return book.result()

    def labelled(self, tx: Transaction) -> Labelled:
        """Return which pairs have a label; counting anew takes seconds in a large project."""
        self.now(tx)
        with self._lock:
            assert self._book is not None  # `now` has just made or followed it
            return self._book.labelled.copy()

    def settle(self) -> None:
        """Wait until nothing is counted behind any more."""
        if self._thread is not None:
            self._thread.join()

    def filled(self, tx: Transaction) -> dict[int, int]:
        """Return how many pairs of each category, by ordinal, are filled in and not answered."""
        return self._fills.counts(tx) if self._fills else {}

    def filled_now(self, tx: Transaction) -> list[Fill]:
        """Return the fills that stand."""
        return self._fills.active(tx) if self._fills else []

    def _behind(self) -> None:
        try:
            with self._store.reading() as tx:
                self.now(tx)
        except AnnotatorError as error:
            _LOG.warning("the waiting suggestions were not counted: %s", error)

    def _follow(self, tx: Transaction) -> WaitingCounts | None:
        """Bring the book up to date if little changed; None if it has to be written anew."""
        _, arrays = self._suggestions.current(tx)
        with self._lock:
            book = self._book
            if book is None or book.arrays is not arrays or book.shape != activity.shape(tx):
                return None
            if [fill.key for fill in book.fills] != [fill.key for fill in self.filled_now(tx)]:
                return None
            newest = activity.newest_operation(tx)
            if newest < book.newest:  # this transaction began before the book was written
                return book.result()
            if newest > book.newest and not _move(tx, book, newest):
                return None
            if (activity.known_counts(tx, book.shape[1]) - book.known_of != book.drift).any():
                return None  # labels changed without an operation, as when categories are merged
            return book.result()


def _build(tx: Transaction, suggestions: Suggestions, fills: list[Fill]) -> _Book:
    _, arrays = suggestions.current(tx)
    rows, columns = activity.shape(tx)
    newest = activity.newest_operation(tx)
    labelled, known = Labelled(rows, columns), Labelled(rows, columns)
    known_of, conflicts = np.zeros(columns, dtype=np.int64), 0
    for part in activity.each_label(tx):
        labelled.mark(part.image, part.category)
        known.mark(part.image[part.known], part.category[part.known])
        known_of += np.bincount(part.category[part.known], minlength=columns)
        conflicts += int((~part.known).sum())
    book = _Book(
        arrays=arrays,
        shape=(rows, columns),
        newest=newest,
        labelled=labelled,
        known=known,
        known_of=known_of,
        drift=activity.known_counts(tx, columns) - known_of,
        suggested=np.zeros(columns, dtype=np.int64),
        unsure=np.zeros(columns, dtype=np.int64),
        conflicts=conflicts,
        fills=fills,
    )
    if arrays is not None:
        _count(book, arrays)
    return book


def _count(book: _Book, arrays: VersionArrays) -> None:
    rows, columns = book.shape
    book.bounds = low, high = unsure_range(arrays)
    take = [c for c, o in enumerate(arrays.parameters.category_ordinals) if o < columns]
    ordinals = [arrays.parameters.category_ordinals[c] for c in take]
    for start in range(0, min(rows, len(arrays.scores)), CHUNK):
        stop = min(rows, len(arrays.scores), start + CHUNK)
        scores = np.asarray(arrays.scores[start:stop])
        is_open = ~book.labelled.rows(start, stop)
        for fill in book.fills:
            is_open &= ~fill.rows(start, stop, columns)
        is_open = is_open[:, ordinals]
        book.suggested[ordinals] += (arrays.suggested(scores)[:, take] & is_open).sum(axis=0)
        unsure = ((scores >= low) & (scores < high))[:, take]
        book.unsure[ordinals] += (unsure & is_open).sum(axis=0)


def _move(tx: Transaction, book: _Book, newest: int) -> bool:
    """Follow the operations since; False if they touched too many pairs."""
    moved = activity.moved_since(tx, book.newest, FEW_CHANGES)
    if moved is None:
        return False
    pairs = zip(
        moved.image.tolist(),
        moved.category.tolist(),
        moved.labelled.tolist(),
        moved.known.tolist(),
        strict=True,
    )
    for image, category, labelled, known in pairs:
        before, knew = book.labelled.has(image, category), book.known.has(image, category)
        book.known_of[category] += known - knew
        book.conflicts += (labelled and not known) - (before and not knew)
        book.labelled.put(image, category, labelled)
        book.known.put(image, category, known)
        if labelled != before and not has_fill(book.fills, image, category):
            _step(book, image, category, int(before) - int(labelled))
    book.newest = newest
    return True


def _step(book: _Book, image: int, category: int, step: int) -> None:
    arrays, bounds = book.arrays, book.bounds
    column = None if arrays is None else arrays.columns.get(category)
    if arrays is None or bounds is None or column is None or image >= len(arrays.scores):
        return
    scores = np.asarray(arrays.scores[image])
    book.suggested[category] += step * int(arrays.suggested(scores)[column])
    unsure = bounds[0][column] <= scores[column] < bounds[1][column]
    book.unsure[category] += step * int(unsure)
