"""Backdrops far from town: camp sites, the sea above and below, the desert."""

from __future__ import annotations

import numpy as np
import scenery
from page import Page, jitter, mix
from setting import FAR_AWAY, Setting, Zone

Rng = np.random.Generator


def camping(width: int, height: int, light: str, rng: Rng) -> Setting:
    """A clearing before mountains and dark woods, sometimes at a lake."""
    page = Page(width, height)
    horizon = height * rng.uniform(0.42, 0.5)
    scenery.sky(page, horizon, light, rng)
    haze = scenery.HAZE[light]
    if rng.random() < 0.7:
        tone = mix((96, 112, 140), haze, 0.5)
        scenery.mountains(page, horizon, height * 0.28, tone, rng, snow=rng.random() < 0.4)
    for share in (0.55, 0.3):
        scenery.ridge(page, horizon - 10 * share, 8, mix((78, 120, 96), haze, share), rng)
    grass = jitter((110, 150, 96), rng)
    zones = {"sky": (Zone(height * 0.19, height * 0.29, 0, width, touch="air", depth=FAR_AWAY),)}
    meadow = horizon + 4
    if rng.random() < 0.45:
        meadow = horizon + height * 0.13
        tone = mix((90, 140, 180), haze, 0.35)
        scenery.water(page, horizon, meadow + 6, mix(tone, haze, 0.4), tone, rng)
        zones["water"] = (Zone(horizon + 8, meadow - 6, 0, width, 0.42, 0.55, "water"),)
    scenery.meadow(page, meadow, mix(grass, haze, 0.2), mix(grass, (50, 90, 50), 0.3), rng)
    scenery.patches(page, meadow, mix(grass, (40, 70, 40), 0.4), rng)
    deep = height - meadow
    zones["back"] = (Zone(meadow + 6, meadow + deep * 0.3, 0, width, 0.65, 0.95),)
    zones["ground"] = (Zone(meadow + deep * 0.3, height - 8, 0, width, 0.75, 1.0),)
    return Setting(page.finish(), zones)


def sea(width: int, height: int, light: str, rng: Rng) -> Setting:
    """The open sea, cut so that one also sees below the surface; or only its surface."""
    page = Page(width, height)
    surface = height * rng.uniform(0.34, 0.46)
    scenery.sky(page, surface, light, rng)
    haze = scenery.HAZE[light]
    if rng.random() < 0.35:
        tone = mix((130, 160, 160), haze, 0.5)
        scenery.mountains(page, surface, height * 0.1, tone, rng, snow=False)
    scenery.water(
        page, surface - 12, surface + 4, mix((90, 160, 200), haze, 0.4), (96, 174, 208), rng
    )
    depths = (
        ((84, 176, 206), (20, 78, 132)),
        ((100, 196, 200), (24, 96, 130)),
        ((76, 156, 206), (30, 60, 120)),
    )
    upper, lower = depths[int(rng.integers(3))]
    scenery.ridge(page, surface + 2, 4, mix(upper, (255, 255, 255), 0.45), rng, waves=3)
    state = rng.bit_generator.state
    line = scenery.ridge(page, surface + 6, 4, upper, rng, waves=3)
    rng.bit_generator.state = state
    page.gradient(float(line.max()) + 1, height, upper, lower)
    for _ in range(5):
        x, wide = rng.uniform(-0.1, 1) * width, rng.uniform(0.04, 0.1) * width
        slant = width * 0.12
        foot = surface + (height - surface) * rng.uniform(0.6, 1.0)
        beam = [
            (x, surface + 12),
            (x + wide, surface + 12),
            (x + wide + slant * 1.4, foot),
            (x + slant, foot),
        ]
        page.polygon(beam, (255, 255, 255, 20))
    _bubbles(page, surface + 20, rng)
    bed = height * rng.uniform(0.88, 0.93)
    sand = mix(jitter((226, 204, 150), rng), lower, 0.35)
    _weeds(page, bed + 8, mix((60, 150, 110), lower, 0.25), rng)
    scenery.ridge(page, bed, 6, sand, rng, waves=1.5)
    scenery.grains(
        page, bed + 6, (mix(sand, (0, 0, 0), 0.2), mix(sand, (255, 255, 255), 0.3)), rng, count=60
    )
    zones = {
        "sky": (Zone(height * 0.19, height * 0.29, 0, width, touch="air", depth=FAR_AWAY),),
        "water": (Zone(surface, surface + 5, 0, width, 0.85, 0.9, "water"),),
        "under": (Zone(surface + height * 0.2, bed - 2, 0, width, 0.85, 1.0, "air"),),
        "floor": (Zone(bed + 6, height - 4, 0, width, 0.9, 1.0),),
    }
    return Setting(page.finish(), zones)


