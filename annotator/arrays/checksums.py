"""Checksums of the files of a folder, in the form that `sha256sum --check` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from annotator.settings import PROJECT_FILE, write_atomically

SUMS = "SHA256SUMS"
"""Name of the file that holds them, one line a file: the sum in hexadecimal digits and the name."""


def record(folder: Path, names: Iterable[str]) -> None:
    """Note what some files of a folder hold now."""
    sums = dict(read(folder))
    sums.update({name: _sum(folder / name) for name in names})
    _write(folder, sums)


def forget(folder: Path, names: Iterable[str]) -> None:
    """Note that files are about to change: until they are recorded again nothing is known of them.

    A folder without checksums, as older programs made them, stays without.
    """
    sums = dict(read(folder))
    gone = [name for name in names if sums.pop(name, None) is not None]
    if gone:
        _write(folder, sums)


def read(folder: Path) -> Mapping[str, str]:
    """Return the sums by name, empty if there are none."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: found for found, _, name in (line.partition("  ") for line in lines) if name}


def changed(folder: Path, names: Iterable[str] | None = None) -> list[str]:
    """Return which files are missing or hold something else than was recorded.

    Args:
        folder: Where they lie.
        names: Files to look at; those that were not recorded count as fine. None means all.
    """
    sums = read(folder)
    wanted = sums if names is None else [name for name in names if name in sums]
    return [name for name in wanted if _sum(folder / name) != sums[name]]


def repair_command(path: Path) -> str:
    """Return what to type to have a damaged file of a project made again."""
    holds = (folder for folder in path.parents if (folder / PROJECT_FILE).exists())
    return f"annotator doctor {next(holds, 'PROJECT')} --repair"


def _write(folder: Path, sums: Mapping[str, str]) -> None:
    text = "".join(f"{found}  {name}\n" for name, found in sorted(sums.items()))
    write_atomically(folder / SUMS, text.encode())


def _sum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
