"""Draws a share of the scenes into a folder; `make_images.py` runs one of these per process."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import atmosphere
import numpy as np
import outdoors
import rooms
import staging
import wild
import world
from casting import draw_cast
from PIL import Image
from setting import Setting

Rng = np.random.Generator

SIZES = ((448, 336), (432, 324), (416, 312), (400, 320), (384, 288), (336, 448), (320, 416))

STAGES: dict[str, Callable[[int, int, str, Rng], Setting]] = {
    "street": outdoors.street,
    "park": outdoors.park,
    "farm": outdoors.farm,
    "beach": outdoors.beach,
    "winter": outdoors.winter,
    "camping": wild.camping,
    "sea": wild.sea,
    "desert": wild.desert,
    "kitchen": rooms.kitchen,
    "living room": rooms.living_room,
    "office": rooms.office,
    "bedroom": rooms.bedroom,
}


class Drawn(NamedTuple):
    """One finished scene."""

    image: Image.Image
    quality: int
    """JPEG quality to save it with."""
    seen: list[staging.Seen]


def file_name(index: int) -> str:
    """Return the name of the image with this number; it gives nothing away."""
    return f"scene-{index + 1:05d}.jpg"


def draw_scene(seed: int, index: int) -> Drawn:
    """Draw one scene; it depends on the seed and its own number and on nothing else."""
    rng = np.random.default_rng([seed, index])
    cast = draw_cast(rng)
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    setting = STAGES[cast.scene](width, height, cast.light, rng)
    picture, seen, placed = staging.stage(setting, cast, rng)
    picture = atmosphere.lit(picture, cast.light, staging.glows(placed))
    if cast.light == "rain":
        picture = atmosphere.rain(picture, rng)
    if cast.scene == "winter" and rng.random() < 0.5:
        picture = atmosphere.snow(picture, rng)
    picture = atmosphere.through_a_lens(picture, rng)
    return Drawn(picture, int(rng.integers(84, 94)), seen)


def render_part(folder: Path, seed: int, count: int, part: int, parts: int) -> None:
    """Draw every `parts`-th scene from `part` on and write what they show beside them."""
    records = []
    for index in range(part, count, parts):
        drawn = draw_scene(seed, index)
        drawn.image.save(folder / "images" / file_name(index), quality=drawn.quality)
        records.append(
            {
                "index": index,
                "file_name": file_name(index),
                "width": drawn.image.width,
                "height": drawn.image.height,
                "objects": [seen._asdict() for seen in drawn.seen],
            }
        )
    categories = [[kind.name, kind.supercategory] for kind in world.KINDS]
    report = json.dumps({"categories": categories, "images": records})
    (folder / f"part-{part}.json").write_text(report, encoding="utf-8")


def main() -> None:
    """Read the command line of one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name in ("seed", "count", "part", "parts"):
        parser.add_argument(f"--{name}", type=int, required=True)
    wanted = parser.parse_args()
    render_part(wanted.folder, wanted.seed, wanted.count, wanted.part, wanted.parts)


if __name__ == "__main__":
    main()
