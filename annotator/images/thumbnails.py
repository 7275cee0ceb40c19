"""Reduced pictures for the pages, made once and kept."""

from __future__ import annotations

import io
import re
from pathlib import Path

from annotator.images.decoding import open_rgb
from annotator.settings import write_atomically

WIDTHS = (256, 1280)
"""Longer side of a thumbnail, pixels: for grids and for one picture on the screen."""

_QUALITY = 82
_EFFORT = 2


def thumbnail(source: Path, target_folder: Path, content_hash: str, width: int) -> Path:
    """Return the WebP file of a picture reduced to a listed size, making it if need be.

    Upright and in RGB; a smaller picture keeps its size. Two callers at once may both do the
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
    if width not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(map(str, WIDTHS))}, got {width}")
    if not re.fullmatch(r"[0-9a-f]{64}", content_hash):
        raise ValueError(f"content_hash must be 64 hexadecimal digits, got {content_hash!r}")
    target = target_folder / str(width) / content_hash[:2] / f"{content_hash}.webp"
    if not target.exists():
        buffer = io.BytesIO()
        open_rgb(source, max_side=width).save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
        write_atomically(target, buffer.getvalue())
    return target
