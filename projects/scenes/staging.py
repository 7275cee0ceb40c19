"""Puts a cast on its stage, front to back, so that what the truth says can really be seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import sprites
import world
from casting import Cast
from PIL import Image, ImageDraw, ImageFilter
from setting import Furniture, Setting, Zone

Rng = np.random.Generator

MIN_SIDE = 25
"""Sides of the visible box that an object needs, in pixels; smaller ones are not drawn."""
MIN_VISIBLE = 0.35
"""Share of an object that must be uncovered and inside the frame; others are not drawn."""
TRIES = 14


class Seen(NamedTuple):
    """One object that can be seen."""

    category: str
    box: tuple[int, int, int, int]
    """Left, top, width, height of its visible part, in pixels."""
    area: int
    """Visible pixels."""
    visible: float
    """Share of it that is visible."""


class Piece(NamedTuple):
    """A thing ready to be put somewhere: its picture and the height where it stands."""

    kind: world.Kind
    picture: Image.Image
    zone: Zone
    baseline: float
    depth: float


class Placed(NamedTuple):
    """A picture with its place; `piece` is missing for furniture."""

    picture: Image.Image
    left: int
    top: int
    piece: Piece | None


def stage(setting: Setting, cast: Cast, rng: Rng) -> tuple[Image.Image, list[Seen], list[Placed]]:
    """Place everything and paint it.

    From front to back: whatever is accepted can only be covered by what has been accepted
    before it, so its visible share is final. What finds no place where enough of it shows is
    left out of the picture and of the truth.

    Returns:
        The painting, the objects that can be seen, and all that was placed, front to back.
    """
    size = setting.backdrop.size
    pieces = [piece for group in cast.groups for piece in _pieces(group, setting, cast, rng)]
    things: list[Piece | Furniture] = [*pieces, *setting.furniture]
    covered = np.zeros((size[1], size[0]), dtype=bool)
    placed: list[Placed] = []
    seen: list[Seen] = []
    for thing in sorted(things, key=lambda thing: -thing.depth):
        if isinstance(thing, Furniture):
            spot = Placed(thing.picture, thing.left, thing.top, None)
        else:
            found = _find_spot(thing, covered, rng)
            if found is None:
                continue
            spot, view = found
            if thing.kind.supercategory:
                seen.append(view)
        _cover(covered, spot)
        placed.append(spot)
    return _paint(setting.backdrop, placed), seen, placed


def _pieces(group: tuple[world.Kind, int], setting: Setting, cast: Cast, rng: Rng) -> list[Piece]:
    """Make the members of one group: same zone, own emoji, pose, size and colour."""
    kind, count = group
    homes = [home for home in kind.homes if home in setting.zones]
    if not homes:
        return []
    usual = {"top": 0.97, "road": 1.0}.get(homes[0], 0.65)
    home = homes[0] if rng.random() < usual else homes[int(rng.integers(len(homes)))]
    options = world.emoji_for(kind, cast.scene, home)
    alike = options[int(rng.integers(len(options)))]
    members = []
    for _ in range(count):
        emoji = alike if rng.random() < 0.4 else options[int(rng.integers(len(options)))]
        zones = setting.zones[home]
        zone = zones[int(rng.integers(len(zones)))]
        members.append(_piece(kind, emoji, zone, setting.backdrop.size, rng))
    return members


def _piece(kind: world.Kind, emoji: str, zone: Zone, size: tuple[int, int], rng: Rng) -> Piece:
    near = rng.random()
    scale = (zone.far + (zone.near - zone.far) * near) * world.relative_size(emoji)
    unit = 0.86 * (size[0] * size[1]) ** 0.5
    longest = kind.size * unit * scale * rng.uniform(0.86, 1.16)
    if kind.name == "person":
        tone = sprites.SKIN_TONES[int(rng.integers(len(sprites.SKIN_TONES)))]
        emoji = sprites.with_skin_tone(emoji, tone)
    hue = rng.uniform(-kind.hue, kind.hue)
    # A saturated colour that is turned far comes out garish, unless it is muted.
    muted = 1.0 - 0.38 * min(1.0, abs(hue) / 60)
    tint = sprites.Tint(hue, muted * rng.uniform(0.9, 1.05), rng.uniform(0.93, 1.05))
    picture = sprites.draw(
        emoji,
        max(longest, sprites.longest_for(emoji, MIN_SIDE + 3)),
        mirrored=rng.random() < 0.5,
        angle=rng.uniform(-kind.tilt, kind.tilt),
        tint=tint,
    )
    if kind.name == "traffic light":
        picture = sprites.on_post(picture, unit * 0.3)
    baseline = zone.top + (zone.bottom - zone.top) * near
    depth = baseline if zone.depth is None else zone.depth
    return Piece(kind, picture, zone, baseline, depth - (kind.supercategory == "sky"))


def _find_spot(piece: Piece, covered: np.ndarray, rng: Rng) -> tuple[Placed, Seen] | None:
    """Try places along the zone; most things want to be free, some may be half hidden."""
    wanted = rng.uniform(0.45, 0.8) if rng.random() < 0.3 else 0.93
    outline = np.asarray(piece.picture.getchannel("A")) > 127
    best: tuple[Placed, Seen] | None = None
    for _ in range(TRIES):
        spot = _somewhere(piece, rng)
        view = _view(piece, outline, spot, covered)
        if view is None:
            continue
        if view.visible >= wanted:
            return spot, view
        if best is None or view.visible > best[1].visible:
            best = (spot, view)
    return best


def _somewhere(piece: Piece, rng: Rng) -> Placed:
    picture, zone = piece.picture, piece.zone
    inset = 0.5 if zone.depth is not None else 0.36
    low, high = zone.left + inset * picture.width, zone.right - inset * picture.width
    middle = rng.uniform(low, high) if high > low else (zone.left + zone.right) / 2
    left = round(middle - picture.width / 2)
    return Placed(picture, left, round(piece.baseline - picture.height), piece)


def _view(piece: Piece, outline: np.ndarray, spot: Placed, covered: np.ndarray) -> Seen | None:
    """What can be seen of the piece there; nothing if that is too little."""
    rows, columns = covered.shape
    top, left = max(spot.top, 0), max(spot.left, 0)
    bottom = min(spot.top + outline.shape[0], rows)
    right = min(spot.left + outline.shape[1], columns)
    if bottom <= top or right <= left:
        return None
    inside = outline[top - spot.top : bottom - spot.top, left - spot.left : right - spot.left]
    shows = inside & ~covered[top:bottom, left:right]
    area = int(shows.sum())
    visible = area / max(1, int(outline.sum()))
    if visible < MIN_VISIBLE:
        return None
    lines, stripes = np.flatnonzero(shows.any(axis=1)), np.flatnonzero(shows.any(axis=0))
    wide, high = int(stripes[-1] - stripes[0]) + 1, int(lines[-1] - lines[0]) + 1
    if min(wide, high) < MIN_SIDE:
        return None
    box = (left + int(stripes[0]), top + int(lines[0]), wide, high)
    return Seen(piece.kind.name, box, area, visible)


def _cover(covered: np.ndarray, spot: Placed) -> None:
    outline = np.asarray(spot.picture.getchannel("A")) > 127
    top, left = max(spot.top, 0), max(spot.left, 0)
    bottom = min(spot.top + outline.shape[0], covered.shape[0])
    right = min(spot.left + outline.shape[1], covered.shape[1])
    covered[top:bottom, left:right] |= outline[
        top - spot.top : bottom - spot.top, left - spot.left : right - spot.left
    ]


def _paint(backdrop: Image.Image, placed: list[Placed]) -> Image.Image:
    picture = backdrop.copy()
    blot = Image.new("L", (128, 32), 0)
    ImageDraw.Draw(blot).ellipse([10, 6, 118, 26], fill=255)
    blot = blot.filter(ImageFilter.GaussianBlur(4))
    for spot in reversed(placed):
        piece = spot.piece
        if piece is not None and piece.zone.touch == "ground":
            _shadow(picture, spot, blot, 0.16 if piece.zone.depth is None else 0.1)
        picture.paste(spot.picture, (spot.left, spot.top), spot.picture)
        if piece is not None and piece.zone.touch == "water":
            _ripple(picture, spot)
    return picture


def _shadow(picture: Image.Image, spot: Placed, blot: Image.Image, flat: float) -> None:
    # A tree touches the ground with its trunk only.
    slim = spot.piece is not None and spot.piece.kind.name == "tree"
    wide = round(spot.picture.width * (0.62 if slim else 1.12))
    high = max(5, round(min(spot.picture.width, spot.picture.height) * flat))
    mask = blot.resize((wide, high)).point(lambda value: value * 0.34)
    corner = (
        spot.left - (wide - spot.picture.width) // 2,
        spot.top + spot.picture.height - round(high * 0.62),
    )
    picture.paste((24, 26, 48), corner, mask)


def _ripple(picture: Image.Image, spot: Placed) -> None:
    pen = ImageDraw.Draw(picture, "RGBA")
    line = spot.top + spot.picture.height
    wide = spot.picture.width
    for share, drop, strength in ((1.06, -1, 150), (0.84, 2, 110), (0.6, 5, 80)):
        left = spot.left + wide * (1 - share) / 2
        box = [left, line + drop - 1, left + wide * share, line + drop + 1]
        pen.ellipse(box, fill=(255, 255, 255, strength))


def glows(placed: list[Placed]) -> list[tuple[float, float, float]]:
    """List what shines by itself: the middle and the reach of every fire and moon, in pixels."""
    reach = {"fire": 1.9, "moon": 0.8}
    return [
        (
            spot.left + spot.picture.width / 2,
            spot.top + spot.picture.height / 2,
            spot.picture.width * reach[spot.piece.kind.name],
        )
        for spot in placed
        if spot.piece is not None and spot.piece.kind.name in reach
    ]
