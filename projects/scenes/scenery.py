"""Pieces that outdoor backdrops are made of: skies, hills, meadows, water, houses, fences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from page import Colour, Page, jitter, mix

Rng = np.random.Generator

SKIES: dict[str, tuple[tuple[Colour, Colour], ...]] = {
    "day": (
        ((108, 184, 232), (214, 238, 248)),
        ((130, 200, 236), (236, 246, 242)),
        ((92, 166, 222), (190, 226, 244)),
        ((142, 206, 226), (250, 240, 218)),
    ),
    "overcast": (((168, 184, 198), (222, 228, 230)), ((184, 194, 200), (232, 230, 224))),
    "dusk": (
        ((104, 92, 158), (255, 184, 138)),
        ((88, 112, 172), (252, 196, 148)),
        ((150, 92, 140), (255, 206, 150)),
    ),
    "rain": (((118, 136, 156), (182, 194, 204)), ((132, 146, 160), (196, 202, 206))),
    "night": (((26, 34, 78), (86, 98, 150)), ((20, 30, 64), (70, 104, 148))),
}
HAZE: dict[str, Colour] = {
    "day": (214, 234, 240),
    "overcast": (214, 220, 224),
    "dusk": (238, 184, 160),
    "rain": (178, 190, 200),
    "night": (74, 86, 134),
}


def sky(page: Page, bottom: float, light: str, rng: Rng) -> None:
    """Draw a sky down to `bottom`: gradient, then stars at night and soft clouds by day."""
    options = SKIES[light]
    upper, lower = options[int(rng.integers(len(options)))]
    page.gradient(0, bottom, jitter(upper, rng), jitter(lower, rng))
    page.gradient(bottom, page.height, lower, lower)
    if light == "night":
        for _ in range(int(rng.integers(30, 80))):
            radius = rng.uniform(0.4, 1.3)
            glow = (255, 255, 235, int(rng.integers(110, 240)))
            page.ellipse(rng.uniform(0, page.width), rng.uniform(0, bottom), radius, radius, glow)
        return
    white = (255, 255, 255) if light == "day" else mix((255, 255, 255), lower, 0.35)
    for _ in range(int(rng.integers(0, 4)) + 2 * (light in ("overcast", "rain"))):
        haze(page, rng.uniform(0, page.width), rng.uniform(0.1, 0.75) * bottom, white, rng)


def haze(page: Page, x: float, y: float, colour: Colour, rng: Rng) -> None:
    """Draw a faint flat streak of cloud."""
    span = rng.uniform(0.12, 0.26) * page.width
    for _ in range(5):
        across = span * rng.uniform(0.3, 0.7)
        tall = span * rng.uniform(0.05, 0.11)
        offset = rng.uniform(-0.6, 0.6) * span
        page.ellipse(x + offset, y + rng.uniform(-0.5, 0.5) * tall, across, tall, (*colour, 46))


def ridge(
    page: Page, base: float, swing: float, colour: Colour, rng: Rng, *, waves: float = 2.0
) -> np.ndarray:
    """Fill everything below a rolling line; returns the line's height at every pixel column."""
    x = np.arange(page.width + 1)
    line = np.full(page.width + 1, float(base))
    for octave in (1, 2, 3.3):
        phase = rng.uniform(0, 2 * np.pi)
        turns = waves * octave * rng.uniform(0.7, 1.3)
        line += swing / octave / 1.6 * np.sin(phase + turns * 2 * np.pi * x / page.width)
    outline = [(float(a), float(b)) for a, b in zip(x[::3], line[::3], strict=True)]
    corners = [(page.width + 3.0, outline[-1][1]), (page.width + 3.0, float(page.height))]
    page.polygon([*outline, *corners, (0.0, float(page.height))], colour)
    return line


def mountains(
    page: Page, base: float, tall: float, colour: Colour, rng: Rng, *, snow: bool
) -> None:
    """Draw a row of peaks, each with a lit and a shaded side."""
    x = -0.1 * page.width
    while x < page.width:
        wide = rng.uniform(0.25, 0.45) * page.width
        high = tall * rng.uniform(0.55, 1.0)
        tip = (x + wide * rng.uniform(0.4, 0.6), base - high)
        page.polygon([(x, base), tip, (x + wide, base)], colour)
        foot = (tip[0] + wide * 0.08, base)
        page.polygon([tip, (x + wide, base), foot], mix(colour, (20, 30, 60), 0.12))
        if snow:
            left = (tip[0] + (x - tip[0]) * 0.28, tip[1] + high * 0.28)
            right = (tip[0] + (x + wide - tip[0]) * 0.28, tip[1] + high * 0.28)
            middle = (tip[0] + wide * 0.03, tip[1] + high * 0.2)
            page.polygon([tip, left, middle, right], (248, 250, 255))
        x += wide * rng.uniform(0.5, 0.8)


def meadow(page: Page, top: float, far: Colour, near: Colour, rng: Rng, *, tufts: int = 70) -> None:
    """Fill the ground from `top` down with grass; blades grow towards the front."""
    page.gradient(top, page.height, far, near)
    deep = page.height - top
    for _ in range(tufts):
        depth = rng.uniform(0.05, 1)
        x, y = rng.uniform(0, page.width), top + depth * deep
        blade = 1.5 + 5 * depth
        shade = (
            mix(near, (255, 255, 200), 0.22)
            if rng.random() < 0.5
            else mix(near, (20, 60, 30), 0.22)
        )
        for lean in (-0.5, 0.0, 0.5):
            page.line([(x, y), (x + lean * blade, y - blade)], (*shade, 170), 0.7)


