"""Which images come next, and who has them on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import features_path, usable_features
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.suggestions import Suggestions
from annotator.settings import Project
from annotator.store import Store, Transaction, images, leases, versions, visits

LEASE_SECONDS = 600
"""How long an image stays with the tab that fetched it, unless the tab gives it back."""

LEASE_KIND = "image"

PART = 500
"""Images of the order that are looked up at a time; the first few are enough nearly always."""

RETURN_SECONDS = 600
"""How long an image may stay unnoticed whose file was missing and has come back."""

Ordinals = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Beginning:
    """How far an order has been worked through: no need to look there again."""

    order: int
    """Hash of the order."""
    length: int
    """Images at its beginning that were visited, or whose file is missing."""
    until: datetime
    """When to look again."""


class Queue:
    """The order in which images are worth a look."""

    def __init__(
        self, project: Project, store: Store, suggestions: Suggestions, clock: Clock = utc_now
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._clock = clock
        self._beginning: _Beginning | None = None

    def next_images(
        self, tab: str, *, count: int, exclude: Sequence[int] = ()
    ) -> tuple[list[int], bool]:
        """Return the next images for a tab and lease them to it.

        Images that nobody has visited come first, in the order of the promoted version; before
        the first version by diversity, before there are features in file order. When every image
        has been visited they come round again, those first that were visited longest ago. Images
        that another tab holds are left out as long as there are others, visited or not; nobody is
        ever turned away.

        Args:
            tab: Who asks; leases are held in this name.
            count: How many images, at most.
            exclude: Ids the tab already has.

        Returns:
            Image ids in order, and whether nothing unvisited was left to give.
        """
        now = self._clock()
        had = set(exclude)
        while True:
            with self._store.reading() as tx:
                elsewhere = leases.held(tx, LEASE_KIND, now, by_others_than=tab)
                chosen, done = self._chosen(tx, now, count, had, elsewhere)
            if elsewhere.issuperset(chosen):  # nothing is left, or only what others have
                return chosen, done
            with self._store.writing() as tx:
                mine = leases.take(tx, LEASE_KIND, chosen, tab, now, LEASE_SECONDS)
            if mine:
                return mine, done
            # Another tab took all of them in the meantime, so that now they are held elsewhere.

    def _chosen(
        self,
        tx: Transaction,
        now: datetime,
        count: int,
        had: AbstractSet[int],
        elsewhere: AbstractSet[int],
    ) -> tuple[list[int], bool]:
        """Return the images to give, and whether nothing unvisited was left."""
        order = self._order(tx)
        fresh = (i for i in self._unvisited(tx, order, now) if i not in had)
        chosen = _preferred(fresh, elsewhere, count)
        if chosen and chosen[0] not in elsewhere:
            return chosen, False
        enough = count + len(had) + len(elsewhere)
        again = _preferred(
            (i for i in visits.least_recent(tx, enough) if i not in had), elsewhere, count
        )
        if chosen and (not again or again[0] in elsewhere):
            return chosen, False
        return again, not chosen

    def next_among(self, tab: str, candidates: Sequence[int], *, count: int) -> list[int]:
        """Return the first of some images that are in use and free, leased to a tab.

        If other tabs hold all of them, the first ones all the same: nobody is ever turned away.
        """
        now = self._clock()
        with self._store.reading() as tx:
            elsewhere = leases.held(tx, LEASE_KIND, now, by_others_than=tab)
            there = images.many(tx, candidates)
        usable = [i for i in candidates if i in there and there[i].in_use]
        chosen = _preferred(usable, elsewhere, count)
        with self._store.writing() as tx:
            return leases.take(tx, LEASE_KIND, chosen, tab, now, LEASE_SECONDS) or chosen

    def release(self, tab: str) -> None:
        """Give back every image and every pair leased to a tab."""
        with self._store.writing() as tx:
            leases.release(tx, tab)

    def _unvisited(self, tx: Transaction, order: Ordinals, now: datetime) -> Iterator[int]:
        """Yield the ids of images that have a file and that nobody visited, in order."""
        name = hash(order.tobytes())
        known = self._beginning
        if known is None or known.order != name or known.until <= now:
            known = _Beginning(name, 0, now + timedelta(seconds=RETURN_SECONDS))
        at_beginning = True
        for part in _parts(tx, order[known.length :]):
            visited = visits.visited_of(tx, part)
            at_beginning = at_beginning and len(visited) == len(part)
            if at_beginning:
                known = _Beginning(name, known.length + PART, known.until)
                self._beginning = known
            yield from (i for i in part if i not in visited)

    def _order(self, tx: Transaction) -> Ordinals:
        """Return the ordinals of all images, those most worth a look first."""
        first = np.asarray(self._ordinals(tx), dtype=np.int64)
        rest = np.ones(images.count_all(tx), dtype=bool)
        first = first[(first >= 0) & (first < len(rest))]
        rest[first] = False
        return np.concatenate([first, np.flatnonzero(rest)])  # newer than the order, not embedded

    def _ordinals(self, tx: Transaction) -> Sequence[int] | np.ndarray:
        _, arrays = self._suggestions.current(tx)
        if arrays is not None:
            return arrays.image_order
        features = self._features(tx)
        if features is not None and features.order is not None:
            return features.order
        return ()

    def _features(self, tx: Transaction) -> FeatureFiles | None:
        promoted = versions.promoted(tx)
        number = None if promoted is None else promoted.number
        return usable_features(features_path(self._project, number))


def _parts(tx: Transaction, order: Ordinals) -> Iterator[list[int]]:
    """Yield the ids of the images that have a file, in order, some hundred at a time."""
    for start in range(0, len(order), PART):
        part = [int(ordinal) for ordinal in order[start : start + PART]]
        ids = images.ids_at(tx, part)
        yield [ids[ordinal] for ordinal in part if ordinal in ids]


def _preferred(candidates: Iterable[int], elsewhere: AbstractSet[int], count: int) -> list[int]:
    """Return the first candidates that nobody else has; those that somebody has if need be."""
    free: list[int] = []
    taken: list[int] = []
    for image_id in candidates:
        chosen = taken if image_id in elsewhere else free
        if len(chosen) < count:
            chosen.append(image_id)
        if len(free) >= count:
            break
    return free or taken
