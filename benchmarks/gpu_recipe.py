"""The papers' recipe on a GPU, for the first hour with one: does it run, how fast, in what memory?

ResNet-101 at 448 pixels, map halved to 7 x 7, heads at paper size, Adam, on drawn images that are
augmented as in the papers; a few hundred steps a head and precision, all within `--minutes`. The
weights are random unless `--weights FILE` names some, so nothing has to be fetched; the loss falls
all the same, as the categories are colours and shapes. One JSON line a run, also if it fails.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from real_photographs import OUT, revision
from torch import Tensor, nn

from mlrpl.experiments.peak_memory import PeakMemory
from mlrpl.finetuning.image_loader import ImageLoader
from mlrpl.finetuning.model import FineTuneConfig, FineTuned, head_dimensions, recipe
from mlrpl.labels import ABSENT, PRESENT, hide_labels
from mlrpl.methods import build
from mlrpl.models.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone, load_backbone
from mlrpl.train_config import TrainConfig
from mlrpl.training import EpochReport, TrainingData, fit

COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("ellipse", "rectangle")
CATEGORIES = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
KNOWN = 0.5
"""Share of the labels that are known."""
EPOCH = 20
"""Steps that make an epoch here, after which the loss is read."""
WARM_UP = 3
"""Steps whose time does not count."""


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--head", nargs="+", default=["partial_bce", "hst", "sarb"])
    parser.add_argument("--precision", nargs="+", default=["float32", "bfloat16", "float16"])
    parser.add_argument("--backbone", default="resnet101", help="a torchvision model")
    parser.add_argument("--weights", type=Path, help="its weights; default: random ones")
    parser.add_argument("--size", type=int, default=448)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=8.0, help="for all runs together")
    parser.add_argument("--out", type=Path, default=OUT / "gpu_recipe.jsonl")
    return parser.parse_args(given)


class Truncated(nn.Module):
    """A torchvision ResNet without its classifier."""

    classifier = None

    def __init__(self, model: nn.Module) -> None:
        """Keep the parts."""
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled vectors and token maps."""
        maps = pictures
        for name, part in self.model.named_children():
            if name not in ("avgpool", "fc"):
                maps = part(maps)
        tokens = maps.flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


def network(options: argparse.Namespace) -> Backbone:
    """Return the backbone with the weights that were given, or random ones."""
    if options.weights is not None:
        name = f"torchvision:{options.backbone}"
        return load_backbone(name, weights_file=options.weights, input_size=options.size)
    from torchvision import models

    torch.manual_seed(0)
    module = Truncated(models.get_model(options.backbone, weights=None))
    return measured(module, options.size)


def measured(module: nn.Module, size: int) -> Backbone:
    """Return a network with batch normalisation that has seen drawn images, and what it gives."""
    labels = drawn_labels(64)
    module.train()
    with torch.no_grad(), loader(labels, size) as pictures:
        for start in range(0, len(labels), 16):
            pooled, tokens = module(pictures(np.arange(start, start + 16)))
    module.eval().requires_grad_(False)
    return Backbone(
        "random", module, size, IMAGENET_MEAN, IMAGENET_STD, pooled.shape[1], *tokens.shape[1:]
    )


def drawn_labels(count: int) -> npt.NDArray[np.int8]:
    """Return which coloured shapes are on each image, every fourth on average."""
    is_there = np.random.default_rng(0).random((count, len(CATEGORIES))) < 0.25
    return np.where(is_there, PRESENT, ABSENT).astype(np.int8)


def drawn(labels: npt.NDArray[np.int8], row: int, size: int) -> Image.Image:
    """Return the image of a row: its shapes, anywhere, on noise."""
    rng = np.random.default_rng((1, row))
    noise = rng.integers(60, 190, (size // 8, size // 8, 3)).astype(np.uint8)
    image = Image.fromarray(noise).resize((size, size))
    draw = ImageDraw.Draw(image)
    for column in np.flatnonzero(labels[row] == PRESENT):
        colour, shape = CATEGORIES[column].split()
        side = int(size * rng.uniform(0.15, 0.3))
        left, upper = (int(v) for v in rng.integers(0, size - side, 2))
        getattr(draw, shape)((left, upper, left + side, upper + side), fill=colour)
    return image


def loader(labels: npt.NDArray[np.int8], size: int, *, augmented: bool = True) -> ImageLoader:
    """Return what gives prepared pictures of the rows."""
    return ImageLoader(
        lambda row: drawn(labels, row, size),
        size=size,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        augmented=augmented,
    )


def run(
    backbone: Backbone, options: argparse.Namespace, head: str, precision: Any, seconds: float
) -> dict[str, Any]:
    """Train for some steps, or as many as the time allows, and measure them."""
    truth = drawn_labels(EPOCH * options.batch_size)
    labels = hide_labels(truth, KNOWN, "uniform", np.random.default_rng(0))
    config = FineTuneConfig(halve_map=True)
    torch.manual_seed(0)
    method = FineTuned(
        build(head, head_dimensions(backbone, len(CATEGORIES), config), {}, size="paper"),
        backbone,
        config,
    )
    epochs = max(1, options.steps // EPOCH)
    settings: TrainConfig = replace(
        recipe(method, epochs=epochs, batch_size=options.batch_size), precision=precision
    )
    watch, reports = PeakMemory(options.device), []
    marks = [time.perf_counter()]
    ends = marks[0] + seconds

    def asked() -> bool:
        if options.device.startswith("cuda"):
            torch.cuda.synchronize()
        marks.append(time.perf_counter())
        return marks[-1] >= ends

    def told(report: EpochReport) -> None:
        reports.append(sum(report.terms.values()))

    with loader(labels, options.size) as pictures:
        data = TrainingData(labels, pictures=pictures)
        fit(method, data, settings, device=options.device, on_epoch_end=told, should_stop=asked)
    times = np.diff(marks)[1 + WARM_UP :]  # the first one is what comes before the first step
    step = statistics.median(times) if len(times) else None
    return {
        "steps": len(marks) - 1 - (marks[-1] >= ends),
        "step_seconds": step,
        "images_a_second": None if step is None else options.batch_size / step,
        "memory_gb": watch.bytes() / 1e9,
        "memory_is": watch.kind,
        "losses": reports,
        "loss_falls": reports[-1] < reports[0] if len(reports) > 1 else None,
    }


def machine(device: str) -> str:
    """Return what it runs on."""
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def records(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a record of every head and precision, each in its share of the time that is left."""
    ends = time.perf_counter() + 60 * options.minutes
    backbone = network(options)
    todo = [(head, precision) for precision in options.precision for head in options.head]
    about = {"backbone": options.backbone, "size": options.size, "batch": options.batch_size}
    about |= {"machine": machine(options.device), "commit": revision()}
    for number, (head, precision) in enumerate(todo):
        seconds = max(0.0, ends - time.perf_counter()) / (len(todo) - number)
        try:
            found = run(backbone, options, head, precision, seconds)
        except (RuntimeError, ValueError) as error:  # such as memory, or float16 on a CPU
            found = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        yield {"head": head, "precision": precision, **found, **about}


def main(given: list[str] | None = None) -> None:
    """Measure, and print what came of it."""
    options = arguments(given)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device here; try `--device cpu --size 64 --steps 40`")
    options.out.parent.mkdir(exist_ok=True)
    for record in records(options):
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(json.dumps(record), flush=True)
        if "failed" in record:
            print(f"{record['head']}, {record['precision']}: {record['failed']}", file=sys.stderr)


if __name__ == "__main__":
    main()
