"""Pairs that were filled in under a certificate: laid over the labels, never one of them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from annotator.arrays.certificates import FillBits
from annotator.domain import State
from annotator.services.background.following_cache import FollowingCache
from annotator.services.catalogue.definitions import changed
from annotator.settings import Project
from annotator.store import (
    Transaction,
    activity,
    categories,
    certificates,
    changes,
    image_use,
    merges,
)
from annotator.store.activity import Bools, Ordinals, Pairs
from annotator.store.certificates import Certificate, CertificateState
from annotator.wire import label as wire

FEW_CHANGES = 20_000
"""Answers since the last look up to which the counts follow one by one."""

CHUNK = 8192
"""Images whose bits are looked at together."""


Pair = tuple[int, int]
"""Ordinals of an image and a category."""


class Filled(NamedTuple):
    """What a certificate says about a pair."""

    state: State
    certificate: int

    def row(self) -> wire.Fill:
        """Return it as the pages know it."""
        return {"state": self.state.value, "certificate": self.certificate}


@dataclass(frozen=True)
class Fill:
    """The fill of one certificate that stands."""

    row: Certificate
    bits: FillBits
    hidden: frozenset[int]
    """Ordinals of categories that mean something else by now; their fill is not shown."""
    unused: Ordinals = field(default_factory=lambda: np.zeros(0, np.int64))
    """Ordinals of the images that are not in use, ascending; theirs is not shown either."""

    @property
    def key(self) -> tuple[int, frozenset[int], bytes]:
        """What tells two fills apart."""
        return self.row.id, self.hidden, self.unused.tobytes()

    def has(self, image: Ordinals, category: Ordinals) -> Bools:
        """Return which of some pairs, by ordinals, are filled in."""
        both = [self.bits.contains(state, image, category) for state in (0, 1)]
        hidden = np.isin(category, list(self.hidden)) | np.isin(image, self.unused)
        return np.logical_or(*both) & ~hidden

    def bit_rows(self, start: int, stop: int) -> Bools:
        """Return what is filled in for images in use, present and absent, `(2, n, columns)`."""
        both = self.bits.rows(start, stop)
        low, high = np.searchsorted(self.unused, (start, start + both.shape[1]))
        both[:, self.unused[low:high] - start] = False
        return both

    def unused_bits(self) -> Bools:
        """Return what is filled in for the images that are not in use, `(2, n, columns)`."""
        return self.bits.rows_at(self.unused)

    def rows(self, start: int, stop: int, columns: int) -> Bools:
        """Return which pairs of some images are filled in, `(stop - start, columns)`."""
        both = np.logical_or(*self.bit_rows(start, stop))
        both[:, [o for o in self.hidden if o < both.shape[1]]] = False
        wide = np.zeros((stop - start, columns), dtype=bool)
        inside = both[:, :columns]
        wide[: len(inside), : inside.shape[1]] = inside
        return wide


@dataclass(frozen=True)
class _Answered:
    """The filled pairs that people have answered since."""

    fills: list[Fill]
    pairs: frozenset[Pair] = frozenset()

    def filled(self, pairs: Pairs) -> Bools:
        """Return which of some pairs are filled in."""
        each = [fill.has(pairs.image, pairs.category) for fill in self.fills]
        return np.asarray(np.logical_or.reduce(each))


class Fills:
    """The fills of a project that stand; a person's answer always wins over them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._opened: dict[int, FillBits] = {}
        self._cache = FollowingCache(self._build, _patched)

    def active(self, tx: Transaction) -> list[Fill]:
        """Return the fills that stand, the oldest first; their files are opened once."""
        rows = certificates.in_state(tx, CertificateState.APPLIED)
        if not rows:
            return []
        named = {c.name: c.ordinal for c in categories.every(tx, archived=True)}
        with self._lock:
            for row in rows:
                if row.id not in self._opened:
                    columns = row.plan["columns"]
                    self._opened[row.id] = FillBits.read(self._project, row.id, columns)
        unused = image_use.unused_ordinals(tx)
        return [
            Fill(row, self._opened[row.id], frozenset(named[n] for n in changed(tx, row)), unused)
            for row in rows
        ]

    def of_images(self, tx: Transaction, ordinals: list[int]) -> dict[int, dict[int, Filled]]:
        """Return what is filled in for some images, by image and category ordinal.

        Pairs that people have answered are among them: whoever shows them looks there first.
        """
        fills = self.active(tx)
        return {ordinal: row_of(fills, ordinal) for ordinal in ordinals} if fills else {}

    def counts(self, tx: Transaction) -> dict[int, int]:
        """Return how many pairs of each category, by ordinal, are filled in and not answered."""
        fills = self.active(tx)
        if not fills:
            return {}
        total: dict[int, int] = {}
        for fill in fills:
            for ordinal, number in fill.row.plan["filled"].items():
                if int(ordinal) not in fill.hidden:
                    total[int(ordinal)] = total.get(int(ordinal), 0) + number
            for ordinal, number in enumerate(fill.unused_bits().sum(axis=(0, 1)).tolist()):
                if ordinal in total and ordinal not in fill.hidden:
                    total[ordinal] -= number
        for _, category in self._answered(tx, fills):
            total[category] -= 1
        return total

    def counts_by_state(self, tx: Transaction) -> dict[str, int]:
        """Return how many pairs that are shown are filled in and not answered, by state.

        It looks at every fill, which takes a moment in a large project.
        """
        fills = self.active(tx)
        found = {State.PRESENT.value: 0, State.ABSENT.value: 0}
        listed = [c.ordinal for c in categories.every(tx)]
        for fill in fills:
            for start in range(0, fill.bits.images, CHUNK):
                both = fill.bit_rows(start, start + CHUNK)
                take = [o for o in listed if o < both.shape[2] and o not in fill.hidden]
                for state, number in zip(found, both[:, :, take].sum(axis=(1, 2)), strict=True):
                    found[state] += int(number)
        shown = set(listed)
        for image, category in self._answered(tx, fills) if fills else ():
            said = row_of(fills, image).get(category)
            if said is not None and category in shown:
                found[said.state.value] -= 1
        return found

    def _answered(self, tx: Transaction, fills: list[Fill]) -> frozenset[Pair]:
        """Return the filled pairs that have a label by now, one in conflict included."""
        return self._cache.current(tx, [fill.key for fill in fills]).pairs

    def _build(self, tx: Transaction) -> _Answered:
        found = _Answered(self.active(tx))
        began = min(fill.row.plan["applied_operation"] for fill in found.fills)
        # None of them had a label when they were filled in, unless a merge brings older ones, or
        # an image that comes back.
        older = bool(merges.read(tx)) or changes.moment(tx).recomputed > 0
        since = None if older else _patched(tx, found, began)
        return since or _all_answered(tx, found)


