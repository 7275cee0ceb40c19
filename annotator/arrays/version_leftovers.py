"""Folders that trainings have left behind which came to no end."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Collection
from pathlib import Path

LEFTOVER_SECONDS = 3600.0
"""Age from which on an unpublished version's folder is taken for the leftover of a dead worker."""


def delete_leftovers(
    versions_path: Path, existing: Collection[int], *, older_than: float = LEFTOVER_SECONDS
) -> list[Path]:
    """Delete the folders of versions that were never published, and return them.

    Args:
        versions_path: Where the versions lie.
        existing: Numbers of those that were published.
        older_than: Seconds for which nothing was written; a folder that another worker may be
            writing just now is left alone.
    """
    deleted = []
    for path in sorted(versions_path.glob("*")):
        published = path.name.isdecimal() and int(path.name) in existing
        if published or not path.is_dir():
            continue
        if time.time() - _touched(path) >= older_than:
            shutil.rmtree(path, ignore_errors=True)
            deleted.append(path)
    return deleted


def _touched(path: Path) -> float:
    """Return when anything in a folder was written last."""
    times = [path.stat().st_mtime]
    for inside in path.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # another worker has just renamed it
            times.append(inside.stat().st_mtime)
    return max(times)
