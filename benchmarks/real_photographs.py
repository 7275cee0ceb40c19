"""How well a method ranks real photographs when it is shown few of their labels.

Images belong to ten folds by the hash of their content. Labels of fold 0 train nothing; the mean
average precision on it, against all labels, stands beside that of a random order of the same
images. Features are made once and kept in `benchmarks/out/`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlrpl.data import Dimensions
from mlrpl.decision.calibration import decide, ranking_threshold
from mlrpl.embedding import embed, fit_projection, open_picture
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, Missingness, hide_labels, known_mask
from mlrpl.methods import build, names
from mlrpl.metrics import evaluated, mean_average_precision, random_order
from mlrpl.models.backbones import load_backbone
from mlrpl.training import TrainingData, fit, predict

ROOT = Path(__file__).resolve().parents[1]
OUT = Path(__file__).resolve().parent / "out"
FREQUENT = 50
"""Images that a word of Corel5k needs to take part."""
PROTOCOLS: tuple[tuple[Missingness, float], ...] = (
    ("positives_only", 1.0),
    ("uniform", 0.1),
    ("one_positive_per_image", 1.0),
)


@dataclass(frozen=True)
class Photographs:
    """A labelled set of images: what is in each, every pair known."""

    files: list[Path]
    categories: list[str]
    labels: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Embedded:
    """Features and folds of the same images."""

    pooled: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.float32]
    folds: npt.NDArray[np.int64]


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=sorted(READERS), default="coco_train")
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--method", choices=names(), default="partial_bce")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--hide", choices=[kind for kind, _ in PROTOCOLS], help="default: all")
    parser.add_argument("--keep", type=float, help="share of labels that stay known")
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--no-names", action="store_true", help="keep the names from the method")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def read_coco(folder: Path) -> Photographs:
    """Return a COCO set whose annotations are exhaustive."""
    content = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    images = sorted(content["images"], key=lambda image: image["file_name"])
    rows = {image["id"]: row for row, image in enumerate(images)}
    columns = {category["id"]: column for column, category in enumerate(content["categories"])}
    labels = np.full((len(rows), len(columns)), ABSENT, np.int8)
    for annotation in content["annotations"]:
        labels[rows[annotation["image_id"]], columns[annotation["category_id"]]] = PRESENT
    files = [folder / "images" / image["file_name"] for image in images]
    return Photographs(files, [c["name"] for c in content["categories"]], labels)


def read_corel(folder: Path) -> Photographs:
    """Return Corel5k's frequent words; an unlisted one counts as absent."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        listed = [(row["file"], row["labels"].split("|")) for row in csv.DictReader(file)]
    counts = Counter(word for _, words in listed for word in words)
    words = sorted(word for word, count in counts.items() if count >= FREQUENT)
    labels = np.full((len(listed), len(words)), ABSENT, np.int8)
    for row, (_, present) in enumerate(listed):
        labels[row, [words.index(word) for word in present if word in words]] = PRESENT
    return Photographs([folder / "images" / name for name, _ in listed], words, labels)


READERS = {"coco_train": read_coco, "corel5k": read_corel}


def cache_of(data: str, backbone: str) -> Path:
    """Return the file that keeps the features of a set; a backbone's name may hold a path."""
    return OUT / f"{data}_{re.sub('[:/@]+', '_', backbone)}.npz"