def desert(width: int, height: int, light: str, rng: Rng) -> Setting:
    """Dunes or a plain before table mountains, with ripples and stones."""
    page = Page(width, height)
    horizon = height * rng.uniform(0.42, 0.52)
    scenery.sky(page, horizon, light, rng)
    haze = scenery.HAZE[light]
    sand = jitter(((236, 190, 122), (226, 168, 110), (240, 206, 150))[int(rng.integers(3))], rng)
    if rng.random() < 0.55:
        _mesas(
            page, horizon + 6, height * 0.22, mix(mix(sand, (160, 70, 50), 0.55), haze, 0.35), rng
        )
    for layer in range(3):
        tone = mix(mix(sand, (190, 110, 70), 0.3 - 0.1 * layer), haze, 0.4 - 0.15 * layer)
        scenery.ridge(page, horizon - 8 + 11 * layer, 11 - 2 * layer, tone, rng, waves=1.2)
    page.gradient(horizon + 28, height, mix(sand, haze, 0.08), mix(sand, (200, 130, 70), 0.25))
    scenery.patches(page, horizon + 30, mix(sand, (150, 90, 50), 0.5), rng)
    scenery.grains(page, horizon + 30, (mix(sand, (110, 70, 40), 0.5), (255, 236, 200)), rng)
    zones = {
        "sky": (Zone(height * 0.19, height * 0.3, 0, width, touch="air", depth=FAR_AWAY),),
        "back": (Zone(horizon + 30, horizon + 50, 0, width, 0.6, 0.75),),
        "ground": (Zone(horizon + 34, height - 8, 0, width, 0.55, 1.0),),
    }
    return Setting(page.finish(), zones)


def _bubbles(page: Page, top: float, rng: Rng) -> None:
    for _ in range(int(rng.integers(8, 24))):
        x, y, radius = (
            rng.uniform(0, page.width),
            rng.uniform(top, page.height),
            rng.uniform(1, 3.5),
        )
        page.ellipse(x, y, radius, radius, (255, 255, 255, 70))
        page.ellipse(
            x - radius * 0.3, y - radius * 0.3, radius * 0.3, radius * 0.3, (255, 255, 255, 160)
        )


def _weeds(page: Page, foot: float, colour: tuple[int, ...], rng: Rng) -> None:
    """Swaying seaweed in a few tufts."""
    for _ in range(int(rng.integers(2, 6))):
        root = rng.uniform(0, page.width)
        for _ in range(int(rng.integers(3, 6))):
            x, tall = root + rng.uniform(-12, 12), rng.uniform(0.1, 0.24) * page.height
            sway, phase = rng.uniform(3, 7), rng.uniform(0, 6)
            points = [
                (float(x + sway * np.sin(phase + 5 * share) * share), float(foot - tall * share))
                for share in np.linspace(0, 1, 9)
            ]
            page.line(points, jitter(colour, rng), 3.0)


def _mesas(page: Page, base: float, tall: float, colour: tuple[int, ...], rng: Rng) -> None:
    """Flat-topped mountains with a lighter layer of rock."""
    x = page.width * rng.uniform(-0.1, 0.3)
    while x < page.width:
        wide, high = page.width * rng.uniform(0.15, 0.32), tall * rng.uniform(0.5, 1.0)
        inset = wide * 0.12
        page.polygon(
            [
                (x, base),
                (x + inset, base - high),
                (x + wide - inset, base - high),
                (x + wide, base),
            ],
            colour,
        )
        y = base - high * 0.66
        page.polygon(
            [
                (x + inset * 0.66, y),
                (x + wide - inset * 0.66, y),
                (x + wide - inset * 0.55, y + high * 0.1),
                (x + inset * 0.55, y + high * 0.1),
            ],
            mix(colour, (255, 220, 170), 0.3),
        )
        x += wide * rng.uniform(1.0, 2.0)
