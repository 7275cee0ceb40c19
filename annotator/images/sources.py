"""Walks an image folder and says which pictures are new, broken or gone since the last time."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from annotator.errors import ImageError, NotFound
from annotator.images import kinds
from annotator.images.decoding import AS_USUAL, TooLarge, examine
from annotator.images.left_out import LeftOut
from annotator.setting_sections import Images
from annotator.settings import PROJECT_FILE

_THREADS = min(4, os.cpu_count() or 1)
_CHUNK = 512
_OWN = frozenset({"thumbnails", "features", "versions", "exports"})
"""Folders beside a `project.toml` that hold no pictures of anybody."""
_LATER = -1
"""Time of change kept of a file that may be of use once a limit or the installation is changed."""


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """One file that holds a picture."""

    path: str
    """Relative to the folder, with forward slashes."""
    content_hash: str
    """SHA-256 of the file, hexadecimal."""
    width: int
    """Pixels, after the EXIF orientation is applied."""
    height: int
    format: str
    """Decoder name, such as `JPEG`."""
    size: int
    """Bytes."""
    modified_ns: int
    """Time of the last change, nanoseconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class BrokenFile:
    """One file or folder that cannot be used."""

    path: str
    """Relative to the folder; bytes that are not UTF-8 are spelled out as `\\xff`."""
    problem: str
    """The reason, to be read after the name: `is empty (0 bytes)`."""
    size: int
    modified_ns: int


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What one walk over a folder found, each list sorted by path."""

    found: list[FoundFile] = field(default_factory=list)
    """Pictures that are new or have changed."""
    broken: list[BrokenFile] = field(default_factory=list)
    """Files that are new or have changed and cannot be used; those that are too large or of a
    format whose decoder is not installed are listed each time."""
    gone: list[str] = field(default_factory=list)
    """Paths that were known and are not there any more."""
    unchanged: int = 0
    """Known files that were not read again."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Files that are no pictures."""
    first_only: list[str] = field(default_factory=list)
    """Paths in `found` with several frames or pages, of which the first is the picture."""


@dataclass(frozen=True)
class _Candidate:
    name: str
    size: int
    modified_ns: int
    problem: str = ""
    is_unsure: bool = False
    """Whether its first bytes have to say if it is a picture at all."""

    @property
    def path(self) -> str:
        return _shown(self.name)

    def broken(self, problem: str) -> BrokenFile:
        return BrokenFile(
            path=self.path, problem=problem, size=self.size, modified_ns=self.modified_ns
        )


