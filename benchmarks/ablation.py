"""What each part of HST and SARB brings on frozen features of real photographs.

Corel5k, 10 % of the labels known at random, category names kept from all. The reported images are
a fifth, drawn once; nothing was tuned on them. With `--validation` a fifth of the others is, to
choose by. One JSON line a run; runs in the file are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from methods import PROBE, Data, read, scores_of, visible
from real_photographs import OUT, READERS, ROOT, revision

from mlrpl.metrics import mean_average_precision

SETTING = "10 %"
_SOFT = {"pseudo": "soft"}
_ALONE = {"pooled": False}
_BARE = {**_ALONE, "ist": False, "cst": False, "dtl": False}
_UNTAUGHT = {"soft_weight": 0.0}
_NO_BLEND = {"ilrb": False, "plrb": False}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear probe": (PROBE, {"penalty": 0.3}),
    "kernel ridge": ("kernel_ridge", {}),
    "HST: SARL alone": ("hst", _BARE),
    "HST: SARL + IST": ("hst", {**_BARE, "ist": True}),
    "HST: SARL + CST": ("hst", {**_BARE, "cst": True}),
    "HST: SARL + IST + CST": ("hst", {**_BARE, "ist": True, "cst": True}),
    "HST: + DTL": ("hst", _ALONE),
    "HST: the same, soft pseudo labels": ("hst", {**_ALONE, **_SOFT}),
    "HST: + pooled vector": ("hst", {**_UNTAUGHT, "regions": 0}),
    "HST: + regions": ("hst", _UNTAUGHT),
    "HST: + soft labels by resemblance = all": ("hst", {}),
    "HST: all, soft pseudo labels": ("hst", _SOFT),
    "HST: all but IST": ("hst", {"ist": False}),
    "HST: all but CST": ("hst", {"cst": False}),
    "HST: all but DTL": ("hst", {"dtl": False}),
    "HST: all but IST and CST": ("hst", {"ist": False, "cst": False}),
    "HST: all but the graph": ("hst", {"steps": 0}),
    "HST: all but the queries' start": ("hst", {"attention_start": 0.0}),
    "HST: all but the judges": ("hst", {"judged_at": 0.0}),
    "SARB: base, no soft labels": ("sarb", {**_UNTAUGHT, **_NO_BLEND}),
    "SARB: + ILRB": ("sarb", {**_UNTAUGHT, "plrb": False}),
    "SARB: + PLRB": ("sarb", {**_UNTAUGHT, "ilrb": False}),
    "SARB: + both": ("sarb", _UNTAUGHT),
    "SARB: + soft labels by resemblance = all": ("sarb", {}),
}
"""Method and options of each row; what an option does not say is the method's default."""


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=sorted(READERS), default="corel5k")
    parser.add_argument("--root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--backbone", default="efficientnet-lite2")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(VARIANTS), help="default: all rows")
    parser.add_argument("--validation", action="store_true", help="report validation images")
    parser.add_argument("--out", type=Path, default=OUT / "ablation.jsonl")
    parser.add_argument("--list", action="store_true", help="print the rows and their options")
    return parser.parse_args()


def machine() -> str:
    """Return what the runs were made on."""
    return (
        f"{platform.machine()}, {os.cpu_count()} CPUs, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}"
    )


def measure(data: Data, variant: str, seed: int, *, validation: bool) -> dict[str, Any]:
    """Train one variant on the images that are not reported and score those that are."""
    name, options = VARIANTS[variant]
    labels = visible(data, SETTING, seed)
    training, reported = data.training, data.reported
    if validation:
        fifth = len(training) // 5
        reported, training = training[:fifth], training[fifth:]
    start = time.perf_counter()
    scores = scores_of(data, name, options, labels, training, seed)[reported]
    seconds = time.perf_counter() - start
    value = 100 * mean_average_precision(scores, data.labels[reported])
    return {"mAP": value, "seconds": seconds}


def finished(out: Path) -> list[dict[str, Any]]:
    """Return the runs that a file holds."""
    if not out.exists():
        return []
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines() if line]


def _key_of(record: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k in key or k == "reported"}


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Make the runs that are missing; yield those of the rows that were asked for."""
    what = {"data": options.data, "backbone": options.backbone}
    if options.validation:
        what["reported"] = "validation"
    kept = finished(options.out)
    data = None
    for seed in range(options.seeds):
        for variant in options.only or VARIANTS:
            key = {**what, "variant": variant, "seed": seed}
            found = next((r for r in kept if _key_of(r, key) == key), None)
            if found is None:
                data = data or read(options.data, options.root, options.backbone)
                about = {"options": VARIANTS[variant][1], "commit": revision()}
                value = measure(data, variant, seed, validation=options.validation)
                found = {**key, **value, **about, "machine": machine()}
                options.out.parent.mkdir(parents=True, exist_ok=True)
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
                print(f"seed {seed}, {variant}: {found['mAP']:.1f}", flush=True)
            yield found


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return one line a variant: mean, spread, gain over the probe on the same labels, time."""
    probe = {r["seed"]: r["mAP"] for r in records if r["variant"] == "linear probe"}
    lines = ["| variant | mAP | over the probe | seconds |", "|---|---|---|---|"]
    for variant in dict.fromkeys(r["variant"] for r in records):
        mine = [r for r in records if r["variant"] == variant]
        values = np.array([r["mAP"] for r in mine])
        gains = np.array([r["mAP"] - probe[r["seed"]] for r in mine if r["seed"] in probe])
        gain = f"{gains.mean():+.1f} +- {gains.std():.1f}" if len(gains) else "not run"
        seconds = np.mean([r["seconds"] for r in mine])
        lines.append(
            f"| {variant} | {values.mean():.1f} +- {values.std():.1f} | {gain} | {seconds:.0f} |"
        )
    return lines


def main() -> None:
    """Measure what is missing and print the table."""
    options = arguments()
    if options.list:
        for variant, (name, chosen) in VARIANTS.items():
            print(f"{variant}: {name} {json.dumps(chosen)}")
        return
    if not (options.root / options.data).is_dir():
        raise SystemExit(
            f"no folder {options.root / options.data}; name the one that holds {options.data}: "
            "--root"
        )
    records = list(run(options))
    commits = sorted({str(r["commit"]) for r in records})
    reported = "validation" if options.validation else "test"
    print(f"{options.data}, {options.backbone}, {SETTING} known, seeds 0 to {options.seeds - 1}")
    print(f"{reported} images")
    print(f"machine: {'; '.join(sorted({str(r['machine']) for r in records}))}")
    print(f"commit: {', '.join(commits)}\n")
    print("\n".join(table(records)))


if __name__ == "__main__":
    main()
