"""Backdrops indoors, each with furniture that things stand on, beside or behind."""

from __future__ import annotations

import interiors
import numpy as np
from page import Colour, Page, jitter, mix
from setting import FAR_AWAY, Furniture, Setting, Zone

Rng = np.random.Generator

WALLS: tuple[Colour, ...] = (
    (244, 226, 196), (206, 222, 214), (236, 208, 196), (204, 218, 232),
    (226, 220, 236), (240, 236, 222), (188, 208, 196), (246, 218, 170),
)  # fmt: skip
WOODS: tuple[Colour, ...] = ((204, 158, 112), (176, 128, 90), (222, 184, 140), (150, 112, 84))


def _pick(options: tuple[Colour, ...], rng: Rng) -> Colour:
    return jitter(options[int(rng.integers(len(options)))], rng)


def kitchen(width: int, height: int, light: str, rng: Rng) -> Setting:
    """A counter along the wall, a window above it, a tiled or wooden floor."""
    page = Page(width, height)
    floor = height * rng.uniform(0.66, 0.72)
    paint = interiors.tiled_wall if rng.random() < 0.6 else interiors.wall
    paint(page, floor, _pick(WALLS, rng), rng)
    if rng.random() < 0.5:
        first = _pick(((236, 230, 220), (226, 214, 196)), rng)
        interiors.checks(
            page, floor, first, _pick(((150, 170, 176), (190, 130, 100), (120, 130, 130)), rng), rng
        )
    else:
        interiors.planks(page, floor, _pick(WOODS, rng), rng)
    hanging = _window_or_shelf(page, floor, light, rng)
    top = floor - height * rng.uniform(0.17, 0.22)
    left, right = (0.0, width * rng.uniform(0.7, 0.85))
    if rng.random() < 0.5:
        left, right = width - right, float(width)
    if rng.random() < 0.4:
        left, right = -6.0, width + 6.0
    base = floor + height * 0.05
    drawn = Page(width, height, clear=True)
    interiors.counter(drawn, top, base, left, right, rng)
    pieces = (Furniture(drawn.finish(), 0, 0, base),)
    zones = _room_zones(width, height, base, hanging)
    zones["top"] = (_on(top, left, right, base),)
    zones["behind"] = (Zone(top + 4, top + 8, left + 20, right - 20, 1.0, 1.0, "air", base - 1),)
    return Setting(page.finish(), zones, pieces)


def living_room(width: int, height: int, light: str, rng: Rng) -> Setting:
    """A sofa against the wall, a rug, a low table in front."""
    page = Page(width, height)
    floor = height * rng.uniform(0.56, 0.62)
    interiors.wall(page, floor, _pick(WALLS, rng), rng)
    _floor(page, floor, rng)
    if rng.random() < 0.75:
        interiors.rug(page, floor, rng)
    hanging = _wall_hangings(page, floor, light, rng)
    base = floor + height * 0.07
    seat = base - height * rng.uniform(0.14, 0.17)
    left = width * rng.uniform(0.02, 0.36)
    right = left + width * rng.uniform(0.46, 0.58)
    drawn = Page(width, height, clear=True)
    interiors.sofa(drawn, seat, base, left, right, rng)
    pieces = [Furniture(drawn.finish(), 0, 0, base)]
    tops = [_on(seat + 6, left + 20, right - 20, base)]
    if rng.random() < 0.75:
        piece, top = _table(width, height, (0.7, 0.16), (0.34, 0.5), rng)
        pieces.append(piece)
        tops += [top, top]
    zones = _room_zones(width, height, base, hanging)
    zones["top"] = tuple(tops)
    return Setting(page.finish(), zones, tuple(pieces))


def office(width: int, height: int, light: str, rng: Rng) -> Setting:
    """One or two desks before a window front or a plain wall."""
    page = Page(width, height)
    floor = height * rng.uniform(0.58, 0.66)
    interiors.wall(page, floor, _pick(WALLS, rng), rng)
    if rng.random() < 0.6:
        interiors.carpet(
            page, floor, _pick(((140, 152, 168), (160, 160, 150), (176, 160, 150)), rng), rng
        )
    else:
        interiors.planks(page, floor, _pick(WOODS, rng), rng)
    if rng.random() < 0.5:
        for share in (0.06, 0.38, 0.7):
            interiors.window(
                page, width * share, height * 0.2, width * 0.24, floor * 0.4, light, rng
            )
        hanging = _clock_zone(page, width * 0.1, width * 0.9)._replace(
            top=height * 0.155, bottom=height * 0.165, far=0.75, near=0.75
        )
    else:
        hanging = _wall_hangings(page, floor, light, rng)
    piece, top = _table(width, height, (0.84, 0.24), (0.62, 0.8), rng)
    zones = _room_zones(width, height, floor + 6, hanging)
    base = top.depth or 0.0
    zones["behind"] = (
        Zone(top.top + 4, top.top + 8, top.left, top.right, 1.0, 1.0, "air", base - 1),
    )
    zones["top"] = (top,)
    return Setting(page.finish(), zones, (piece,))


