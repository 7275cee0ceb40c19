"""Runs methods x known shares x seeds on one data set, run by run, and takes up what is done."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlrpl.datasets.base import TEST, LabelledImages
from mlrpl.experiments.experiment import ExperimentConfig, prepared, scores
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureRequest
from mlrpl.experiments.metric_report import metric_report
from mlrpl.experiments.peak_memory import PeakMemory
from mlrpl.labels import Missingness
from mlrpl.training import fit

Record = dict[str, Any]

_DECIDES = (
    "dataset",
    "data",
    "method",
    "known",
    "hide",
    "count",
    "seed",
    "features",
    "input_size",
    "size",
    "finetune",
    "names",
    "options",
    "training",
    "validation_share",
)
"""Entries of a record that its result depends on; the rest are figures."""


@dataclass(frozen=True, kw_only=True)
class BenchPlan:
    """What is to be run."""

    methods: tuple[str, ...]
    known: tuple[float, ...]
    request: FeatureRequest
    hide: Missingness = "uniform"
    count: int = 5
    """Of `fixed_per_category`; see `ExperimentConfig`."""
    seeds: int = 1
    """Runs of each method and share, with the seeds 0, 1, ..."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """See `ExperimentConfig`; likewise the following."""
    training: Mapping[str, Any] = field(default_factory=dict)
    use_names: bool = False
    finetune: bool = False
    validation_share: float = 0.1
    per_category: bool = False
    """Whether a record holds each category's average precision."""
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, got {self.seeds}")
        for name in ("methods", "known"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must list at least one value, and each once")
        for share in self.known:
            if not 0 <= share <= 1:
                raise ValueError(f"known lists shares from 0 to 1, got {share}")

    def settings(self) -> list[ExperimentConfig]:
        """Return the runs in their order: by share, by seed, by method."""
        return [
            ExperimentConfig(
                method=method,
                known=known,
                hide=self.hide,
                count=self.count,
                seed=seed,
                size=self.request.size,
                options=self.options,
                training=self.training,
                use_names=self.use_names,
                finetune=self.finetune,
                validation_share=self.validation_share,
            )
            for known in self.known
            for seed in range(self.seeds)
            for method in self.methods
        ]


def run_bench(
    data: LabelledImages,
    plan: BenchPlan,
    features: CachedFeatures | None,
    *,
    out: Path | None = None,
    on_run: Callable[[Record], None] = lambda _: None,
) -> list[Record]:
    """Return a record of every run of a plan, those that `out` has already included.

    Args:
        data: With the parts `train` and `test`.
        plan: What is to be run.
        features: Of all images; None to fine-tune.
        out: A file with one record a line. Runs found there are not run again; each new one is
            added as soon as it is done.
        on_run: Told each record when it is there.

    Raises:
        ValueError: If an option does not fit a method or `out` holds something else.
    """
    about = _fingerprint(data)
    settings = plan.settings()
    done = {_key(record): record for record in _read(out)} if out is not None else {}
    records = []
    for setting in settings:
        identity = _identity(data.name, about, plan, setting)
        record = done.get(_key(identity))
        if record is None or (plan.per_category and "AP" not in record):
            record = identity | _run(data, plan, setting, features)
            if out is not None:
                _append(out, record)
        on_run(record)
        records.append(record)
    return records


def _run(
    data: LabelledImages,
    plan: BenchPlan,
    setting: ExperimentConfig,
    features: CachedFeatures | None,
) -> Record:
    """Train once and measure on the test images, which nothing has looked at before."""
    memory = PeakMemory(plan.device)
    with prepared(data, setting, features, plan.request, device=plan.device) as given:
        start = time.perf_counter()
        reports = fit(
            given.method, given.data, given.config, device=plan.device, validation=given.validation
        )
        seconds = time.perf_counter() - start
        rows = data.rows(TEST)
        start = time.perf_counter()
        logits = scores(
            given.method,
            data,
            features,
            rows,
            device=plan.device,
            batch_size=given.config.batch_size,
        )
        predict_seconds = time.perf_counter() - start
    categories = data.categories if plan.per_category else None
    return {
        **metric_report(logits, data.labels[rows], given.positives, categories=categories),
        "train_images": len(given.data),
        "test_images": len(rows),
        "categories": len(data.categories),
        "epochs": len(reports),
        "seconds": seconds,
        "predict_seconds": predict_seconds,
        "peak_memory_bytes": memory.bytes(),
        "peak_memory_of": memory.kind,
        "device": plan.device,
    }


def _identity(dataset: str, about: str, plan: BenchPlan, setting: ExperimentConfig) -> Record:
    """Return the entries of `_DECIDES`."""
    return {
        "dataset": dataset,
        "data": about,
        "method": setting.method,
        "known": setting.known,
        "hide": setting.hide,
        "count": setting.count if setting.hide == "fixed_per_category" else None,
        "seed": setting.seed,
        "features": plan.request.backbone,
        "input_size": plan.request.side,
        "size": setting.size,
        "finetune": setting.finetune,
        "names": setting.use_names,
        "options": setting.own_options() | _prefixed(setting.fine_tuning()),
        "training": setting.own_training(),
        "validation_share": setting.validation_share,
    }


def _prefixed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {f"finetune.{name}": value for name, value in options.items()}


def _key(record: Record) -> str:
    return json.dumps({name: record.get(name) for name in _DECIDES}, sort_keys=True)


def _fingerprint(data: LabelledImages) -> str:
    """Return what tells two data sets apart: files, categories, labels and parts."""
    digest = hashlib.sha256(json.dumps([data.files, data.categories]).encode())
    digest.update(data.labels.tobytes())
    for part, rows in sorted(data.splits.items()):
        digest.update(part.encode())
        digest.update(rows.tobytes())
    return digest.hexdigest()[:16]


def _read(out: Path) -> Iterator[Record]:
    """Yield the records of a file; a last line that was cut off is forgotten and removed."""
    if not out.exists():
        return
    content = out.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with out.open("r+b") as file:
            file.truncate(len(whole))
    for number, line in enumerate(whole.decode("utf-8", errors="replace").splitlines(), start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not {"method", "known", "seed"} <= record.keys():
            raise ValueError(f"{out}, line {number} is no record of a run; give another file")
        yield record


def _append(out: Path, record: Record) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())
