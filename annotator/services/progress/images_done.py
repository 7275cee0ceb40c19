"""How many images are done, as the status line of each person says it.

An image is done for somebody when no category in use is open, or all that are open are such that
this person cannot tell. The marks of images (`labelling.image_marks`) and the filter `is:done` go
by the same rule; they look at few images, or need more memory.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np

from annotator.domain import Category
from annotator.errors import ProjectError
from annotator.services.background.following_cache import FollowingCache
from annotator.services.background.throttled_cache import ThrottledCache
from annotator.services.catalogue import hierarchy
from annotator.services.knowledge.open_pairs import Labelled
from annotator.services.knowledge.open_suggestions import OpenSuggestions
from annotator.settings import Project
from annotator.store import (
    Transaction,
    activity,
    answers,
    authors,
    categories,
    changes,
    image_use,
    images,
)
from annotator.store.authors import Authors

FEW_CHANGES = 5_000
"""Answers since the last look up to which the doubts follow one by one."""


class ImagesDone:
    """The figures of one project, each counted anew only where something has changed."""

    def __init__(self, project: Project, open_suggestions: OpenSuggestions) -> None:
        self._project = project
        self._open_suggestions = open_suggestions
        self._doubts = FollowingCache(authors.doubts, _patched)
        self._lock = threading.Lock()
        self._kept: dict[int, ThrottledCache[int]] = defaultdict(ThrottledCache[int])

    def of(self, tx: Transaction, shown: Sequence[Category], annotator_id: int) -> int | None:
        """Return how many images are done for somebody; None while they are being counted.

        Args:
            tx: A transaction.
            shown: The categories in use.
            annotator_id: 0 for somebody who has said nothing yet.
        """
        counts, wanted = self._open_suggestions.latest(tx), self._project.settings.hierarchy
        if counts is None:
            return None

        def count() -> int:
            with self._open_suggestions.store.reading() as own:
                labelled = counts.labelled.copy()
                _mark_implied(own, labelled, wanted)
                self._mark_doubts(own, labelled, annotator_id)
                ordinals = [c.ordinal for c in shown]
                done = labelled.closed_images(counts.fills, ordinals) if ordinals else 0
                return max(0, done - len(image_use.unused_ordinals(own)))

        rows, columns = activity.shape(tx)
        key = counts, [c.ordinal for c in shown], dict(wanted)
        with self._lock:
            kept = self._kept[annotator_id]
        return kept.latest(key, count, pairs=rows * columns).figures

    def close(self) -> None:
        """Wait until nothing is counted any more, for good."""
        with self._lock:
            kept = list(self._kept.values())
        for each in kept:
            each.task.close()

    def _mark_doubts(self, tx: Transaction, labelled: Labelled, annotator_id: int) -> None:
        doubts = self._doubts.current(tx)
        own = doubts[doubts[:, 2] == annotator_id].tolist()
        there = images.many(tx, {image_id for image_id, _, _ in own})
        columns = categories.ordinals(tx)
        pairs = [(there[image_id].ordinal, columns[category]) for image_id, category, _ in own]
        image, category = np.array(pairs, np.int64).reshape(-1, 2).T
        labelled.mark(image, category)


def _mark_implied(tx: Transaction, labelled: Labelled, wanted: Mapping[str, Sequence[str]]) -> None:
    """Mark what follows by the hierarchy of the settings; one that is broken implies nothing."""
    with suppress(ProjectError):
        parents = hierarchy.resolve(wanted, categories.every(tx, archived=True))
        if parents:
            table, ordinals = answers.label_table(tx), categories.ordinals(tx)
            implied = hierarchy.implied_pairs(table, ordinals, parents)
            labelled.mark(implied.image, implied.category)


def _patched(tx: Transaction, old: Authors, after: int) -> Authors | None:
    """Follow the operations after one; None if they touched too many pairs."""
    pairs = changes.touched_since(tx, after, FEW_CHANGES)
    if pairs is None:
        return None
    touched = {image_id for image_id, _ in pairs}
    kept = old[~np.isin(old[:, 0], list(touched))]
    return np.concatenate([kept, authors.doubts(tx, touched)])
