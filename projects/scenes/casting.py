"""Who is in the scene: draws a place, a light and the things in it, with their companions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import world

Rng = np.random.Generator

STRAYS = ("ball", "umbrella", "book", "apple", "bicycle", "chair", "cup", "cat")
STRAY_CHANCE = 0.03
DECOR_CHANCE = 0.3


class Cast(NamedTuple):
    """A place, a light, and every single thing that should be there, group by group."""

    scene: str
    light: str
    groups: tuple[tuple[world.Kind, int], ...]


def draw_cast(rng: Rng) -> Cast:
    """Draw one scene's cast."""
    scene = _choose({name: scene.weight for name, scene in world.SCENES.items()}, rng)
    light = _choose(world.SCENES[scene].lights, rng)
    names = present_categories(scene, light, rng)
    decor = world.SCENES[scene].decor.split()
    chosen = [name for name in decor if rng.random() < DECOR_CHANCE]
    kinds = [world.kind_named(name) for name in names + chosen[:2]]
    return Cast(scene, light, tuple((kind, _group_size(kind, rng)) for kind in kinds))


def present_categories(scene: str, light: str, rng: Rng) -> list[str]:
    """Draw the categories of a scene: by its own chances, then companions, rarely a stray."""
    chances = {
        name: chance
        for name, chance in world.SCENES[scene].chances.items()
        if light in world.NEEDS_LIGHT.get(name, (light,))
    }
    names = [name for name, chance in chances.items() if rng.random() < chance]
    for one, other, chance in world.COMPANIONS:
        brings = rng.random() < chance
        if brings and one in names and other in chances and other not in names:
            names.append(other)
    if light == "rain" and "umbrella" in chances and "umbrella" not in names:
        names += ["umbrella"] * (rng.random() < world.UMBRELLA_IN_RAIN)
    stray = STRAYS[int(rng.integers(len(STRAYS)))]
    if rng.random() < STRAY_CHANCE and stray not in names and scene != "sea":
        names.append(stray)
    return names or [max(chances, key=lambda name: chances[name])]


def _group_size(kind: world.Kind, rng: Rng) -> int:
    return 1 + int(rng.choice(len(kind.group), p=np.array(kind.group) / sum(kind.group)))


def _choose(weights: Mapping[str, float], rng: Rng) -> str:
    shares = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]
