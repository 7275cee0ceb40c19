"""A drawing surface at twice the size, so that edges come out smooth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, ...]
Point = tuple[float, float]
OVERSAMPLING = 2


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour that lies `share` of the way from the first to the second."""
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))


def jitter(colour: Colour, rng: np.random.Generator, amount: float = 8.0) -> Colour:
    """Return nearly the same colour, a little lighter or darker and a little shifted."""
    shift = rng.normal(0, amount / 3, 3) + rng.normal(0, amount / 2)
    return tuple(int(np.clip(c + s, 0, 255)) for c, s in zip(colour, shift, strict=True))


class Page:
    """Shapes in final pixels, drawn at twice that and shrunk at the end.

    A page without `clear` is opaque and lets translucent colours mix with what lies below; a
    clear one starts empty and is meant for things that stand in front of others.
    """

    def __init__(self, width: int, height: int, *, clear: bool = False) -> None:
        self.width = width
        self.height = height
        size = (width * OVERSAMPLING, height * OVERSAMPLING)
        if clear:
            self._image = Image.new("RGBA", size, (0, 0, 0, 0))
            self._pen = ImageDraw.Draw(self._image)
        else:
            self._image = Image.new("RGB", size, (255, 255, 255))
            self._pen = ImageDraw.Draw(self._image, "RGBA")

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill the polygon through these points."""
        self._pen.polygon([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points], fill=fill)

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: float = 0
    ) -> None:
        """Fill a rectangle, with round corners if a radius is given."""
        box = self._box(left, top, right, bottom)
        if box[2] <= box[0] or box[3] <= box[1]:
            return
        if radius:
            self._pen.rounded_rectangle(box, radius * OVERSAMPLING, fill=fill)
        else:
            self._pen.rectangle(box, fill=fill)

    def ellipse(self, x: float, y: float, across: float, tall: float, fill: Colour) -> None:
        """Fill an ellipse around a centre; `across` and `tall` are its half axes."""
        self._pen.ellipse(self._box(x - across, y - tall, x + across, y + tall), fill=fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float = 1.0) -> None:
        """Draw a line through the points."""
        scaled = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]
        self._pen.line(scaled, fill=fill, width=max(1, round(width * OVERSAMPLING)), joint="curve")

    def gradient(self, top: float, bottom: float, first: Colour, second: Colour) -> None:
        """Fill the band between two heights, from one colour to the other."""
        start = max(0, round(top * OVERSAMPLING))
        stop = min(self._image.height, round(bottom * OVERSAMPLING))
        rows = stop - start
        if rows <= 0:
            return
        share = np.linspace(0, 1, rows)[:, None, None]
        band = np.array(first) * (1 - share) + np.array(second) * share
        strip = Image.fromarray(band.round().astype(np.uint8))
        wide = strip.resize((self._image.width, rows), Image.Resampling.NEAREST)
        self._image.paste(wide, (0, start))

    def finish(self) -> Image.Image:
        """Return the drawing at its final size."""
        return self._image.reduce(OVERSAMPLING)

    @staticmethod
    def _box(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
        return (
            round(left * OVERSAMPLING),
            round(top * OVERSAMPLING),
            round(right * OVERSAMPLING),
            round(bottom * OVERSAMPLING),
        )
