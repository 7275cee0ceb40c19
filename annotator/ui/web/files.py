"""The folder of files that come in and go out through the browser: private, bounded, cleared."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from gradio.utils import get_upload_folder

PREFIX = "annotator-web-"

KEPT_SECONDS = 3600.0
"""How long a file stays; whoever uploads or exports one uses it at once."""

FRESH_SECONDS = 300.0
"""Younger files are not given up for a new upload."""

ROOM = 4
"""So many of the largest uploads find room beside each other."""


class WebFiles:
    """Uploads and downloads of one server, in a folder that goes when the server does.

    Gradio's own place is a folder that all its programs share and nobody clears.
    """

    def __init__(self, max_upload: int, parent: Path | None = None) -> None:
        """Make the folder, and delete those of servers that were killed.

        Args:
            max_upload: Largest upload, in bytes.
            parent: Where to make it; None takes the system's place for temporary files.
        """
        self.max_upload = max_upload
        parent = parent or Path(tempfile.gettempdir())
        _delete_abandoned(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
        self._coming = 0
        # Held while this process lives, so that others see whose folder is abandoned.
        self._lock = FileLock(f"{self.folder}.lock")
        self._lock.acquire()

    def use_in_gradio(self) -> None:
        """Let Gradio keep its files here; it takes the place from the environment."""
        os.environ["GRADIO_TEMP_DIR"] = str(self.folder)

    def holds(self, place: str) -> bool:
        """Return whether a file of this folder is meant, links and dots followed."""
        try:
            return Path(place).is_absolute() and Path(place).resolve().is_relative_to(self.folder)
        except (OSError, ValueError):  # a name too long, or with a zero in it
            return False

    @contextlib.contextmanager
    def receiving(self, size: int) -> Iterator[None]:
        """Count an upload as coming while it does."""
        self._coming += size
        try:
            yield
        finally:
            self._coming -= size

    def make_room(self, size: int) -> bool:
        """Return whether an upload of this size fits, older files deleted where they must be."""
        entries = sorted((_age(entry), _size(entry), entry) for entry in self._entries())
        used = self._coming + sum(held for _, held, _ in entries)
        while used + size > ROOM * self.max_upload:
            if not entries or entries[-1][0] < FRESH_SECONDS:
                return False
            _, held, oldest = entries.pop()
            _delete(oldest)
            used -= held
        return True

    def clear(self) -> None:
        """Delete what has been here for longer than `KEPT_SECONDS`."""
        for entry in self._entries():
            if _age(entry) > KEPT_SECONDS:
                _delete(entry)

    def _entries(self) -> list[Path]:
        # Systems delete what lies untouched among temporary files for days.
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return list(self.folder.iterdir())

    def close(self) -> None:
        """Delete the folder."""
        _delete(self.folder)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def download_folder() -> Path:
    """Return an empty folder for files that a page offers, under a name that nobody can guess."""
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=parent))


def _delete_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        if not folder.is_dir() or _age(folder) < FRESH_SECONDS:
            continue  # a young one may belong to a server that has not locked it yet
        lock = FileLock(f"{folder}.lock")
        with contextlib.suppress(Timeout, OSError), lock.acquire(timeout=0):  # or of another user
            _delete(folder)
            Path(lock.lock_file).unlink(missing_ok=True)


def _age(entry: Path) -> float:
    try:
        return time.time() - entry.stat().st_mtime
    except OSError:  # gone in the meantime
        return 0.0


def _size(entry: Path) -> int:
    files = [entry, *entry.rglob("*")]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total


def _delete(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
