"""Runs the whole workflow on real photographs from the command line and measures each step.

For one folder of pictures with known truth it makes a project that knows (a) the listed labels as
positives only and (b) a random tenth of all pairs, both signs, then embeds, trains, suggests,
exports, validates and imports again; it prints seconds, the share of open pairs that are suggested,
and mean average precision on the images of fold 0, whose labels trained nothing, beside that of a
random order.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays.versions import VersionArrays
from annotator.domain import State
from annotator.formats import LabelFile, format_for
from annotator.formats.options import ReadOptions
from annotator.services.app import Services
from annotator.store import categories, images
from mlrpl.labels import ABSENT, PRESENT
from mlrpl.metrics import average_precision

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {
    "coco_train": (SHARED / "coco_train" / "images", SHARED / "coco_train" / "instances.json"),
    "corel5k": (SHARED / "corel5k" / "images", SHARED / "corel5k" / "labels.csv"),
}
RANDOM_ORDERS = 200


def run(*words: str) -> tuple[str, float]:
    """Run an `annotator` command and return what it printed and how long it took."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "annotator", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"annotator {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout, time.perf_counter() - started


def truth_of(file: Path, frequent: int) -> tuple[LabelFile, list[str], np.ndarray]:
    """Return a fully labelled file, its categories with enough positives, and the truth matrix."""
    labels = format_for(file).read(file, ReadOptions(unlisted="absent"))
    names = [c.name for c in labels.categories]
    columns = {name: j for j, name in enumerate(names)}
    matrix = np.zeros((len(labels.images), len(names)), dtype=bool)
    for i, image in enumerate(labels.images):
        for pair in image.pairs:
            matrix[i, columns[pair.category]] = pair.state is State.PRESENT
    keep = np.flatnonzero(matrix.sum(axis=0) >= frequent)
    return labels, [names[j] for j in keep], matrix[:, keep]


def write_known(
    target: Path, labels: LabelFile, names: list[str], truth: np.ndarray, kind: str, seed: int
) -> None:
    """Write what the project is to know, as CSV: listed positives, or a tenth of all pairs."""
    rng = np.random.default_rng(seed)
    known = truth if kind == "positives" else rng.random(truth.shape) < 0.1
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *names])
        for image, row, mask in zip(labels.images, truth, known, strict=True):
            cells = [str(int(t)) if k else "" for t, k in zip(row, mask, strict=True)]
            writer.writerow([image.file_name, *cells])


def held_out(
    project: Path, labels: LabelFile, names: list[str], truth: np.ndarray
) -> dict[str, Any]:
    """Return mAP on fold 0 against the truth, of the promoted version and of random orders."""
    services = Services.open(project)
    try:
        with services.store.reading() as tx:
            number, arrays = services.suggestions.current(tx)
            ordinals = {c.name: c.ordinal for c in categories.every(tx)}
            fold = {}
            by_path = {}
            for image_id, paths in images.paths_of(tx).items():
                image = images.get(tx, image_id)
                for path in paths:
                    by_path[path.path] = image.ordinal
                    fold[path.path] = image.fold
    finally:
        services.close()
    assert arrays is not None
    rows = [i for i, image in enumerate(labels.images) if fold.get(image.file_name) == 0]
    scores = _scores(arrays, [by_path[labels.images[i].file_name] for i in rows], names, ordinals)
    usable = truth[rows].any(axis=0) & ~truth[rows].all(axis=0)
    target = np.where(truth[rows], PRESENT, ABSENT).astype(np.int8)
    rng = np.random.default_rng(0)
    target = target[:, usable]
    chance = [
        np.mean(average_precision(rng.random(target.shape), target)) for _ in range(RANDOM_ORDERS)
    ]
    model = average_precision(scores[:, usable], target)
    return {
        "version": number,
        "held_out_images": len(rows),
        "categories": int(usable.sum()),
        "map": round(100 * float(np.mean(model)), 1),
        "random_map": round(100 * float(np.mean(chance)), 1),
        "times_random": round(float(np.mean(model) / np.mean(chance)), 2),
    }


def _scores(
    arrays: VersionArrays, rows: list[int], names: list[str], ordinals: dict[str, int]
) -> np.ndarray:
    """Return scores in the truth's order; a category without an opinion ranks everything alike."""
    by_category = [arrays.category_scores(ordinals[name])[rows] for name in names]
    return np.nan_to_num(np.stack(by_category, axis=1), nan=0.0)


def measure(name: str, kind: str, methods: list[str], frequent: int, seed: int) -> dict[str, Any]:
    """Run the workflow once and return what was measured."""
    folder, file = SETS[name]
    labels, names, truth = truth_of(file, frequent)
    found: dict[str, Any] = {"data": name, "known": kind, "images": len(truth), "seed": seed}
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        project, out = base / "project", base / "out"
        known = base / "known.csv"
        write_known(known, labels, names, truth, kind, seed)
        _, found["init_seconds"] = run(
            "init",
            str(project),
            "--images",
            str(folder),
            "--labels",
            str(known),
            "--backbone",
            "efficientnet-lite0",
        )
        _, seconds = run("embed", str(project))
        found["embed_images_per_second"] = len(truth) / seconds
        for method in methods:
            _, found[f"{method}_train_seconds"] = run("train", str(project), "--method", method)
            row = json.loads(run("versions", str(project), "--json")[0])[-1]
            run("versions", str(project), "--promote", str(row["number"]))
            found[method] = held_out(project, labels, names, truth)
            suggested = json.loads(run("suggest", str(project), "--limit", "0", "--json")[0])
            counts = json.loads(run("status", str(project), "--json")[0])["counts"]
            found[method]["suggested_share"] = round(len(suggested) / counts["open"], 4)
            if kind == "tenth":  # where all positives are known, no open pair is one
                right = _right(suggested, labels, names, truth)
                found[method]["suggested_precision"] = round(right, 3)
        _, found["export_seconds"] = run("export", str(project), "--out", str(out))
        found["export_megabytes"] = (out / "labels_all.json").stat().st_size / 1e6
        run("validate", str(out / "labels_all.json"))
        found["database_megabytes"] = (project / "labels.db").stat().st_size / 1e6
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in found.items()}


def _right(
    suggested: list[dict[str, Any]], labels: LabelFile, names: list[str], truth: np.ndarray
) -> float:
    rows = {image.file_name: i for i, image in enumerate(labels.images)}
    columns = {name: j for j, name in enumerate(names)}
    hits = [truth[rows[s["image"]], columns[s["category"]]] for s in suggested]
    return float(np.mean(hits)) if hits else float("nan")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["coco_train"], choices=sorted(SETS))
    parser.add_argument("--known", nargs="+", default=["positives", "tenth"])
    parser.add_argument("--methods", nargs="+", default=["kernel_ridge", "partial_bce", "hst"])
    parser.add_argument("--frequent", type=int, default=None, help="least positives of a category")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit(f"The photographs are not in {SHARED}; see benchmarks/README.md.")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    print(f"{platform.machine()}, {platform.python_version()}, commit {commit}")
    for name in options.data:
        frequent = options.frequent or (50 if name == "corel5k" else 1)
        for kind in options.known:
            result = measure(name, kind, options.methods, frequent, options.seed)
            print(json.dumps(result, indent=1), flush=True)


if __name__ == "__main__":
    main()
