"""What the camera wrote into a picture file (EXIF), as plain text and numbers."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from annotator.images.decoding import DECODER_ERRORS, MAX_BYTES
from annotator.images.kinds import HEAD_BYTES, NotInstalled, opener

LONGEST_TEXT = 80
"""Characters of a camera's or a lens's name that are kept."""

TURNED = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored and turned by 180°",
    5: "mirrored and turned by 90°",
    6: "turned by 90°",
    7: "mirrored and turned by 90°",
    8: "turned by 90°",
}
"""How the pixels lie in the file, by EXIF orientation; pages show them upright."""

_MOMENT = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")


@dataclass(frozen=True, kw_only=True)
class CameraFacts:
    """What a file says about how it was taken; empty where it says nothing that makes sense."""

    camera: str = ""
    lens: str = ""
    taken: str = ""
    """Date and time as the camera's clock had it, `2026-05-01 12:00:00`, with offset if said."""
    exposure: str = ""
    """Such as `1/250 s, f/2.8, ISO 100, 50 mm`."""
    orientation: str = ""
    """One of `TURNED`; empty if the pixels lie upright."""
    position: tuple[float, float] | None = None
    """Latitude and longitude in degrees, north and east positive."""


def camera_facts(path: Path) -> CameraFacts:
    """Return what a picture file says about how it was taken.

    Only the head of the file is read. What is damaged or makes no sense is left out, and a file
    that is no picture says nothing.

    Raises:
        OSError: If the file cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        return CameraFacts()
    with path.open("rb") as file:
        make = opener(file.read(HEAD_BYTES))
        file.seek(0)
        if make is None:
            return CameraFacts()
        try:
            picture = make(file)  # type: ignore[arg-type]  # any file that can be read
            # Not the method of a PNG: that decodes the whole picture where it finds no EXIF.
            exif = Image.Image.getexif(picture)
        except (NotInstalled, *DECODER_ERRORS):
            return CameraFacts()
        # A TIFF reads them from the file, which is open until here.
        base = _tags(exif)
        taken, place = _part(exif, ExifTags.IFD.Exif), _part(exif, ExifTags.IFD.GPSInfo)
    return CameraFacts(
        camera=_named(base.get(ExifTags.Base.Make), base.get(ExifTags.Base.Model)),
        lens=_named(taken.get(ExifTags.Base.LensMake), taken.get(ExifTags.Base.LensModel)),
        taken=_moment(base, taken),
        exposure=_exposure(taken),
        orientation=TURNED.get(_whole(base.get(ExifTags.Base.Orientation)), ""),
        position=_position(place),
    )


def _part(exif: Image.Exif, part: ExifTags.IFD) -> dict[int, Any]:
    try:
        return _tags(exif.get_ifd(part))
    except DECODER_ERRORS:
        return {}


def _tags(tags: Mapping[int, Any] | Image.Exif) -> dict[int, Any]:
    """Return tags with their values; one that cannot be read is left out."""
    found = {}
    for tag in list(tags):
        try:
            found[tag] = tags[tag]
        except DECODER_ERRORS:
            continue
    return found


def _text(value: Any) -> str:
    """Return a value as one short line: no control characters, nothing that turns the line."""
    if isinstance(value, str):
        # Pillow takes bytes for Latin-1; what is UTF-8, as EXIF 3 has it, is hardly anything else.
        with suppress(UnicodeError):
            value = value.encode("latin-1").decode()
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    else:
        return ""
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in value)
    line = " ".join(visible.replace("\N{REPLACEMENT CHARACTER}", " ").split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _named(maker: Any, model: Any) -> str:
    """Return maker and model; many models have their maker's name in front already."""
    made_by, called = _text(maker), _text(model)
    if not called or called.casefold().startswith(made_by.casefold()):
        return called or made_by
    return f"{made_by} {called}"


def _moment(base: Mapping[int, Any], taken: Mapping[int, Any]) -> str:
    for value, offset in (
        (taken.get(ExifTags.Base.DateTimeOriginal), taken.get(ExifTags.Base.OffsetTimeOriginal)),
        (taken.get(ExifTags.Base.DateTimeDigitized), taken.get(ExifTags.Base.OffsetTimeDigitized)),
        (base.get(ExifTags.Base.DateTime), taken.get(ExifTags.Base.OffsetTime)),
    ):
        found = _MOMENT.match(_text(value))
        if found is None or not int(found[1]):  # a clock that was never set
            continue
        zone = re.fullmatch(r"Z|[+-]\d\d:\d\d", _text(offset))
        day, time = "-".join(found.group(1, 2, 3)), ":".join((found[4], found[5], found[6] or "00"))
        return f"{day} {time}{f' {zone[0]}' if zone else ''}"
    return ""


def _exposure(taken: Mapping[int, Any]) -> str:
    seconds = _number(taken.get(ExifTags.Base.ExposureTime))
    aperture = _number(taken.get(ExifTags.Base.FNumber))
    speed = _number(taken.get(ExifTags.Base.ISOSpeedRatings))
    length = _number(taken.get(ExifTags.Base.FocalLength))
    parts = [
        _seconds(seconds) if seconds else "",
        f"f/{aperture:.3g}" if aperture else "",
        f"ISO {speed:.0f}" if speed else "",
        f"{length:.4g} mm" if length else "",
    ]
    return ", ".join(filter(None, parts))


def _seconds(seconds: float) -> str:
    return f"1/{1 / seconds:.0f} s" if seconds < 0.3 else f"{seconds:.3g} s"


def _position(place: Mapping[int, Any]) -> tuple[float, float] | None:
    found = []
    for side, signs, value, most in (
        (ExifTags.GPS.GPSLatitudeRef, "NS", ExifTags.GPS.GPSLatitude, 90),
        (ExifTags.GPS.GPSLongitudeRef, "EW", ExifTags.GPS.GPSLongitude, 180),
    ):
        degrees, half = _degrees(place.get(value)), _text(place.get(side)).upper()
        if degrees is None or degrees > most or half not in tuple(signs):
            return None
        found.append(degrees if half == signs[0] else -degrees)
    return found[0], found[1]


def _degrees(value: Any) -> float | None:
    """Return degrees, minutes and seconds as degrees; None if they are none."""
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    parts = [_number(part, zero=True) for part in value]
    if None in parts:
        return None
    return sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=True) if part)


def _number(value: Any, *, zero: bool = False) -> float | None:
    """Return a number above 0, or also 0 if `zero`; None for what cannot be meant."""
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not math.isfinite(number) or not 0 <= number < 1e7:
        return None
    return number if number >= 1e-6 or zero else None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 1
