"""What lies over a finished scene: light, glow, rain, snow, colour cast, blur, noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Rng = np.random.Generator

GRADES: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0),
    "overcast": (0.92, 0.94, 0.97),
    "dusk": (1.0, 0.86, 0.8),
    "rain": (0.8, 0.86, 0.92),
    "night": (0.66, 0.7, 0.92),
    "evening": (1.0, 0.9, 0.76),
    "dim": (0.72, 0.72, 0.82),
}
"""What each light multiplies red, green and blue by."""


def lit(
    picture: Image.Image, light: str, glows: Sequence[tuple[float, float, float]]
) -> Image.Image:
    """Bathe the picture in a light; near a glow (x, y, radius in pixels) it stays as it is."""
    red, green, blue = GRADES[light]
    if (red, green, blue) == (1.0, 1.0, 1.0):
        return picture
    graded = picture.convert("RGB", (red, 0, 0, 0, 0, green, 0, 0, 0, 0, blue, 0))
    if not glows:
        return graded
    rows, columns = np.ogrid[: picture.height, : picture.width]
    strength = np.zeros((picture.height, picture.width))
    for x, y, radius in glows:
        distance = np.hypot(columns - x, rows - y) / radius
        strength = np.maximum(strength, np.clip(1.15 - distance, 0, 1))
    return Image.composite(picture, graded, Image.fromarray((strength * 255).astype(np.uint8)))


def rain(picture: Image.Image, rng: Rng) -> Image.Image:
    """Draw slanted translucent streaks."""
    pen = ImageDraw.Draw(picture, "RGBA")
    slant = rng.uniform(-0.25, 0.25)
    for _ in range(int(rng.integers(110, 240))):
        x, y = rng.uniform(-20, picture.width + 20), rng.uniform(-20, picture.height)
        length = rng.uniform(7, 18)
        shade = (225, 234, 245, int(rng.integers(60, 130)))
        pen.line([(x, y), (x + slant * length, y + length)], fill=shade, width=1)
    return picture


def snow(picture: Image.Image, rng: Rng) -> Image.Image:
    """Let it snow."""
    pen = ImageDraw.Draw(picture, "RGBA")
    for _ in range(int(rng.integers(60, 180))):
        x, y = rng.uniform(0, picture.width), rng.uniform(0, picture.height)
        radius = rng.uniform(0.7, 2.4)
        white = (255, 255, 255, int(rng.integers(120, 230)))
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=white)
    return picture


def through_a_lens(picture: Image.Image, rng: Rng) -> Image.Image:
    """Add what cameras add: a colour cast, a little blur or noise; most pictures stay clean."""
    if rng.random() < 0.2:
        red, green, blue = 1 + rng.normal(0, 0.05, 3)
        picture = picture.convert("RGB", (red, 0, 0, 0, 0, green, 0, 0, 0, 0, blue, 0))
    if rng.random() < 0.12:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.9)))
    if rng.random() < 0.18:
        grain = rng.normal(0, rng.uniform(2.5, 6.5), (picture.height, picture.width, 1))
        noisy = np.asarray(picture, dtype=np.float32) + grain.astype(np.float32)
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    return picture