def patches(page: Page, top: float, colour: Colour, rng: Rng, *, count: int = 14) -> None:
    """Scatter flat translucent ovals over the ground, larger in front."""
    deep = page.height - top
    for _ in range(count):
        depth = rng.uniform(0.1, 1)
        across = page.width * rng.uniform(0.03, 0.12) * (0.4 + depth)
        y = top + depth * deep + across * 0.16
        page.ellipse(rng.uniform(0, page.width), y, across, across * 0.13, (*colour, 70))


def grains(
    page: Page, top: float, colours: Sequence[Colour], rng: Rng, *, count: int = 120
) -> None:
    """Scatter small pebbles or grains over the ground."""
    deep = page.height - top
    for _ in range(count):
        depth = rng.uniform(0.02, 1)
        radius = 0.4 + 1.1 * depth * rng.random()
        colour = colours[int(rng.integers(len(colours)))]
        page.ellipse(
            rng.uniform(0, page.width), top + depth * deep, radius * 1.4, radius, (*colour, 150)
        )


def water(page: Page, top: float, bottom: float, far: Colour, near: Colour, rng: Rng) -> None:
    """Fill a band with water: a gradient and short bright ripples, longer towards the front."""
    page.gradient(top, bottom, far, near)
    for _ in range(int((bottom - top) * page.width / 900)):
        depth = rng.uniform(0, 1) ** 0.8
        y = top + depth * (bottom - top)
        half = (3 + 15 * depth) * rng.uniform(0.5, 1.3) * page.width / 400
        bright = (255, 255, 255, int(rng.integers(30, 95)))
        page.ellipse(rng.uniform(0, page.width), y, half, 0.5 + 0.8 * depth, bright)


def houses(page: Page, base: float, tall: float, light: str, rng: Rng) -> None:
    """Draw a row of houses side by side with windows; some are lit in the dark."""
    walls = ((232, 196, 160), (214, 160, 140), (188, 200, 206), (238, 220, 178), (176, 190, 168),
             (206, 178, 196), (160, 180, 200), (226, 178, 130))  # fmt: skip
    dark = light in ("night", "dusk")
    x = -rng.uniform(0, 0.1) * page.width
    while x < page.width:
        wide = rng.uniform(0.13, 0.26) * page.width
        high = tall * rng.uniform(0.5, 1.0)
        colour = mix(jitter(walls[int(rng.integers(len(walls)))], rng), HAZE[light], 0.25)
        page.rectangle(x, base - high, x + wide, base, colour)
        _roof(page, x, base - high, wide, colour, rng)
        glass = (255, 226, 140) if dark else mix(colour, (90, 130, 160), 0.65)
        _windows(page, (x, base - high, wide, high), glass, mix(colour, (60, 60, 80), 0.45), rng)
        x += wide


def _roof(page: Page, x: float, y: float, wide: float, wall: Colour, rng: Rng) -> None:
    tile = mix(wall, (140, 60, 50) if rng.random() < 0.5 else (70, 74, 92), 0.6)
    style = rng.random()
    if style < 0.4:
        page.polygon([(x - 2, y), (x + wide / 2, y - wide * 0.3), (x + wide + 2, y)], tile)
    elif style < 0.7:
        page.rectangle(x - 2, y - 4, x + wide + 2, y + 2, tile)
    else:
        page.polygon([(x - 2, y), (x + 6, y - 14), (x + wide - 6, y - 14), (x + wide + 2, y)], tile)


def _windows(
    page: Page, house: tuple[float, float, float, float], glass: Colour, dark: Colour, rng: Rng
) -> None:
    x, y, wide, high = house
    columns = max(2, round(wide / 22))
    rows = max(1, round(high / 34))
    cell, floor = wide / columns, high / rows
    lit = rng.uniform(0.35, 1.0)
    frame = mix(dark, (250, 248, 240), 0.6)
    for row in range(rows):
        for column in range(columns):
            left, top = x + cell * (column + 0.26), y + floor * (row + 0.22)
            pane = glass if rng.random() < lit else dark
            page.rectangle(left, top, left + cell * 0.5, top + floor * 0.48, frame)
            page.rectangle(left + 1, top + 1, left + cell * 0.5 - 1, top + floor * 0.48 - 1, pane)


def towers(page: Page, base: float, tall: float, colour: Colour, rng: Rng) -> None:
    """Draw a distant skyline as flat silhouettes."""
    x = 0.0
    while x < page.width:
        wide = rng.uniform(0.05, 0.11) * page.width
        page.rectangle(x, base - tall * rng.uniform(0.35, 1.0), x + wide, base, jitter(colour, rng))
        x += wide * rng.uniform(0.8, 1.3)


def bushes(page: Page, y: float, colour: Colour, rng: Rng, *, size: float = 1.0) -> None:
    """Draw a hedge of round bushes along a line."""
    x = -10.0
    while x < page.width + 10:
        radius = rng.uniform(9, 20) * size
        shade = jitter(colour, rng, 10)
        page.ellipse(x, y, radius, radius * 0.8, shade)
        page.ellipse(x - radius * 0.25, y - radius * 0.2, radius * 0.5, radius * 0.35,
                     mix(shade, (255, 255, 220), 0.12))  # fmt: skip
        x += radius * rng.uniform(0.8, 1.6)


def fence(page: Page, y: float, tall: float, colour: Colour, rng: Rng) -> None:
    """Draw a wooden fence of posts and two rails."""
    shade = mix(colour, (60, 40, 30), 0.3)
    for share in (0.3, 0.65):
        page.rectangle(0, y - tall * share - tall * 0.07, page.width, y - tall * share, shade)
    gap = tall * rng.uniform(0.8, 1.6)
    x = rng.uniform(-gap, 0)
    while x < page.width:
        page.rectangle(x, y - tall, x + tall * 0.16, y, jitter(colour, rng, 6), radius=1)
        x += gap
