"""What computes features on a CPU: processor time an image, and whether the features are the same.

For each backbone: the plain network with its batch normalisation folded, and the same network
compiled by OpenVINO. Processor time on one thread, in turns, the best and the median of the rounds.
Cosine with the features of the plain network over real photographs, pooled vectors and tokens. Mean
average precision of a penalised logistic regression a category (`linear_probe.py`) on the pooled
vectors, over five folds and the categories with ten images or more.

`rounded` is the plain network with weights and the output of every layer rounded to bfloat16: what
a processor with such instructions may lose at most, on any processor.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from embedding import revision
from linear_probe import linear_probe
from real_photographs import READERS
from torch import Tensor, nn

from mlrpl.embedding import embed, open_picture, optimised_for_inference
from mlrpl.labels import PRESENT
from mlrpl.metrics import average_precision
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.compiled import CompiledModule, is_installed

ROOT = Path(__file__).resolve().parents[1]
BACKBONES = ("efficientnet-lite0", "efficientnet-lite2@448px")
PENALTIES = (0.03, 0.3)
LEAST = 10
"""Images of a category that is measured."""

Floats = npt.NDArray[np.float32]


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--backbone", action="append", help="may be repeated")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--images", type=int, help="of the 319, the first so many; default: all")
    parser.add_argument("--speed-only", action="store_true", help="no features, no precision")
    return parser.parse_args()


def rounded(backbone: Backbone) -> Backbone:
    """Return a backbone that computes as if every layer wrote bfloat16."""
    module = copy.deepcopy(backbone.module)
    for parameter in module.parameters():
        parameter.data = parameter.data.bfloat16().float()

    def after(_: nn.Module, __: object, output: Tensor) -> Tensor:
        return output.bfloat16().float() if isinstance(output, Tensor) else output

    for layer in module.modules():
        if not list(layer.children()):
            layer.register_forward_hook(after)
    return replace(backbone, module=module)


def variants(name: str) -> dict[str, Backbone]:
    """Return the ways to compute a backbone, by name."""
    plain = optimised_for_inference(load_backbone(name))
    made = {"eager": plain}
    if is_installed():
        quick = optimised_for_inference(load_backbone(name), runtime="openvino")
        if not isinstance(quick.module, CompiledModule):
            raise SystemExit(f"{name} cannot be compiled here")
        made[f"openvino {quick.module.precision}"] = quick
    made["rounded"] = rounded(plain)
    return made


def speeds(made: dict[str, Backbone], options: argparse.Namespace) -> dict[str, list[float]]:
    """Return milliseconds of processor time an image, best and median, of what is really run."""
    timed = {kind: backbone for kind, backbone in made.items() if kind != "rounded"}
    size = made["eager"].input_size
    batch = torch.rand(options.batch_size, 3, size, size).to(memory_format=torch.channels_last)
    found: dict[str, list[float]] = {kind: [] for kind in timed}
    with torch.inference_mode():
        for number in range(options.rounds + 1):
            for kind, backbone in timed.items():
                start = time.process_time()
                backbone.module(batch)
                if number:
                    took = 1000 * (time.process_time() - start) / options.batch_size
                    found[kind].append(took)
    return {k: [round(min(v), 1), round(statistics.median(v), 1)] for k, v in found.items()}


def features(backbone: Backbone, files: list[Path]) -> tuple[Floats, Floats]:
    """Return pooled vectors `(N, D)` and tokens `(N, P, T)`; the latter as float16."""
    pooled, tokens = [], []
    for start in range(0, len(files), 8):
        read = [open_picture(file, 3 * backbone.input_size) for file in files[start : start + 8]]
        batches = embed(replace(backbone, module=_Ready(backbone.module)), read.__getitem__,
                        range(len(read)), workers=1, runtime="eager")  # fmt: skip
        for batch in batches:
            pooled.append(batch.pooled)
            tokens.append(batch.tokens.astype(np.float16))
    return np.concatenate(pooled), np.concatenate(tokens)


class _Ready(nn.Module):
    """Keeps a network from being folded or copied once more."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._run = [module]

    def __deepcopy__(self, _: object) -> _Ready:
        return self

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self._run[0](pictures)
        return found


def precision(pooled: Floats, labels: npt.NDArray[np.int8], seeds: int) -> float:
    """Return the mean average precision over folds and seeds, for the better penalty."""
    found = []
    for penalty in PENALTIES:
        each = []
        for seed in range(seeds):
            folds = np.random.default_rng(seed).permutation(len(labels)) % 5
            scores = np.zeros(labels.shape, np.float32)
            for fold in range(5):
                rows = np.flatnonzero(folds != fold)
                made = linear_probe(pooled, labels, rows, penalty=penalty, unknown_is_absent=False)
                scores[folds == fold] = made[folds == fold]
            each.append(float(np.mean(average_precision(scores, labels))))
        found.append(statistics.mean(each))
    return round(100 * max(found), 2)


def cosine(found: Floats, expected: Floats) -> list[float]:
    """Return the mean and the smallest cosine of vectors along the last axis, none of them zero."""
    a, b = (x.reshape(-1, x.shape[-1]).astype(np.float32) for x in (found, expected))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    alike = (a * b).sum(1)[lengths > 0] / lengths[lengths > 0]
    return [round(float(alike.mean()), 5), round(float(alike.min()), 4)]


def main() -> None:
    """Measure each backbone and print one line of JSON a way to compute it."""
    options = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    about = f"{platform.machine()}, {os.cpu_count()} CPUs, torch {torch.__version__}"
    print(json.dumps({"machine": about, "commit": revision(), "seeds": options.seeds}))
    photographs = None if options.speed_only else READERS["coco_train"](options.root / "coco_train")
    for name in options.backbone or BACKBONES:
        made = variants(name)
        took, plain = speeds(made, options), None
        for kind, backbone in made.items():
            row: dict[str, object] = {"backbone": name, "by": kind, "ms": took.get(kind)}
            if photographs is not None:
                files, labels = photographs.files[: options.images], photographs.labels
                labels = labels[: options.images]
                labels = labels[:, (labels == PRESENT).sum(axis=0) >= LEAST]
                found = features(backbone, files)
                plain = plain or found
                row["cosine"] = [cosine(a, b) for a, b in zip(found, plain, strict=True)]
                row["mAP"] = precision(found[0], labels, options.seeds)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
