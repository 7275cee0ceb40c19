"""Graphs of networks kept for the user, so that each network is converted once a machine."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

MOST_BYTES = 1_000_000_000
"""What all kept graphs may take together; those used longest ago go first."""
GRAPH = "graph.xml"
_SUMS = "sha256.json"
_LOG = logging.getLogger(__name__)


class GraphCache:
    """A folder with one subfolder a graph, each with the checksums of its files.

    A subfolder comes into being whole, by a new name, so several processes may share the cache.
    What cannot be read, or is not what was written, does not count and is deleted.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        """Keep graphs in a folder, which is made when it is needed."""
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, key: str) -> Path | None:
        """Return the file of a graph that is kept and undamaged, or None."""
        entry = self._folder / key
        try:
            sums = json.loads((entry / _SUMS).read_text(encoding="utf-8"))
            if GRAPH not in sums or any(_sum(entry / name) != sums[name] for name in sums):
                raise ValueError("its files are not what was written")
            os.utime(entry)
            return entry / GRAPH
        except FileNotFoundError:
            pass  # there is none, or a part of it is lost
        except (OSError, ValueError, TypeError) as error:
            _LOG.warning("%s cannot be used (%s) and is made again", entry, error)
        self.discard(key)
        return None

    def has(self, key: str) -> bool:
        """Whether there is a graph of that name, damaged or not."""
        return (self._folder / key / _SUMS).exists()

    def put(self, key: str, write: Callable[[Path], None]) -> None:
        """Keep a graph, and delete those used longest ago if all take too much room.

        Args:
            key: Its name: letters and digits.
            write: Writes the graph to the file that it is given, and may write others beside it.

        Raises:
            OSError: If it cannot be kept; nothing is left behind.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Path(tempfile.mkdtemp(dir=self._folder, prefix=f".{key}."))
        try:
            write(made / GRAPH)
            sums = {file.name: _sum(file) for file in made.iterdir()}
            (made / _SUMS).write_text(json.dumps(sums), encoding="utf-8")
            self.discard(key)
            made.rename(self._folder / key)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._make_room(key)

    def discard(self, key: str) -> None:
        """Delete a graph, if it is there."""
        shutil.rmtree(self._folder / key, ignore_errors=True)

    def _make_room(self, newest: str) -> None:
        entries = [entry for entry in self._folder.iterdir() if entry.is_dir()]
        entries.sort(key=lambda entry: (entry.name != newest, -_time(entry)))
        total = 0
        for entry in entries:
            total += sum(_size(file) for file in entry.rglob("*"))
            if total > self._most_bytes and entry.name != newest:
                shutil.rmtree(entry, ignore_errors=True)


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process has deleted it
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # another process has deleted it
        return 0
