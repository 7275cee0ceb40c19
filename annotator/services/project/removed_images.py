"""Images taken out of a project and brought back, with their answers kept all the while."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from typing_extensions import TypedDict

from annotator.domain import ImagePath
from annotator.errors import NotFound
from annotator.services.background.short_transactions import for_all
from annotator.services.catalogue.picture_names import WRITE_FOLDER, PictureNames
from annotator.services.catalogue.pictures import written_names
from annotator.services.catalogue.written_names import WrittenNames
from annotator.services.message import Message, counted
from annotator.store import Store, Transaction, image_use, images
from annotator.store.image_use import Unused


class UnusedRow(TypedDict):
    """An image that is not in use."""

    id: int
    name: str
    answers: int
    missing: bool
    """It has no file."""


class Moved(Message):
    """What was removed or brought back."""

    images: int
    answers: int
    """Pairs with answers that stand."""


class RemovedImages:
    """What is in the project is decided by its files, but for the images that somebody removed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self) -> list[UnusedRow]:
        """Return the removed images by ordinal."""
        with self._store.reading() as tx:
            listed = image_use.removed(tx)
            names = names_of_unused(tx, listed)
        return [
            {
                "id": each.image.id,
                "name": names[each.image.id],
                "answers": each.answers,
                "missing": each.image.missing,
            }
            for each in listed
        ]

    def remove(self, names: Sequence[str], *, missing: bool = False) -> Moved:
        """Take images out of the project; scanning the folders does not bring them back.

        Args:
            names: File names.
            missing: Also take all images without a file.

        Raises:
            NotFound: If a name fits no image; nothing is removed then.
        """
        with self._store.reading() as tx:
            taken = {each.image.id for each in image_use.removed(tx)}
            every = images.every_path(tx)
            ids = _named(names, [p for p in every if p.image_id not in taken], every)
            if missing:
                ids |= set(image_use.missing(tx))
        if not ids:
            raise NotFound("No image is missing; name the images to be removed.")
        kept = self._move(ids, removed=True)
        return {
            "images": len(ids),
            "answers": kept,
            "message": f"{counted(len(ids), 'image')} removed, {counted(kept, 'answer')} kept; "
            "`annotator images PROJECT restore` brings them back.",
        }

    def restore(self, names: Sequence[str], *, everything: bool = False) -> Moved:
        """Bring removed images back, with their answers.

        Args:
            names: File names, as `rows` gives them.
            everything: Bring all removed images back.

        Raises:
            NotFound: If a name fits no removed image; nothing is brought back then.
        """
        with self._store.reading() as tx:
            rows, every = image_use.removed(tx), images.every_path(tx)
        if everything:
            return self.restore_ids([each.image.id for each in rows])
        paths = [replace(r.path, image_id=r.image.id) for r in rows if r.path is not None]
        return self.restore_ids(_named(names, paths, every, "removed image"))

    def restore_ids(self, image_ids: Collection[int]) -> Moved:
        """Do what `restore` does with images of these ids; those that are there stay so."""
        with self._store.reading() as tx:
            rows = image_use.removed(tx)
        ids = {each.image.id for each in rows}.intersection(image_ids)
        kept = sum(each.answers for each in rows if each.image.id in ids)
        self._move(ids, removed=False)
        lost = sum(each.image.missing for each in rows if each.image.id in ids)
        said = f"{counted(len(ids), 'image')} restored, with {counted(kept, 'answer')}."
        if lost:
            said += f" {lost:,} of them still without a file."
        return {"images": len(ids), "answers": kept, "message": said}

    def _move(self, ids: set[int], *, removed: bool) -> int:
        def move(tx: Transaction, part: Sequence[int]) -> None:
            image_use.set_removed(tx, part, removed)

        for_all(self._store, sorted(ids), move)
        with self._store.reading() as tx:
            return sum(e.answers for e in image_use.removed(tx) if e.image.id in ids)


def names_of_unused(tx: Transaction, listed: Sequence[Unused]) -> dict[int, str]:
    """Return by image id the name of the file that each image has, or had last."""
    called = written_names(tx, [each.path for each in listed if each.path is not None])
    return {
        each.image.id: f"image {each.image.id}" if each.path is None else called[each.path.id]
        for each in listed
    }


def _named(
    names: Sequence[str], paths: list[ImagePath], every: list[ImagePath], kind: str = "image"
) -> set[int]:
    written = WrittenNames([(p.root, p.path) for p in every], {p.root for p in every})
    known = PictureNames(paths, names=written)
    found = {name: known.match(name) for name in names}
    unclear = [name for name, match in found.items() if match.candidates]
    if unclear:
        raise NotFound(f"{known.ambiguity(unclear[0], found[unclear[0]])}; {WRITE_FOLDER}.")
    unknown = [name for name, match in found.items() if match.path is None]
    if unknown:
        more = f" and {counted(len(unknown) - 1, 'other')}" if len(unknown) > 1 else ""
        raise NotFound(f"There is no {kind} {unknown[0]!r}{more} in this project; check the name.")
    return {m.path.image_id for m in found.values() if m.path and m.path.image_id is not None}
