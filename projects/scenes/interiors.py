"""Pieces that rooms are made of: walls, floors, windows, rugs, counters, tables, sofas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from page import Colour, Page, jitter, mix
from scenery import SKIES

Rng = np.random.Generator
WHITE: Colour = (250, 248, 242)


def wall(page: Page, bottom: float, colour: Colour, rng: Rng) -> None:
    """Paint the wall: plain, striped, dotted, panelled or tiled half way up."""
    page.gradient(0, bottom, mix(colour, (255, 255, 255), 0.16), colour)
    faint = (*mix(colour, (255, 255, 255), 0.5), 90)
    style = int(rng.integers(4))
    step = rng.uniform(22, 40)
    if style == 1:
        for x in np.arange(rng.uniform(0, step), page.width, step):
            page.rectangle(float(x), 0, float(x) + step * 0.45, bottom, faint)
    elif style == 2:
        for row, y in enumerate(np.arange(step / 2, bottom, step * 0.8)):
            for x in np.arange((row % 2) * step / 2, page.width, step):
                page.ellipse(float(x), float(y), 2.2, 2.2, faint)
    elif style == 3:
        line = bottom * rng.uniform(0.58, 0.68)
        page.rectangle(0, line, page.width, bottom, mix(colour, (255, 255, 255), 0.45))
        page.rectangle(0, line - 3, page.width, line, mix(colour, (60, 50, 50), 0.25))
        for x in np.arange(rng.uniform(0, 30), page.width, 34):
            page.rectangle(float(x), line, float(x) + 1, bottom, (*mix(colour, (0, 0, 0), 0.2), 90))
    page.rectangle(0, bottom - 6, page.width, bottom, mix(WHITE, colour, 0.2))


def tiled_wall(page: Page, bottom: float, colour: Colour, rng: Rng) -> None:
    """Tile the wall like a kitchen's, a few tiles in a second colour."""
    page.gradient(0, bottom, mix(colour, (255, 255, 255), 0.25), colour)
    side = rng.uniform(18, 30)
    wide = side * (2 if rng.random() < 0.5 else 1)
    grout = (*mix(colour, (255, 255, 255), 0.65), 200)
    for row, y in enumerate(np.arange(0, bottom, side)):
        page.rectangle(0, float(y), page.width, float(y) + 1, grout)
        shift = (row % 2) * wide / 2
        for x in np.arange(shift - wide, page.width, wide):
            page.rectangle(float(x), float(y), float(x) + 1, float(y) + side, grout)
            if rng.random() < 0.07:
                tone = (*mix(colour, (40, 90, 120), 0.35), 120)
                page.rectangle(float(x) + 1, float(y) + 1, float(x) + wide, float(y) + side, tone)


def planks(page: Page, top: float, colour: Colour, rng: Rng) -> None:
    """Lay a wooden floor whose boards run towards the viewer."""
    page.gradient(top, page.height, mix(colour, (60, 40, 30), 0.18), colour)
    middle = page.width * rng.uniform(0.4, 0.6)
    for offset in np.linspace(-2.4, 2.4, 25):
        near = middle + offset * page.width * 0.75
        far = middle + offset * page.width * 0.4
        seam = (*mix(colour, (70, 40, 20), 0.35), 150)
        page.line([(float(far), top), (float(near), float(page.height))], seam, 0.8)


def checks(page: Page, top: float, first: Colour, second: Colour, rng: Rng) -> None:
    """Lay a tiled floor in two colours, in perspective."""
    page.gradient(top, page.height, mix(first, (60, 60, 60), 0.1), first)
    middle = page.width * rng.uniform(0.4, 0.6)
    rows = [top + (page.height - top) * share for share in (0, 0.1, 0.22, 0.37, 0.55, 0.77, 1.03)]
    for row, (upper, lower) in enumerate(pairwise(rows)):
        for column in range(-9, 9):
            if (row + column) % 2:
                continue
            corners = [
                (_across(middle, page.width, column, upper, top, page.height), upper),
                (_across(middle, page.width, column + 1, upper, top, page.height), upper),
                (_across(middle, page.width, column + 1, lower, top, page.height), lower),
                (_across(middle, page.width, column, lower, top, page.height), lower),
            ]
            page.polygon(corners, second)


