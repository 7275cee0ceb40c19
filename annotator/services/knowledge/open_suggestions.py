"""How many suggestions are open: counted once a version, then kept up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.services.background.background_task import HEAD_START, BackgroundTask
from annotator.services.background.following_cache import FollowingCache
from annotator.services.background.throttled_cache import AT_ONCE
from annotator.services.knowledge.fills import Fill, Fills, Pair
from annotator.services.knowledge.open_pairs import CHUNK, Labelled
from annotator.services.knowledge.suggestions import Suggestions
from annotator.store import Store, Transaction, activity, changes, image_use
from annotator.store.activity import Bools, Ordinals
from mlrpl.decision.calibration import raw_threshold

FEW_CHANGES = 5_000
"""Answers since the last look up to which the counts follow one by one."""

SURE = 0.9
"""Probability, of either answer, from which on the model counts as sure."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


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


@dataclass(frozen=True, eq=False)
class SuggestionCounts:
    """Open pairs by category ordinal, and what it takes to follow the answers."""

    arrays: VersionArrays | None
    fills: list[Fill]
    labelled: Labelled
    """All pairs of images that are not in use count as labelled."""
    disputed: frozenset[Pair]
    """Pairs about which people disagree, in the whole project."""
    suggested: Counts
    """`(K,)` pairs that the promoted version suggests as present."""
    unsure: Counts
    """`(K,)` pairs that it is not sure about, either way."""

    def of(self, shown: Sequence[Category]) -> int:
        """Return the number of suggestions in some categories."""
        return int(self.suggested[[c.ordinal for c in shown]].sum()) if shown else 0


class OpenSuggestions:
    """The counts of one project; every answer moves them, nothing is counted twice."""

    def __init__(
        self, store: Store, suggestions: Suggestions, fills: Fills, *, at_once: int = AT_ONCE
    ) -> None:
        """Tie the counts to a project.

        Args:
            store: Of the project.
            suggestions: Of the project.
            fills: Of the project; what is filled in needs no answer.
            at_once: Pairs up to which `latest` counts anew by itself, without a thread.
        """
        self.fills = fills
        self.store = store
        self.suggestions = suggestions
        self._at_once = at_once
        self._cache = FollowingCache(self._build, _patched)
        self.task = BackgroundTask[None]("counting the suggestions", head_start=HEAD_START)

    def latest(self, tx: Transaction) -> SuggestionCounts | None:
        """Return the exact counts, or None while those of a large project are counted anew."""
        found = self._cache.followed(tx, self._key(tx))
        rows, columns = activity.shape(tx)
        if found is None and rows * columns <= self._at_once:
            return self.now(tx)
        if found is None:
            self.task.start(self._count)
        return found

    def now(self, tx: Transaction) -> SuggestionCounts:
        """Return the exact counts; counting anew takes seconds in a large project."""
        return self._cache.current(tx, self._key(tx))

    def _count(self) -> None:
        with self.store.reading() as tx:
            self.now(tx)

    def _key(self, tx: Transaction) -> object:
        """Return what the counts depend on besides labels."""
        _, arrays = self.suggestions.current(tx)
        return arrays, activity.shape(tx), [fill.key for fill in self.fills.active(tx)]

    def _build(self, tx: Transaction) -> SuggestionCounts:
        _, arrays = self.suggestions.current(tx)
        rows, columns = activity.shape(tx)
        labelled, disputed = Labelled(rows, columns), set[Pair]()
        for part in activity.each_label(tx):
            labelled.mark(part.image, part.category)
            disputed |= part.where(~part.known)
        labelled.close(image_use.unused_ordinals(tx))
        nothing = np.zeros(columns, dtype=np.int64)
        fills = self.fills.active(tx)
        found = SuggestionCounts(arrays, fills, labelled, frozenset(disputed), nothing, nothing)
        return found if arrays is None else _counted(found, arrays, rows)


def _counted(old: SuggestionCounts, arrays: VersionArrays, rows: int) -> SuggestionCounts:
    """Return the counts of the open pairs of all images."""
    columns = old.labelled.columns
    suggested, unsure = np.zeros_like(old.suggested), np.zeros_like(old.unsure)
    take = [c for c, o in enumerate(arrays.parameters.category_ordinals) if o < columns]
    ordinals = [arrays.parameters.category_ordinals[c] for c in take]
    for start in range(0, min(rows, len(arrays.scores)), CHUNK):
        stop = min(rows, len(arrays.scores), start + CHUNK)
        is_open = old.labelled.open_rows(old.fills, start, stop)[:, ordinals]
        opinions = _opinions(arrays, np.asarray(arrays.scores[start:stop]))
        for counts, says in zip((suggested, unsure), opinions, strict=True):
            counts[ordinals] += (says[:, take] & is_open).sum(axis=0)
    return replace(old, suggested=suggested, unsure=unsure)


def _patched(tx: Transaction, old: SuggestionCounts, after: int) -> SuggestionCounts | None:
    """Follow the operations after one; None if they touched too many pairs."""
    moved = changes.moved_since(tx, after, FEW_CHANGES)
    if moved is None:
        return None
    image, category = moved.image, moved.category
    labelled = old.labelled.copy()
    labelled.clear(image, category)
    labelled.mark(image[moved.labelled], category[moved.labelled])
    disputed = old.disputed - moved.where(moved.known | ~moved.labelled)
    new = replace(
        old,
        labelled=labelled,
        disputed=disputed | moved.where(moved.labelled & ~moved.known),
        suggested=old.suggested.copy(),
        unsure=old.unsure.copy(),
    )
    opened = old.labelled.contains(image, category).astype(np.int64) - moved.labelled
    for fill in old.fills:
        opened[fill.has(image, category)] = 0
    if old.arrays is not None:
        _step(new, old.arrays, image, category, opened)
    return new


def _step(
    new: SuggestionCounts,
    arrays: VersionArrays,
    image: Ordinals,
    category: Ordinals,
    opened: Ordinals,
) -> None:
    """Count pairs that were opened (1) or closed (-1)."""
    column = np.array([arrays.columns.get(c, -1) for c in category.tolist()], dtype=np.int64)
    there = np.flatnonzero((opened != 0) & (column >= 0) & (image < len(arrays.scores)))
    place = np.arange(len(there)), column[there]
    opinions = _opinions(arrays, np.asarray(arrays.scores[image[there]]))
    for counts, says in zip((new.suggested, new.unsure), opinions, strict=True):
        np.add.at(counts, category[there], opened[there] * says[place])


def _opinions(arrays: VersionArrays, scores: npt.NDArray[Any]) -> tuple[Bools, Bools]:
    """Return what a version suggests of some images, and where it is not sure, `(n, C)` each."""
    low, high = unsure_range(arrays)
    return arrays.suggested(scores), (scores >= low) & (scores < high)
