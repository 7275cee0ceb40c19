"""The feature folder of a backbone: one row an image, written by the worker while pages read it."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from annotator.arrays import checksums
from annotator.errors import ProjectError
from annotator.settings import PROJECT_FILE, write_atomically
from mlrpl.backbone_names import located

SEARCH_DIMENSIONS = 128
"""Length of a search vector."""

_BLOCK = 4096
_META = "meta.json"
_FAILED = "failed.json"
_ORDER = "order.npy"
_PROJECTIONS = "pca.npz"
_SUMS = "crc32"
"""Array of the rows' checksums; folders that older programs made have none."""
_ARRAYS = ("pooled", "tokens", "search", _SUMS, "done")
"""In the order in which they grow: a row that `done` has is a row that all have."""

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]


class FeatureFiles:
    """Memory-mapped feature arrays, indexed by image ordinal.

    A row counts only where `done` is 1, and `done` is set after the row is on disk, so a process
    killed at any moment leaves nothing that looks finished and is not. Files only ever grow, so
    a reader's arrays stay valid while the worker appends; a reader sees rows come done in the
    arrays it holds, and sees new rows when it opens the folder again.
    """

    pooled: npt.NDArray[np.float16]
    """`(rows, D)`, one vector an image at the backbone's full width."""
    tokens: npt.NDArray[np.float16]
    """`(rows, P, T)`, one reduced vector a position; P and T are 0 without a token map."""
    search: npt.NDArray[np.float32]
    """`(rows, 128)`, unit length."""
    done: npt.NDArray[np.uint8]
    """`(rows,)`, 1 where the row holds an image's features."""
    sums: npt.NDArray[np.uint32] | None
    """`(rows,)`, checksum of each row that is done; None in folders of older programs."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        """Map the arrays of an existing folder; `open` is the way in for everybody else."""
        self.path = path
        self.meta: dict[str, Any] = json.loads((path / _META).read_text(encoding="utf-8"))
        self._mode: Literal["r+", "r"] = "r+" if writable else "r"
        self._map()

    @classmethod
    def open(cls, path: Path, *, writable: bool = False) -> FeatureFiles | None:
        """Return the features in a folder, or None if it has none.

        Raises:
            ProjectError: If the folder is damaged.
        """
        if not (path / _META).exists():
            return None
        try:
            return cls(path, writable=writable)
        except (OSError, ValueError, EOFError, KeyError):
            raise unreadable(path) from None

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        backbone: str,
        pooled_dim: int,
        positions: int = 0,
        token_dim: int = 0,
        rows: int = 0,
        grey_range: str = "auto",
        projections: Mapping[str, Floats] | None = None,
    ) -> FeatureFiles:
        """Make a feature folder, whole or not at all, and return it writable.

        Args:
            path: The folder; it must not hold features yet.
            backbone: Name of the network, kept in `meta.json`.
            pooled_dim: Length of a pooled vector.
            positions: Positions of the token map.
            token_dim: Length of a token.
            rows: Images to have room for.
            grey_range: What is black and white in grey pictures, kept in `meta.json`.
            projections: What turned the backbone's output into rows, kept in `pca.npz`.

        Raises:
            ProjectError: If the folder holds features already.
        """
        shapes = {
            "pooled": (pooled_dim,),
            "tokens": (positions, token_dim),
            "search": (SEARCH_DIMENSIONS,),
            _SUMS: (),
            "done": (),
        }
        halves, kinds = np.float16, {"search": np.float32, _SUMS: np.uint32, "done": np.uint8}
        meta = {
            "backbone": backbone,
            "pooled": pooled_dim,
            "tokens": [positions, token_dim],
            "grey_range": grey_range,
        }
        path.parent.mkdir(exist_ok=True)  # not that of the project: one that was deleted stays so
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
        try:
            for name in _ARRAYS:
                shape = (rows, *shapes[name])
                _create_array(temporary / f"{name}.npy", kinds.get(name, halves), shape)
            with (temporary / _PROJECTIONS).open("wb") as file:
                np.savez(file, **dict(projections or {}))  # type: ignore[arg-type]
            write_atomically(temporary / _META, json.dumps(meta, indent=1).encode())
            checksums.record(temporary, [_META, _PROJECTIONS])
            temporary.chmod(0o755)
            temporary.rename(path)
        except OSError as error:
            raise ProjectError(f"the feature folder {path} cannot be made: {error}") from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return cls(path, writable=True)

    @property
    def backbone(self) -> str:
        """Name of the network that the features come from."""
        return str(self.meta["backbone"])

    @property
    def grey_range(self) -> str:
        """What was black and white in grey pictures; `images.grey_range` of the settings then."""
        return str(self.meta.get("grey_range", "auto"))

    def start_over(self, grey_range: str) -> None:
        """Take all rows for not done if pictures are read in another way now.

        What turns the network's output into rows stays, so versions go on with the new rows.
        """
        if grey_range != self.grey_range:
            self.discard(self.done_rows)
            self.meta["grey_range"] = grey_range
            checksums.forget(self.path, [_META])
            write_atomically(self.path / _META, json.dumps(self.meta, indent=1).encode())
            checksums.record(self.path, [_META])

    @property
    def network(self) -> str:
        """The same name with weights files that can be found from any directory.

        Raises:
            ValueError: If it is no backbone's name.
        """
        holds = (folder for folder in self.path.parents if (folder / PROJECT_FILE).exists())
        return located(self.backbone, next(holds, self.path.parents[1]))

    @property
    def rows(self) -> int:
        """Images that there is room for."""
        return len(self.done)

    @property
    def done_rows(self) -> Rows:
        """Ordinals of the images that have features, ascending."""
        return np.flatnonzero(self.done)

    def is_done(self, ordinal: int) -> bool:
        """Whether an image has features; false beyond the last row."""
        return ordinal < self.rows and bool(self.done[ordinal])

    def projections(self) -> dict[str, Floats]:
        """Return what turned the backbone's output into rows, by name."""
        try:
            with np.load(self.path / _PROJECTIONS) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, BadZipFile):
            raise unreadable(self.path) from None

    def grow(self, rows: int) -> None:
        """Make room for more images; the old rows stay where they are. Never shrinks.

        Raises:
            ProjectError: If the disk has no room for them.
        """
        try:
            for name in self._names():
                _grow_array(self.path / f"{name}.npy", rows)
        except OSError as error:
            raise ProjectError(
                f"the features in {self.path} cannot grow to {rows:,} images: {error.strerror}; "
                "free some space, then run `annotator embed`"
            ) from None
        self._map()

    def write(self, ordinals: Rows, pooled: Floats, tokens: Floats, search: Floats) -> None:
        """Store the features of some images and mark them as done, on disk in this order.

        Args:
            ordinals: `(B,)`, each below `rows`.
            pooled: `(B, D)`; values beyond the range of float16 are clipped to it.
            tokens: `(B, P, T)`, likewise.
            search: `(B, 128)`, unit length.

        Raises:
            ValueError: If a value is not finite.
        """
        for name, values in (("pooled", pooled), ("tokens", tokens), ("search", search)):
            if not np.isfinite(values).all():
                raise ValueError(f"{name} features hold a value that is not a finite number")
            array = getattr(self, name)
            limit = np.finfo(array.dtype).max
            array[ordinals] = np.clip(values, -limit, limit)
            _flush(array)
        if self.sums is not None:
            self.sums[ordinals] = self._sums_of(ordinals)
            _flush(self.sums)
        self.done[ordinals] = 1
        _flush(self.done)

    def damaged_rows(self) -> Rows:
        """Return the ordinals of images that are done but whose rows are not what was written."""
        rows = self.done_rows
        if self.sums is None:
            return rows[:0]
        parts = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
        wrong = [part[self._sums_of(part) != self.sums[part]] for part in parts]
        return np.concatenate([rows[:0], *wrong])

    def damaged_files(self) -> list[str]:
        """Return the names of the files without which the rows are of no use and that changed."""
        wrong = checksums.changed(self.path)
        try:
            self.projections()
        except ProjectError:
            wrong.append(_PROJECTIONS)
        return list(dict.fromkeys(wrong))

    @property
    def has_damaged_order(self) -> bool:
        """Whether there is an order of the images that cannot be used."""
        return (self.path / _ORDER).exists() and self.order is None

    def delete_order(self) -> None:
        """Delete the order of the images, which the next embedding makes again."""
        (self.path / _ORDER).unlink(missing_ok=True)

    def discard(self, ordinals: Rows) -> None:
        """Take rows for not done, so that these images are embedded again."""
        self.done[ordinals] = 0
        _flush(self.done)

    def _sums_of(self, ordinals: Rows) -> npt.NDArray[np.uint32]:
        sums = np.zeros(len(ordinals), dtype=np.uint32)
        for place, ordinal in enumerate(ordinals):
            found = 0
            for array in (self.pooled, self.tokens, self.search):
                found = zlib.crc32(array[ordinal].tobytes(), found)
            sums[place] = found
        return sums

    def failed(self) -> dict[int, str]:
        """Return the reason for every image that could not be embedded, by ordinal."""
        try:
            reasons = json.loads((self.path / _FAILED).read_text(encoding="utf-8"))
            return {int(ordinal): str(reason) for ordinal, reason in reasons.items()}
        except (OSError, ValueError, AttributeError):  # only tells people why; embedding finds out
            return {}

    def write_failed(self, reasons: Mapping[int, str]) -> None:
        """Replace the record of images that could not be embedded."""
        content = json.dumps({str(k): v for k, v in sorted(reasons.items())}, indent=1)
        write_atomically(self.path / _FAILED, content.encode())

    @property
    def order(self) -> npt.NDArray[np.int32] | None:
        """Return the ordinals of embedded images, most different ones first.

        None if it was not made yet, or is damaged: it is only the better of two orders.
        """
        try:
            order = np.asarray(np.load(self.path / _ORDER), dtype=np.int32)
        except (OSError, ValueError, EOFError):
            return None
        fine = order.ndim == 1 and bool((order >= 0).all())
        return order if fine else None

    def write_order(self, order: npt.NDArray[np.int32]) -> None:
        """Replace the order in which images are shown before anything is known."""
        buffer = io.BytesIO()
        np.save(buffer, order.astype(np.int32))
        write_atomically(self.path / _ORDER, buffer.getvalue())

    def _map(self) -> None:
        maps = {n: np.load(self.path / f"{n}.npy", mmap_mode=self._mode) for n in self._names()}
        rows = len(maps["done"])
        if any(len(array) < rows for array in maps.values()):
            raise ValueError("a file has fewer rows than are done")
        self.pooled, self.tokens = maps["pooled"][:rows], maps["tokens"][:rows]
        self.search, self.done = maps["search"][:rows], maps["done"]
        self.sums = maps[_SUMS][:rows] if _SUMS in maps else None

    def _names(self) -> list[str]:
        has_sums = (self.path / f"{_SUMS}.npy").exists()
        return [name for name in _ARRAYS if name != _SUMS or has_sums]


