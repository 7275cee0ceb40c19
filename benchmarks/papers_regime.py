"""Does a method gain where the backbone's last stage learns with it, as in the papers?

Corel5k, category names kept from all. Each head learns on frozen features, and then together with
the last stage on kept maps, as `annotator train --finetune` does on a CPU. A fifth of the images,
drawn once, is reported; `--validation` reports a fifth of the others instead, on which settings are
chosen. One JSON line a run; runs in the file are not repeated.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ablation import machine
from methods import SETTINGS, read_lines
from PIL import Image
from real_photographs import OUT, READERS, ROOT, Photographs, revision

from annotator.arrays.kept_maps import KeptMaps
from annotator.worker.kept_maps import fill
from mlrpl.data import Dimensions, TrainingData
from mlrpl.embedding import open_picture
from mlrpl.finetuning.map_loader import MapLoader
from mlrpl.finetuning.model import FineTuneConfig, FineTuned
from mlrpl.finetuning.recipes import maps_recipe, recipe_on_maps
from mlrpl.labels import UNKNOWN, hide_labels
from mlrpl.methods import build
from mlrpl.metrics import mean_average_precision
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.cutting import cut
from mlrpl.models.stages import last_stages
from mlrpl.projection import Projection, fit_projection
from mlrpl.training import fit, predict

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Read = Callable[[Rows, npt.NDArray[np.bool_]], torch.Tensor]

KNOWN = ("10 %", "50 %", "all")
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("partial_bce", {}),
    "hst": ("hst", {}),
    "hst without IST": ("hst", {"ist": False}),
    "hst without CST": ("hst", {"cst": False}),
    "hst without DTL": ("hst", {"dtl": False}),
    "hst without the graph": ("hst", {"steps": 0}),
    "sarb": ("sarb", {}),
    "sarb without ILRB": ("sarb", {"ilrb": False}),
    "sarb without PLRB": ("sarb", {"plrb": False}),
}
"""Method and options of each head; what an option does not say is the method's default."""


@dataclass(frozen=True)
class Regime:
    """Photographs, the upper half of the network, and the maps that it reads."""

    photographs: Photographs
    above: Backbone
    stages: tuple[str, ...]
    read: Read
    training: Rows
    reported: Rows


