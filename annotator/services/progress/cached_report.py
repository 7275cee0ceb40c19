"""The part that all reports on a project share: when they are counted, and that nobody waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from annotator.arrays.versions import VersionArrays
from annotator.services.background.throttled_cache import Counted, ThrottledCache
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.open_suggestions import OpenSuggestions
from annotator.settings import Project
from annotator.store import Transaction, activity, changes, quality

Figures = TypeVar("Figures")


class CachedReport(ABC, Generic[Figures]):
    """Figures that follow from labels, probe answers and the promoted version.

    In a large project they are counted anew only now and then; see `ThrottledCache`.
    """

    def __init__(
        self, project: Project, open_suggestions: OpenSuggestions, clock: Clock = utc_now
    ) -> None:
        self._project = project
        self._open_suggestions = open_suggestions
        self._store = open_suggestions.store
        self._suggestions = open_suggestions.suggestions
        self._fills = open_suggestions.fills
        self._clock = clock
        self._cache = ThrottledCache[Figures]()

    def report(self) -> Figures:
        """Return the figures; see the class."""
        return self._cache.get(self._key(), self._counted)

    def latest(self) -> Counted[Figures]:
        """Return `report` as `ThrottledCache.latest` does, without waiting for it."""
        with self._store.reading() as tx:
            rows, columns = activity.shape(tx)
        return self._cache.latest(self._key(), self._counted, pairs=rows * columns)

    def close(self) -> None:
        """Wait until nothing is counted any more, for good."""
        self._cache.task.close()

    @abstractmethod
    def _count(self, tx: Transaction, number: int | None, arrays: VersionArrays | None) -> Figures:
        """Count the figures with the promoted version, two Nones before there is one."""

    @abstractmethod
    def _depends_on(self, tx: Transaction) -> object:
        """Return what else the figures depend on; while it is equal nothing is counted."""

    def _key(self) -> object:
        with self._store.reading() as tx:
            blind = quality.newest_blind_answer(tx)
            current = self._suggestions.current(tx)
            return changes.moment(tx), blind, current, self._depends_on(tx)

    def _counted(self) -> Figures:
        with self._store.reading() as tx:
            return self._count(tx, *self._suggestions.current(tx))
