"""Every method on the same features of real photographs, under six ways of hiding labels.

A fifth of the images, drawn once, is reported and never looked at before. Each method may try the
same number of settings; the one that ranks the visible labels of the validation images best, a
fifth of the rest, with the labels of seed 0, is trained on all training images for every seed.
Category names are kept from all methods but those marked "+ names". One JSON line a run; runs in
the file are not repeated.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from linear_probe import linear_probe
from real_photographs import OUT, READERS, ROOT, Photographs, cache_of, embedded, revision

from mlrpl.data import Dimensions
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, Missingness, hide_labels, known_mask
from mlrpl.methods import build
from mlrpl.metrics import average_precision, evaluated, mean_average_precision
from mlrpl.training import TrainingData, fit, predict

Labels = npt.NDArray[np.int8]
Scores = npt.NDArray[np.float32]

PROBE = "linear probe"
SETTINGS: dict[str, tuple[Missingness, float]] = {
    "10 %": ("uniform", 0.1),
    "20 %": ("uniform", 0.2),
    "50 %": ("uniform", 0.5),
    "90 %": ("uniform", 0.9),
    "all": ("uniform", 1.0),
    "half the positives": ("positives_only", 0.5),
    "one positive": ("one_positive_per_image", 1.0),
    "5 + 5": ("fixed_per_category", 1.0),
}
GENERATOR = ROOT / "projects" / "scenes" / "make_images.py"
POSITIVES = ((1, 5), (6, 20), (21, None))
"""Known present labels by which categories are reported."""
GRID: dict[str, list[dict[str, Any]]] = {
    PROBE: [{"penalty": value} for value in (0.05, 0.2, 0.8)],
    "partial_bce": [{"penalty": value} for value in (0.03, 0.1, 0.3)],
    "curriculum": [{"penalty": value} for value in (0.03, 0.1, 0.3)],
    "kernel_ridge": [{"kappa": 1.0}, {"kappa": 2.0}, {"soft_weight": 0.0}],
    "hst": [{"classifier_penalty": value} for value in (1.0, 3.0, 10.0)],
    "sarb": [{"classifier_penalty": value} for value in (1.0, 3.0, 10.0)],
}
"""What each method may try: three settings."""

NAMES = " + names"
"""Stands behind a method that may read the categories' names; with the settings chosen without."""
METHODS = [*GRID, *(f"{name}{NAMES}" for name in ("partial_bce", "kernel_ridge"))]


@dataclass(frozen=True)
class Data:
    """Features and truth of one set of photographs, and which images are which."""

    backbone: str
    categories: list[str]

    labels: Labels
    pooled: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.float32]
    training: npt.NDArray[np.int64]
    reported: npt.NDArray[np.int64]


def scenes(_: Path) -> Photographs:
    """Return 1,200 drawn scenes, which are drawn if they are not there."""
    place = importlib.util.spec_from_file_location(GENERATOR.stem, GENERATOR)
    assert place is not None
    assert place.loader is not None
    generator = importlib.util.module_from_spec(place)
    place.loader.exec_module(generator)
    drawn = generator.generate(OUT / "scenes-1200-0", count=1200, seed=0)
    with drawn.truth_csv.open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    present = np.array([row[1:] for row in rows]) == "1"
    labels = np.where(present, PRESENT, ABSENT).astype(np.int8)
    return Photographs([drawn.images / row[0] for row in rows], names[1:], labels)


