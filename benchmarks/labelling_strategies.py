"""Many images with few labels, few images with all, or all labels with errors: what teaches most.

A fifth of the images, drawn once, is reported. Of the labels of the others each strategy gets the
same number: `partial` a random share of the pairs of all images, `dense` every pair of a share of
the images, both free of errors. `noisy` gets every pair of all images, a share of them wrong, as
labels from the web would be, so that its figures stand beside those of fewer labels without errors.
Category names are kept from the method. One JSON line a run, then a table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from real_photographs import READERS, ROOT, cache_of, embedded, revision

from mlrpl.data import Dimensions
from mlrpl.labels import UNKNOWN, hide_labels, known_mask
from mlrpl.methods import build, names
from mlrpl.metrics import evaluated, mean_average_precision, random_order
from mlrpl.training import TrainingData, fit, predict

Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Photographs:
    """Features of images whose labels are all known, and which of them train."""

    labels: Labels
    pooled: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.floating[Any]]
    training: npt.NDArray[np.int64]
    reported: npt.NDArray[np.int64]


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=sorted(READERS), default="coco_train")
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument(
        "--features", type=Path, metavar="FILE", help="npz with pooled, tokens and labels, instead"
    )
    parser.add_argument("--method", choices=names(), default="partial_bce")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--budget", nargs="+", type=float, default=[0.1, 0.2, 0.5])
    parser.add_argument("--wrong", nargs="+", type=float, default=[0.0, 0.01, 0.03, 0.1])
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


def read(options: argparse.Namespace) -> Photographs:
    """Return the images' features, from a file, from the cache, or embedded now."""
    if options.features is not None:
        with np.load(options.features) as file:
            labels, pooled, tokens = file["labels"], file["pooled"], file["tokens"]
    else:
        folder = options.root / options.data
        if not folder.is_dir():
            raise SystemExit(f"no folder {folder}; name the one that holds {options.data}: --root")
        photographs = READERS[options.data](folder)
        cache = cache_of(options.data, options.backbone)
        features = embedded(photographs, options.backbone, cache)
        labels, pooled, tokens = photographs.labels, features.pooled, features.tokens
    order = np.random.default_rng(0).permutation(len(labels))
    fifth = len(order) // 5
    return Photographs(labels, pooled, tokens, np.sort(order[fifth:]), order[:fifth])


def given(truth: Labels, strategy: str, share: float, rng: np.random.Generator) -> Labels:
    """Return what a strategy makes known of the training images' labels.

    Args:
        truth: `(N, C)`, all known.
        strategy: `partial`, `dense` or `noisy`.
        share: Of the labels, for `partial` and `dense`; of the errors among them, for `noisy`.
        rng: Where the chance comes from.

    Returns:
        `(N, C)`; in `dense`, the images are as many as come closest to the share.
    """
    if strategy == "partial":
        return hide_labels(truth, share, "uniform", rng)
    if strategy == "dense":
        labels = np.full_like(truth, UNKNOWN)
        rows = rng.permutation(len(truth))[: max(round(share * len(truth)), 1)]
        labels[rows] = truth[rows]
        return labels
    return np.where(rng.random(truth.shape) < share, -truth, truth).astype(np.int8)


def runs(photographs: Photographs, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield one record a run."""
    plans = [(s, share) for share in options.budget for s in ("partial", "dense")]
    plans += [("noisy", share) for share in options.wrong]
    for strategy, share in plans:
        for seed in range(options.seeds):
            labels = np.full_like(photographs.labels, UNKNOWN)
            truth = photographs.labels[photographs.training]
            rng = np.random.default_rng(seed)
            labels[photographs.training] = given(truth, strategy, share, rng)
            known = known_mask(labels)
            yield {
                "strategy": strategy,
                "budget": 1.0 if strategy == "noisy" else share,
                "wrong": share if strategy == "noisy" else 0.0,
                "seed": seed,
                "labels": int(known.sum()),
                "right": int((known & (labels == photographs.labels)).sum()),
                **measure(photographs, labels, options, seed),
            }


def measure(
    photographs: Photographs, labels: Labels, options: argparse.Namespace, seed: int
) -> dict[str, float]:
    """Train on the labels given and read the reported images."""
    tokens = photographs.tokens
    torch.manual_seed(seed)
    method = build(
        options.method,
        Dimensions(labels.shape[1], photographs.pooled.shape[1], *tokens.shape[1:]),
        {k: json.loads(v) for k, v in (text.split("=", 1) for text in options.option)},
    )
    arrays = {"pooled": photographs.pooled, "tokens": tokens if method.needs_tokens else None}
    start = time.perf_counter()
    fit(
        method,
        TrainingData(labels, rows=photographs.training, **arrays),
        type(method).default_training(),
    )
    seconds = time.perf_counter() - start
    scores = predict(method, TrainingData(labels, rows=photographs.reported, **arrays))
    truth = photographs.labels[photographs.reported]
    return {"mAP": 100 * mean_average_precision(scores, truth), "seconds": seconds}


def table(records: list[dict[str, Any]]) -> str:
    """Return mean and spread over the seeds, a row a plan."""
    lines = ["| strategy | labels | of them wrong | mAP |", "| --- | --- | --- | --- |"]
    plans = dict.fromkeys((r["strategy"], r["budget"], r["wrong"]) for r in records)
    for plan in plans:
        mine = [r for r in records if (r["strategy"], r["budget"], r["wrong"]) == plan]
        found = [r["mAP"] for r in mine]
        labels = f"{np.mean([r['labels'] for r in mine]):,.0f} ({plan[1]:.0%})"
        lines.append(
            f"| {plan[0]} | {labels} | {plan[2]:.0%} | {np.mean(found):.1f} ± {np.std(found):.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    options = arguments()
    photographs = read(options)
    truth = photographs.labels[photographs.reported]
    chance = 100 * float(np.nanmean(random_order(truth[:, evaluated(truth)])))
    source = options.features.stem if options.features else f"{options.data} {options.backbone}"
    about = {"features": source, "method": options.method, "commit": revision()}
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    records = []
    for record in runs(photographs, options):
        records.append(record)
        print(json.dumps({**about, **record}), flush=True)
    print(f"\n{source}, {options.method}, {options.seeds} seeds, random order {chance:.1f}\n")
    print(table(records))


if __name__ == "__main__":
    main()
