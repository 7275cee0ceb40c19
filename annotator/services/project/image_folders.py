"""The folders that a project's pictures come from: added, looked at again, moved."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import TypedDict

from annotator.domain import ImagePath
from annotator.errors import ProjectBusy, ProjectError
from annotator.services.catalogue.written_names import WrittenNames
from annotator.services.message import Message, counted
from annotator.services.project.creation import (
    Progress,
    add_images,
    refresh_images,
    root_for,
)
from annotator.services.project.removed_images import names_of_unused
from annotator.services.project.scan_report import FoundFiles, details, found_files
from annotator.settings import Project, changed, load_project, save_project
from annotator.store import Store, image_use, images, picture_files
from annotator.store.image_use import Unused

MOST_EXAMPLES = 5
"""File names that a preview shows."""


class FolderRow(TypedDict):
    """An image folder, and its files by what became of them."""

    name: str
    folder: str
    there: bool
    usable: int
    gone: int
    refused: int


class Scanned(FoundFiles, Message):
    """What was found in image folders."""


class MoveRow(TypedDict):
    """What is found where an image folder is said to be now."""

    root: str
    folder: str
    found: int
    missing: int
    examples: list[str]
    """Of the missing ones."""
    text: str


class UnusableFile(TypedDict):
    """A file that is missing or cannot be used."""

    root: str
    path: str
    name: str
    """What the file is called; see `WrittenNames`."""
    reason: str


class ImageRoots:
    """The image folders of one project; pictures are read outside of any transaction."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._reading = threading.Lock()

    def rows(self) -> list[FolderRow]:
        """Return the folders and what became of their files."""
        counts: dict[str, Counter[str]] = {}
        with self._store.reading() as tx:
            for path in images.every_path(tx):
                kind = "usable"
                if path.size < 0:
                    kind = "gone"
                elif path.problem:
                    kind = "refused"
                counts.setdefault(path.root, Counter())[kind] += 1
        rows: list[FolderRow] = []
        for name in self._project.settings.roots:
            folder = self._project.root_path(name)
            kinds = counts.get(name, Counter())
            rows.append(
                {
                    "name": name,
                    "folder": str(folder),
                    "there": folder.is_dir(),
                    "usable": kinds["usable"],
                    "gone": kinds["gone"],
                    "refused": kinds["refused"],
                }
            )
        return rows

    def add(
        self, folder: Path, *, name: str = "", on_progress: Progress = lambda *_: None
    ) -> Scanned:
        """Take a further folder in as a new root; the trainer embeds its pictures by itself.

        Raises:
            ProjectError: If the folder does not exist or is a root already, or the name is taken.
            ProjectBusy: If folders are being looked at already.
        """
        with self._alone():
            row = refresh_images(
                self._project, self._store, folder, name=name, on_progress=on_progress
            )
        return {**row, "message": self._told(row)}

    def look(self, *, on_progress: Progress = lambda *_: None) -> Scanned:
        """Look for new, changed and missing files in all folders.

        Raises:
            ProjectError: If a folder does not exist.
            ProjectBusy: If folders are being looked at already.
        """
        with self._alone():
            row = refresh_images(self._project, self._store, None, on_progress=on_progress)
        return {**row, "message": self._told(row)}

    def move_preview(self, root: str, folder: Path) -> MoveRow:
        """Return how many files of a root lie in another folder, and how many would be missing.

        Raises:
            ProjectError: If there is no such root or folder, or it is a root already.
        """
        self._project.root_path(root)
        root_for(folder, self._project)
        with self._store.reading() as tx:
            paths = [p for p in images.every_path(tx) if p.root == root and p.image_id is not None]
        missing = [p.path for p in paths if not (folder / p.path).is_file()]
        found = len(paths) - len(missing)
        said = f"{found:,} of {len(paths):,} files are there."
        if missing:
            shown = ", ".join(missing[:MOST_EXAMPLES])
            said += f" {len(missing):,} would be missing, such as {shown}; their answers are kept."
        return {
            "root": root,
            "folder": str(folder),
            "found": found,
            "missing": len(missing),
            "examples": missing[:MOST_EXAMPLES],
            "text": said,
        }

    def move(self, root: str, folder: Path, *, on_progress: Progress = lambda *_: None) -> Scanned:
        """Point a root to another folder, and look there for new, changed and missing files.

        Raises:
            ProjectError: If there is no such root or folder, it is a root already, or holds none
                of the files.
            ProjectBusy: If folders are being looked at already.
        """
        preview = self.move_preview(root, folder)
        if preview["missing"] and not preview["found"]:
            raise ProjectError(
                f"None of the {preview['missing']:,} files of {root!r} is in {folder}; choose the "
                "folder that they were moved to, or add this one as another folder."
            )
        with self._alone():
            new = load_project(self._project.path)
            roots = {**new.settings.roots, root: root_for(folder, new)}
            new.settings = changed(new.settings, {"roots": roots})
            save_project(new)
            self._project.settings = new.settings
            added, found, _ = add_images(self._project, self._store, root, on_progress=on_progress)
        row = found_files(added, found)
        return {**row, "message": f"{root!r} is {folder} now. {self._told(row)}"}

    def unusable(self) -> list[UnusableFile]:
        """Return the files that are missing or cannot be used."""
        rows: list[UnusableFile] = []
        with self._store.reading() as tx:
            lost = image_use.answered_without_file(tx)
            told = {each.image.id for each in [*lost, *image_use.removed(tx)]}
            names = WrittenNames(picture_files.every(tx), picture_files.roots(tx))
            for path in images.every_path(tx):
                reason = path.problem
                if path.size < 0:
                    reason = "is missing"
                if reason and path.image_id not in told:
                    rows.append(_unusable(path, names.of(path.root, path.path), reason))
            called = names_of_unused(tx, lost)
        for each in lost:
            rows.append(_unusable(each.path, called[each.image.id], _lost(each)))
        return sorted(rows, key=lambda row: (row["root"], row["path"]))

    def _told(self, row: FoundFiles) -> str:
        with self._store.reading() as tx:
            lost = len(image_use.answered_without_file(tx))
        if not lost:
            return _sentence(row)
        some = f"{counted(lost, 'image')} with answers {'has' if lost == 1 else 'have'}"
        return (
            f"{_sentence(row)} {some} no file now; `annotator images PROJECT missing` names them, "
            "and `resaved` finds those that were saved again."
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._reading.acquire(blocking=False):
            raise ProjectBusy("The folders are being scanned; wait until that is done.")
        try:
            yield
        finally:
            self._reading.release()


def _unusable(path: ImagePath | None, name: str, reason: str) -> UnusableFile:
    root, below = ("", name) if path is None else (path.root, path.path)
    return {"root": root, "path": below, "name": name, "reason": reason}


def _lost(each: Unused) -> str:
    now = "has no file any more"
    if each.path is not None and each.path.size >= 0:
        now = "was saved again or replaced by another file"
    return f"{now}; {counted(each.answers, 'answer')} kept"


def _sentence(row: FoundFiles) -> str:
    parts = [f"{row['new_images']:,} new images"]
    for count, words in (
        (row["changed"], "changed"),
        (row["refused"], "that cannot be used"),
        (row["gone"], "missing; their answers are kept"),
    ):
        if count:
            parts.append(f"{count:,} {words}")
    said = f"{', '.join(parts)}."
    if row["new_images"]:
        said += " The trainer computes their features automatically."
    return " ".join([said, *details(row)])
