"""Grey pictures with more than 8 bits a pixel: which value becomes black and which white.

By default each picture has the range of the smallest bit depth that holds its values, so that 10,
12 or 14 bits stored in 16 are as bright as the camera meant them. Values that begin far above zero,
such as temperatures, or lie below it are stretched from the darkest to the brightest of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from annotator.setting_sections import Images

DEPTHS = (8, 10, 12, 14, 16)
"""Bits a pixel that cameras and scanners deliver; files store them in 16."""

STRIP_PIXELS = 4_000_000
"""Pixels that are converted at a time, so that a large picture is never there twice."""

_SAMPLE = 1_000_000
"""Pixels that percentiles are taken of."""
_DEAD = 0.1
"""Percent of the pixels that may lie beyond either end of a picture's own range: dead ones."""
_BITS, _WHITE_IS_ZERO = 258, 262
_SMALLEST, _LARGEST = (340, 280), (341, 281)
"""Tags of a TIFF: those for any kind of number come before those for whole ones."""


@dataclass(frozen=True)
class Window:
    """What becomes black and what white; values beyond are clipped."""

    low: float
    high: float
    is_negative: bool = False
    """Whether the file says that its smallest value is white."""

    def applied(self, picture: Image.Image) -> Image.Image:
        """Return a picture, or a part of it, with 8 bits a pixel."""
        values = np.nan_to_num(np.asarray(picture).astype(np.float32), nan=self.low)
        grey = (values - self.low) * (255 / ((self.high - self.low) or 1.0))
        grey = np.rint(np.clip(grey, 0, 255)).astype(np.uint8)
        return Image.fromarray(255 - grey if self.is_negative else grey)


def is_wide(picture: Image.Image) -> bool:
    """Whether a picture is grey with more than 8 bits a pixel."""
    return picture.mode.startswith(("I", "F"))


def window(picture: Image.Image, settings: Images) -> Window:
    """Return what is black and white in a decoded grey picture with more than 8 bits a pixel."""
    tags = getattr(picture, "tag_v2", {})
    low, high = settings.window or _window(picture, tags, settings.grey_range == "full")
    return Window(low, high, picture.mode.startswith("I;16") and tags.get(_WHITE_IS_ZERO) == 0)


def strips(picture: Image.Image, multiple: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Yield a picture in parts of its full width, each with its first row.

    Args:
        picture: Decoded.
        multiple: The number of rows of all parts but the last is a multiple of this.
    """
    width, height = picture.size
    rows = multiple * max(1, STRIP_PIXELS // (width * multiple))
    for top in range(0, height, rows):
        yield top, picture.crop((0, top, width, min(height, top + rows)))


def _window(picture: Image.Image, tags: Any, is_full: bool) -> tuple[float, float]:
    has_fractions = picture.mode == "F"
    if is_full or (picture.format == "JPEG2000" and _is_scaled(picture)):
        return 0.0, 1.0 if has_fractions else 65535.0
    darkest, brightest, low, high = _extremes(picture)
    given = _number(tags, _SMALLEST, 0.0), _number(tags, _LARGEST, 65535.0)
    if given[0] <= darkest and brightest <= given[1] < 65535.0:
        return given
    if darkest < 0 or brightest > (1.0 if has_fractions else 65535.0):
        return low, high
    if has_fractions:
        return 0.0, 1.0
    if low > high / 2 and low < high:
        return low, high
    bits = max(_bits(tags), int(brightest).bit_length())
    return 0.0, float(2 ** next(depth for depth in DEPTHS if depth >= bits) - 1)


def _is_scaled(picture: Image.Image) -> bool:
    """Whether the decoder of JPEG 2000 shifted the bits that the file names up to 16."""
    return not any((np.asarray(part) & 1).any() for _, part in strips(picture))


def _extremes(picture: Image.Image) -> tuple[float, float, float, float]:
    """Return the darkest and the brightest value, and both without dead pixels."""
    step = max(1, int((picture.width * picture.height / _SAMPLE) ** 0.5))
    darkest, brightest, samples = np.inf, -np.inf, []
    for _, part in strips(picture, step):
        values = np.asarray(part)
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if finite.size:
            darkest, brightest = min(darkest, finite.min()), max(brightest, finite.max())
        samples.append(values[::step, ::step].ravel())
    sample = np.concatenate(samples)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 0.0, 0.0, 0.0
    low = np.percentile(sample, _DEAD, method="lower")
    high = np.percentile(sample, 100 - _DEAD, method="higher")
    return float(darkest), float(brightest), float(low), float(high)


def _number(tags: Any, names: tuple[int, ...], otherwise: float) -> float:
    for name in names:
        value = tags.get(name)
        value = value[0] if isinstance(value, tuple) and len(value) == 1 else value
        if isinstance(value, int | float) and np.isfinite(value):
            return float(value)
    return otherwise


def _bits(tags: Any) -> int:
    """Return the bits a pixel that a TIFF names if they are less than its decoder makes of them."""
    return bits if (bits := int(_number(tags, (_BITS,), 0.0))) in DEPTHS[1:-1] else 0
