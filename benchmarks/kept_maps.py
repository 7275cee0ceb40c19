"""What kept maps cost and change: processor time an image of each step, room, and eight bits.

Photographs of Corel5k, drawn once. The lower half of the network includes reading the photograph
and its mirror image; a training step is that of a linear head with the upper half.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ablation import machine
from PIL import Image
from real_photographs import READERS, ROOT, revision

from annotator.arrays.kept_maps import KeptMaps, record_bytes
from annotator.worker.kept_maps import fill
from mlrpl.data import TrainingData
from mlrpl.embedding import open_picture
from mlrpl.finetuning.map_loader import MapLoader
from mlrpl.finetuning.model import FineTuned, head_dimensions
from mlrpl.finetuning.recipes import ON_MAPS, maps_recipe
from mlrpl.methods import build
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.cutting import cut
from mlrpl.models.stages import last_stages
from mlrpl.training import fit

Floats = npt.NDArray[np.float32]
BATCH = 32


class Watched(KeptMaps):
    """Maps that are also kept as they were before they were stored."""

    exact: list[Floats]

    def append(self, ordinals: npt.NDArray[np.int64], maps: npt.NDArray[np.floating]) -> None:
        """Store maps, and keep those of the pictures as they are."""
        self.exact = [*getattr(self, "exact", []), np.asarray(maps[:, 0], np.float32)]
        super().append(ordinals, maps)


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor time that something takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def pooled(module: torch.nn.Module, maps: Floats) -> Floats:
    """Return what the upper half makes of maps, `(N, D)`."""
    with torch.inference_mode():
        parts = [
            module(torch.from_numpy(maps[i : i + BATCH]))[0] for i in range(0, len(maps), BATCH)
        ]
    return torch.cat(parts).numpy()


def nearest(vectors: Floats) -> npt.NDArray[np.int64]:
    """Return the most similar other image of each, by cosine."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -1)
    return np.asarray(alike.argmax(axis=1))


def epoch_seconds(
    above: Backbone, stages: tuple[str, ...], labels: npt.NDArray[np.int8], maps: KeptMaps
) -> float:
    """Return the processor time of an epoch with a linear head, without what comes before it."""
    config = replace(ON_MAPS, stages=stages)
    head = build("partial_bce", head_dimensions(above, labels.shape[1], config))
    method = FineTuned(head, above, config)
    read = MapLoader(lambda rows, mirrored: torch.from_numpy(maps.read(rows, mirrored)))
    data = TrainingData(labels, pictures=read)
    one, three = (
        seconds(partial(fit, method, data, maps_recipe(method, epochs=count))) for count in (1, 3)
    )
    return (three - one) / 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data" / "corel5k")
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--images", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(1)
    photographs = READERS["corel5k"](options.root)
    chosen = np.random.default_rng(0).permutation(len(photographs.files))[: options.images]
    network = load_backbone(options.backbone)
    stages = last_stages(network.module)
    parts = cut(network, stages)
    rows = np.arange(len(chosen))

    def opened(row: int, side: int) -> Image.Image:
        return open_picture(photographs.files[chosen[row]], side)

    with tempfile.TemporaryDirectory() as folder:
        maps = Watched(Path(folder), parts.shape)
        below = seconds(lambda: list(fill(network, parts, maps, rows, opened)))
        stored = maps.read(rows, np.zeros(len(rows), bool))
        above = seconds(lambda: pooled(parts.above.module, stored))
        epoch = epoch_seconds(parts.above, stages, photographs.labels[chosen], maps)
    exact, eight = (pooled(parts.above.module, m) for m in (np.concatenate(maps.exact), stored))
    differ = np.linalg.norm(exact - eight, axis=1) / np.linalg.norm(exact, axis=1)
    per = 1000 / len(rows)
    same = (nearest(exact) == nearest(eight)).mean()
    print(f"{options.backbone}, {len(rows)} images; {machine()}; commit {revision()}")
    print(f"maps of a picture and its mirror image: {per * below:.1f} ms", end=", ")
    print(f"{record_bytes(parts.shape):,} bytes")
    print(f"upper half: {per * above:.1f} ms; a training epoch: {per * epoch:.1f} ms")
    print(f"pooled vectors of 8-bit maps: {differ.mean():.2%} of their length off", end=", ")
    print(f"the most similar image the same for {same:.1%}")


if __name__ == "__main__":
    main()