def embedded(photographs: Photographs, backbone: str, cache: Path) -> Embedded:
    """Return the features of all images, from the cache if they are the same files."""
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in photographs.files]
    if cache.exists():
        with np.load(cache) as kept:
            if list(kept["hashes"]) == hashes:
                return Embedded(kept["pooled"], kept["tokens"], kept["folds"])
    network = load_backbone(backbone)
    batches = list(
        embed(
            network,
            lambda i: open_picture(photographs.files[i], network.input_size),
            range(len(hashes)),
        )
    )
    failures = [batch.failures for batch in batches if batch.failures]
    if failures:
        raise SystemExit(f"photographs that cannot be read: {failures}; fetch the data again")
    sample = batches[:: max(len(batches) // 8, 1)][:8]
    projection = fit_projection(
        np.concatenate([b.pooled for b in sample]), np.concatenate([b.tokens for b in sample])
    )
    pooled = np.concatenate([batch.pooled for batch in batches])
    tokens = np.concatenate([projection.tokens(batch.tokens) for batch in batches])
    folds = np.array([int(value[:16], 16) % 10 for value in hashes])
    cache.parent.mkdir(exist_ok=True)
    np.savez(cache, pooled=pooled, tokens=tokens, folds=folds, hashes=hashes)
    return Embedded(pooled, tokens, folds)


def run(
    photographs: Photographs,
    features: Embedded,
    options: argparse.Namespace,
    hidden: Any,
    seed: int,
) -> dict[str, float]:
    """Hide labels, train, and measure once."""
    kind, keep = hidden
    train, test = np.flatnonzero(features.folds != 0), np.flatnonzero(features.folds == 0)
    labels = np.full_like(photographs.labels, UNKNOWN)
    rng = np.random.default_rng(seed)
    labels[train] = hide_labels(photographs.labels[train], keep, kind, rng)
    dimensions = Dimensions(labels.shape[1], features.pooled.shape[1], *features.tokens.shape[1:])
    method = build(
        options.method,
        dimensions,
        {k: json.loads(v) for k, v in (text.split("=", 1) for text in options.option)},
        category_names=None if options.no_names else photographs.categories,
        backbone=options.backbone,
    )
    tokens = features.tokens if method.needs_tokens else None
    start = time.perf_counter()
    data = TrainingData(labels, pooled=features.pooled, tokens=tokens, rows=train)
    fit(method, data, type(method).default_training())
    seconds = time.perf_counter() - start
    scores = predict(method, TrainingData(labels, pooled=features.pooled, tokens=tokens))
    truth = photographs.labels[test]
    measured = evaluated(truth)
    taught = (labels == PRESENT).any(axis=0)
    return {
        "map": 100 * mean_average_precision(scores[test], truth),
        "map_taught": 100 * mean_average_precision(scores[test][:, taught], truth[:, taught]),
        "random": 100 * float(np.nanmean(random_order(truth[:, measured]))),
        "categories": int(measured.sum()),
        "categories_taught": int((measured & taught).sum()),
        "known_present": int((labels == PRESENT).sum()),
        "known_absent": int((labels == ABSENT).sum()),
        "suggested_share": suggested_share(scores, labels),
        "seconds": seconds,
    }


def suggested_share(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int8]) -> float:
    """Return the share of open pairs that are suggested where categories are only ranked."""
    looked_at = int(known_mask(labels).any(axis=1).sum())
    suggested = 0
    for column in range(labels.shape[1]):
        present = int((labels[:, column] == PRESENT).sum())
        is_open = labels[:, column] == UNKNOWN
        if present:
            threshold = ranking_threshold(scores[is_open, column], present, looked_at)
            suggested += int(decide(scores[is_open, column], np.array(threshold)).sum())
    return suggested / max(int((labels == UNKNOWN).sum()), 1)


def revision() -> str:
    """Return the commit that is checked out."""
    command = ["git", "describe", "--always", "--dirty"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def main() -> None:
    """Measure and print."""
    options = arguments()
    folder = options.root / options.data
    if not folder.is_dir():
        raise SystemExit(f"no folder {folder}; name the one that holds {options.data}: --root")
    photographs = READERS[options.data](folder)
    cache = cache_of(options.data, options.backbone)
    features = embedded(photographs, options.backbone, cache)
    protocols = [(k, options.keep or s) for k, s in PROTOCOLS if options.hide in (None, k)]
    results = []
    for hidden in protocols:
        runs = [run(photographs, features, options, hidden, seed) for seed in range(options.seeds)]
        means = {name: float(np.mean([r[name] for r in runs])) for name in runs[0]}
        means["map_sd"] = float(np.std([r["map"] for r in runs]))
        results.append({"hide": hidden[0], "keep": hidden[1], **means})
        if not options.json:
            print(f"{options.data}, {options.method}, {hidden[0]}, kept {hidden[1]:.0%}:")
            print(
                "  mAP {map:.1f} +- {map_sd:.1f} over {categories:.0f} categories, random order "
                "{random:.1f}; over the {categories_taught:.0f} with a known present label "
                "{map_taught:.1f}\n  {known_present:.0f} present and {known_absent:.0f} absent "
                "labels known; if only ranked, {suggested_share:.1%} of the open pairs are "
                "suggested; {seconds:.1f} s of training".format(**means)
            )
    if options.json:
        about = {"data": options.data, "method": options.method, "backbone": options.backbone}
        about |= {"names": not options.no_names, "seeds": options.seeds, "commit": revision()}
        print(json.dumps({**about, "results": results}, indent=1))


if __name__ == "__main__":
    main()
