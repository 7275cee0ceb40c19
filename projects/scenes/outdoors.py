"""Backdrops under the open sky, each in several variants."""

from __future__ import annotations

import numpy as np
import scenery
from page import Page, jitter, mix
from setting import FAR_AWAY, IN_FRONT, Furniture, Setting, Zone

Rng = np.random.Generator


def street(width: int, height: int, light: str, rng: Rng) -> Setting:
    """A row of houses or a square with a skyline, a pavement, a road across the picture."""
    page = Page(width, height)
    kerb = height * rng.uniform(0.62, 0.68)
    walk = kerb - height * rng.uniform(0.1, 0.14)
    scenery.sky(page, walk, light, rng)
    row = Page(width, height, clear=True)
    if rng.random() < 0.6:
        hazy = mix((150, 165, 190), scenery.HAZE[light], 0.55)
        scenery.towers(row, walk + 1, height * 0.42, hazy, rng)
    scenery.houses(row, walk + 1, height * rng.uniform(0.22, 0.38), light, rng)
    if rng.random() < 0.35:
        scenery.bushes(row, walk - 6, jitter((104, 150, 92), rng), rng, size=0.7)
    paving = jitter((204, 198, 188), rng)
    page.gradient(walk, kerb, mix(paving, (120, 120, 130), 0.15), paving)
    for x in np.arange(rng.uniform(0, 30), width * 1.3, 34):
        seam = (*mix(paving, (90, 90, 90), 0.35), 120)
        page.line([(float(x) - 8, walk), (float(x) - 24, kerb)], seam, 0.7)
    page.rectangle(0, kerb, width, kerb + 5, mix(paving, (110, 110, 115), 0.4))
    asphalt = jitter((104, 108, 116), rng)
    page.gradient(kerb + 5, height, asphalt, mix(asphalt, (50, 52, 60), 0.3))
    stripe = kerb + (height - kerb) * 0.52
    for x in np.arange(rng.uniform(-40, 0), width, 62):
        page.polygon(
            [
                (float(x) + 3, stripe),
                (float(x) + 37, stripe),
                (float(x) + 34, stripe + 5),
                (float(x), stripe + 5),
            ],
            (240, 236, 220, 220),
        )
    deep = height - kerb
    zones = {
        "sky": (Zone(height * 0.19, height * 0.3, 0, width, touch="air", depth=FAR_AWAY),),
        "walk": (Zone(walk + 8, kerb - 1, 0, width, 0.72, 0.8),),
        "back": (Zone(walk + 4, walk + 8, 0, width, 0.62, 0.7),),
        "post": (Zone(kerb - 4, kerb - 1, width * 0.08, width * 0.92, 1.0, 1.0),),
        "ground": (Zone(walk + 8, kerb - 1, 0, width, 0.72, 0.8),),
        "road": (
            Zone(kerb + deep * 0.36, kerb + deep * 0.44, 0, width, 0.78, 0.82),
            Zone(kerb + deep * 0.84, kerb + deep * 0.94, 0, width, 1.0, 1.05),
        ),
    }
    return Setting(page.finish(), zones, (Furniture(row.finish(), 0, 0, FAR_AWAY + 1),))


def park(width: int, height: int, light: str, rng: Rng) -> Setting:
    """Lawns with a winding path or a pond before hills, bushes or a skyline."""
    page = Page(width, height)
    horizon = height * rng.uniform(0.42, 0.52)
    scenery.sky(page, horizon, light, rng)
    haze = scenery.HAZE[light]
    if rng.random() < 0.4:
        scenery.towers(page, horizon + 6, height * 0.25, mix((150, 160, 185), haze, 0.5), rng)
    for share in (0.55, 0.25):
        green = mix(jitter((112, 166, 96), rng), haze, share)
        scenery.ridge(page, horizon - 22 * share, 10, green, rng)
    if rng.random() < 0.55:
        scenery.bushes(page, horizon + 2, mix((84, 140, 84), haze, 0.15), rng)
    grass = jitter((134, 184, 92), rng, 12)
    scenery.meadow(page, horizon, mix(grass, haze, 0.3), mix(grass, (60, 120, 50), 0.25), rng)
    scenery.patches(page, horizon, mix(grass, (40, 90, 40), 0.3), rng)
    zones = {
        "sky": (Zone(height * 0.19, height * 0.34, 0, width, touch="air", depth=FAR_AWAY),),
        "back": (Zone(horizon + 5, horizon + (height - horizon) * 0.35, 0, width, 0.55, 0.85),),
        "ground": (Zone(horizon + 22, height - 6, 0, width, 0.55, 1.0),),
    }
    if rng.random() < 0.6:
        _path(page, horizon, jitter((222, 200, 160), rng), rng)
    elif rng.random() < 0.6:
        zones["water"] = (_pond(page, horizon, light, rng),)
    return Setting(page.finish(), zones, _grass_in_front(width, height, grass, rng))


