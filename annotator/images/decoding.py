"""Turns the bytes of a picture file into RGB, and says in plain words why it cannot."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, ImageFile

from annotator.errors import ImageError
from annotator.images import grey
from annotator.images.kinds import FORMATS, HEAD_BYTES, NotInstalled, opener
from annotator.images.memory import PixelBudget
from annotator.setting_sections import Images

MAX_BYTES = 1 << 30
"""File size above which a picture is refused before it is read."""

AS_USUAL = Images()
"""How pictures are read unless a project says otherwise."""

_BUDGET = PixelBudget(64_000_000)
"""Room for what all threads decode at a time."""

_REDUCING_GAP = 2.0
"""How many times larger than the result a picture stays when whole pixels are averaged."""

_JPEG = ("JPEG", "MPO")
"""The second is what a phone makes: a JPEG with another one inside."""

DECODER_ERRORS = (
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
"""What the decoders raise at files that are not as they should be."""

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


class TooLarge(ImageError):
    """A picture with more pixels than the project allows; the limit may be raised later."""


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
    has_more: bool = False
    """Whether it has further frames or pages, of which nothing is shown."""


def examine(path: Path, settings: Images = AS_USUAL) -> Facts:
    """Read a picture to its end, cheaply, and return what is worth keeping.

    Raises:
        ImageError: If the picture cannot be used; the message is the reason, without the name.
        FileNotFoundError: If the file is not there any more.
    """
    data = _read(path)
    picture = _open(data, settings)
    width, height = picture.size
    has_more = picture.format not in _JPEG and bool(getattr(picture, "is_animated", False))
    with _decoded(picture, data, (1, 1)):
        if _orientation(picture) >= 5:
            width, height = height, width
        picture.close()
    return Facts(
        content_hash=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        format="JPEG" if picture.format in _JPEG else str(picture.format),
        has_more=has_more,
    )


def open_rgb(
    path: Path,
    *,
    max_side: int | None = None,
    oversampling: float = 2.0,
    settings: Images = AS_USUAL,
) -> Image.Image:
    """Return a picture upright, in RGB, as a person sees it.

    Transparency lies on white, grey with more than 8 bits is shown as `images.grey` says, of an
    animation or a file with several pages the first is taken.

    Args:
        path: A picture file; its content decides the format, not its name.
        max_side: Pixels; a larger picture is reduced until its longer side fits. Never enlarges.
        oversampling: How many times larger than the result a JPEG is decoded at least, if it is
            that large; its decoder halves sizes at little cost, the rest is averaged.
        settings: Of the project: the range of grey pictures and the limit of their size.

    Raises:
        ImageError: If the picture cannot be used; the message is the reason, without the name.
    """
    try:
        data = _read(path)
    except FileNotFoundError:
        raise ImageError("no longer exists") from None
    picture = _open(data, settings)
    target = _fitted(picture.size, max_side)
    wanted = None
    if target != picture.size:
        wanted = round(oversampling * target[0]), round(oversampling * target[1])
    with _decoded(picture, data, wanted):
        turn = _TURNS.get(_orientation(picture))
        try:
            rgb = _reduced(picture, target, settings)
            if rgb is not picture:
                picture.close()  # before another one takes its place
            return rgb if turn is None else rgb.transpose(turn)
        except DECODER_ERRORS as error:
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


def _open(data: bytes, settings: Images) -> ImageFile.ImageFile:
    make = opener(data[:HEAD_BYTES])
    if make is None:
        raise ImageError(f"is not an image that this program reads ({FORMATS})")
    try:
        picture = make(io.BytesIO(data))
    except NotInstalled:
        raise
    except DECODER_ERRORS as error:
        raise ImageError(_reason(error, data)) from None
    pixels = picture.width * picture.height
    if pixels > settings.max_megapixels * 1e6:
        raise TooLarge(
            f"has {pixels / 1e6:.0f} megapixels; the limit is {settings.max_megapixels:.0f} "
            "(max_megapixels under [images] in project.toml)"
        )
    return picture


@contextmanager
def _decoded(
    picture: ImageFile.ImageFile, data: bytes, at_least: tuple[int, int] | None
) -> Iterator[None]:
    """Decode a picture, a JPEG no larger than need be; what else is large waits for the block."""
    pixels = picture.width * picture.height
    if at_least is not None and picture.format in _JPEG:
        picture.draft(None, at_least)
    if not picture.info.get("progressive"):  # whose decoder needs all of it in any case
        pixels = picture.width * picture.height
    with _BUDGET.hold(pixels):
        try:
            picture.load()
        except DECODER_ERRORS as error:
            raise ImageError(_reason(error, data)) from None
        yield


def _reason(error: BaseException, data: bytes) -> str:
    promised = _promised_bytes(data)
    if promised > len(data):
        return f"is cut off after {len(data)} of {promised} bytes"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    text = str(error).lower()
    if "unknown pixel mode" in text or "unsupported" in text:
        return f"has pixels of a kind that this program does not read ({text.rstrip('.')})"
    if isinstance(error, EOFError | struct.error) or any(sign in text for sign in _ENDS_EARLY):
        return "is cut off: the image data ends early"
    return f"is damaged: {text.rstrip('.') or type(error).__name__}"


def _promised_bytes(data: bytes) -> int:
    """Return how long a file says that it is, 0 if it does not say."""
    if data.startswith(b"RIFF"):
        return int.from_bytes(data[4:8], "little") + 8
    if data[4:8] not in (b"ftyp", b"jP  "):
        return 0
    at = 0
    while at + 8 <= len(data):  # boxes: length, name, content
        length = int.from_bytes(data[at : at + 4])
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16])
        if length < 8:  # 0: up to the end
            return 0
        at += length
    return at


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1, which is upright, where it makes no sense."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODER_ERRORS:
        return 1
    return value if value in _TURNS else 1


def _fitted(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    longer = max(size)
    if max_side is None or longer <= max_side:
        return size
    width, height = (max(1, round(side * max_side / longer)) for side in size)
    return width, height


def _reduced(picture: Image.Image, target: tuple[int, int], settings: Images) -> Image.Image:
    """Return a decoded picture as RGB in a size.

    A colour table cannot be averaged, so the reduction comes after the conversion. Of a picture of
    a hundred megapixels a converted copy would take as much memory again: it is made in strips.
    """
    width, height = picture.size
    window = grey.window(picture, settings) if grey.is_wide(picture) else None
    across, down = (
        max(1, int(side / wanted / _REDUCING_GAP))
        for side, wanted in zip(picture.size, target, strict=True)
    )
    if width * height <= grey.STRIP_PIXELS or across * down == 1:
        rgb = _to_rgb(picture, window)
        if rgb.size == target:
            return rgb
        return rgb.resize(target, Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    reduced = Image.new("RGB", (-(-width // across), -(-height // down)))
    for top, part in grey.strips(picture, down):
        reduced.paste(_to_rgb(part, window).reduce((across, down)), (0, top // down))
    box = (0, 0, width / across, height / down)
    return reduced.resize(target, Image.Resampling.LANCZOS, box=box)


def _to_rgb(picture: Image.Image, window: grey.Window | None) -> Image.Image:
    if window is not None:
        return window.applied(picture).convert("RGB")
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")
