"""Pictures for the page: by image id and listed width, never by a path from outside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from annotator.domain import Image, ImagePath
from annotator.errors import ImageError, ImageFolderMissing, NotFound
from annotator.images.thumbnails import WIDTHS, kept, thumbnail, thumbnail_path
from annotator.services.catalogue.resizing import Reducer
from annotator.settings import Project
from annotator.store import Store, Transaction, images

_LOG = logging.getLogger(__name__)


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


def names_of(tx: Transaction, image_ids: list[int]) -> dict[int, str]:
    """Return the path below its root of each image, the first one where there are several."""
    return {
        image_id: paths[0].path if paths else f"image {image_id}"
        for image_id, paths in images.paths_of(tx, image_ids).items()
    }
