"""What a labelled data set costs, by way of labelling: seconds and decisions to reach an F1.

An oracle labels a set whose labels are known, through the services and the trainer of the tool.
Finished runs are kept in `benchmarks/out/simulate.jsonl`. Drawn scenes are another set for each
seed; photographs stay the same, and the seed draws what is random in the way of labelling. Of
`coco_train` one half, `coco_tuning`, chose the settings; the other is reported.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
from real_photographs import READERS, ROOT, Photographs, revision

from annotator.simulate.oracle import Truth, read_truth
from annotator.simulate.report import (
    add_run,
    certificates,
    draw,
    finished,
    forecasts,
    kinds,
    read_runs,
    table,
)
from annotator.simulate.run import Plan, prepared, simulate
from annotator.simulate.strategies import WAYS
from annotator.simulate.wishes import Wish, kind_named
from mlrpl.decision.acquisition import Costs
from mlrpl.labels import PRESENT

OUT = Path(__file__).resolve().parent / "out"
HALVES = {"coco_tuning": 0, "coco_reported": 1}
GOAL = 0.955
"""F1 at which a run ends; a little above the highest one that is reported."""


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", choices=["scenes", *HALVES, "coco_train", "corel5k"], default="scenes"
    )
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--strategies", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--count", type=int, default=1200, help="scenes to draw")
    parser.add_argument("--images", type=int, default=0, help="photographs, at random; 0: all")
    parser.add_argument("--notice", type=float, default=1.0)
    parser.add_argument("--error", type=float, default=0.0)
    parser.add_argument("--promise", default="recall", help="of certified, which needs --goal 1")
    parser.add_argument("--recall", type=float, default=0.9, help="that is promised")
    parser.add_argument("--f1", type=float, default=0.9, help="that is promised")
    parser.add_argument("--goal", type=float, default=GOAL, help="F1 at which a run ends")
    parser.add_argument("--method", default="kernel_ridge", help="what learns")
    parser.add_argument("--glance", type=float, default=Costs.glance, help="seconds")
    parser.add_argument("--out", type=Path, default=OUT / "simulate.jsonl")
    parser.add_argument("--work", type=Path, default=OUT / "simulate")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs/images/cost-curve.png")
    return parser.parse_args()


def scenes(work: Path, count: int, seed: int) -> tuple[Path, Path]:
    """Draw a set of scenes and return the pictures' folder and the truth."""
    drawn = _load(ROOT / "projects" / "scenes" / "make_images.py").generate(
        work / f"scenes-{count}-{seed}", count=count, seed=seed, processes=1
    )
    return drawn.images, drawn.truth_csv


def photographs(work: Path, root: Path, data: str, size: int) -> tuple[Path, Path]:
    """Link the photographs of a set into a folder, and write their truth beside it.

    Categories that none of them shows are left out.
    """
    name = "coco_train" if data in HALVES else data
    found = READERS[name](root / name)
    kept = np.arange(len(found.files))
    if data in HALVES:
        first = [hashlib.sha256(f.name.encode()).digest()[0] for f in found.files]
        kept = kept[np.array(first) % 2 == HALVES[data]]
    if size:
        kept = np.sort(np.random.default_rng(0).choice(kept, min(size, len(kept)), replace=False))
    folder = work / f"{data}-{len(kept)}"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for row in kept:
        link = folder / "images" / found.files[row].name
        if not link.exists():
            link.write_bytes(found.files[row].read_bytes())
    _write(found, kept, folder / "truth.csv")
    return folder / "images", folder / "truth.csv"


def budget_of(truth: Truth, images: int) -> float:
    """Return a little more than the seconds of naming everything on every image."""
    costs, named = Costs(), sum(int(row.sum()) for row in truth.present.values())
    return round(1.15 * (costs.switch * images + costs.name * named))


def main() -> None:
    """Do the runs that are not done yet, print the table and draw the curves."""
    options = arguments()
    wish = Wish(promise=kind_named(options.promise), recall=options.recall, f1=options.f1)
    for seed in options.seeds:
        if options.data == "scenes":
            images, file = scenes(options.work, options.count, seed)
        else:
            images, file = photographs(options.work, options.root, options.data, options.images)
        truth = read_truth(file)
        count = len(truth.present)
        for strategy in options.strategies:
            plan = Plan(
                strategy=strategy, budget=budget_of(truth, count), seed=seed, until=options.goal,
                notice=options.notice, error=options.error, method=options.method, wish=wish,
            )  # fmt: skip
            row = {"data": options.data, "count": count, "glance": options.glance, **asdict(plan)}
            if strategy != "certified":
                del row["wish"]  # it promises nothing
            if finished(read_runs(options.out), row):
                continue
            start = time.perf_counter()
            project = prepared(images, truth, options.work / "projects")
            records = simulate(plan, project, truth, costs=Costs(glance=options.glance))
            about = {"revision": revision(), "wall_s": round(time.perf_counter() - start, 1)}
            add_run(options.out, {**row, **about, "records": records})
            last = records[-1]
            print(f"{options.data} {strategy} seed {seed}: F1 {last['f1']:.3f}", flush=True)
    asked = {k: getattr(options, k) for k in ("data", "notice", "error", "method", "glance")} | {
        "count": count
    }
    every = [r for r in read_runs(options.out) if all(r.get(k) == v for k, v in asked.items())]
    every = [r for r in every if r.get("wish", asdict(wish)) == asdict(wish)]
    runs = [r for r in every if r["seed"] in options.seeds and r["strategy"] in options.strategies]
    print(table(runs))
    print("\n" + kinds(runs))
    print("\n" + certificates(runs))
    print("\n" + forecasts(runs))
    draw(runs, options.picture, f"{options.data}, {len(options.seeds)} seeds")


def _write(found: Photographs, kept: np.ndarray, target: Path) -> None:
    present = found.labels[kept] == PRESENT
    columns = np.flatnonzero(present.any(axis=0))
    with target.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file", *(found.categories[c] for c in columns)])
        for row, labels in zip(kept, present, strict=True):
            lines.writerow([found.files[row].name, *labels[columns].astype(int)])


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scenes_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
