"""How long methods train and score at tool size, on cached features.

Training: the 4,500 photographs of Corel5k with 74 words, a tenth of the labels known; then once
more from the trained parameters with 200 new labels. Scoring: 100,000 made-up images by a
classifier of 200 categories, read from disk as the tool does; with the memory this takes. At
paper size two steps of 32 made-up images are timed, and what 20 epochs would take is worked out.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from real_photographs import OUT, READERS, ROOT, embedded, revision

from mlrpl import checkpoint
from mlrpl.data import Dimensions
from mlrpl.labels import UNKNOWN, hide_labels
from mlrpl.methods import build, names
from mlrpl.training import TrainingData, fit, predict

NEW_ANSWERS = 200
IMAGES, CATEGORIES = 100_000, 200
PAPER_BATCH, PAPER_EPOCHS = 32, 20
TAUGHT = 4_500
"""Made-up images that the scoring method was trained on."""


def training(name: str, root: Path, backbone: str) -> dict[str, Any]:
    """Return seconds of a training and of one that goes on from it with new answers."""
    photographs = READERS["corel5k"](root / "corel5k")
    features = embedded(photographs, backbone, OUT / f"corel5k_{backbone}.npz")
    rng = np.random.default_rng(0)
    labels = hide_labels(photographs.labels, 0.1, "uniform", rng)
    torch.manual_seed(0)
    dimensions = Dimensions(labels.shape[1], features.pooled.shape[1], *features.tokens.shape[1:])
    method = build(name, dimensions)
    config = type(method).default_training()
    tokens = features.tokens if method.needs_tokens else None
    start = time.perf_counter()
    fit(method, TrainingData(labels, pooled=features.pooled, tokens=tokens), config)
    first = time.perf_counter() - start
    hidden = np.flatnonzero(labels.ravel() == UNKNOWN)
    new = rng.choice(hidden, NEW_ANSWERS, replace=False)
    labels.ravel()[new] = photographs.labels.ravel()[new]
    start = time.perf_counter()
    shorter = replace(config, epochs=max(1, config.epochs // 5))
    fit(copy.deepcopy(method), TrainingData(labels, pooled=features.pooled, tokens=tokens), shorter)
    return {"train_s": first, "warm_start_s": time.perf_counter() - start}


def scoring(name: str) -> dict[str, Any]:
    """Return seconds and peak memory of scoring, in a process of its own."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((TAUGHT, CATEGORIES)) < 0.05, 1, -1).astype(np.int8)
    labels = hide_labels(labels, 0.1, "uniform", rng)
    dimensions = Dimensions(CATEGORIES, 1280, 64, 128)
    torch.manual_seed(0)
    method = build(name, dimensions)
    config = replace(type(method).default_training(), epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        arrays = {
            part: _made_up(Path(folder) / f"{part}.npy", shape, rng)
            for part, shape in (("pooled", (1280,)), ("tokens", (64, 128)))
            if part == "pooled" or method.needs_tokens
        }
        few = {part: np.asarray(array[:TAUGHT]) for part, array in arrays.items()}
        fit(method, TrainingData(labels, **few), config)
        file = Path(folder) / "method.safetensors"
        checkpoint.save(file, method, name, dimensions)
        command = [sys.executable, __file__, "--method", name, "--score", folder]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def score(folder: Path) -> dict[str, Any]:
    """Return seconds and memory of scoring what lies in a folder, as a worker does it."""
    method = checkpoint.load(folder / "method.safetensors")
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, _own_memory())

    threading.Thread(target=watch, daemon=True).start()
    start = time.perf_counter()
    predict(method, TrainingData(np.zeros((IMAGES, CATEGORIES), np.int8), **arrays))
    done.set()
    return {"score_s": time.perf_counter() - start, "peak_gb": peak / 1e6}


def _own_memory() -> int:
    """Return this process's memory in kB, without the files that it has mapped."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def at_paper_size(name: str) -> float:
    """Return seconds of one training step of 32 images, 74 categories, 7 x 7 x 2048 tokens."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((64, 74)) < 0.04, 1, -1).astype(np.int8)
    tokens = rng.standard_normal((64, 49, 2048), np.float32)
    torch.manual_seed(0)
    method = build(name, Dimensions(74, 2048, 49, 2048), size="paper")
    data = TrainingData(labels, pooled=tokens.mean(axis=1), tokens=tokens)
    config = replace(type(method).default_training(), batch_size=PAPER_BATCH, epochs=1)
    fit(method, data, config)
    start = time.perf_counter()
    fit(method, data, config)
    return (time.perf_counter() - start) / 2


def _made_up(path: Path, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    array = np.lib.format.open_memmap(path, "w+", np.float16, (IMAGES, *shape))
    for start in range(0, IMAGES, 5_000):
        array[start : start + 5_000] = np.abs(rng.standard_normal((5_000, *shape), np.float32))
    array.flush()
    del array
    return np.load(path, mmap_mode="r")


def main() -> None:
    """Measure every method, each scoring in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", nargs="+", choices=names(), default=names())
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--backbone", default="efficientnet-lite2")
    parser.add_argument("--paper", action="store_true", help="time steps at paper size instead")
    parser.add_argument("--score", type=Path, help="score what lies here; print one JSON line")
    options = parser.parse_args()
    if options.score:
        print(json.dumps(score(options.score)))
        return
    print(f"commit {revision()}, {torch.get_num_threads()} threads, seed 0")
    for name in options.method if options.paper else ():
        step = at_paper_size(name)
        hours = step * PAPER_EPOCHS * -(-TAUGHT // PAPER_BATCH) / 3600
        print(f"{name} at paper size: {step:.1f} s a step, {hours:.1f} h for 20 epochs of 4,500")
    for name in () if options.paper else options.method:
        found = training(name, options.root, options.backbone)
        found |= scoring(name)
        print(
            "{0}: trains in {train_s:.1f} s, goes on in {warm_start_s:.1f} s; scores 100,000 x 200 "
            "in {score_s:.1f} s with {peak_gb:.2f} GB of its own".format(name, **found),
            flush=True,
        )


if __name__ == "__main__":
    main()
