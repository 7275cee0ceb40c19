"""Trains one method into a checkpoint that knows how to be evaluated, and evaluates it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from mlrpl import checkpoint
from mlrpl.datasets.base import LabelledImages
from mlrpl.experiments.experiment import ExperimentConfig, Prepared, prepared, scores
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureCache, FeatureRequest, Progress
from mlrpl.experiments.metric_report import metric_report
from mlrpl.finetuning.checkpoint import load_finetuned, save_finetuned
from mlrpl.finetuning.model import FineTuned
from mlrpl.methods.base import Method
from mlrpl.projection import Projection
from mlrpl.training import EpochReport, distributed, fit

_ABOUT = "experiment"


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says about how it was made, so that it can be evaluated."""

    request: FeatureRequest
    categories: tuple[str, ...]
    positives: tuple[int, ...]
    """Present labels that it was trained on, one number a category."""
    finetuned: bool
    projection: Projection | None
    """What reduces the tokens that it reads; None if it reads none, or whole ones."""


def state_path(out: Path) -> Path:
    """Return where an unfinished training into a checkpoint is kept."""
    return out.with_name(f"{out.name}.state")


def train_checkpoint(
    data: LabelledImages,
    setting: ExperimentConfig,
    features: CachedFeatures | None,
    request: FeatureRequest,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    on_epoch_end: Callable[[EpochReport], None] = lambda _: None,
) -> list[EpochReport]:
    """Train a method and write its checkpoint, whole or not at all.

    After every epoch the training is put aside in `state_path(out)`, which is removed at the end.
    Under `torchrun`, within `mlrpl.training.distributed.process_group`, every process calls this.

    Args:
        data: With a part `train`.
        setting: What is to be trained.
        features: Of all images; None to fine-tune.
        request: Which network and which size.
        out: The checkpoint.
        resume: Whether to go on with a training that was put aside, if there is one.
        device: Where to train.
        on_epoch_end: Called after every epoch.

    Raises:
        ValueError: If the training that was put aside is another one, or an option is wrong.
    """
    aside = state_path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    state = None
    if resume and aside.exists():
        state = checkpoint.load_state(aside, expect_categories=data.categories)
    with prepared(data, setting, features, request, device=device) as given:
        reports = fit(
            given.method,
            given.data,
            given.config,
            device=device,
            validation=given.validation,
            state=state,
            on_state=lambda s: checkpoint.save_state(aside, s, categories=data.categories),
            on_epoch_end=on_epoch_end,
        )
        if distributed.rank() == 0:
            _save(out, given, data, setting, features, request)
            aside.unlink(missing_ok=True)
    return reports


def evaluate_checkpoint(
    path: Path,
    data: LabelledImages,
    split: str,
    cache: FeatureCache,
    *,
    device: str = "cpu",
    per_category: bool = False,
    on_progress: Progress = lambda _done, _of: None,
) -> dict[str, Any]:
    """Return all figures of a trained method on one part of a data set.

    Features are those of the training: same network, same size, tokens reduced by the same
    projection. They are taken from the cache, for the whole data set if they are there, else
    computed for this part only.

    Raises:
        FileNotFoundError: If the checkpoint is missing.
        ValueError: If it was not written by `train_checkpoint`, or the data set lacks a category.
    """
    about = read_info(path)
    data = data.with_categories(about.categories)
    rows = data.rows(split)
    features = None
    method: Method
    if about.finetuned:
        method = load_finetuned(path)
    else:
        method = checkpoint.load(path, expect_categories=about.categories)
        if not cache.has(data, about.request, about.projection):
            data = data.only(split)
            rows = data.rows(split)
        features = cache.get(
            data,
            about.request,
            projection=about.projection,
            device=device,
            on_progress=on_progress,
        )
    batch_size = 32 if about.finetuned else 256
    logits = scores(method, data, features, rows, device=device, batch_size=batch_size)
    categories = about.categories if per_category else None
    positives = np.array(about.positives, dtype=np.int64)
    return {
        "dataset": data.name,
        "split": split,
        "images": len(rows),
        **metric_report(logits, data.labels[rows], positives, categories=categories),
    }


def read_info(path: Path) -> CheckpointInfo:
    """Return what a checkpoint says about how it was made.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it was not written by `train_checkpoint`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; it should be a checkpoint of `mlrpl train`")
    try:
        said = checkpoint.load_extra(path)[_ABOUT]
        categories = checkpoint.load_categories(path) or []
        return CheckpointInfo(
            request=FeatureRequest(**said["features"]),
            categories=tuple(categories),
            positives=tuple(said["positives"]),
            finetuned=said["finetuned"],
            projection=_decoded(said["projection"]),
        )
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} is no checkpoint of `mlrpl train` ({type(error).__name__}); train it with that"
        ) from error


def _save(
    out: Path,
    given: Prepared,
    data: LabelledImages,
    setting: ExperimentConfig,
    features: CachedFeatures | None,
    request: FeatureRequest,
) -> None:
    method = given.method
    reads_tokens = method.needs_tokens and features is not None
    projection = features.projection if features is not None and reads_tokens else None
    about = {
        "dataset": data.name,
        "known": setting.known,
        "hide": setting.hide,
        "count": setting.count,
        "seed": setting.seed,
        "features": {
            "backbone": request.backbone,
            "size": request.size,
            "input_size": request.input_size,
        },
        "positives": given.positives.tolist(),
        "finetuned": isinstance(method, FineTuned),
        "projection": _encoded(projection),
    }
    extra: dict[str, Any] = {_ABOUT: about}
    temporary = out.with_name(f".{out.name}.new")
    if isinstance(method, FineTuned):
        save_finetuned(temporary, method, setting.method)
        extra |= checkpoint.load_extra(temporary)
        temporary.unlink()
    checkpoint.save(
        out, method, setting.method, method.dimensions, extra, categories=data.categories
    )


def _encoded(projection: Projection | None) -> str | None:
    if projection is None:
        return None
    arrays = {
        name: [list(array.shape), base64.b64encode(np.float32(array).tobytes()).decode("ascii")]
        for name, array in projection.arrays().items()
    }
    return json.dumps(arrays)


def _decoded(text: str | None) -> Projection | None:
    if text is None:
        return None
    arrays = {
        name: np.frombuffer(base64.b64decode(values), np.float32).reshape(shape)
        for name, (shape, values) in json.loads(text).items()
    }
    return Projection.from_arrays(arrays)
