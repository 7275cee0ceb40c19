"""Which answered pairs fit a filter, and which of them the current version contradicts."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from annotator.domain import Source
from annotator.services.background.following_cache import FollowingCache
from annotator.store import Transaction, changes, pair_search
from annotator.store.pair_search import (
    ABSENT,
    CONFLICT,
    PRESENT,
    UNSURE,
    Keys,
    Pair,
    PairRows,
    pair_of,
)

FEW_CHANGES = 20_000
"""Answers since the last look up to which the table is patched; more, and it is read anew."""

FAR_END = 0.01
"""Share of the images at either end of a mere ranking where it may contradict a label."""

BLOCK = 4096
"""Images whose scores are looked at together."""

ROWS = 1 << 18
"""Pairs that are looked at together, so that millions of them take little memory."""

_NO_KEYS = np.empty(0, np.int64)

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

CODES = {"absent": ABSENT, "present": PRESENT, "unsure": UNSURE, "conflict": CONFLICT}
"""How the states of a pair are named and kept."""


@dataclass(frozen=True)
class Wanted:
    """What pairs are looked for; None and empty mean any."""

    category: int | None = None
    state: str | None = None
    annotator: int | None = None
    source: Source | None = None
    version: int | None = None
    """0: answered without a version."""
    images: Keys | None = None
    """Ids, ascending."""
    pairs: Keys | None = None


@dataclass(frozen=True)
class PairTable:
    """All answered pairs, ready to be filtered."""

    rows: PairRows
    disputed: dict[int, Keys]
    """Keys of the pairs in conflict to which each annotator has an opinion, by annotator id."""

    def fits(self, wanted: Wanted, shown: Collection[int]) -> Mask:
        """Return which rows fit, `(n,)`.

        Args:
            wanted: The filter.
            shown: Ids of the categories that are not archived.
        """
        asked = set(shown) if wanted.category is None else {wanted.category}
        rows, listed = self.rows, np.array(sorted(asked & set(shown)), np.int64)
        mask = np.zeros(len(rows.key), bool)
        for start in range(0, len(mask), ROWS):
            part = rows.part(start, start + ROWS)
            mask[start : start + ROWS] = self._part_fits(part, wanted, listed)
        return mask

    def _part_fits(self, rows: PairRows, wanted: Wanted, listed: Keys) -> Mask:
        mask = np.isin(rows.category, listed)
        if wanted.state is not None:
            mask &= rows.state == CODES[wanted.state]
        if wanted.source is not None:
            mask &= rows.source == pair_search.CODE_OF_SOURCE[wanted.source]
        if wanted.version is not None:
            mask &= rows.version == wanted.version
        if wanted.annotator is not None:
            own = np.isin(rows.key, self.disputed.get(wanted.annotator, _NO_KEYS))
            mask &= own | (rows.annotator == wanted.annotator)
        if wanted.images is not None:
            mask &= np.isin(rows.image, wanted.images)
        if wanted.pairs is not None:
            mask &= np.isin(rows.key, wanted.pairs)
        return mask


def pair_tables() -> FollowingCache[PairTable]:
    """Return the newest table of a project; the first look at it reads all labels."""
    return FollowingCache(_read, _patched)


def _read(tx: Transaction) -> PairTable:
    rows = pair_search.every(tx)
    return PairTable(rows, _disputed(tx, rows))


def _patched(tx: Transaction, table: PairTable, after: int) -> PairTable | None:
    pairs = changes.touched_since(tx, after, FEW_CHANGES)
    if pairs is None:
        return None
    rows = table.rows.replaced(pairs, pair_search.some(tx, pairs))
    return PairTable(rows, _disputed(tx, rows))


def _disputed(tx: Transaction, rows: PairRows) -> dict[int, Keys]:
    pairs = [pair_of(key) for key in rows.key[rows.state == CONFLICT]]
    found: dict[int, set[Pair]] = defaultdict(set)
    for pair, said in pair_search.opinions(tx, pairs).items():
        for judgement in said:
            found[judgement.annotator_id].add(pair)
    return {person: pair_search.keys_of(found[person]) for person in found}


def contradiction(bars: Floats, present: Mask, ranked: Mask) -> Floats:
    """Return how strongly a version speaks against labels, 0..1; 0 where it does not.

    It is 1 - p(label), from 0.5 on. A category that is only ranked has no p: its labels count at
    the far end of the ranking alone, and half, so that they come after all others.

    Args:
        bars: `(n,)` from `VersionArrays.bars`; NaN without an opinion.
        present: `(n,)` the labels.
        ranked: `(n,)` whether the category is only ranked.
    """
    against = np.nan_to_num(np.where(present, 1 - bars, bars), nan=0.0)
    floor = np.where(ranked, 1 - FAR_END, 0.5)
    return np.asarray(np.where(against >= floor, against / (1 + ranked), 0), np.float32)


class Contradictions:
    """How strongly one version speaks against each label; worked out once, then kept up to date."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrays: VersionArrays | None = None
        self._columns: dict[int, int] = {}
        self._keys: Keys = np.empty(0, np.int64)
        self._bars: Floats = np.empty(0, np.float32)
        self._ordinals: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def of(
        self, tx: Transaction, rows: PairRows, arrays: VersionArrays, columns: dict[int, int]
    ) -> Floats:
        """Return the contradiction of each row `(n,)`; 0 where nothing was decided.

        Args:
            tx: A transaction.
            rows: Answered pairs.
            arrays: Of the version.
            columns: Column of each category in the arrays, by category id.
        """
        with self._lock:
            bars = self._current(tx, rows, arrays, columns)
        only_ranked = {arrays.columns[o] for o in arrays.parameters.ranked_only}
        ids = np.array([c for c, j in columns.items() if j in only_ranked], np.int64)
        against = np.zeros(len(rows.key), np.float32)
        for start in range(0, len(against), ROWS):
            part, stop = rows.part(start, start + ROWS), start + ROWS
            present, ranked = part.state == PRESENT, np.isin(part.category, ids)
            found = contradiction(bars[start:stop], present, ranked)
            found[~present & (part.state != ABSENT)] = 0
            against[start:stop] = found
        return against

    def _current(
        self, tx: Transaction, rows: PairRows, arrays: VersionArrays, columns: dict[int, int]
    ) -> Floats:
        """Return the bar of each row, those of known rows from memory."""
        if self._arrays is not arrays or self._columns != columns:
            self._arrays, self._columns = arrays, columns
            self._keys, self._bars = np.empty(0, np.int64), np.empty(0, np.float32)
        if rows.key is self._keys:
            return self._bars
        if len(rows.key) and int(pair_search.images_of(rows.key[-1:])[0]) >= len(self._ordinals):
            self._ordinals = pair_search.image_ordinals(tx)
        bars = np.full(len(rows.key), np.nan, np.float32)
        known = np.zeros(len(rows.key), bool)
        for start in range(0, len(bars) if len(self._keys) else 0, ROWS):
            keys = rows.key[start : start + ROWS]
            places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            same = self._keys[places] == keys
            known[start : start + ROWS] = same
            bars[start : start + ROWS][same] = self._bars[places[same]]
        for start in range(0, len(bars), ROWS):
            missing = start + np.flatnonzero(~known[start : start + ROWS])
            self._score(rows, missing, arrays, columns, bars)
        self._keys, self._bars = rows.key, bars
        return bars

    def _score(
        self,
        rows: PairRows,
        which: npt.NDArray[np.intp],
        arrays: VersionArrays,
        columns: dict[int, int],
        bars: Floats,
    ) -> None:
        keys = rows.key[which]
        pairs = [pair_search.images_of(keys), pair_search.categories_of(keys)]
        column = np.full(1 + int(pairs[1].max(initial=0)), -1)
        for category, place in columns.items():
            if category < len(column):
                column[category] = place
        across, down = column[pairs[1]], self._ordinals[pairs[0]]
        inside = (across >= 0) & (down >= 0) & (down < len(arrays.scores))
        which, across, down = which[inside], across[inside], down[inside]
        order = np.argsort(down, kind="stable")
        which, across, down = which[order], across[order], down[order]
        images, first = np.unique(down, return_index=True)
        ends = np.append(first, len(down))
        for start in range(0, len(images), BLOCK):
            stop = min(start + BLOCK, len(images))
            block = arrays.bars(np.asarray(arrays.scores[images[start:stop]]))
            part = slice(ends[start], ends[stop])
            inner = np.searchsorted(images[start:stop], down[part])
            bars[which[part]] = block[inner, across[part]]
