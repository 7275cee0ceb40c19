"""Building a file or folder out of sight, so that a program killed half-way leaves nothing half."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

SUFFIX = ".backup.partial"

FRESH_SECONDS = 60.0
"""A younger folder may belong to a program that has not locked it yet."""


@contextlib.contextmanager
def partial_folder(target: Path) -> Iterator[Path]:
    """Make a folder beside a target that is going to be renamed or moved out of, and delete it.

    Folders that killed programs left there are deleted first.

    Args:
        target: What is being built; its folder must exist.
    """
    _delete_abandoned(target.parent)
    path = Path(tempfile.mkdtemp(dir=target.parent, prefix=".", suffix=SUFFIX))
    lock = FileLock(f"{path}.lock")  # held while this program lives
    try:
        with lock:
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        Path(lock.lock_file).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file, or what a folder lists, on the disk before going on."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _delete_abandoned(parent: Path) -> None:
    for folder in parent.glob(f".*{SUFFIX}"):
        with contextlib.suppress(Timeout, OSError):  # somebody is at it, or another user's
            if time.time() - folder.stat().st_mtime < FRESH_SECONDS:
                continue
            with FileLock(f"{folder}.lock").acquire(timeout=0) as lock:
                shutil.rmtree(folder, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)
