"""An empty stage: a backdrop, the zones where things may be, and what stands in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from PIL import Image


class Zone(NamedTuple):
    """A band of the picture where things may stand, lie, float or hang."""

    top: float
    """Baseline of the farthest thing, in pixels from above."""
    bottom: float
    """Baseline of the nearest thing."""
    left: float
    right: float
    far: float = 1.0
    """Scale at the top of the band."""
    near: float = 1.0
    """Scale at the bottom of the band."""
    touch: str = "ground"
    """What is drawn where a thing meets it: `ground` a shadow, `water` a ripple, `air` nothing."""
    depth: float | None = None
    """Order from back to front; without one, the baseline: who stands lower is nearer."""


class Furniture(NamedTuple):
    """Something drawn that hides what is behind it and is no object itself."""

    picture: Image.Image
    left: int
    top: int
    depth: float


class Setting(NamedTuple):
    """A stage on which a scene is composed."""

    backdrop: Image.Image
    zones: Mapping[str, tuple[Zone, ...]]
    furniture: tuple[Furniture, ...] = ()


IN_FRONT = 10_000.0
"""A depth before everything that stands on the ground."""
FAR_AWAY = -1_000.0
"""A depth behind everything that stands on the ground."""
