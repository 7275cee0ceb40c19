"""The file of a backup: a plain zip with a checksum for everything in it, checked on every way."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from annotator.arrays.checksums import SUMS
from annotator.errors import FormatError, ProjectError
from annotator.services.backup.contents import Part

ABOUT = "backup.json"
"""Name of the file that says what the backup is of, and when it was made."""

BLOCK = 2**20
MOST_LISTED_BYTES = 2**26
"""Checksums and description may be so long; nobody has that many files."""

ZIP64_BYTES = 2**30
"""From this size on an entry gets room for sizes above 4 GB, which old programs do not read."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Before this a zip knows no time."""

PACKED = (".db", ".json", ".toml")
"""Endings of files that become much smaller; arrays of numbers hardly do."""

_BROKEN = (BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)
"""What reading a zip ends with if it is damaged, encrypted or packed in another way."""

OnBytes = Callable[[int], None]
"""Called with the number of bytes that were read or written since the last call."""


class ArchiveWriter:
    """A zip being written: each file once, all checksums at the end."""

    def __init__(self, zip_file: ZipFile, on_bytes: OnBytes) -> None:
        self._zip = zip_file
        self._on_bytes = on_bytes
        self.sums: dict[str, str] = {}

    def add(self, part: Part) -> str:
        """Put all of an open file in, to its end, and return its SHA-256.

        Raises:
            ProjectError: If it cannot be read.
            OSError: If the archive cannot be written.
        """
        name, size = part.name, part.size
        kind = ZIP_DEFLATED if name.endswith(PACKED) else ZIP_STORED
        info = ZipInfo(name, max(EARLIEST, part.changed_at))
        info.compress_type, info.external_attr = kind, (stat.S_IFREG | 0o644) << 16
        # A database becomes as small as with the usual level, in a quarter of the time.
        info._compresslevel = 1  # type: ignore[attr-defined]
        info.file_size = size
        digest = hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=size >= ZIP64_BYTES) as inside:
            while block := _block(part.file):
                digest.update(block)
                inside.write(block)
                self._on_bytes(len(block))
        self.sums[name] = digest.hexdigest()
        return self.sums[name]

    def add_text(self, name: str, text: str) -> None:
        """Put a short text in."""
        content = text.encode()
        if name != SUMS:
            self.sums[name] = hashlib.sha256(content).hexdigest()
        info = ZipInfo(name)
        info.compress_type, info.external_attr = ZIP_DEFLATED, (stat.S_IFREG | 0o644) << 16
        self._zip.writestr(info, content)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Put the description and the checksums in, which end the archive."""
        self.add_text(ABOUT, json.dumps(about, indent=1, ensure_ascii=False))
        lines = (f"{found}  {name}\n" for name, found in sorted(self.sums.items()))
        self.add_text(SUMS, "".join(lines))


class Archive:
    """A backup that is read. Nothing that it says about itself is believed before it is checked."""

    def __init__(self, path: Path, zip_file: ZipFile) -> None:
        self.path = path
        self._zip = zip_file
        self._entries = self._checked_entries()
        self._sums = self._checked_sums()
        self.about: Mapping[str, Any] = self._description()

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Archive]:
        """Open the file of a backup.

        Raises:
            FormatError: If it is none, or damaged.
            OSError: If it cannot be read.
        """
        try:
            zip_file = ZipFile(path)
        except _BROKEN:
            raise FormatError(
                f"{path} is not a backup, or it was cut off: it is no complete zip file; use "
                "another backup."
            ) from None
        with zip_file:
            yield cls(path, zip_file)

    @property
    def names(self) -> list[str]:
        """Names of the files, those that describe the archive left out."""
        return [name for name in self._entries if name not in (SUMS, ABOUT)]

    def size(self, names: Iterable[str]) -> int:
        """Return the bytes that some files have once they are unpacked."""
        return sum(self._entries[name].file_size for name in names)

    def verify(self, on_bytes: OnBytes) -> None:
        """Read every file and compare it with its checksum.

        Raises:
            FormatError: If one is not what was written.
        """
        for name in self.names:
            self._copy(name, None, on_bytes)

    def unpack(self, name: str, folder: Path, on_bytes: OnBytes) -> None:
        """Write one file below a folder, and compare it with its checksum.

        Raises:
            FormatError: If it is not what was written.
            OSError: If it cannot be written.
        """
        path = folder.joinpath(*PurePosixPath(name).parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            self._copy(name, out, on_bytes)

    def _copy(self, name: str, out: IO[bytes] | None, on_bytes: OnBytes) -> None:
        digest = hashlib.sha256()
        try:
            with self._zip.open(self._entries[name]) as inside:
                while block := inside.read(BLOCK):
                    digest.update(block)
                    if out is not None:
                        out.write(block)
                    on_bytes(len(block))
        except _BROKEN:
            raise self._damaged(name) from None
        if digest.hexdigest() != self._sums[name]:
            raise self._damaged(name)

    def _checked_entries(self) -> dict[str, ZipInfo]:
        entries: dict[str, ZipInfo] = {}
        for info in self._zip.infolist():
            mode = info.external_attr >> 16
            is_file = not info.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFREG)
            if not is_file or not _is_below(info.filename) or info.filename in entries:
                raise FormatError(
                    f"{self.path} is not a backup that `annotator backup` made: it holds "
                    f"{info.filename!r}; use another file."
                )
            entries[info.filename] = info
        return entries

    def _checked_sums(self) -> dict[str, str]:
        lines = self._text(SUMS).splitlines()
        sums = {name: found for found, _, name in (line.partition("  ") for line in lines)}
        listed, there = set(sums), set(self._entries) - {SUMS}
        if listed != there:
            raise self._damaged(min(listed ^ there))
        return sums

    def _description(self) -> Mapping[str, Any]:
        text = self._text(ABOUT)
        if hashlib.sha256(text.encode()).hexdigest() != self._sums[ABOUT]:
            raise self._damaged(ABOUT)
        try:
            about = json.loads(text)
        except (ValueError, RecursionError):
            about = None
        if not isinstance(about, dict):
            raise self._damaged(ABOUT)
        return about

    def _text(self, name: str) -> str:
        info = self._entries.get(name)
        if info is None:
            raise FormatError(
                f"{self.path} is not a backup that `annotator backup` made: it has no {name}; use "
                "another file."
            )
        try:
            if info.file_size > MOST_LISTED_BYTES:
                raise self._damaged(name)
            return self._zip.read(info).decode()
        except _BROKEN:
            raise self._damaged(name) from None

    def _damaged(self, name: str) -> FormatError:
        return FormatError(
            f"The backup {self.path} is damaged: {name} is not what was written; use another "
            "backup."
        )


def _block(file: IO[bytes]) -> bytes:
    try:
        return file.read(BLOCK)
    except OSError as error:
        raise ProjectError(
            f"{file.name} cannot be read ({error.strerror}); check the disk, then try again."
        ) from None


def _is_below(name: str) -> bool:
    """Whether a name can only mean a file below the folder it is written to, on any system."""
    parts = name.split("/")
    return all(p.strip(" .") for p in parts) and not set(name) & set('\\:*?"<>|\0')
