"""Walks an image folder and says which pictures are new, broken or gone since the last time."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from annotator.errors import ImageError, NotFound
from annotator.images.decoding import SUFFIXES, examine

_THREADS = min(4, os.cpu_count() or 1)
_CHUNK = 512


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
    """Files that are new or have changed and cannot be used."""
    gone: list[str] = field(default_factory=list)
    """Paths that were known and are not there any more."""
    unchanged: int = 0
    """Known files that were not read again."""


@dataclass(frozen=True)
class _Candidate:
    name: str
    size: int
    modified_ns: int
    problem: str = ""

    @property
    def path(self) -> str:
        return os.fsencode(self.name).decode("utf-8", "backslashreplace")

    def broken(self, problem: str) -> BrokenFile:
        return BrokenFile(
            path=self.path, problem=problem, size=self.size, modified_ns=self.modified_ns
        )


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def scan(
    folder: Path,
    known: Mapping[str, tuple[int, int]],
    *,
    on_progress: Callable[[int, int], None] = _no_progress,
) -> Scan:
    """Look for pictures in a folder and everything below it.

    Hidden files and folders are passed over. Linked folders are followed, each folder once. A file
    with the size and time that `known` gives for it is not read again.

    Args:
        folder: Root of the tree.
        known: `(size, modified_ns)` by path for files that were looked at before.
        on_progress: Called with the number of files read and to be read, from this thread.

    Raises:
        NotFound: If `folder` is not a folder.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder} is not a folder; name the folder that holds the images.")
    candidates = sorted(_walk(folder), key=lambda candidate: candidate.path)
    fresh = [c for c in candidates if known.get(c.path) != (c.size, c.modified_ns)]
    result = Scan(unchanged=len(candidates) - len(fresh))
    there = {candidate.path for candidate in candidates}
    vanished: set[str] = set()
    for done, (candidate, outcome) in enumerate(_read_all(folder, fresh), start=1):
        if isinstance(outcome, FoundFile):
            result.found.append(outcome)
        elif isinstance(outcome, BrokenFile):
            result.broken.append(outcome)
        else:
            vanished.add(candidate.path)
        on_progress(done, len(fresh))
    result.gone.extend(sorted(path for path in known if path not in there or path in vanished))
    return result


def _read_all(
    folder: Path, candidates: list[_Candidate]
) -> Iterator[tuple[_Candidate, FoundFile | BrokenFile | None]]:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="scan") as pool:
        # In chunks, so that a caller who stops early does not wait for the whole folder.
        for start in range(0, len(candidates), _CHUNK):
            chunk = candidates[start : start + _CHUNK]
            yield from zip(chunk, pool.map(lambda c: _examined(folder, c), chunk), strict=True)


def _examined(folder: Path, candidate: _Candidate) -> FoundFile | BrokenFile | None:
    """Return what the file turned out to be, or None if it has gone in the meantime."""
    if candidate.problem:
        return candidate.broken(candidate.problem)
    try:
        facts = examine(folder / candidate.name)
    except FileNotFoundError:
        return None
    except ImageError as error:
        return candidate.broken(str(error))
    return FoundFile(
        path=candidate.path,
        content_hash=facts.content_hash,
        width=facts.width,
        height=facts.height,
        format=facts.format,
        size=candidate.size,
        modified_ns=candidate.modified_ns,
    )


def _walk(folder: Path) -> Iterator[_Candidate]:
    """Yield what to look at; real folders first, then linked ones that were not reached yet."""
    visited: set[tuple[int, int]] = set()
    pending, links = [""], list[str]()
    while pending or links:
        prefix = pending.pop() if pending else links.pop(0)
        try:
            entries = _entries(folder / prefix, visited)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield _Candidate(prefix.rstrip("/") or ".", 0, 0, _unreadable(error))
            continue
        for entry in entries:
            name = prefix + entry.name
            if os.path.isdir(entry):  # noqa: PTH112 - a link that leads round in circles is False
                (links if entry.is_symlink() else pending).append(name + "/")
            elif Path(entry.name).suffix.lower() in SUFFIXES:
                yield from _candidate(entry, name)


def _entries(folder: Path, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return what is not hidden in a folder, sorted; nothing if the folder was visited before."""
    about = folder.stat()
    identity = (about.st_dev, about.st_ino)
    if identity in visited:
        return []
    visited.add(identity)
    with os.scandir(folder) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(visible, key=lambda entry: entry.name)


def _candidate(entry: os.DirEntry[str], name: str) -> Iterator[_Candidate]:
    try:
        about = entry.stat()
    except FileNotFoundError:
        if entry.is_symlink():
            yield _Candidate(name, 0, 0, "is a link to a missing file")
        return
    except OSError as error:
        yield _Candidate(name, 0, 0, _unreadable(error))
        return
    problem = ""
    if not stat.S_ISREG(about.st_mode):
        problem = "is not an ordinary file"
    elif not _is_utf8(name):
        problem = "has a name that is not UTF-8; rename it"
    yield _Candidate(name, about.st_size, about.st_mtime_ns, problem)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
