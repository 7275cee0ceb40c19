"""Fit and predict: the whole training loop on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlrpl.data import Batch, Features, TrainingData
from mlrpl.errors import TrainingDiverged
from mlrpl.methods.base import Method
from mlrpl.metrics import evaluated, mean_average_precision
from mlrpl.train_config import TrainConfig
from mlrpl.training import distributed
from mlrpl.training.state import Run, TrainingState


@dataclass(frozen=True)
class EpochReport:
    """What one pass over the training images did."""

    epoch: int
    """From 0."""
    epochs: int
    """How many there will be."""
    terms: dict[str, float]
    """Mean of every loss term over the steps."""
    validation: float | None = None
    """Mean average precision on the validation data's known labels, 0 to 1."""


def fit(
    method: Method,
    data: TrainingData,
    config: TrainConfig,
    *,
    device: str = "cpu",
    validation: TrainingData | None = None,
    state: TrainingState | None = None,
    on_epoch_end: Callable[[EpochReport], None] = lambda _: None,
    on_state: Callable[[TrainingState], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[EpochReport]:
    """Train a method in place and leave it in evaluation mode.

    On one machine's CPU and number of threads the result depends only on method, data and config,
    also if resumed. Torch's global random state is restored. Under `torchrun`, every process calls
    this in `distributed.process_group` with the same arguments and callbacks.

    Args:
        method: Trained from the parameters it has, so a warm start is a method that was fitted.
        data: With at least one image.
        config: How long and how fast.
        device: Where to train; the method stays there.
        validation: Images that train nothing and are scored after every epoch; see `patience`.
        state: What `on_state` was given before an interruption; goes on from there.
        on_epoch_end: Called after every epoch, with what it did.
        on_state: Called before that with all that is needed to resume; not in closed form.
        should_stop: Asked before every step; true ends the training there.

    Returns:
        A report of every finished epoch, those before an interruption included.

    Raises:
        ValueError: If there is no image, or data, state, method, settings and device do not match.
        TrainingDiverged: If weights are no finite numbers any more.
    """
    _check(method, data, config, device, validation)
    with _random_state(config.seed, torch.device(device)):
        data = _prepare(method, data, config, device)
        if method.closed_form:
            return _solved(method, data, config, on_epoch_end, should_stop)
        run = Run(method, data, config, torch.device(device))
        reports = [EpochReport(**report) for report in run.resume(state)]
        while not run.over:
            with distributed.parallel(method):
                if (terms := _epoch(run, data, should_stop)) is None:
                    break
            with distributed.parallel(run.in_use):
                value = _validate(run, validation)
            reports.append(EpochReport(run.epoch, config.epochs, terms, value))
            run.epoch += 1
            if on_state is not None:
                on_state(run.state([asdict(report) for report in reports]))
            on_epoch_end(reports[-1])
        run.finish()
    return reports


def _prepare(method: Method, data: TrainingData, config: TrainConfig, device: str) -> TrainingData:
    """Ready a method on its device; return the data as this process reads them."""
    method.to(device)
    distributed.same_everywhere(method)
    data = distributed.shared_pictures(data)
    method.begin(config.epochs)
    with distributed.parallel(method):
        method.prepare(data)
    return data


def _epoch(
    run: Run, data: TrainingData, should_stop: Callable[[], bool]
) -> dict[str, float] | None:
    """Train for one epoch; return the mean of every loss term, or None if it was stopped."""
    method, config = run.method, run.config
    if run.epoch:
        method.train()
    method.before_epoch(run.epoch, data)
    method.train()
    seen: list[tuple[dict[str, Tensor], float]] = []
    for step, batch in enumerate(data.batches(config.batch_size, run.order, shuffle=True)):
        if distributed.any_rank(should_stop(), run.device):
            return None
        run.optimizer.zero_grad(set_to_none=True)
        for part in _parts(batch, config.accumulate):
            share = len(part.labels) / len(batch.labels)
            with run.autocast():
                terms = method.losses(part.to(str(run.device)), run.epoch, step / run.steps)
            loss = torch.stack(list(terms.values())).sum() * share
            run.scaler.scale(loss).backward()
            seen.append(({name: term.detach() for name, term in terms.items()}, share))
        run.step()
    totals: dict[str, float] = {}
    # Read out only here, because on an accelerator that waits for all steps so far.
    for terms, share in seen:
        for name, term in terms.items():
            totals[name] = totals.get(name, 0.0) + term.item() * share / run.steps
    # One step in half precision may overflow and be skipped; a weight that is NaN stays it.
    lost = not all(bool(torch.isfinite(weight).all()) for weight in method.parameters())
    if distributed.any_rank(lost, run.device):
        raise TrainingDiverged(
            f"training diverged in epoch {run.epoch + 1}: weights are no finite numbers any more; "
            f"use a learning rate below {config.learning_rate:g}"
        )
    return totals


def _parts(batch: Batch, count: int) -> Iterator[Batch]:
    """Cut a batch into as many parts of nearly one size; fewer if it has fewer images."""
    if count == 1:
        yield batch
        return
    for rows in torch.arange(len(batch.labels)).chunk(count):
        cut = slice(int(rows[0]), int(rows[-1]) + 1)
        features = Features(**{k: _cut(v, cut) for k, v in vars(batch.features).items()})
        tensors: dict[str, Any] = {
            k: _cut(v, cut) for k, v in vars(batch).items() if k != "features"
        }
        yield replace(batch, features=features, **tensors)


def _cut(tensor: Tensor | None, rows: slice) -> Tensor | None:
    return None if tensor is None else tensor[rows]


def _validate(run: Run, validation: TrainingData | None) -> float | None:
    """Score the validation images with the weights that would be used now."""
    if validation is None:
        return None
    scores = predict(run.in_use, validation, device=str(run.device))
    value = mean_average_precision(scores, validation.known_labels())
    if run.best is not None:
        run.best.offer(run.weights_in_use(), value, run.epoch)
    return value


@contextmanager
def _random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch, and leave its random state afterwards as it was."""
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.manual_seed(seed)
        yield


def _check(
    method: Method,
    data: TrainingData,
    config: TrainConfig,
    device: str,
    validation: TrainingData | None,
) -> None:
    if not len(data):
        raise ValueError("there is no image to train on; give data with at least one row")
    data.check_dimensions(method.dimensions)
    if config.precision == "float16" and not device.startswith("cuda"):
        raise ValueError(
            f"precision float16 needs a CUDA device, got {device}; bfloat16 works on both"
        )
    if validation is None:
        if config.patience:
            raise ValueError("patience needs validation data; give `validation` or patience 0")
        return
    validation.check_dimensions(method.dimensions)
    if not evaluated(validation.known_labels()).any():
        raise ValueError(
            "no category of the validation data has a present and an absent label; give more of "
            "them, or no `validation`"
        )


def _solved(
    method: Method,
    data: TrainingData,
    config: TrainConfig,
    on_epoch_end: Callable[[EpochReport], None],
    should_stop: Callable[[], bool],
) -> list[EpochReport]:
    """Train a method in closed form; every step of it is reported like an epoch."""
    terms = method.solve(
        data,
        seed=config.seed,
        on_progress=lambda done, of: on_epoch_end(EpochReport(done - 1, of, {})),
        should_stop=should_stop,
    )
    method.eval()
    return [EpochReport(0, 1, terms)]


def predict(
    method: Method,
    data: TrainingData,
    *,
    device: str = "cpu",
    batch_size: int = 256,
) -> npt.NDArray[np.float32]:
    """Return the logits of the rows in use, `(len(data), C)`, in their order."""
    method.to(device).eval()
    logits = np.empty((len(data), method.dimensions.categories), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(data), batch_size):
            rows = np.asarray(data.rows[start : start + batch_size])
            logits[start : start + len(rows)] = method(data.features(rows).to(device)).cpu().numpy()
    return logits
