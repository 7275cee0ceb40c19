"""Flags with a note: an annotator asks for a second look at an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from annotator.errors import AnnotatorError
from annotator.services.clock import Clock, utc_now
from annotator.store import Store, Transaction, annotators, flags, images
from annotator.wire.label import Flag, FlagRequest, FlagsOfImage, ResolveFlagRequest

MAX_NOTE = 500
"""Longest note, in characters."""


class Flags:
    """Notes on images, of anybody, until somebody takes them off."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def add(self, annotator: str, request: FlagRequest) -> FlagsOfImage:
        """Pin a note to an image. The note may be empty.

        Raises:
            AnnotatorError: If the note is too long.
            NotFound: If there is no such image.
        """
        image_id, now = request.image, self._clock()
        note = " ".join(request.note.split())
        if len(note) > MAX_NOTE:
            raise AnnotatorError(f"The note is too long; use at most {MAX_NOTE} characters.")
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            images.get(tx, image_id)
            flags.add(tx, image_id, person.id, note, now)
            return {"image": image_id, "flags": _of_image(tx, image_id)}

    def resolve(self, annotator: str, request: ResolveFlagRequest) -> FlagsOfImage:
        """Take a flag off its image.

        Raises:
            NotFound: If there never was such a flag.
        """
        del annotator  # anybody may, as anybody may answer
        with self._store.writing() as tx:
            image_id = flags.resolve(tx, request.flag, self._clock())
            return {"image": image_id, "flags": _of_image(tx, image_id)}


def _of_image(tx: Transaction, image_id: int) -> list[Flag]:
    people = {a.id: a.name for a in annotators.every(tx)}
    return flag_rows(flags.of_images(tx, [image_id]).get(image_id, ()), people)


def flag_rows(found: Iterable[flags.Flag], people: Mapping[int, str]) -> list[Flag]:
    """Return flags as the pages know them."""
    return [
        {
            "id": flag.id,
            "note": flag.note,
            "by": people.get(flag.annotator_id, ""),
            "at": flag.created_at.isoformat(),
        }
        for flag in found
    ]