_Outcome: TypeAlias = tuple[FoundFile, bool] | BrokenFile | str | None
"""A picture and whether it has more frames; a broken one; the kind of a file that is none; gone."""


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def scan(
    folder: Path,
    known: Mapping[str, tuple[int, int]],
    *,
    settings: Images = AS_USUAL,
    on_progress: Callable[[int, int], None] = _no_progress,
) -> Scan:
    """Look for pictures in a folder and everything below it.

    A file with the ending of a picture is one, or broken; one with an ending that says nothing is
    a picture if its first bytes say so. The others are counted, hidden ones too. Linked folders
    are followed, each folder once. A file with the size and time that `known` gives for it is not
    read again.

    Args:
        folder: Root of the tree.
        known: `(size, modified_ns)` by path for files that were looked at before.
        settings: Of the project: how large a picture may be.
        on_progress: Called with the number of files read and to be read, from this thread.

    Raises:
        NotFound: If `folder` is not a folder.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder} is not a folder; name the folder that holds the images.")
    left_out = LeftOut()
    candidates = sorted(_walk(folder, left_out), key=lambda candidate: candidate.path)
    fresh = [c for c in candidates if known.get(c.path) != (c.size, c.modified_ns)]
    result = Scan(unchanged=len(candidates) - len(fresh), left_out=left_out)
    there = {candidate.path for candidate in candidates}
    for done, (candidate, outcome) in enumerate(_read_all(folder, fresh, settings), start=1):
        if isinstance(outcome, tuple):
            result.found.append(outcome[0])
            result.first_only.extend([candidate.path] if outcome[1] else [])
        elif isinstance(outcome, BrokenFile):
            result.broken.append(outcome)
        else:
            there.discard(candidate.path)
            if outcome is not None:
                left_out.add(outcome, candidate.path)
        on_progress(done, len(fresh))
    result.gone.extend(sorted(path for path in known if path not in there))
    return result


def _read_all(
    folder: Path, candidates: list[_Candidate], settings: Images
) -> Iterator[tuple[_Candidate, _Outcome]]:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="scan") as pool:
        # In chunks, so that a caller who stops early does not wait for the whole folder.
        for start in range(0, len(candidates), _CHUNK):
            chunk = candidates[start : start + _CHUNK]
            read = pool.map(lambda c: _examined(folder, c, settings), chunk)
            yield from zip(chunk, read, strict=True)


def _examined(folder: Path, candidate: _Candidate, settings: Images) -> _Outcome:
    """Return what the file turned out to be, None if it has gone in the meantime."""
    try:
        if candidate.is_unsure and not _holds_picture(folder / candidate.name):
            return kinds.OTHER
        if candidate.problem:
            return candidate.broken(candidate.problem)
        facts = examine(folder / candidate.name, settings)
    except FileNotFoundError:
        return None
    except (TooLarge, kinds.NotInstalled) as error:
        return replace(candidate.broken(str(error)), modified_ns=_LATER)
    except ImageError as error:
        return candidate.broken(str(error))
    found = FoundFile(
        path=candidate.path,
        content_hash=facts.content_hash,
        width=facts.width,
        height=facts.height,
        format=facts.format,
        size=candidate.size,
        modified_ns=candidate.modified_ns,
    )
    return found, facts.has_more


def _holds_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return kinds.is_picture(file.read(kinds.HEAD_BYTES))
    except FileNotFoundError:
        raise
    except OSError:
        return False


def _walk(folder: Path, left_out: LeftOut) -> Iterator[_Candidate]:
    """Yield what to look at; real folders first, then linked ones that were not reached yet."""
    visited: set[tuple[int, int]] = set()
    pending, links = deque([""]), deque[str]()
    while pending or links:
        prefix = (pending or links).popleft()
        try:
            entries = _entries(folder / prefix, visited)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield _Candidate(prefix.rstrip("/") or ".", 0, 0, _unreadable(error))
            continue
        is_project = any(entry.name == PROJECT_FILE for entry in entries)
        for entry in entries:
            name = prefix + entry.name
            is_folder = os.path.isdir(entry)  # noqa: PTH112 - links that lead in circles are False
            if kind := _kind(entry.name, is_folder, is_project):
                left_out.add(kind, _shown(name) + ("/" if is_folder else ""))
            elif is_folder:
                (links if entry.is_symlink() else pending).append(name + "/")
            else:
                yield from _candidate(entry, name, left_out)


def _kind(name: str, is_folder: bool, is_project: bool) -> str:
    """Return what a file or folder is that is passed over without a look, else nothing."""
    if kinds.is_hidden(name):
        return kinds.HIDDEN
    if is_project and (name in _OWN if is_folder else name == PROJECT_FILE):
        return kinds.OWN
    return "" if is_folder else kinds.kind_by_name(name)


def _entries(folder: Path, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return what is in a folder, sorted; nothing if the folder was visited before."""
    about = folder.stat()
    identity = (about.st_dev, about.st_ino)
    if identity in visited:
        return []
    visited.add(identity)
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _candidate(entry: os.DirEntry[str], name: str, left_out: LeftOut) -> Iterator[_Candidate]:
    is_unsure = Path(entry.name).suffix.lower() not in kinds.SUFFIXES
    size = modified_ns = 0
    problem = ""
    try:
        about = entry.stat()
        size, modified_ns = about.st_size, about.st_mtime_ns
        if not stat.S_ISREG(about.st_mode):
            problem = "is not an ordinary file"
    except FileNotFoundError:
        if not entry.is_symlink():
            return
        problem = "is a link to a missing file"
    except OSError as error:
        problem = _unreadable(error)
    if is_unsure and problem:
        left_out.add(kinds.OTHER, _shown(name))
        return
    if not problem and not _is_utf8(name):
        problem = "has a name that is not UTF-8; rename it"
    yield _Candidate(name, size, modified_ns, problem, is_unsure)


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