def bedroom(width: int, height: int, light: str, rng: Rng) -> Setting:
    """A quiet room with a bedside table and a rug."""
    page = Page(width, height)
    floor = height * rng.uniform(0.54, 0.6)
    interiors.wall(page, floor, _pick(WALLS, rng), rng)
    _floor(page, floor, rng)
    if rng.random() < 0.7:
        interiors.rug(page, floor, rng)
    hanging = _wall_hangings(page, floor, light, rng)
    side = 0.03 if rng.random() < 0.5 else 0.72
    piece, top = _table(width, height, (floor / height + 0.09, 0.18), (0.22, 0.25), rng, left=side)
    zones = _room_zones(width, height, floor + height * 0.08, hanging)
    zones["top"] = (top,)
    return Setting(page.finish(), zones, (piece,))


def _floor(page: Page, floor: float, rng: Rng) -> None:
    if rng.random() < 0.65:
        interiors.planks(page, floor, _pick(WOODS, rng), rng)
    else:
        interiors.carpet(
            page, floor, _pick(((190, 176, 160), (156, 166, 150), (170, 160, 176)), rng), rng
        )


def _room_zones(
    width: int, height: int, floor: float, hanging: Zone
) -> dict[str, tuple[Zone, ...]]:
    ground = Zone(floor + 8, height - 6, 0, width, 0.85, 1.1)
    return {"ground": (ground,), "wall": (hanging,)}


def _on(top: float, left: float, right: float, base: float) -> Zone:
    """The top of a piece of furniture whose feet stand at `base`."""
    return Zone(top - 1, top + 2, max(left, 0) + 8, right - 8, 1.05, 1.05, depth=base + 0.5)


def _table(
    width: int,
    height: int,
    place: tuple[float, float],
    spread: tuple[float, float],
    rng: Rng,
    *,
    left: float | None = None,
) -> tuple[Furniture, Zone]:
    """A table whose feet and height are `place`, and its width within `spread`: shares."""
    base = height * (place[0] + rng.uniform(-0.02, 0.02))
    top = base - height * place[1]
    wide = width * rng.uniform(*spread)
    start = width * left if left is not None else rng.uniform(0.04, 0.96) * (width - wide)
    drawn = Page(width, height, clear=True)
    interiors.table(drawn, top, base, start, start + wide, _pick((*WOODS, (236, 232, 224)), rng))
    return Furniture(drawn.finish(), 0, 0, base), _on(top - 2, start, start + wide, base)


def _wall_hangings(page: Page, floor: float, light: str, rng: Rng) -> Zone:
    """A window on one side, pictures on the other; returns where a clock finds room."""
    wide = page.width * rng.uniform(0.22, 0.3)
    on_left = rng.random() < 0.5
    left = page.width * (rng.uniform(0.07, 0.16) if on_left else rng.uniform(0.58, 0.66))
    interiors.window(page, left, floor * rng.uniform(0.14, 0.22), wide, floor * 0.44, light, rng)
    for number in range(int(rng.integers(0, 3))):
        side = page.width * rng.uniform(0.07, 0.1)
        x = page.width * (0.88 - 0.13 * number if on_left else 0.04 + 0.13 * number)
        interiors.picture(page, x, floor * rng.uniform(0.2, 0.35), side, rng)
    free = (left + wide + 16, page.width * 0.74) if on_left else (page.width * 0.28, left - 16)
    return _clock_zone(page, *free)


def _clock_zone(page: Page, left: float, right: float) -> Zone:
    """The stretch of wall where a clock may hang."""
    top, bottom = page.height * 0.22, page.height * 0.3
    return Zone(top, bottom, left, right, touch="air", depth=FAR_AWAY)


def _window_or_shelf(page: Page, floor: float, light: str, rng: Rng) -> Zone:
    """A window over the counter, or a bare shelf; returns where a clock finds room."""
    left = page.width * rng.uniform(0.3, 0.6)
    if rng.random() < 0.7:
        interiors.window(page, left, floor * 0.12, page.width * 0.26, floor * 0.36, light, rng)
    else:
        wood = _pick(WOODS, rng)
        y = floor * rng.uniform(0.34, 0.42)
        page.rectangle(left, y, left + page.width * 0.28, y + 6, wood, radius=1)
        for share in (0.04, 0.23):
            x = left + page.width * share
            page.polygon([(x, y + 6), (x + 6, y + 6), (x, y + 18)], mix(wood, (40, 30, 20), 0.3))
    if left > page.width * 0.42:
        return _clock_zone(page, page.width * 0.05, left - 16)
    return _clock_zone(page, left + page.width * 0.32, page.width * 0.97)
