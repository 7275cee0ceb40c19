"""Reduced pictures for the pages, made once and kept."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from PIL import Image

from annotator.images.decoding import open_rgb
from annotator.settings import write_atomically

WIDTHS = (256, 1280, 2560)
"""Longer side of a thumbnail, pixels, ascending: for grids, for one picture on the screen, and for
one that somebody zooms into."""

_QUALITY = 82
_EFFORT = 0
"""Of the encoder: one step more takes a quarter longer and saves two percent."""
_OVERSAMPLING = 1.5
"""Enough for a sharp reduction; a picture of 12 megapixels then opens in half the time of 2."""


def thumbnail_path(target_folder: Path, content_hash: str, width: int) -> Path:
    """Return where the WebP file of a picture reduced to a listed size lies, once it is made.

    Args:
        target_folder: Where thumbnails are kept; can be deleted at any time.
        content_hash: SHA-256 of the picture file, hexadecimal.
        width: One of `WIDTHS`.

    Raises:
        ValueError: If `width` is not listed or `content_hash` is no hash.
    """
    if width not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(map(str, WIDTHS))}, got {width}")
    if not re.fullmatch(r"[0-9a-f]{64}", content_hash):
        raise ValueError(f"content_hash must be 64 hexadecimal digits, got {content_hash!r}")
    return target_folder / str(width) / content_hash[:2] / f"{content_hash}.webp"


def thumbnail(source: Path, target_folder: Path, content_hash: str, width: int) -> Path:
    """Return the WebP file of a picture reduced to a listed size, making it if need be.

    Upright and in RGB; a smaller picture keeps its size. Opening the picture is what takes long,
    so the smaller sizes are made of the same one, and first. Two callers at once may both do the
    work, and both get the whole file.

    Args:
        source: The picture file.
        target_folder: Where thumbnails are kept; can be deleted at any time.
        content_hash: SHA-256 of the picture file, hexadecimal.
        width: One of `WIDTHS`.

    Raises:
        ImageError: If the picture cannot be used; the message is the reason, without the name.
        ValueError: If `width` is not listed or `content_hash` is no hash.
    """
    target = thumbnail_path(target_folder, content_hash, width)
    if is_made(target):
        return target
    picture = open_rgb(source, max_side=width, oversampling=_OVERSAMPLING)
    for smaller in WIDTHS[: WIDTHS.index(width)]:
        _make_smaller(picture, target_folder, content_hash, smaller)
    _write(target_folder, target, picture)
    return target


def keep_small(picture: Image.Image, target_folder: Path, content_hash: str) -> None:
    """Make the smallest reduced picture of one that is open anyway, unless it is there.

    Whoever looks at all pictures once, as the worker does, thus saves the pages from opening each
    large photograph of a grid. A disk that is full is no reason to stop.

    Args:
        picture: Upright and in RGB, reduced or not; of one that is smaller than the smallest
            width nothing is made.
        target_folder: Where thumbnails are kept.
        content_hash: SHA-256 of the picture file, hexadecimal.
    """
    if max(picture.size) >= WIDTHS[0]:
        with contextlib.suppress(OSError):
            _make_smaller(picture, target_folder, content_hash, WIDTHS[0])


def is_made(thumbnail: Path) -> bool:
    """Whether a reduced picture is there; an empty file is what a power loss left of one."""
    try:
        return thumbnail.stat().st_size > 0
    except FileNotFoundError:
        return False


def _make_smaller(picture: Image.Image, folder: Path, content_hash: str, width: int) -> None:
    target = thumbnail_path(folder, content_hash, width)
    if not is_made(target):
        reduced = picture.copy()
        reduced.thumbnail((width, width), Image.Resampling.LANCZOS, reducing_gap=2.0)
        _write(folder, target, reduced)


def _write(folder: Path, target: Path, picture: Image.Image) -> None:
    folder.mkdir(exist_ok=True)  # without its parents: a project that was deleted stays deleted
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
    write_atomically(target, buffer.getvalue(), durable=False)
