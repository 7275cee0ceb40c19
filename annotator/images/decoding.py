"""Turns the bytes of a picture file into RGB, and says in plain words why it cannot."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from annotator.errors import ImageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""Endings, in lower case, of the files that are looked at. What is inside decides the format."""

MAX_PIXELS = 175_000_000
"""Pixels above which a picture is refused before it is decoded."""

MAX_BYTES = 1 << 30
"""File size above which a picture is refused before it is read."""

_Opener = Callable[[io.BytesIO], ImageFile.ImageFile]

# Image.open warns about large pictures through global state, which threads cannot silence safely;
# the decoders behind it leave the size to the caller.
_OPENERS: tuple[tuple[bytes, _Opener], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.jpeg_factory),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF", WebPImagePlugin.WebPImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
)

_DECODER_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    struct.error,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    zlib.error,
)

_ENDS_EARLY = (
    "truncated",
    "end of data",
    "incomplete",
    "index out of range",
    "no more images",
    "requires a buffer",
)
"""How the decoders say that they ran out of bytes."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture with this EXIF orientation upright."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a scan keeps of a picture that was decoded to the end."""

    content_hash: str
    """SHA-256 of the file, hexadecimal."""
    width: int
    """Pixels, after the EXIF orientation is applied."""
    height: int
    format: str
    """Decoder name, such as `JPEG`."""


def examine(path: Path) -> Facts:
    """Read a picture to its end, cheaply, and return what is worth keeping.

    Raises:
        ImageError: If the picture cannot be used; the message is the reason, without the name.
        FileNotFoundError: If the file is not there any more.
    """
    data = _read(path)
    picture = _open(data)
    width, height = picture.size
    picture.draft(None, (1, 1))
    _load(picture, data)
    if _orientation(picture) >= 5:
        width, height = height, width
    return Facts(
        content_hash=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        format="JPEG" if picture.format == "MPO" else str(picture.format),
    )


def open_rgb(path: Path, *, max_side: int | None = None, oversampling: float = 2.0) -> Image.Image:
    """Return a picture upright, in RGB, as a person sees it.

    Transparency lies on white, 16 bits a channel are scaled to 8, of an animation
    the first frame is taken.

    Args:
        path: A picture file; its content decides the format, not its name.
        max_side: Pixels; a larger picture is reduced until its longer side fits. Never enlarges.
        oversampling: How many times larger than the result a JPEG is decoded at least, if it is
            that large; its decoder halves sizes at little cost, the rest is averaged.

    Raises:
        ImageError: If the picture cannot be used; the message is the reason, without the name.
    """
    try:
        data = _read(path)
    except FileNotFoundError:
        raise ImageError("no longer exists") from None
    picture = _open(data)
    target = _fitted(picture.size, max_side)
    if target != picture.size:
        picture.draft(None, (round(oversampling * target[0]), round(oversampling * target[1])))
    _load(picture, data)
    turn = _TURNS.get(_orientation(picture))
    try:
        # A colour table cannot be averaged, so the reduction comes after the conversion.
        rgb = _to_rgb(picture)
        if rgb.size != target:
            rgb = rgb.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return rgb if turn is None else rgb.transpose(turn)
    except _DECODER_ERRORS as error:
        raise ImageError(_reason(error, data)) from None


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(f"has {size >> 20} MiB; the limit is {MAX_BYTES >> 20}")
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ImageError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not data:
        raise ImageError("is empty (0 bytes)")
    return data


def _open(data: bytes) -> ImageFile.ImageFile:
    opener = next((make for magic, make in _OPENERS if data.startswith(magic)), None)
    if opener is None or (data.startswith(b"RIFF") and not b"WEBP".startswith(data[8:12])):
        raise ImageError(
            "is not an image that this program reads (JPEG, PNG, WebP, BMP, GIF, TIFF)"
        )
    try:
        picture = opener(io.BytesIO(data))
    except _DECODER_ERRORS as error:
        raise ImageError(_reason(error, data)) from None
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise ImageError(f"has {pixels / 1e6:.0f} megapixels; the limit is {MAX_PIXELS / 1e6:.0f}")
    return picture


def _load(picture: ImageFile.ImageFile, data: bytes) -> None:
    try:
        picture.load()
    except _DECODER_ERRORS as error:
        raise ImageError(_reason(error, data)) from None


def _reason(error: BaseException, data: bytes) -> str:
    if data.startswith(b"RIFF"):
        promised = int.from_bytes(data[4:8], "little") + 8
        if promised > len(data):
            return f"is cut off after {len(data)} of {promised} bytes"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    text = str(error).lower()
    if isinstance(error, EOFError | struct.error) or any(sign in text for sign in _ENDS_EARLY):
        return "is cut off: the image data ends early"
    return f"is damaged: {text.rstrip('.') or type(error).__name__}"


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1, which is upright, where it makes no sense."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except _DECODER_ERRORS:
        return 1
    return value if value in _TURNS else 1


def _fitted(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    longer = max(size)
    if max_side is None or longer <= max_side:
        return size
    width, height = (max(1, round(side * max_side / longer)) for side in size)
    return width, height


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):
        return _from_wide(picture).convert("RGB")
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return picture.convert("RGB")


def _from_wide(picture: Image.Image) -> Image.Image:
    """Return an 8-bit grey picture of one with 16 or 32 bits a pixel.

    Whole numbers span 0 to 65535 and numbers with a fraction 0 to 1; where values lie outside,
    the smallest of them becomes black and the largest white.
    """
    values = np.nan_to_num(np.asarray(picture).astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = 0.0, 1.0 if picture.mode == "F" else 65535.0
    if values.min() < low or values.max() > high:
        low, high = float(values.min()), float(values.max())
    return Image.fromarray(np.rint((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8))
