"""Pictures for the page: by image id and listed width, never by a path from outside."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from annotator.domain import Image, ImagePath
from annotator.errors import ImageError, ImageFolderMissing, NotFound
from annotator.images.thumbnails import WIDTHS, kept, thumbnail, thumbnail_path
from annotator.services.catalogue.name_spellings import spelled
from annotator.services.catalogue.resizing import Reducer
from annotator.services.catalogue.written_names import WrittenNames
from annotator.settings import Project
from annotator.store import Store, Transaction, images, picture_files

MOST_ENDS = 8
"""Ends of a path that a search tries."""

_LOG = logging.getLogger(__name__)

REMOVED = "This image was removed from the project; its answers are kept."


class Media:
    """Where the pictures of one project come from."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._reducer = Reducer(self._make)
        self._problem = ""

    def content(self, image_id: int, width: int) -> bytes:
        """Return a reduced copy of an image as a WebP file, made on first use and kept.

        Args:
            image_id: Id of the image.
            width: Longest side in pixels; one of `images.thumbnails.WIDTHS`.

        Raises:
            NotFound: If there is no such image or width.
            ImageError: If there is no copy yet, and no file holds the image any more or it cannot
                be decoded.
        """
        if width not in WIDTHS:
            raise NotFound(f"Images come in widths {', '.join(map(str, WIDTHS))}, not {width}.")
        with self._store.reading() as tx:
            image = images.get(tx, image_id)
        settings = self._project.settings.images
        path = thumbnail_path(self._project.thumbnails_path, image.content_hash, width, settings)
        return kept(path) or self._reducer.get(image_id, width)

    def prepare(self, image_ids: Sequence[int], width: int = WIDTHS[1]) -> None:
        """Make the reduced copies of images that will be asked for soon; returns at once.

        Args:
            image_ids: Ids of the images, those needed first at the beginning.
            width: Longest side in pixels; the smaller widths are made with it.
        """
        self._reducer.prepare(image_ids, width)

    def close(self) -> None:
        """Stop preparing pictures."""
        self._reducer.close()

    def _make(self, image_id: int, width: int) -> bytes:
        with self._store.reading() as tx:
            image = images.get(tx, image_id)
            paths = images.paths_of(tx, [image_id]).get(image_id, [])
        source = self.first_existing(image, paths)
        folder, settings = self._project.thumbnails_path, self._project.settings.images
        made = thumbnail(source, folder, image.content_hash, width, settings)
        if made.problem and not self._problem:  # said once, until one can be kept again
            _LOG.warning("%s", made.problem)
        self._problem = made.problem
        return made.content

    def first_existing(self, image: Image, paths: list[ImagePath]) -> Path:
        """Return the first file that holds the image.

        Raises:
            ImageError: If none of its paths exists; the message names one of them.
            ImageFolderMissing: If that is because a whole image folder is missing or empty.
        """
        for path in paths:
            file = self._project.root_path(path.root) / path.path
            if file.is_file():
                return file
        if not paths:
            raise ImageError(f"No file of this project holds image {image.id} any more.")
        for path in paths:
            folder = self._project.root_path(path.root)
            if _is_away(folder):
                raise ImageFolderMissing(
                    f"The image folder {folder} is missing or empty; connect its disk, or point "
                    "the root to its new folder in project.toml."
                )
        first = paths[0]
        raise ImageError(
            f"The file {self._project.root_path(first.root) / first.path} is missing; restore it "
            "or point the root to its new folder in project.toml."
        )


def _is_away(folder: Path) -> bool:
    """Whether a folder is missing, or as empty as the mount point of a disk that is not there."""
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return True


def names_of(tx: Transaction, image_ids: Sequence[int]) -> dict[int, str]:
    """Return the name of each image: the written name of the first of its files.

    The file that was found first and is still there counts; if all are gone, the one found first.
    """
    first = picture_files.first_of(tx, image_ids)
    called = written_names(tx, list(first.values()))
    return {i: called[first[i].id] if i in first else f"image {i}" for i in image_ids}


def written_names(tx: Transaction, paths: Sequence[ImagePath]) -> dict[int, str]:
    """Return what some files are called, by path id; see `WrittenNames`."""
    roots = picture_files.roots(tx)
    wanted = {name for p in paths for name in (p.path, f"{p.root}/{p.path}")}
    folders = {f"{root}/" for root in roots}
    below = {n[end:] for n in wanted for end in _folder_ends(n) if n[:end] in folders}
    others = picture_files.with_paths(tx, roots, wanted | below) if len(roots) > 1 else []
    names = WrittenNames(others, roots)
    return {p.id: names.of(p.root, p.path) for p in paths}


def _folder_ends(name: str) -> Iterator[int]:
    """Yield where the folders of a path end, their slash included."""
    return (place for place, sign in enumerate(name, start=1) if sign == "/")


def search(tx: Transaction, text: str, limit: int) -> list[ImagePath]:
    """Return the files of images whose name has a text in it, spelled in one of several ways.

    Where nothing has the whole of a path in its name, what has the end of the path is returned.
    """
    several = len(picture_files.roots(tx)) > 1
    written, tidy, decoded, *_ = spelled(text)
    spellings = [written, tidy, decoded, unicodedata.normalize("NFD", decoded)]
    parts = decoded.split("/")
    ends = ["/".join(parts[cut:]) for cut in range(1, min(len(parts), MOST_ENDS))]
    for part in dict.fromkeys(filter(None, [*spellings, *ends])):
        found = images.named_like(tx, part, limit, with_root=several and "/" in part)
        if found:
            return found
    return []
