"""A certificate's folder: frozen pairs, bets and draws, and in the end the fill as bits."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.errors import NotFound, ProjectError
from annotator.settings import Project, write_atomically

PAIRS, BETS, PARTS = "pairs.npy", "bets.npz", "parts.npz"
DRAWS, PRESENT_DRAWS = "draws.npy", "present_draws.npy"
PLAN, FILL = "plan.json", "fill.npy"

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]


_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile)


def root(project: Project) -> Path:
    """Return where the certificates of a project lie."""
    return project.path / "certificates"


def folder(project: Project, number: int) -> Path:
    """Return where a certificate lies."""
    return root(project) / f"{number:04d}"


def write(
    project: Project, arrays: Mapping[str, Array | Mapping[str, Array]]
) -> tuple[Path, dict[str, str]]:
    """Write the arrays of a plan into a temporary folder.

    Args:
        project: Whose certificate it is going to be.
        arrays: By the name of the file; an `.npz` file has several by name.

    Returns:
        The folder, and the SHA-256 of each file, hexadecimal.

    Raises:
        ProjectError: If it cannot be written.
    """
    try:
        root(project).mkdir(exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=root(project), prefix=".plan.", suffix=".tmp"))
        path.chmod(0o755)
        for name, array in arrays.items():
            _save(path / name, array)
        return path, {name: file_hash(path / name) for name in arrays}
    except OSError as error:
        raise ProjectError(
            f"The certificate in {root(project)} cannot be written ({error}); free some space."
        ) from None


def publish(project: Project, temporary: Path, number: int, plan: Mapping[str, Any]) -> None:
    """Give a temporary folder its number; a folder without a row in the database is replaced."""
    write_atomically(temporary / PLAN, json.dumps(plan, indent=1).encode())
    path = folder(project, number)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)


def read(project: Project, number: int, name: str) -> Ints:
    """Return one array of a certificate, mapped from disk.

    Raises:
        NotFound: If the file is gone or damaged.
    """
    path = folder(project, number) / name
    try:
        array: Ints = np.load(path, mmap_mode="r")
    except _UNREADABLE:
        raise NotFound(_unreadable(path, number)) from None
    return array


def read_several(project: Project, number: int, name: str) -> dict[str, Array]:
    """Return the arrays of one `.npz` file of a certificate by name.

    Raises:
        NotFound: If the file is gone or damaged.
    """
    path = folder(project, number) / name
    try:
        with path.open("rb") as file, np.load(file) as found:  # closes a damaged file, too
            return dict(found)
    except _UNREADABLE:
        raise NotFound(_unreadable(path, number)) from None


def check(project: Project, number: int, hashes: Mapping[str, str], *, afresh: bool = True) -> None:
    """Refuse files that are not those that were frozen.

    Args:
        project: Whose certificate it is.
        number: Of the certificate.
        hashes: The SHA-256 of each file, hexadecimal.
        afresh: Whether to read files again that have not changed since the last time, as their
            size and time say; a page looks often.

    Raises:
        NotFound: If a file is gone, damaged or exchanged.
    """
    for name, expected in hashes.items():
        path = folder(project, number) / name
        try:
            found = file_hash(path) if afresh else _hash_as_of(path, _stamp(path))
        except OSError:
            found = ""
        if found != expected:
            raise NotFound(_unreadable(path, number))


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@functools.lru_cache(maxsize=256)
def _hash_as_of(path: Path, _stamp: tuple[int, ...]) -> str:
    return file_hash(path)


class FillBits:
    """Which pairs a certificate fills in, two bits a pair; images in rows."""

    def __init__(self, bits: Bits, columns: int) -> None:
        """Wrap `(2, N, ceil(columns / 8))`: present ones first, then absent ones."""
        self._bits = bits
        self.columns = columns

    @classmethod
    def empty(cls, rows: int, columns: int) -> FillBits:
        """Return bits that fill in nothing."""
        return cls(np.zeros((2, rows, -(-columns // 8)), np.uint8), columns)

    @classmethod
    def read(cls, project: Project, number: int, columns: int) -> FillBits:
        """Return the fill of a certificate, mapped from disk.

        Raises:
            NotFound: If the file is gone or damaged.
        """
        return cls(read(project, number, FILL).view(np.uint8), columns)

    def write(self, project: Project, number: int) -> None:
        """Write the bits into the certificate's folder."""
        path = folder(project, number) / FILL
        temporary = path.with_suffix(".tmp")
        _save(temporary, self._bits)
        temporary.replace(path)

    def mark(self, state: int, image: Ints, category: Ints) -> None:
        """Fill in pairs by ordinal as present (0) or absent (1)."""
        value = np.left_shift(1, category & 7).astype(np.uint8)
        np.bitwise_or.at(self._bits[state], (image, category >> 3), value)

    def row(self, image: int) -> tuple[list[int], list[int]]:
        """Return the ordinals of the categories filled in for an image: present, absent ones."""
        if image >= self._bits.shape[1]:
            return [], []
        both = np.unpackbits(self._bits[:, image], axis=-1, count=self.columns, bitorder="little")
        return np.flatnonzero(both[0]).tolist(), np.flatnonzero(both[1]).tolist()

    def has(self, image: int, category: int) -> bool:
        """Whether a pair is filled in."""
        if image >= self._bits.shape[1] or category >= self.columns:
            return False
        return bool((self._bits[:, image, category >> 3] >> (category & 7) & 1).any())

    def contains(self, state: int, image: npt.ArrayLike, category: npt.ArrayLike) -> Bools:
        """Return which of some pairs by ordinal are filled in as present (0) or absent (1)."""
        rows, columns = np.asarray(image, np.int64), np.asarray(category, np.int64)
        inside = (rows < self.images) & (columns < self.columns)
        found = np.zeros(len(rows), bool)
        byte = self._bits[state, rows[inside], columns[inside] >> 3]
        found[inside] = byte >> (columns[inside] & 7) & 1
        return found

    def count(self, state: int, category: int) -> int:
        """Return how many pairs of a category are filled in as present (0) or absent (1)."""
        if category >= self.columns:
            return 0
        return int((self._bits[state, :, category >> 3] >> (category & 7) & 1).sum(dtype=np.int64))

    def rows(self, start: int, stop: int) -> Bools:
        """Return `(2, n, columns)` for some images; those without a row are left out."""
        part = np.asarray(self._bits[:, start:stop])
        bits = np.unpackbits(part, axis=-1, count=self.columns, bitorder="little")
        return bits.astype(bool)

    def rows_at(self, images: npt.NDArray[np.integer]) -> Bools:
        """Return `(2, n, columns)` for images by ordinal; those without a row are left out."""
        part = np.asarray(self._bits[:, images[images < self.images]])
        bits = np.unpackbits(part, axis=-1, count=self.columns, bitorder="little")
        return bits.astype(bool)

    @property
    def images(self) -> int:
        """Rows."""
        return int(self._bits.shape[1])


def _save(path: Path, array: Array | Mapping[str, Array]) -> None:
    with path.open("wb") as file:
        if isinstance(array, Mapping):
            np.savez(file, **dict[str, Any](array))
        else:
            np.save(file, np.ascontiguousarray(array))
        file.flush()
        os.fsync(file.fileno())


def _unreadable(path: Path, number: int) -> str:
    return (
        f"The file {path} of certificate {number} is missing, damaged or not the one that was "
        "frozen; copy it from a backup (`annotator backup` makes plain zip files), or give this "
        "certificate up (cancel it, or roll it back) and plan again."
    )
