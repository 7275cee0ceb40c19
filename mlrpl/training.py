"""Fit and predict: the whole training loop on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlrpl.methods.base import Batch, Features, Method


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How long and how fast a method learns."""

    epochs: int = 20
    """Passes over the training images; at least 1."""
    batch_size: int = 256
    """Images a step; at least 1."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW, per step; it falls to zero along a cosine."""
    weight_decay: float = 1e-4
    """Decoupled weight decay of AdamW, as a factor of the learning rate."""
    seed: int = 0
    """Of the order of the images and of everything random in the method."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")


@dataclass(frozen=True)
class EpochReport:
    """What one pass over the training images did."""

    epoch: int
    """From 0."""
    epochs: int
    """How many there will be."""
    terms: dict[str, float]
    """Mean of every loss term over the steps."""


class TrainingData:
    """Features and labels of the same images, in memory or mapped from disk."""

    def __init__(
        self,
        labels: npt.NDArray[np.int8],
        *,
        pooled: npt.NDArray[np.floating] | None = None,
        tokens: npt.NDArray[np.floating] | None = None,
        weights: npt.NDArray[np.float32] | None = None,
        shown: npt.NDArray[np.bool_] | None = None,
        pictures: Callable[[npt.NDArray[np.int64]], Tensor] | None = None,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Put the arrays together; nothing is copied.

        Args:
            labels: `(N, C)` int8, each `PRESENT`, `UNKNOWN` or `ABSENT`.
            pooled: `(N, D)`.
            tokens: `(N, P, T)`.
            weights: `(N, C)`, how much each label counts; None means 1.
            shown: `(N, C)`, pairs that a person had on the screen and left unmarked.
            pictures: Returns prepared pictures `(B, 3, S, S)` of some images, for methods that
                train their backbone.
            rows: Indices of the images to be used, in any order; None means all.

        Raises:
            ValueError: If an array has too few rows or an index lies outside.
        """
        count = len(labels)
        for name, array in _named(pooled, tokens, weights, shown):
            if array is not None and len(array) < count:
                raise ValueError(
                    f"{name} has {len(array)} rows for {count} images; give one row an image"
                )
        self.labels = labels
        self.pooled = pooled
        self.tokens = tokens
        self.weights = weights
        self.shown = shown
        self.pictures = pictures
        self.rows = np.arange(count) if rows is None else np.asarray(rows, dtype=np.int64)
        if len(self.rows) and not 0 <= self.rows.min() <= self.rows.max() < count:
            raise ValueError(f"rows must lie in 0 to {count - 1}, got up to {self.rows.max()}")

    def __len__(self) -> int:
        """Return how many images are used."""
        return len(self.rows)

    def known_labels(self) -> npt.NDArray[np.int8]:
        """Return the labels of the rows in use, `(len(self), C)`."""
        return self.labels[self.rows]

    def features(self, rows: npt.NDArray[np.int64]) -> Features:
        """Return the features of some images (indices into the arrays), as float32."""
        images = None if self.pictures is None else self.pictures(rows)
        return Features(_tensor(self.pooled, rows), _tensor(self.tokens, rows), images)

    def batch(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Return some images (indices into the arrays) with their labels."""
        labels = torch.from_numpy(self.labels[rows])
        if self.weights is None:
            weights = torch.ones(labels.shape, dtype=torch.float32)
        else:
            weights = torch.from_numpy(np.asarray(self.weights[rows], dtype=np.float32))
        shown = None if self.shown is None else torch.from_numpy(self.shown[rows])
        return Batch(self.features(rows), labels, weights, shown, torch.from_numpy(rows))

    def batches(
        self,
        batch_size: int,
        generator: torch.Generator | None = None,
        *,
        shuffle: bool = False,
    ) -> Iterator[Batch]:
        """Yield the rows in use once, in batches; the last one may be smaller."""
        order = np.asarray(self.rows)
        if shuffle:
            order = order[torch.randperm(len(order), generator=generator).numpy()]
        for start in range(0, len(order), batch_size):
            yield self.batch(order[start : start + batch_size])


def _named(*arrays: npt.NDArray[Any] | None) -> list[tuple[str, npt.NDArray[Any] | None]]:
    return list(zip(("pooled", "tokens", "weights", "shown"), arrays, strict=True))


def _tensor(array: npt.NDArray[np.floating] | None, rows: npt.NDArray[np.int64]) -> Tensor | None:
    if array is None:
        return None
    return torch.from_numpy(np.asarray(array[rows], dtype=np.float32))


def fit(
    method: Method,
    data: TrainingData,
    config: TrainConfig,
    *,
    device: str = "cpu",
    on_epoch_end: Callable[[EpochReport], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[EpochReport]:
    """Train a method in place and leave it in evaluation mode.

    The result depends on nothing but the method's initial state, the data and the config, on one
    machine's CPU. Torch's global random state is as it was afterwards.

    Args:
        method: Trained from the parameters it has, so a warm start is a method that was fitted.
        data: Must not be empty.
        config: How long and how fast.
        device: Where to train; the method stays there.
        on_epoch_end: Called after every epoch, with what it did.
        should_stop: Asked before every step; true ends the training there.

    Returns:
        One report for each epoch that was finished.

    Raises:
        ValueError: If there is no image to train on.
    """
    if not len(data):
        raise ValueError("there is no image to train on; give data with at least one row")
    reports: list[EpochReport] = []
    with torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.manual_seed(config.seed)
        order = torch.Generator().manual_seed(config.seed)
        method.to(device)
        method.prepare(data)
        if method.closed_form:
            return _solved(method, data, config, on_epoch_end, should_stop)
        groups = method.parameter_groups(config.learning_rate)
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        steps = -(-len(data) // config.batch_size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs * steps)
        for epoch in range(config.epochs):
            method.before_epoch(epoch, data)
            method.train()
            totals: dict[str, float] = {}
            for step, batch in enumerate(data.batches(config.batch_size, order, shuffle=True)):
                if should_stop():
                    method.eval()
                    return reports
                terms = method.losses(batch.to(device), epoch, step / steps)
                optimizer.zero_grad(set_to_none=True)
                torch.stack(list(terms.values())).sum().backward()
                optimizer.step()
                schedule.step()
                for name, term in terms.items():
                    totals[name] = totals.get(name, 0.0) + term.item() / steps
            reports.append(EpochReport(epoch, config.epochs, totals))
            on_epoch_end(reports[-1])
    method.eval()
    return reports


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