def coarser(tokens: npt.NDArray[np.float32], by: int) -> npt.NDArray[np.float32]:
    """Return token maps in which each square of `by` x `by` positions is its mean.

    Raises:
        SystemExit: If the maps are not square, or their side is no multiple of `by`.
    """
    count, positions, width = tokens.shape
    side = round(positions**0.5)
    if side * side != positions or side % by:
        raise SystemExit(f"--coarser {by} does not divide token maps of {positions} positions")
    squares = tokens.reshape(count, side // by, by, side // by, by, width)
    return squares.mean(axis=(2, 4)).reshape(count, -1, width)


def read(name: str, root: Path, backbone: str, by: int = 1) -> Data:
    """Return a set, embedded, with a fifth of its images set aside."""
    photographs = SETS[name](root / name)
    features = embedded(photographs, backbone, cache_of(name, backbone))
    order = np.random.default_rng(0).permutation(len(photographs.labels))
    fifth = len(order) // 5
    return Data(
        backbone,
        photographs.categories,
        photographs.labels,
        features.pooled,
        coarser(features.tokens, by),
        training=order[fifth:],
        reported=order[:fifth],
    )


SETS: dict[str, Callable[[Path], Photographs]] = {**READERS, "scenes": scenes}


def visible(data: Data, setting: str, seed: int) -> Labels:
    """Return what is known in one setting; nothing about the reported images."""
    kind, keep = SETTINGS[setting]
    labels = np.full_like(data.labels, UNKNOWN)
    rng = np.random.default_rng(seed)
    labels[data.training] = hide_labels(data.labels[data.training], keep, kind, rng)
    return labels


def scores_of(
    data: Data, name: str, options: dict[str, Any], labels: Labels, rows: Any, seed: int
) -> Scores:
    """Train on some images and return the scores of all."""
    if name == PROBE:
        lacks_absent = not (labels == ABSENT).any()
        return linear_probe(data.pooled, labels, rows, unknown_is_absent=lacks_absent, **options)
    dimensions = Dimensions(labels.shape[1], data.pooled.shape[1], *data.tokens.shape[1:])
    torch.manual_seed(seed)
    plain = name.removesuffix(NAMES)
    about = {"category_names": data.categories, "backbone": data.backbone}
    method = build(plain, dimensions, options, **(about if name != plain else {}))
    tokens = data.tokens if method.needs_tokens else None
    fit(
        method,
        TrainingData(labels, pooled=data.pooled, tokens=tokens, rows=np.sort(rows)),
        type(method).default_training(),
    )
    return predict(method, TrainingData(labels, pooled=data.pooled, tokens=tokens))


def choose(data: Data, setting: str, name: str) -> dict[str, Any]:
    """Return the options that rank the visible labels of the validation images best.

    Where nobody says absent, what is not visible counts as absent for this.
    """
    labels = visible(data, setting, 0)
    fifth = len(data.training) // 5
    validation, rest = data.training[:fifth], data.training[fifth:]
    truth = labels[validation]
    if not (truth == ABSENT).any():
        truth = np.where(truth == UNKNOWN, ABSENT, truth).astype(np.int8)
    found = [
        mean_average_precision(scores_of(data, name, o, labels, rest, 0)[validation], truth)
        for o in GRID[name]
    ]
    return GRID[name][int(np.argmax(found))]


def measure(
    data: Data, setting: str, name: str, options: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Train on all training images and read the reported ones."""
    labels = visible(data, setting, seed)
    start = time.perf_counter()
    scores = scores_of(data, name, options, labels, data.training, seed)[data.reported]
    seconds = time.perf_counter() - start
    truth = data.labels[data.reported]
    each, counted = average_precision(scores, truth), evaluated(truth)
    positives = (labels == PRESENT).sum(axis=0)
    result: dict[str, Any] = {
        "mAP": 100 * mean_average_precision(scores, truth),
        "seconds": seconds,
        "known": int(known_mask(labels).sum()),
    }
    for low, high in POSITIVES:
        chosen = counted & (positives >= low) & (positives <= (high or positives.max()))
        value = float(100 * each[chosen].mean()) if chosen.any() else None
        result[f"mAP_{low}_{high or 'more'}"] = value
    return result


def runs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield one record a run that is not in the file yet."""
    kept = [json.loads(line) for line in read_lines(options.out)]
    done = {(r["data"], r["setting"], r["method"], r["seed"]) for r in kept}
    chosen = {(r["data"], r["setting"], r["method"]): r["options"] for r in kept}
    for name in options.data:
        data = read(name, options.root, options.backbone, options.coarser)
        for setting in options.setting:
            for method in options.method:
                key = (name, setting, method)
                for seed in range(options.seeds):
                    if (*key, seed) in done:
                        continue
                    if key not in chosen:
                        where = options.choose_in or setting
                        plain = (name, where, method.removesuffix(NAMES))
                        if plain not in chosen:
                            chosen[plain] = choose(data, where, plain[-1])
                        chosen[key] = chosen[plain]
                    result = measure(data, setting, method, chosen[key], seed)
                    about = dict(zip(("data", "setting", "method"), key, strict=True))
                    about |= {"seed": seed, "options": chosen[key], "backbone": options.backbone}
                    yield {**about, **result, "commit": revision()}


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, none if it is not there."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def table(path: Path, value: str) -> str:
    """Return mean and spread over the seeds, a row a method and a column a setting."""
    records = [json.loads(line) for line in read_lines(path)]
    lines = []
    for data in sorted({r["data"] for r in records}):
        mine = [r for r in records if r["data"] == data]
        settings = [s for s in SETTINGS if any(r["setting"] == s for r in mine)]
        lines += [f"| {data} | {' | '.join(settings)} |", "| --- " * (len(settings) + 1) + "|"]
        for method in [m for m in METHODS if any(r["method"] == m for r in mine)]:
            cells = []
            for setting in settings:
                ran = [r[value] for r in mine if (r["method"], r["setting"]) == (method, setting)]
                found = [figure for figure in ran if figure is not None]
                # Without a figure, no category has so many known present labels.
                empty = "none" if ran else "not run"
                cells.append(f"{np.mean(found):.1f} ± {np.std(found):.1f}" if found else empty)
            lines.append(f"| {method} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", choices=sorted(SETS), default=sorted(READERS))
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--setting", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--method", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--backbone", default="efficientnet-lite2")
    parser.add_argument("--coarser", type=int, default=1, help="join so many positions a side")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose-in", choices=list(SETTINGS), help="choose in this setting only")
    parser.add_argument("--out", type=Path, default=OUT / "methods.jsonl")
    parser.add_argument("--table", metavar="VALUE", help="print this value only, train nothing")
    options = parser.parse_args()
    if options.table is None:
        options.out.parent.mkdir(exist_ok=True)
        for record in runs(options):
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            print(json.dumps(record), flush=True)
    print(table(options.out, options.table or "mAP"))


if __name__ == "__main__":
    main()
