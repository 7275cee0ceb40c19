"""A value made from all labels that follows what people answer, instead of being made anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from annotator.store import Transaction, changes
from annotator.store.changes import Moment

T = TypeVar("T")


@dataclass(frozen=True)
class _Kept(Generic[T]):
    key: object
    moment: Moment
    value: T


class FollowingCache(Generic[T]):
    """The newest value, for any number of threads.

    A value is never changed once it is made, so whoever has it may go on using it.
    """

    def __init__(
        self,
        build: Callable[[Transaction], T],
        patch: Callable[[Transaction, T, int], T | None],
    ) -> None:
        """Set the cache up; nothing is made before the first question.

        Args:
            build: Makes the value from all labels.
            patch: Makes it from an older value and the operations after one; None if there are so
                many of them that building is quicker. See `changes.moved_since`.
        """
        self._build = build
        self._patch = patch
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._kept: _Kept[T] | None = None

    def current(self, tx: Transaction, key: object = None) -> T:
        """Return the value as of `tx`, built if it has to be; that takes seconds where it is long.

        Args:
            tx: A transaction. One that began before the value was made gets the newer value.
            key: What the value depends on besides labels; with another key it is built anew.
        """
        with self._building:
            found = self.followed(tx, key)
            if found is None:
                moment = changes.moment(tx)
                found = self._build(tx)
                with self._lock:
                    self._kept = _Kept(key, moment, found)
            return found

    def followed(self, tx: Transaction, key: object = None) -> T | None:
        """Return `current` where little has changed since; None where it would have to be built."""
        with self._lock:
            kept, moment = self._kept, changes.moment(tx)
            if kept is None or kept.key != key or kept.moment.recomputed != moment.recomputed:
                return None
            if moment.operation <= kept.moment.operation:
                return kept.value
            value = self._patch(tx, kept.value, kept.moment.operation)
            self._kept = None if value is None else _Kept(key, moment, value)
            return value