def farm(width: int, height: int, light: str, rng: Rng) -> Setting:
    """Fields over rolling hills with a barn, a fence, sometimes another one in front."""
    page = Page(width, height)
    horizon = height * rng.uniform(0.4, 0.5)
    scenery.sky(page, horizon, light, rng)
    haze = scenery.HAZE[light]
    crops = ((204, 190, 100), (150, 186, 100), (120, 168, 92), (222, 204, 130), (176, 196, 112))
    for layer in range(3):
        tone = mix(jitter(crops[int(rng.integers(len(crops)))], rng), haze, 0.5 - 0.17 * layer)
        scenery.ridge(page, horizon - 16 + 11 * layer, 10, tone, rng, waves=rng.uniform(1, 2))
    if rng.random() < 0.65:
        _barn(page, width * rng.uniform(0.08, 0.78), horizon + 12, height * 0.17, rng)
    grass = jitter(((146, 188, 90), (170, 186, 96))[int(rng.integers(2))], rng)
    scenery.meadow(page, horizon + 12, mix(grass, haze, 0.25), mix(grass, (70, 120, 50), 0.25), rng)
    if rng.random() < 0.35:
        _furrows(page, horizon + 12, (156, 122, 84), rng)
    if rng.random() < 0.6:
        scenery.fence(page, horizon + 24, height * 0.075, (206, 180, 146), rng)
    zones = {
        "sky": (Zone(height * 0.19, height * 0.3, 0, width, touch="air", depth=FAR_AWAY),),
        "back": (Zone(horizon + 10, horizon + 30, 0, width, 0.5, 0.7),),
        "ground": (Zone(horizon + 34, height - 8, 0, width, 0.6, 1.0),),
    }
    if rng.random() < 0.2:
        front = Page(width, round(height * 0.16), clear=True)
        scenery.fence(front, height * 0.16, height * 0.15, (190, 150, 110), rng)
        piece = Furniture(front.finish(), 0, height - round(height * 0.16), IN_FRONT)
        return Setting(page.finish(), zones, (piece,))
    return Setting(page.finish(), zones, _grass_in_front(width, height, grass, rng))


def beach(width: int, height: int, light: str, rng: Rng) -> Setting:
    """Sky, sea with a wavy foam line, sand; sometimes an island or a headland."""
    page = Page(width, height)
    horizon = height * rng.uniform(0.32, 0.4)
    shore = height * rng.uniform(0.52, 0.6)
    scenery.sky(page, horizon, light, rng)
    haze = scenery.HAZE[light]
    if rng.random() < 0.4:
        tall = height * rng.uniform(0.05, 0.1)
        scenery.mountains(page, horizon, tall, mix((110, 140, 150), haze, 0.5), rng, snow=False)
    seas = (((70, 150, 190), (120, 208, 214)), ((60, 134, 184), (100, 190, 206)))
    far, near = seas[int(rng.integers(2))]
    scenery.water(page, horizon, shore + 12, mix(far, haze, 0.25), mix(near, haze, 0.15), rng)
    sand = jitter(((240, 218, 168), (236, 206, 160), (246, 228, 190))[int(rng.integers(3))], rng)
    state = rng.bit_generator.state
    for lift, tone in ((9, (255, 255, 255)), (4, mix(sand, (120, 110, 90), 0.3)), (0, sand)):
        rng.bit_generator.state = state
        scenery.ridge(page, shore - lift, 6, tone, rng, waves=1.6)
    page.gradient(shore + 12, height, sand, mix(sand, (214, 170, 110), 0.3))
    scenery.patches(page, shore + 14, mix(sand, (180, 140, 90), 0.5), rng)
    scenery.grains(page, shore + 14, ((200, 170, 120), (255, 246, 226)), rng)
    zones = {
        "sky": (Zone(height * 0.19, height * 0.29, 0, width, touch="air", depth=FAR_AWAY),),
        "water": (Zone(horizon + 5, shore - 14, 0, width, 0.36, 0.62, "water"),),
        "back": (Zone(shore + 8, shore + 22, 0, width, 0.75, 0.9),),
        "ground": (Zone(shore + 24, height - 8, 0, width, 0.65, 1.0),),
    }
    return Setting(page.finish(), zones)


def winter(width: int, height: int, light: str, rng: Rng) -> Setting:
    """Snowy hills before mountains, drifts, sometimes a cottage with a lit window."""
    page = Page(width, height)
    horizon = height * rng.uniform(0.42, 0.52)
    scenery.sky(page, horizon, light, rng)
    haze = scenery.HAZE[light]
    if rng.random() < 0.6:
        scenery.mountains(
            page, horizon + 8, height * 0.26, mix((130, 150, 186), haze, 0.35), rng, snow=True
        )
    for layer in range(3):
        snow = mix(mix((206, 222, 242), haze, 0.3), (246, 250, 255), layer / 2.4)
        scenery.ridge(page, horizon - 10 + layer * 12, 9, snow, rng, waves=1.4)
    if rng.random() < 0.4:
        _barn(page, width * rng.uniform(0.08, 0.78), horizon + 18, height * 0.14, rng, snowy=True)
    page.gradient(horizon + 22, height, (238, 244, 252), (250, 252, 255))
    scenery.patches(page, horizon + 22, (190, 208, 234), rng)
    zones = {
        "sky": (Zone(height * 0.19, height * 0.3, 0, width, touch="air", depth=FAR_AWAY),),
        "back": (Zone(horizon + 18, horizon + (height - horizon) * 0.45, 0, width, 0.5, 0.85),),
        "ground": (Zone(horizon + 32, height - 8, 0, width, 0.62, 1.0),),
    }
    return Setting(page.finish(), zones)