@dataclass(frozen=True)
class Seen:
    """What a network makes of all images."""

    pooled: Floats
    tokens: Floats

    def beside(self, other: Seen) -> Seen:
        """Return both, one after the other."""
        return Seen(
            np.concatenate([self.pooled, other.pooled], axis=1),
            np.concatenate([self.tokens, other.tokens], axis=2),
        )


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=sorted(READERS), default="corel5k")
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--known", nargs="+", choices=list(SETTINGS), default=list(KNOWN))
    parser.add_argument("--head", nargs="+", choices=list(HEADS), default=list(HEADS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validation", action="store_true", help="report validation images")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", dest="settings")
    parser.add_argument("--out", type=Path, default=OUT / "papers_regime.jsonl")
    parser.add_argument("--table", action="store_true", help="print what is there, train nothing")
    return parser.parse_args()


def regime(options: argparse.Namespace) -> Regime:
    """Read the photographs, and compute the maps that are missing."""
    photographs = READERS[options.data](options.root / options.data)
    network = load_backbone(options.backbone)
    stages = last_stages(network.module)
    parts = cut(network, stages)
    names = "\n".join(str(file) for file in photographs.files)
    about = {"files": hashlib.sha256(names.encode()).hexdigest(), "stages": list(stages)}
    path = OUT / f"maps_{options.data}_{options.backbone}"
    maps = KeptMaps.open(path, about, parts.shape)
    missing = maps.missing(np.arange(len(photographs.files)))

    def opened(row: int, side: int) -> Image.Image:
        return open_picture(photographs.files[row], side)

    for _ in fill(network, parts, maps, missing, opened):
        pass
    order = np.random.default_rng(0).permutation(len(photographs.labels))
    fifth = len(order) // 5
    training, reported = order[fifth:], order[:fifth]
    if options.validation:
        training, reported = training[fifth:], training[:fifth]

    def read(rows: Rows, mirrored: npt.NDArray[np.bool_]) -> torch.Tensor:
        found = torch.from_numpy(maps.read(rows, mirrored))
        return found.contiguous(memory_format=torch.channels_last) if found.ndim == 4 else found

    return Regime(photographs, parts.above, stages, read, np.sort(training), np.sort(reported))


def seen_by(network: Backbone, read: Read, count: int, projection: Projection | None) -> Seen:
    """Return what a network's upper half makes of all images."""
    pooled, tokens = [], []
    for start in range(0, count, 64):
        rows = np.arange(start, min(start + 64, count))
        with torch.inference_mode():
            vectors, maps = network.module(read(rows, np.zeros(len(rows), bool)))
        pooled.append(vectors.numpy())
        found = maps.numpy()
        tokens.append(found.astype(np.float16) if projection is None else projection.tokens(found))
    return Seen(np.concatenate(pooled), np.concatenate(tokens))


def visible(data: Regime, known: str, seed: int) -> npt.NDArray[np.int8]:
    """Return what is known in one setting; nothing about the reported images."""
    kind, keep = SETTINGS[known]
    truth = data.photographs.labels
    labels = np.full_like(truth, UNKNOWN)
    rng = np.random.default_rng(seed)
    labels[data.training] = hide_labels(truth[data.training], keep, kind, rng)
    return labels


def trained_on(
    seen: Seen, data: Regime, labels: npt.NDArray[np.int8], name: str, options: dict[str, Any]
) -> tuple[Any, Floats]:
    """Train a method on features; return it and its scores of the reported images."""
    size = Dimensions(labels.shape[1], seen.pooled.shape[1], *seen.tokens.shape[1:])
    method = build(name, size, options)
    tokens = seen.tokens if method.needs_tokens else None
    known = TrainingData(labels, pooled=seen.pooled, tokens=tokens, rows=data.training)
    fit(method, known, type(method).default_training())
    asked = TrainingData(labels, pooled=seen.pooled, tokens=tokens, rows=data.reported)
    return method, predict(method, asked)


def measure(
    data: Regime,
    frozen: Seen,
    projection: Projection,
    run: tuple[str, str, int],
    own: dict[str, Any],
    training: dict[str, Any],
) -> dict[str, Any]:
    """Train one head, frozen and with the last stage, and measure all that comes of it."""
    head, known, seed = run
    name, options = HEADS[head]
    labels, truth = visible(data, known, seed), data.photographs.labels[data.reported]
    torch.manual_seed(seed)
    method, by_frozen = trained_on(frozen, data, labels, name, options)
    config = replace(recipe_on_maps(method, data.stages), **own)
    network = FineTuned(method, data.above, config, projection=projection)
    pictures = MapLoader(data.read, seed=seed)
    started = time.perf_counter()
    settings = replace(maps_recipe(network), seed=seed, **training)
    reports = fit(network, TrainingData(labels, pictures=pictures, rows=data.training), settings)
    seconds = time.perf_counter() - started
    tuned = seen_by(network.tuned(), data.read, len(labels), projection)
    size = Dimensions(labels.shape[1], tuned.pooled.shape[1], *tuned.tokens.shape[1:])
    assert network.head.dimensions == size
    tokens = tuned.tokens if network.head.needs_tokens else None
    asked = TrainingData(labels, pooled=tuned.pooled, tokens=tokens, rows=data.reported)
    scores = {"head, frozen": by_frozen, "head, tuned": predict(network.head, asked)}
    if head == "linear":
        ridge = ("kernel_ridge", {"names": False})
        _, scores["kernel_ridge, frozen"] = trained_on(frozen, data, labels, *ridge)
        _, scores["kernel_ridge, tuned"] = trained_on(tuned, data, labels, *ridge)
        both = frozen.beside(tuned)
        _, scores["kernel_ridge, frozen beside tuned"] = trained_on(both, data, labels, *ridge)
        scores["kernel_ridge, sum of both scores"] = (
            scores["kernel_ridge, frozen"] + scores["kernel_ridge, tuned"]
        )
    values = {k: 100 * mean_average_precision(v, truth) for k, v in scores.items()}
    return {"mAP": values, "seconds": seconds, "loss": [sum(r.terms.values()) for r in reports]}


def runs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Make the runs that are missing, and yield their records."""
    settings = dict(text.split("=", 1) for text in options.settings)
    given = {name: json.loads(value) for name, value in settings.items()}
    own = {k: v for k, v in given.items() if k in FineTuneConfig.__dataclass_fields__}
    training = {k: v for k, v in given.items() if k not in own}
    about = {"data": options.data, "backbone": options.backbone, "settings": given}
    about["reported"] = "validation" if options.validation else "test"
    kept = [json.loads(line) for line in read_lines(options.out)]
    data = regime(options)
    count = len(data.photographs.labels)
    sample = seen_by(data.above, data.read, min(count, 512), None)
    projection = fit_projection(sample.pooled, sample.tokens)
    frozen = seen_by(data.above, data.read, count, projection)
    for seed in range(options.seeds):
        for known in options.known:
            for head in options.head:
                key = {**about, "known": known, "head": head, "seed": seed}
                if any({k: r.get(k) for k in key} == key for r in kept):
                    continue
                found = measure(data, frozen, projection, (head, known, seed), own, training)
                yield {**key, **found, "machine": machine(), "commit": revision()}


def table(records: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table: mean and spread over the seeds, a column a known share."""
    shares = [k for k in SETTINGS if any(r["known"] == k for r in records)]
    yield f"| head | features | {' | '.join(shares)} |"
    yield "| --- | --- " + "| ---: " * len(shares) + "|"
    rows = {(r["head"], name): None for r in records for name in r["mAP"]}
    for head, name in rows:
        mine = [r for r in records if r["head"] == head and name in r["mAP"]]
        cells = []
        for share in shares:
            found = [r["mAP"][name] for r in mine if r["known"] == share]
            cells.append(f"{np.mean(found):.1f} ± {np.std(found):.1f}" if found else "not run")
        yield f"| {head} | {name} | {' | '.join(cells)} |"


def main() -> None:
    """Measure what is missing and print the table."""
    options = arguments()
    options.out.parent.mkdir(exist_ok=True)
    if not options.table:
        for record in runs(options):
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
                file.flush()
                os.fsync(file.fileno())
            print(json.dumps(record), flush=True)
    reported = "validation" if options.validation else "test"
    records = [json.loads(line) for line in read_lines(options.out)]
    mine = [r for r in records if r["reported"] == reported and not r["settings"]]
    print("\n".join(table(mine)))


if __name__ == "__main__":
    main()