def unreadable(path: Path) -> ProjectError:
    """Return the refusal of features that are damaged, with the cure."""
    return ProjectError(
        f"the features in {path} cannot be read; run `{checksums.repair_command(path)}`, "
        "then `annotator embed` to make them again"
    )


def _flush(array: npt.NDArray[Any]) -> None:
    if isinstance(array, np.memmap):  # an array without elements is not mapped
        array.flush()


def _header(kind: npt.DTypeLike, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    description = npy.dtype_to_descr(np.dtype(kind))
    npy.write_array_header_1_0(
        buffer, {"descr": description, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def _create_array(path: Path, kind: npt.DTypeLike, shape: tuple[int, ...]) -> None:
    header = _header(kind, shape)
    with path.open("x+b") as file:  # some systems read what is there before they reserve more
        file.write(header)
        file.flush()
        _reserve(file.fileno(), len(header) + math.prod(shape) * np.dtype(kind).itemsize)
        os.fsync(file.fileno())


def _reserve(file: int, size: int) -> None:
    """Lengthen a file and take the room for it now.

    Where a file with holes is mapped and the disk is full, the system ends the process that
    writes into a hole, without a word.
    """
    try:
        os.posix_fallocate(file, 0, size)
    except AttributeError:  # macOS and Windows have none
        os.truncate(file, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        os.truncate(file, size)  # a file system that cannot reserve


def _grow_array(path: Path, rows: int) -> None:
    """Lengthen the file first and the number in its header second.

    A reader that comes in between sees the old number of rows in a file that is longer than it
    needs. NumPy pads the header so that the first axis can grow in place.
    """
    with path.open("r+b") as file:
        npy.read_magic(file)
        shape, _, kind = npy.read_array_header_1_0(file)
        if shape[0] >= rows:
            return
        header = _header(kind, (rows, *shape[1:]))
        if len(header) != file.tell():
            raise ProjectError(f"{path} has a header that cannot grow; delete its folder")
        _reserve(file.fileno(), len(header) + rows * math.prod(shape[1:]) * kind.itemsize)
        os.fsync(file.fileno())
        file.seek(0)
        file.write(header)
        file.flush()
        os.fsync(file.fileno())