def _across(middle: float, width: int, column: int, y: float, top: float, bottom: float) -> float:
    spread = 0.09 + 0.13 * (y - top) / (bottom - top)
    return middle + column * spread * width


def carpet(page: Page, top: float, colour: Colour, rng: Rng) -> None:
    """Lay a plain carpet with a little texture."""
    page.gradient(top, page.height, mix(colour, (50, 50, 60), 0.15), colour)
    for _ in range(140):
        y = rng.uniform(top, page.height)
        x = rng.uniform(0, page.width)
        page.ellipse(x, y, 2.5, 0.7, (*mix(colour, (255, 255, 255), 0.3), 70))


def rug(page: Page, top: float, rng: Rng) -> None:
    """Lay an oval rug with rings of colour in the middle of the floor."""
    colours = ((206, 120, 104), (96, 140, 160), (222, 178, 110), (140, 160, 120), (170, 130, 170))
    colour = jitter(colours[int(rng.integers(len(colours)))], rng)
    deep = page.height - top
    x, y = page.width * rng.uniform(0.38, 0.62), top + deep * rng.uniform(0.52, 0.62)
    across, tall = page.width * rng.uniform(0.28, 0.36), deep * rng.uniform(0.26, 0.34)
    for share, tone in ((1.0, 0.0), (0.86, 0.5), (0.74, 0.12), (0.4, 0.4), (0.3, 0.1)):
        page.ellipse(x, y, across * share, tall * share, mix(colour, WHITE, tone))


def window(
    page: Page, left: float, top: float, wide: float, high: float, light: str, rng: Rng
) -> None:
    """Hang a window with a view of the sky, often with curtains."""
    upper, lower = SKIES[{"evening": "dusk", "dim": "night"}.get(light, "day")][0]
    page.rectangle(left - 5, top - 5, left + wide + 5, top + high + 5, WHITE, radius=2)
    for step in range(8):
        y = top + high * step / 8
        page.rectangle(left, y, left + wide, y + high / 8, mix(upper, lower, step / 7))
    hill = mix((120, 170, 120), lower, 0.45)
    page.polygon(
        [
            (left, top + high),
            (left, top + high * 0.75),
            (left + wide * 0.4, top + high * 0.66),
            (left + wide, top + high * 0.8),
            (left + wide, top + high),
        ],
        hill,
    )
    page.rectangle(left + wide / 2 - 2, top, left + wide / 2 + 2, top + high, WHITE)
    page.rectangle(left, top + high * 0.45, left + wide, top + high * 0.45 + 3, WHITE)
    page.rectangle(
        left - 9, top + high + 3, left + wide + 9, top + high + 9, mix(WHITE, (120, 110, 100), 0.12)
    )
    if rng.random() < 0.6:
        colours = ((220, 120, 110), (236, 200, 130), (130, 160, 190), (160, 190, 150))
        cloth = jitter(colours[int(rng.integers(len(colours)))], rng)
        for side in (-1, 1):
            edge = left - 10 if side < 0 else left + wide + 10
            page.polygon(
                [
                    (edge, top - 9),
                    (edge - side * wide * 0.34, top - 9),
                    (edge - side * wide * 0.16, top + high * 0.6),
                    (edge - side * wide * 0.2, top + high + 12),
                    (edge, top + high + 12),
                ],
                (*cloth, 245),
            )
        page.rectangle(left - 16, top - 12, left + wide + 16, top - 8, (110, 84, 66), radius=2)


def picture(page: Page, left: float, top: float, side: float, rng: Rng) -> None:
    """Hang a small framed abstract picture."""
    frame = ((120, 86, 60), (60, 60, 70), (232, 226, 214))[int(rng.integers(3))]
    tall = side * rng.uniform(0.75, 1.3)
    page.rectangle(left, top, left + side, top + tall, frame)
    page.rectangle(left + 4, top + 4, left + side - 4, top + tall - 4, WHITE)
    tones = ((222, 130, 100), (110, 150, 170), (236, 196, 110), (130, 170, 130))
    for _ in range(3):
        tone = tones[int(rng.integers(len(tones)))]
        x = left + side * rng.uniform(0.35, 0.65)
        y = top + tall * rng.uniform(0.35, 0.65)
        page.ellipse(x, y, side * 0.16, tall * 0.16, (*tone, 190))


