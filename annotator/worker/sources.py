"""Where a project's pictures are, for jobs that look at all of them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image as Picture

from annotator.domain import ImagePath
from annotator.errors import ImageError, ProjectError
from annotator.images.decoding import open_rgb
from annotator.settings import Project


class Sources:
    """Where the pictures are, and which image folders are not there just now."""

    def __init__(self, project: Project, paths: dict[int, list[ImagePath]]) -> None:
        """Look for the folders; `paths` holds the known files of every image, by ordinal."""
        self._paths = paths
        self._settings = project.settings.images
        self._roots: dict[str, Path] = {}
        self.complaint = ""
        """What to do about a folder that is not there."""
        for root in sorted({p.root for found in paths.values() for p in found}):
            try:
                folder = project.root_path(root)
            except ProjectError as error:
                self.complaint = str(error)
                continue
            if folder.is_dir():
                self._roots[root] = folder
            else:
                self.complaint = (
                    f"the image folder {folder} is missing; connect its disk, or change {root!r} "
                    "under [roots] in project.toml."
                )

    def is_unreachable(self, ordinal: int) -> bool:
        """Whether an image has files, but only in folders that are not there."""
        found = self._paths[ordinal]
        return bool(found) and not any(p.root in self._roots for p in found)

    def open(self, ordinal: int, max_side: int) -> Picture.Image:
        """Return an image from the first of its files that can be read."""
        reason = ImageError("no file of it is left")
        for path in self._paths[ordinal]:
            if path.root in self._roots:
                try:
                    file = self._roots[path.root] / path.path
                    return open_rgb(file, max_side=max_side, settings=self._settings)
                except ImageError as error:
                    reason = error
        raise reason