def _patched(tx: Transaction, answered: _Answered, after: int) -> _Answered | None:
    moved = changes.moved_since(tx, after, FEW_CHANGES)
    if moved is None:
        return None
    filled = moved.labelled & answered.filled(moved)
    return replace(answered, pairs=answered.pairs - moved.where(~filled) | moved.where(filled))


def _all_answered(tx: Transaction, answered: _Answered) -> _Answered:
    parts = (part.where(answered.filled(part)) for part in activity.each_label(tx))
    return replace(answered, pairs=frozenset().union(*parts))


def has_fill(fills: list[Fill], image: int, category: int) -> bool:
    """Whether a pair, by ordinals, is filled in."""
    return any(f.bits.has(image, category) and category not in f.hidden for f in fills)


def row_of(fills: list[Fill], ordinal: int) -> dict[int, Filled]:
    """Return what is filled in for one image, by category ordinal; the oldest fill counts."""
    found: dict[int, Filled] = {}
    for fill in fills:
        both = zip((State.PRESENT, State.ABSENT), fill.bits.row(ordinal), strict=True)
        for state, ordinals in both:
            for category in ordinals:
                if category not in fill.hidden:
                    found.setdefault(category, Filled(state, fill.row.id))
    return found


def filled_rows(
    filled: Mapping[int, Filled], ids: Mapping[int, int], answered: Collection[int]
) -> dict[str, wire.Fill]:
    """Return what is filled in for an image and not answered, by category id as text.

    Args:
        filled: By category ordinal.
        ids: Of the shown categories, by ordinal.
        answered: Ids of the categories with a label.
    """
    found = {ids[ordinal]: one for ordinal, one in filled.items() if ordinal in ids}
    return {str(i): one.row() for i, one in found.items() if i not in answered}


def counts_of(bits: FillBits) -> Mapping[str, int]:
    """Return how many pairs of each category are filled in, by ordinal as text."""
    total: Ordinals = np.zeros(bits.columns, np.int64)
    for start in range(0, bits.images, CHUNK):
        total += bits.rows(start, start + CHUNK).sum(axis=(0, 1))
    return {str(ordinal): int(number) for ordinal, number in enumerate(total) if number}
