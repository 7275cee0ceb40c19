"""Rows of the store become tensors here, and a method's scores become suggestions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from annotator.arrays.features import FeatureFiles
from annotator.domain import HELD_OUT_FOLD, Category, Image, Source
from annotator.errors import NotReady
from annotator.store import Transaction, answers, categories, images, visits
from annotator.worker.job_control import Control
from mlrpl.data import Dimensions
from mlrpl.errors import TrainingDiverged
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, known_mask
from mlrpl.methods import build
from mlrpl.methods.base import Method
from mlrpl.models.heads import without_names
from mlrpl.training import EpochReport, TrainConfig, TrainingData, fit, predict

FOLD_GROUPS = 3
"""Groups that the folds which train are divided into; each is scored by a model of the others."""
UNLABELLED = 1000
"""Images without an answer that take part in a training at least, where there are as many."""
HALF_WEIGHT = frozenset({Source.ACCEPTED_IN_BULK, Source.SWEPT})
"""Sources that nobody looked at pair by pair; their precision is not measured yet."""

_BLOCK = 8192

Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What was known at one moment about the images that have a row of features."""

    categories: tuple[Category, ...]
    """In column order."""
    labels: npt.NDArray[np.int8]
    """`(N, C)` by image ordinal; pairs in conflict are unknown."""
    weights: npt.NDArray[np.float32]
    """`(N, C)`, how much each label counts."""
    shown: Bools
    """`(N, C)`, pairs left unmarked by somebody who marked another category of this image."""
    folds: npt.NDArray[np.int64]
    """`(N,)`, -1 where there is no such image."""
    askable: Bools
    """`(N,)`, images that have a file."""
    answers: int
    """Of the retraining policy, like the next two."""
    present: int
    last_operation: int

    @property
    def labelled(self) -> Bools:
        """`(N,)`, images with at least one label."""
        return np.asarray(known_mask(self.labels).any(axis=1))

    def require_labels(self) -> None:
        """Return if there is something to learn from.

        Raises:
            NotReady: If there is no category or no label.
        """
        if not self.categories:
            raise NotReady("There is no category yet; add one with `annotator categories add`.")
        if not self.labelled.any():
            raise NotReady("Nothing to learn from yet: answer a few pairs first.")

    @property
    def held_out(self) -> Bools:
        """`(N,)`, images whose labels never train anything."""
        return np.equal(self.folds, HELD_OUT_FOLD)

    @property
    def groups(self) -> Rows:
        """`(N,)`, which model is fair to an image: one of `FOLD_GROUPS`, or -1, which has all."""
        return np.where(self.folds > HELD_OUT_FOLD, (self.folds - 1) * FOLD_GROUPS // 9, -1)


def take_snapshot(
    tx: Transaction, rows: int, *, ordinals: Collection[int] | None = None
) -> Snapshot:
    """Return everything that people have said about the first `rows` images.

    Args:
        tx: A transaction.
        rows: Images that there is room for in the features.
        ordinals: Categories to have as columns; None means all that are not archived.
    """
    every = categories.every(tx, archived=True)
    if ordinals is None:
        listed = tuple(c for c in every if not c.archived)
    else:
        listed = tuple(c for c in every if c.ordinal in set(ordinals))
    table = answers.label_table(tx)
    columns = np.full(len(every), -1)
    columns[[c.ordinal for c in listed]] = np.arange(len(listed))
    usable = ~table.conflict & (columns[table.category] >= 0) & (table.image < rows)
    place = table.image[usable], columns[table.category[usable]]
    labels = np.full((rows, len(listed)), UNKNOWN, np.int8)
    labels[place] = np.where(table.present[usable], PRESENT, ABSENT)
    weights = np.ones(labels.shape, np.float32)
    by_source = np.array([0.5 if source in HALF_WEIGHT else 1.0 for source in Source])
    weights[place] = by_source[table.source[usable]]
    shown = np.zeros(labels.shape, dtype=bool)
    left = visits.left_unmarked(tx)
    usable = (columns[left[1]] >= 0) & (left[0] < rows)
    shown[left[0][usable], columns[left[1][usable]]] = True
    shown &= (labels == PRESENT).any(axis=1)[:, None]
    folds, askable = _image_columns(images.every(tx), rows)
    counts = answers.answer_counts(tx)
    return Snapshot(
        categories=listed,
        labels=labels,
        weights=weights,
        shown=shown,
        folds=folds,
        askable=askable,
        answers=counts.answers,
        present=counts.present,
        last_operation=counts.last_operation,
    )


def _image_columns(listed: Sequence[Image], rows: int) -> tuple[npt.NDArray[np.int64], Bools]:
    folds = np.full(rows, -1, np.int64)  # numbers are multiplied with it
    askable = np.zeros(rows, dtype=bool)
    for image in listed:
        if image.ordinal < rows:
            folds[image.ordinal] = image.fold
            askable[image.ordinal] = image.in_use
    return folds, askable


class Learner:
    """One method on one snapshot: fits it, scores with it, reports and stops through the job."""

    def __init__(
        self,
        snapshot: Snapshot,
        features: FeatureFiles,
        *,
        method: str,
        options: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        """Set a training up.

        Args:
            snapshot: What is known.
            features: What the pictures look like; rows that are not done take no part.
            method: A name that `mlrpl methods` lists.
            options: For the method.
            epochs: Passes over the images; None means the method's own number.
            seed: Of everything random.
            device: Where to compute.
        """
        self.snapshot = snapshot
        self.done = np.zeros(len(snapshot.labels), dtype=bool)
        self.done[features.done_rows[features.done_rows < len(self.done)]] = True
        self.reports: list[EpochReport] = []
        self.features = features
        self.method = method
        """Its name."""
        self.seed = seed
        self.device = device
        self._options = options
        self._epochs = epochs
        self._fits = 0
        self.nameless: Scores | None = None
        """`(N, C)`, what `out_of_fold` returned, without what the categories' names say; None where
        they say nothing."""

    def like(self, *, method: str | None = None, features: FeatureFiles | None = None) -> Learner:
        """Return the same training with another method and its usual options, or other features."""
        return Learner(
            self.snapshot,
            features or self.features,
            method=method or self.method,
            options=self._options if method is None else None,
            epochs=self._epochs,
            seed=self.seed,
            device=self.device,
        )

    @property
    def closed_form(self) -> bool:
        """Whether the method is solved rather than trained step by step.

        Raises:
            NotReady: If the method cannot be used on these features.
        """
        return self._untrained.closed_form

    @property
    def dimensions(self) -> Dimensions:
        """The sizes of the features and categories."""
        _, positions, token = self.features.tokens.shape
        return Dimensions(
            categories=len(self.snapshot.categories),
            pooled=self.features.pooled.shape[1],
            positions=positions,
            token=token,
        )

    def trains_on(self, without: Bools | None = None) -> Rows:
        """Return the images that train: labelled ones outside fold 0, and some unlabelled ones.

        Unlabelled images stand for the rest of the project where a method counts unknown pairs as
        weak negatives. They are at least `UNLABELLED` and at most as many as the labelled ones.

        Args:
            without: `(N,)`, images to leave out as well.
        """
        usable = self.done & ~self.snapshot.held_out & (self.snapshot.folds >= 0)
        if without is not None:
            usable &= ~without
        labelled = np.flatnonzero(usable & self.snapshot.labelled)
        others = np.flatnonzero(usable & ~self.snapshot.labelled)
        size = min(len(others), max(UNLABELLED, len(labelled)))
        drawn = np.random.default_rng(self.seed).choice(others, size, replace=False)
        return np.sort(np.concatenate([labelled, drawn]))

    def fit(self, rows: Rows, control: Control, *, of: int) -> Method:
        """Return the method, trained on some images.

        Args:
            rows: Ordinals.
            control: Told about every epoch, asked before every step.
            of: How many trainings there will be in all, for the progress.
        """
        method = copy.deepcopy(self._untrained)
        config = self._config(method)
        before = self._fits * config.epochs

        def tell(report: EpochReport) -> None:
            control.report(
                "learning",
                before + report.epoch + 1,
                of * config.epochs,
                epoch=report.epoch + 1,
                epochs=report.epochs,
                loss=sum(report.terms.values()),
            )

        try:
            self.reports = fit(
                method,
                self._data(method, rows, learning=True),
                config,
                device=self.device,
                on_epoch_end=tell,
                should_stop=control.should_stop,
            )
        except TrainingDiverged as error:
            raise NotReady(f"No version was made: {error}.") from None
        self._fits += 1
        control.check()
        return method

    def predict(self, method: Method, rows: Rows, check: Callable[[], None]) -> Scores:
        """Return raw scores `(N, C)` for some images, NaN for the others."""
        scores = np.full(self.snapshot.labels.shape, np.nan, np.float32)
        for start in range(0, len(rows), _BLOCK):
            check()
            block = rows[start : start + _BLOCK]
            scores[block] = predict(method, self._data(method, block), device=self.device)
        return scores

    def out_of_fold(self, control: Control) -> Scores:
        """Return scores `(N, C)` of labelled images by models that never saw their group of folds.

        A category that the other groups have no present answer for stays NaN.
        """
        scores = np.full(self.snapshot.labels.shape, np.nan, np.float32)
        for group in range(FOLD_GROUPS):
            mine = self.snapshot.groups == group
            target = np.flatnonzero(mine & self.done & self.snapshot.labelled)
            rows = self.trains_on(without=mine)
            taught = (self.snapshot.labels[rows] == PRESENT).any(axis=0)
            if not len(target) or not taught.any():
                continue
            method = self.fit(rows, control, of=FOLD_GROUPS + 1)
            found = self.predict(method, target, control.check)[target]
            scores[target] = np.where(taught, found, np.nan)
            with without_names(method) as said_something:
                if not said_something:
                    continue
                found = self.predict(method, target, control.check)[target]
            if self.nameless is None:
                self.nameless = np.full_like(scores, np.nan)
            self.nameless[target] = np.where(taught, found, np.nan)
        return scores

    @cached_property
    def _untrained(self) -> Method:
        """The method as every training starts, so that names are looked up only once."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            try:
                return build(
                    self.method,
                    self.dimensions,
                    self._options,
                    category_names=[c.name for c in self.snapshot.categories],
                    backbone=self.features.network,
                )
            except ValueError as error:
                raise NotReady(f"The method {self.method} cannot be used here: {error}.") from error

    def _config(self, method: Method) -> TrainConfig:
        config = replace(type(method).default_training(), seed=self.seed)
        return config if self._epochs is None else replace(config, epochs=self._epochs)

    def _data(self, method: Method, rows: Rows, *, learning: bool = False) -> TrainingData:
        return TrainingData(
            self.snapshot.labels,
            pooled=self.features.pooled,
            tokens=self.features.tokens if method.needs_tokens else None,
            weights=self.snapshot.weights,
            shown=self.snapshot.shown if learning else None,
            rows=rows,
        )
