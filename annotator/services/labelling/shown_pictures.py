"""Which pictures can be shown, asked within a transaction and looked up outside of it."""

from __future__ import annotations

from annotator.errors import AnnotatorError
from annotator.services.catalogue.pictures import Media
from annotator.store import Store, images


class NotLookedAt(Exception):
    """A transaction went by pictures whose files have not been looked at; it has to be repeated."""


class ShownPictures:
    """What is known of the files of some pictures.

    A disk may take seconds, so nobody looks at a file while a write transaction holds up everybody
    else: a transaction takes unknown pictures on trust, is rolled back by `settle`, and is repeated
    after `look`.
    """

    def __init__(self, store: Store, media: Media) -> None:
        self._store = store
        self._media = media
        self._reasons: dict[int, AnnotatorError | None] = {}
        self._trusted: set[int] = set()

    def can_show(self, image_id: int) -> bool:
        """Return whether a picture can be shown; True as long as that is not known."""
        if image_id not in self._reasons:
            self._trusted.add(image_id)
        return self._reasons.get(image_id) is None

    def settle(self) -> None:
        """Return if nothing was taken on trust.

        Raises:
            NotLookedAt: If anything was.
        """
        if self._trusted:
            raise NotLookedAt

    def look(self) -> None:
        """Look at the files of what was taken on trust; in no transaction."""
        self.problems(self._trusted)
        self._trusted = set()

    def problems(self, image_ids: set[int]) -> dict[int, AnnotatorError | None]:
        """Return why pictures cannot be shown, None where they can; in no transaction."""
        wanted = sorted(image_ids - self._reasons.keys())
        if wanted:
            with self._store.reading() as tx:
                found, paths = images.many(tx, wanted), images.paths_of(tx, wanted)
            for image_id, image in found.items():
                self._reasons[image_id] = None
                try:
                    self._media.first_existing(image, paths.get(image_id, []))
                except AnnotatorError as error:
                    self._reasons[image_id] = error
        return {image_id: self._reasons.get(image_id) for image_id in image_ids}