def _grass_in_front(
    width: int, height: int, grass: tuple[int, ...], rng: Rng
) -> tuple[Furniture, ...]:
    """Tall blades at the lower edge, in a quarter of the pictures."""
    if rng.random() > 0.25:
        return ()
    tall = round(height * 0.13)
    front = Page(width, tall, clear=True)
    for _ in range(round(width / 5)):
        x, high = rng.uniform(0, width), tall * rng.uniform(0.35, 0.95)
        lean = rng.uniform(-0.35, 0.35) * high
        shade = jitter(mix(grass, (40, 100, 50), rng.uniform(0.2, 0.6)), rng)
        front.polygon([(x - 2.5, tall), (x + lean, tall - high), (x + 2.5, tall)], (*shade, 255))
    return (Furniture(front.finish(), 0, height - tall, IN_FRONT),)


def _path(page: Page, horizon: float, colour: tuple[int, ...], rng: Rng) -> None:
    """A path that winds from the lower edge to the horizon."""
    start, end = page.width * rng.uniform(0.25, 0.75), page.width * rng.uniform(0.3, 0.7)
    bend = rng.uniform(-0.25, 0.25) * page.width
    left, right = [], []
    for share in np.linspace(0, 1, 24):
        y = page.height - (page.height - horizon - 4) * share
        middle = start + (end - start) * share + bend * np.sin(np.pi * share)
        half = page.width * (0.15 * (1 - share) ** 1.5 + 0.008)
        left.append((float(middle - half), float(y)))
        right.append((float(middle + half), float(y)))
    page.polygon([*left, *right[::-1]], colour)
    page.line(left, mix(colour, (110, 90, 60), 0.3), 1.2)


def _pond(page: Page, horizon: float, light: str, rng: Rng) -> Zone:
    """A pond on the lawn; returns where things can swim in it."""
    deep = page.height - horizon
    x, y = page.width * rng.uniform(0.3, 0.7), horizon + deep * rng.uniform(0.28, 0.36)
    across, tall = page.width * rng.uniform(0.24, 0.32), deep * rng.uniform(0.13, 0.17)
    page.ellipse(x, y, across + 6, tall + 3, (178, 170, 120))
    page.ellipse(x, y, across, tall, mix((110, 176, 206), scenery.HAZE[light], 0.25))
    for _ in range(7):
        spot = (x + rng.uniform(-0.6, 0.6) * across, y + rng.uniform(-0.6, 0.6) * tall)
        page.ellipse(*spot, across * 0.12, 1, (255, 255, 255, 110))
    return Zone(y, y + tall * 0.6, x - across * 0.8, x + across * 0.8, 0.75, 0.8, "water")


def _barn(page: Page, x: float, base: float, tall: float, rng: Rng, *, snowy: bool = False) -> None:
    """A barn or cottage with a pitched roof."""
    walls = ((188, 82, 66), (214, 190, 150), (150, 96, 72))
    wall = jitter(walls[int(rng.integers(3))], rng)
    wide = tall * rng.uniform(1.3, 1.7)
    roof = (246, 250, 255) if snowy else mix(wall, (70, 60, 66), 0.65)
    page.rectangle(x, base - tall * 0.62, x + wide, base, wall)
    page.polygon(
        [
            (x - 5, base - tall * 0.6),
            (x + wide * 0.2, base - tall),
            (x + wide * 0.8, base - tall),
            (x + wide + 5, base - tall * 0.6),
        ],
        roof,
    )
    pane = (255, 226, 140) if snowy else mix(wall, (250, 244, 230), 0.8)
    page.rectangle(
        x + wide * 0.38, base - tall * 0.42, x + wide * 0.62, base, mix(wall, (50, 30, 30), 0.5)
    )
    for share in (0.1, 0.74):
        page.rectangle(
            x + wide * share,
            base - tall * 0.44,
            x + wide * (share + 0.16),
            base - tall * 0.26,
            pane,
        )


def _furrows(page: Page, top: float, colour: tuple[int, ...], rng: Rng) -> None:
    """Ploughed lines that run together at the horizon."""
    middle = page.width * rng.uniform(0.2, 0.8)
    for offset in np.linspace(-2.6, 2.6, 18):
        near = middle + float(offset) * page.width
        far = middle + float(offset) * page.width * 0.35
        page.line([(far, top), (near, float(page.height))], (*colour, 80), 2.2)
