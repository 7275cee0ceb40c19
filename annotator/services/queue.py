"""Which images come next, and who has them on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import features_path
from annotator.services.clock import Clock, utc_now
from annotator.services.suggestions import Suggestions
from annotator.settings import Project
from annotator.store import Store, Transaction, images, leases, versions, visits

LEASE_SECONDS = 600
"""How long an image stays with the tab that fetched it, unless the tab gives it back."""

LEASE_KIND = "image"


class Queue:
    """The order in which images are worth a look."""

    def __init__(
        self, project: Project, store: Store, suggestions: Suggestions, clock: Clock = utc_now
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._clock = clock

    def has_features(self) -> bool:
        """Return whether any image has been embedded."""
        with self._store.reading() as tx:
            features = self._features(tx)
        return features is not None and bool(np.any(features.done))

    def next_images(
        self, tab: str, *, count: int, exclude: Sequence[int] = ()
    ) -> tuple[list[int], bool]:
        """Return the next images for a tab and lease them to it.

        Images that nobody has visited come first, in the order of the promoted version; before
        the first version by diversity, before there are features in file order. When every image
        has been visited they come round again. Images that another tab holds are left out as long
        as there are others; nobody is ever turned away.

        Args:
            tab: Who asks; leases are held in this name.
            count: How many images, at most.
            exclude: Ids the tab already has.

        Returns:
            Image ids in order, and whether nothing unvisited was left to give.
        """
        now = self._clock()
        with self._store.reading() as tx:
            had = set(exclude)
            order = [i for i in self._order(tx) if i not in had]
            visited = visits.visited(tx)
            elsewhere = leases.held(tx, LEASE_KIND, now, by_others_than=tab)
        fresh = [i for i in order if i not in visited]
        left = fresh or order
        chosen = ([i for i in left if i not in elsewhere] or left)[:count]
        if chosen:
            with self._store.writing() as tx:
                leases.take(tx, LEASE_KIND, chosen, tab, now, LEASE_SECONDS)
        return chosen, not fresh

    def release(self, tab: str) -> None:
        """Give back every image leased to a tab."""
        with self._store.writing() as tx:
            leases.release(tx, LEASE_KIND, tab)

    def _order(self, tx: Transaction) -> Iterator[int]:
        """Yield the ids of all images that have a file, most worth a look first."""
        ids = images.order(tx)
        for ordinal in self._ordinals(tx):
            image_id = ids.pop(int(ordinal), None)
            if image_id is not None:
                yield image_id
        yield from ids.values()  # newer than the order, or not embedded

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
        return FeatureFiles.open(features_path(self._project, number))
