"""Maps below a network's last stage, kept so that fine-tuning need not read the pictures again."""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from annotator.arrays.version_features import delete_folder
from annotator.settings import write_atomically

COPIES = 2
"""Of every picture: as it is, and mirrored."""

_META, _INDEX, _RECORDS = "meta.json", "index", "maps"
_ENTRY = np.dtype([("ordinal", "<i8"), ("crc32", "<u4")])
_BLOCK = 256

Rows = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]


@contextmanager
def used_by_nobody_else(path: Path) -> Iterator[bool]:
    """Yield whether this process alone uses a folder of maps, which then stays so."""
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


class KeptMaps:
    """One record a picture, in the order in which they came; a cache that may be deleted any time.

    A value takes 8 bits: each channel of each copy is divided by its largest absolute value. A
    record counts once its entry in the index is on disk, so a process that is killed leaves
    nothing that looks finished and is not. A record that is not what was written does not count.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        """Read which pictures there are; `open` is the way in for everybody else."""
        self.path = path
        self.shape = shape
        self._record = record_type(shape)
        with (path / _INDEX).open("ab"), (path / _RECORDS).open("ab"):
            pass  # both are there from now on
        index = np.fromfile(path / _INDEX, _ENTRY)
        whole = (path / _RECORDS).stat().st_size // self._record.itemsize
        self._count = min(len(index), whole)
        os.truncate(path / _INDEX, self._count * _ENTRY.itemsize)
        os.truncate(path / _RECORDS, self._count * self._record.itemsize)
        self._places: dict[int, int] = {}
        self._map()
        for start in range(0, self._count, _BLOCK):
            block = slice(start, min(start + _BLOCK, self._count))
            for place, (entry, record) in enumerate(
                zip(index[block], self._records[block], strict=True), start
            ):
                if zlib.crc32(record.tobytes()) == entry["crc32"]:
                    self._places[int(entry["ordinal"])] = place

    @classmethod
    def open(cls, path: Path, about: Mapping[str, Any], shape: tuple[int, ...]) -> KeptMaps:
        """Return the maps in a folder, which starts empty if its maps were made in another way.

        Args:
            path: The folder, made if it is not there.
            about: What the maps depend on, such as the network's name; JSON can hold it.
            shape: Of the map of one picture, channels first.
        """
        wanted = json.dumps({**about, "shape": list(shape)}, indent=1, sort_keys=True)
        try:
            is_usable = (path / _META).read_text(encoding="utf-8") == wanted
        except (OSError, UnicodeDecodeError):
            is_usable = False
        if not is_usable:
            delete_folder(path)
            path.mkdir(parents=True)
            write_atomically(path / _META, wanted.encode())
        return cls(path, shape)

    def __len__(self) -> int:
        """Return how many records take room on disk."""
        return self._count

    def missing(self, ordinals: Rows) -> Rows:
        """Return those of some pictures that have no map."""
        return np.array([o for o in ordinals if int(o) not in self._places], np.int64)

    def append(self, ordinals: Rows, maps: Floats) -> None:
        """Store the maps `(B, 2, *shape)` of pictures, the mirrored ones second.

        Raises:
            ValueError: If a value is not finite.
            OSError: If the disk is full; what was there stays.
        """
        records = packed(maps)
        index = np.zeros(len(records), _ENTRY)
        index["ordinal"] = ordinals
        index["crc32"] = [zlib.crc32(record.tobytes()) for record in records]
        _extend(self.path / _RECORDS, records, self._count)
        _extend(self.path / _INDEX, index, self._count)
        for ordinal in ordinals:
            self._places[int(ordinal)] = self._count
            self._count += 1
        self._map()

    def read(self, ordinals: Rows, mirrored: Bools) -> npt.NDArray[np.float32]:
        """Return the maps `(B, *shape)` of pictures that have one, mirrored where it is told."""
        places = [self._places[int(ordinal)] for ordinal in ordinals]
        return unpacked(self._records[places], mirrored)

    def _map(self) -> None:
        size = self._count
        self._records: npt.NDArray[Any] = (
            np.memmap(self.path / _RECORDS, self._record, "r", shape=(size,))
            if size
            else np.zeros(0, self._record)
        )


def kept_bytes(path: Path) -> int:
    """Return how much room the maps in a folder take; 0 if there is none."""
    try:
        return sum(file.stat().st_size for file in path.iterdir())
    except OSError:
        return 0


def delete_outdated(path: Path, about: Mapping[str, Any]) -> bool:
    """Delete a folder of maps if they were made in another way; whether they were.

    Args:
        path: The folder.
        about: Some of what `KeptMaps.open` was told.
    """
    try:
        found = json.loads((path / _META).read_text(encoding="utf-8"))
        if all(found[name] == value for name, value in about.items()):
            return False
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        pass  # damaged
    with used_by_nobody_else(path) as ours:
        return ours and delete_folder(path)


def record_type(shape: tuple[int, ...]) -> np.dtype[Any]:
    """Return how the maps of one picture lie on disk."""
    return np.dtype([("scales", "<f4", (COPIES, shape[0])), ("values", "i1", (COPIES, *shape))])


def record_bytes(shape: tuple[int, ...]) -> int:
    """Return how much room a picture takes."""
    return record_type(shape).itemsize + _ENTRY.itemsize


def packed(maps: Floats) -> npt.NDArray[Any]:
    """Return records `(B,)` of maps `(B, 2, *shape)`.

    Raises:
        ValueError: If a value is not finite.
    """
    if not np.isfinite(maps).all():
        raise ValueError("a map holds a value that is not a finite number")
    records = np.zeros(len(maps), record_type(maps.shape[2:]))
    flat = maps.reshape(*maps.shape[:3], math.prod(maps.shape[3:]))
    scales = np.abs(flat).max(axis=3) / 127
    steps = np.where(scales > 0, scales, 1)[..., None]
    records["scales"] = scales
    records["values"] = np.rint(flat / steps).astype(np.int8).reshape(maps.shape)
    return records


def unpacked(records: npt.NDArray[Any], mirrored: Bools) -> npt.NDArray[np.float32]:
    """Return the maps `(B, *shape)` float32 of records, mirrored where it is told."""
    rows, copies = np.arange(len(records)), np.asarray(mirrored, np.int64)
    values, scales = records["values"][rows, copies], records["scales"][rows, copies]
    found: npt.NDArray[np.float32] = values * scales.reshape(
        *scales.shape, *[1] * (values.ndim - 2)
    )
    return found


def _extend(path: Path, array: npt.NDArray[Any], count: int) -> None:
    """Write records behind the first `count`, on disk when it returns, or not at all."""
    size = count * array.itemsize
    with path.open("r+b") as file:
        try:
            file.seek(size)
            file.write(array.tobytes())
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise
