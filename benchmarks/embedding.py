"""How fast images become features, next to the network alone on pictures that are ready.

Both are measured in one run and in turns, so that another program on the machine hurts both. The
network alone is the plain model in inference mode, on one resident batch, with its channels first
or last, whichever is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch

from mlrpl.embedding import embed, open_picture
from mlrpl.models.backbones import Backbone, load_backbone

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--images", type=Path, default=ROOT.parent / "shared" / "data" / "coco_train" / "images"
    )
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--count", type=int, default=192, help="images of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def throughput(work: Callable[[], int], device: str) -> float:
    """Return images a second of one call of `work`, which returns how many it did."""
    start = time.perf_counter()
    count = work()
    if device != "cpu":
        torch.cuda.synchronize()
    return count / (time.perf_counter() - start)


def bare(backbone: Backbone, options: argparse.Namespace, layout: torch.memory_format) -> float:
    """Return the throughput of the plain network on a resident batch."""
    module = backbone.module.to(options.device).to(memory_format=layout)  # type: ignore[call-overload]
    size = backbone.input_size
    generator = torch.Generator().manual_seed(options.seed)
    batch = torch.rand(options.batch_size, 3, size, size, generator=generator)
    batch = batch.to(options.device).to(memory_format=layout)
    repeats = max(options.count // options.batch_size, 1)

    def work() -> int:
        with torch.inference_mode():
            for _ in range(repeats):
                module(batch)
        return repeats * options.batch_size

    return throughput(work, options.device)


def end_to_end(backbone: Backbone, options: argparse.Namespace, files: list[Path]) -> float:
    """Return the throughput from files to features."""

    def work() -> int:
        batches = embed(
            backbone,
            lambda i: open_picture(files[i % len(files)], backbone.input_size),
            range(options.count),
            batch_size=options.batch_size,
            device=options.device,
        )
        return sum(len(batch.indices) for batch in batches)

    return throughput(work, options.device)


def revision() -> str:
    """Return the commit that is checked out."""
    command = ["git", "describe", "--always", "--dirty"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def measure(options: argparse.Namespace, files: list[Path]) -> dict[str, object]:
    """Return the medians over the rounds, and their ratio."""
    backbone = load_backbone(options.backbone)
    rounds: dict[str, list[float]] = {"channels_first": [], "channels_last": [], "end_to_end": []}
    for number in range(options.rounds + 1):
        found = {
            "channels_first": bare(backbone, options, torch.contiguous_format),
            "channels_last": bare(backbone, options, torch.channels_last),
            "end_to_end": end_to_end(backbone, options, files),
        }
        if number:
            for name, value in found.items():
                rounds[name].append(value)
    medians = {name: round(statistics.median(values), 1) for name, values in rounds.items()}
    layouts = zip(rounds["channels_first"], rounds["channels_last"], strict=True)
    baseline = [max(pair) for pair in layouts]
    ratios = [e / b for e, b in zip(rounds["end_to_end"], baseline, strict=True)]
    return {
        "images_per_second": medians,
        "ratio": round(statistics.median(ratios), 3),
        "ratio_of_each_round": [round(ratio, 3) for ratio in ratios],
        "batch_size": options.batch_size,
        "backbone": options.backbone,
        "device": options.device,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, torch {torch.__version__}",
        "commit": revision(),
        "seed": options.seed,
    }


def main() -> None:
    """Measure and print."""
    options = arguments()
    if not options.images.is_dir():
        raise SystemExit(f"no folder {options.images}; name one with photographs: --images FOLDER")
    files = sorted(p for p in options.images.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no photograph in {options.images}; name another folder: --images FOLDER")
    result = measure(options, files)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