def counter(page: Page, top: float, bottom: float, left: float, right: float, rng: Rng) -> None:
    """Draw a kitchen counter with doors, seen from the front."""
    fronts = ((238, 232, 220), (150, 182, 176), (196, 214, 220), (222, 170, 120), (120, 142, 160))
    front = jitter(fronts[int(rng.integers(len(fronts)))], rng)
    slab = ((120, 90, 70), (90, 94, 100), (214, 206, 196))[int(rng.integers(3))]
    page.rectangle(left, top + 4, right, bottom, front)
    page.rectangle(left, bottom - 7, right, bottom, mix(front, (40, 40, 40), 0.5))
    doors = max(2, round((right - left) / 70))
    step = (right - left) / doors
    for door in range(doors):
        x = left + door * step
        page.rectangle(
            x + 4, top + 18, x + step - 4, bottom - 12, mix(front, (0, 0, 0), 0.1), radius=3
        )
        page.rectangle(
            x + 6, top + 20, x + step - 6, bottom - 14, mix(front, (255, 255, 255), 0.12), radius=3
        )
        page.rectangle(
            x + step / 2 - 8, top + 26, x + step / 2 + 8, top + 29, (110, 110, 110), radius=1
        )
    page.rectangle(left - 4, top - 5, right + 4, top + 9, slab, radius=2)
    page.rectangle(left - 4, top - 5, right + 4, top - 2, mix(slab, (255, 255, 255), 0.3), radius=1)


def table(page: Page, top: float, bottom: float, left: float, right: float, colour: Colour) -> None:
    """Draw a table or desk from the front: a thick top and four legs."""
    legs = mix(colour, (40, 30, 20), 0.3)
    thick = max(6.0, (bottom - top) * 0.1)
    for x in (left + 8, right - 18):
        page.rectangle(x, top, x + 10, bottom, legs)
    for x in (left + 28, right - 36):
        page.rectangle(x, top, x + 7, bottom - (bottom - top) * 0.18, mix(legs, (0, 0, 0), 0.25))
    page.rectangle(left + 10, top + thick, right - 10, top + thick * 1.8, legs)
    page.rectangle(left, top - thick / 2, right, top + thick, colour, radius=2)
    page.rectangle(left, top - thick / 2, right, top, mix(colour, (255, 255, 255), 0.25), radius=2)


def sofa(page: Page, seat: float, bottom: float, left: float, right: float, rng: Rng) -> None:
    """Draw a sofa with two cushions; `seat` is the height things would sit at."""
    colours = ((96, 140, 150), (190, 110, 96), (150, 150, 110), (120, 120, 160), (206, 168, 110))
    cloth = jitter(colours[int(rng.integers(len(colours)))], rng)
    dark = mix(cloth, (30, 20, 30), 0.2)
    tall = bottom - seat
    page.rectangle(left + 6, bottom - 6, left + 14, bottom + 3, (80, 60, 50))
    page.rectangle(right - 14, bottom - 6, right - 6, bottom + 3, (80, 60, 50))
    page.rectangle(left + 4, seat - tall * 0.95, right - 4, bottom - 6, dark, radius=10)
    middle = (left + right) / 2
    for a, b in ((left + 14, middle - 1), (middle + 1, right - 14)):
        page.rectangle(
            a, seat - tall * 0.75, b, seat + 4, mix(cloth, (255, 255, 255), 0.06), radius=8
        )
        page.rectangle(
            a, seat - 2, b, seat + tall * 0.45, mix(cloth, (255, 255, 255), 0.14), radius=5
        )
    page.rectangle(left, seat - tall * 0.3, left + 18, bottom - 4, cloth, radius=7)
    page.rectangle(right - 18, seat - tall * 0.3, right, bottom - 4, cloth, radius=7)
