"""Reduced pictures for the pages, made once and kept."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from annotator.images.decoding import AS_USUAL, open_rgb
from annotator.setting_sections import Images
from annotator.settings import write_atomically

WIDTHS = (256, 1280, 2560)
"""Longer side of a thumbnail, pixels, ascending: for grids, for one picture on the screen, and for
one that somebody zooms into."""

_QUALITY = 82
_EFFORT = 0
"""Of the encoder: one step more takes a quarter longer and saves two percent."""
_OVERSAMPLING = 1.5
"""Enough for a sharp reduction; a picture of 12 megapixels then opens in half the time of 2."""
_CHECKSUM = b"crc32:"
_DIGITS = 8
_UNCHECKED = _CHECKSUM + b"0" * _DIGITS
"""The metadata (XMP), at the end of the file, with the checksum of it all as it was with zeros."""
_TRIED_BYTES = 65536
"""Of a file that tries whether the disk has room for a reduced picture."""


@dataclass(frozen=True)
class Reduced:
    """A reduced picture as the browser gets it."""

    content: bytes
    """A WebP file."""
    problem: str = ""
    """The sentence about why it could not be kept, empty if it was."""


def thumbnail_path(
    target_folder: Path, content_hash: str, width: int, settings: Images = AS_USUAL
) -> Path:
    """Return where the WebP file of a picture reduced to a listed size lies, once it is made.

    Args:
        target_folder: Where thumbnails are kept; can be deleted at any time.
        content_hash: SHA-256 of the picture file, hexadecimal.
        width: One of `WIDTHS`.
        settings: Of the project; another range of grey pictures has other files.

    Raises:
        ValueError: If `width` is not listed or `content_hash` is no hash.
    """
    if width not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(map(str, WIDTHS))}, got {width}")
    if not re.fullmatch(r"[0-9a-f]{64}", content_hash):
        raise ValueError(f"content_hash must be 64 hexadecimal digits, got {content_hash!r}")
    grey = "" if settings.grey_range == "auto" else f" grey {settings.grey_range}"
    return target_folder / f"{width}{grey}" / content_hash[:2] / f"{content_hash}.webp"


def thumbnail(
    source: Path,
    target_folder: Path,
    content_hash: str,
    width: int,
    settings: Images = AS_USUAL,
) -> Reduced:
    """Return a picture reduced to a listed size, making it if need be and keeping it if possible.

    Upright and in RGB; a smaller picture keeps its size. Opening the picture is what takes long,
    so the smaller sizes are made of the same one, and first. Two callers at once may both do the
    work, and both get the whole file.

    Args:
        source: The picture file.
        target_folder: Where thumbnails are kept; can be deleted at any time.
        content_hash: SHA-256 of the picture file, hexadecimal.
        width: One of `WIDTHS`.
        settings: Of the project: how pictures are read.

    Raises:
        ImageError: If the picture cannot be used; the message is the reason, without the name.
        ValueError: If `width` is not listed or `content_hash` is no hash.
    """
    target = thumbnail_path(target_folder, content_hash, width, settings)
    content = kept(target)
    if content is not None:
        return Reduced(content)
    picture = open_rgb(source, max_side=width, oversampling=_OVERSAMPLING, settings=settings)
    content = _encoded(picture)
    try:
        for smaller in WIDTHS[: WIDTHS.index(width)]:
            path = thumbnail_path(target_folder, content_hash, smaller, settings)
            _make_smaller(picture, target_folder, path, smaller)
        _write(target_folder, target, content)
    except OSError as error:
        return Reduced(content, _unkept(target_folder, error))
    return Reduced(content)


def keep_small(
    picture: Image.Image, target_folder: Path, content_hash: str, settings: Images = AS_USUAL
) -> None:
    """Make the smallest reduced picture of one that is open anyway, unless it is there.

    Whoever looks at all pictures once, as the worker does, thus saves the pages from opening each
    large photograph of a grid. A disk that is full is no reason to stop.

    Args:
        picture: Upright and in RGB, reduced or not; of one that is smaller than the smallest
            width nothing is made.
        target_folder: Where thumbnails are kept.
        content_hash: SHA-256 of the picture file, hexadecimal.
        settings: Of the project, as the picture was read.
    """
    if max(picture.size) >= WIDTHS[0]:
        path = thumbnail_path(target_folder, content_hash, WIDTHS[0], settings)
        with contextlib.suppress(OSError):
            _make_smaller(picture, target_folder, path, WIDTHS[0])


def kept(thumbnail: Path) -> bytes | None:
    """Return the content of a reduced picture that is there and as it was written, else None."""
    try:
        content = thumbnail.read_bytes()
    except OSError:
        return None
    return content if _checked(content[:-_DIGITS]) == content else None


def damaged(target_folder: Path) -> Iterator[Path]:
    """Yield the reduced pictures that are not as they were written.

    Those of earlier versions have no checksum; they are made again when they are asked for.
    """
    for path in target_folder.glob("*/??/*.webp"):
        if kept(path) is None and not _is_unchecked(path):
            yield path


def problem_of_keeping(target_folder: Path) -> str:
    """Return the sentence about reduced pictures if they cannot be kept just now, else nothing."""
    try:
        target_folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=target_folder) as file:
            file.write(bytes(_TRIED_BYTES))
    except OSError as error:
        return _unkept(target_folder, error)
    return ""


def _make_smaller(picture: Image.Image, folder: Path, target: Path, width: int) -> None:
    if kept(target) is None:
        reduced = picture.copy()
        reduced.thumbnail((width, width), Image.Resampling.LANCZOS, reducing_gap=2.0)
        _write(folder, target, _encoded(reduced))


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT, xmp=_UNCHECKED)
    return _checked(buffer.getvalue()[:-_DIGITS])


def _checked(content: bytes) -> bytes:
    """Return what a file holds before its checksum together with that."""
    return content + b"%08x" % zlib.crc32(content)


def _is_unchecked(thumbnail: Path) -> bool:
    try:
        with thumbnail.open("rb") as file:
            return file.read(16)[12:] == b"VP8 "  # a file with metadata has VP8X there
    except OSError:
        return False


def _write(folder: Path, target: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)  # without its parents: a project that was deleted stays deleted
    write_atomically(target, content, durable=False)


def _unkept(folder: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return (
        f"small copies of images cannot be kept in {folder}, so pages are slower ({reason}); free "
        "some space or make the folder writable"
    )
