"""What belongs into a backup besides the database, each folder in a state that fits together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from annotator.arrays import certificates as certificate_files
from annotator.arrays import checksums
from annotator.arrays import versions as version_files
from annotator.arrays.versions import ARRAY_FILES, FEATURES
from annotator.errors import ProjectError
from annotator.settings import Project
from mlrpl import backbone_names

TRIES = 20
"""So often a folder is opened again that somebody changed meanwhile; each change is a rename."""


@dataclass(frozen=True)
class Part:
    """One open file: what is read from it stays as it is, even if its name is deleted."""

    name: str
    """In the archive, with slashes."""
    file: IO[bytes]
    size: int
    """About how many bytes it has; it may grow."""
    changed_at: tuple[int, int, int, int, int, int]
    expected: str | None
    """Its SHA-256 as noted when it was written, if it was."""


@dataclass(frozen=True)
class Folder:
    """A folder whose files are backed up together."""

    path: Path
    name: str
    """In the archive."""


def folders(
    project: Project, versions: Iterable[int], certificates: Iterable[int], *, features: bool
) -> list[Folder]:
    """Return the folders that belong to a state of the database, those that exist.

    Args:
        project: Whose.
        versions: Numbers of those that were published then.
        certificates: Numbers of those that were there then.
        features: Whether what can be computed again from the images belongs to it.
    """
    found = []
    for number in versions:
        path = version_files.folder(project, number)
        found.append(path)
        if features:
            found.append(path / FEATURES)
    found += [certificate_files.folder(project, number) for number in certificates]
    found += _inside(project.predictions_path)
    if features:
        found += _inside(project.path / "features")
    return [Folder(p, p.relative_to(project.path).as_posix()) for p in found if p.is_dir()]


def _inside(path: Path) -> list[Path]:
    """Return what lies in a folder, which need not be there, but nothing half-written."""
    return sorted(p for p in path.iterdir() if p.name[0] != ".") if path.is_dir() else []


def weights(project: Project) -> list[tuple[Path, str]]:
    """Return the weights files that the backbone's name mentions below the project, and names."""
    try:
        named = [part.weights for part in backbone_names.parse(project.settings.backbone)]
    except ValueError:
        return []
    inside = [n for n in named if n is not None and not n.is_absolute() and ".." not in n.parts]
    return [(project.path / n, n.as_posix()) for n in inside if (project.path / n).is_file()]


def size(folder: Folder) -> int:
    """Return about how many bytes a folder holds."""
    try:
        return sum(f.stat().st_size for f in folder.path.iterdir() if f.is_file())
    except FileNotFoundError:  # deleted a moment ago
        return 0


@contextmanager
def opened(folder: Folder) -> Iterator[list[Part]]:
    """Open all files of a folder at one moment; read them in order, and each to its end.

    Files of versions and certificates are only ever replaced, never written into, so those that
    are open stay as they are. Rows of features are written in place and then marked as done: the
    marks come first here, so that every row that they mark was written before it is read. Arrays
    grow before their header says so, so no array ends before the rows that its header promises.

    Raises:
        ProjectError: If it changes all the time, or a file cannot be read.
    """
    for _ in range(TRIES):
        if not folder.path.is_dir():  # deleted meanwhile
            yield []
            return
        with ExitStack() as stack:
            sums = checksums.read(folder.path)
            try:
                parts = [_part(stack, folder, name, sums) for name in _names(folder.path, sums)]
            except FileNotFoundError:
                continue  # deleted between looking and opening
            if checksums.read(folder.path) == sums:
                yield parts
                return
    raise ProjectError(f"{folder.path} is being changed all the time; try again later.")


@contextmanager
def opened_file(path: Path, name: str) -> Iterator[Part]:
    """Open a single file."""
    with ExitStack() as stack:
        yield _opened(stack, path, name, None)


def _names(path: Path, sums: Mapping[str, str]) -> list[str]:
    """Return the files of a folder, the marks of features first."""
    names = sorted(f.name for f in path.iterdir() if f.is_file() and f.name[0] != ".")
    if sums and any(name in names and name not in sums for name in ARRAY_FILES):
        # Scores are being written anew: the worker of the restored project does that again.
        names = [name for name in names if name not in ARRAY_FILES]
    return sorted(names, key=lambda name: name != "done.npy")


def _part(stack: ExitStack, folder: Folder, name: str, sums: Mapping[str, str]) -> Part:
    return _opened(stack, folder.path / name, f"{folder.name}/{name}", sums.get(name))


def _opened(stack: ExitStack, path: Path, name: str, expected: str | None) -> Part:
    try:
        file = stack.enter_context(path.open("rb"))
        status = os.fstat(file.fileno())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read ({error.strerror}); check its permissions and its disk."
        ) from None
    return Part(name, file, status.st_size, time.gmtime(status.st_mtime)[:6], expected)
