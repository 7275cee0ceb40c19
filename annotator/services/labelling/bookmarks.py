"""Bookmarks: images that a person wants to find again, nobody else's concern."""

from __future__ import annotations

from annotator.services.clock import Clock, utc_now
from annotator.store import Store, annotators, bookmarks, images
from annotator.wire.label import Bookmarked, BookmarkRequest


class Bookmarks:
    """The bookmarks of one project, each person's own."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def set(self, annotator: str, request: BookmarkRequest) -> Bookmarked:
        """Bookmark an image for a person, or take the bookmark off; twice is as once.

        Raises:
            NotFound: If there is no such image.
        """
        now = self._clock()
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            images.get(tx, request.image)
            if request.on:
                bookmarks.put(tx, person.id, request.image, now)
            else:
                bookmarks.remove(tx, person.id, request.image)
        return {"image": request.image, "bookmarked": request.on}
