"""One experiment: labels are hidden, a method is trained on the rest and scores the test images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mlrpl.data import Dimensions, TrainingData
from mlrpl.datasets.base import TRAIN, VALIDATION, LabelledImages
from mlrpl.embedding import open_picture
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureRequest, fitted_projection
from mlrpl.finetuning.image_loader import ImageLoader
from mlrpl.finetuning.model import FineTuneConfig, FineTuned, head_dimensions, recipe
from mlrpl.labels import PRESENT, UNKNOWN, Missingness, hide_labels
from mlrpl.methods import Size, build, names
from mlrpl.methods.base import Method
from mlrpl.models.backbones import load_backbone
from mlrpl.train_config import TrainConfig
from mlrpl.training import predict

FINE_TUNING = "finetune"
"""Beginning of an option that is meant for `FineTuneConfig`."""

Labels = npt.NDArray[np.int8]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """Everything about one run that is not the data."""

    method: str
    """One of `mlrpl.methods.names()`."""
    known: float
    """What `hide_labels` takes as `keep`."""
    hide: Missingness = "uniform"
    count: int = 5
    """Of `fixed_per_category`: present and absent labels of each category that are kept."""
    seed: int = 0
    """Of the labels that are hidden and of everything random in training."""
    size: Size = "tool"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the method; `METHOD.NAME` is for that method only, `finetune.NAME` for the backbone."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `TrainConfig` that differ from the method's defaults; `METHOD.NAME` likewise."""
    use_names: bool = False
    """Whether a method may use what the backbone's own classes say about the categories' names."""
    finetune: bool = False
    validation_share: float = 0.1
    """Of the training images that are put aside where training stops early (`patience`) and the
    data set brings no validation images; above 0 and below 1."""

    def __post_init__(self) -> None:
        if self.method not in names():
            raise ValueError(f"unknown method {self.method!r}; known: {', '.join(names())}")
        if not 0 < self.validation_share < 1:
            raise ValueError(
                f"validation_share must lie between 0 and 1, got {self.validation_share}"
            )
        for name in (*self.options, *self.training):
            owner, dot, _ = name.partition(".")
            if dot and owner not in (FINE_TUNING, *names()):
                raise ValueError(f"option {name!r} is for {owner!r}, which is no method")

    def own_options(self) -> dict[str, Any]:
        """Return the options that this method is built with."""
        return _meant_for(self.method, self.options)

    def own_training(self) -> dict[str, Any]:
        """Return the training settings that differ from this method's defaults."""
        return _meant_for(self.method, self.training)

    def fine_tuning(self) -> dict[str, Any]:
        """Return the options of the backbone."""
        start = f"{FINE_TUNING}."
        own = {k.removeprefix(start): v for k, v in self.options.items() if k.startswith(start)}
        return {k: tuple(v) if isinstance(v, list) else v for k, v in own.items()}


@dataclass(frozen=True, eq=False)
class Prepared:
    """An untrained method with what it is to be trained on."""

    method: Method
    config: TrainConfig
    data: TrainingData
    validation: TrainingData | None
    """Put aside from the training images, with the same share of labels hidden."""
    positives: npt.NDArray[np.int64]
    """`(C,)`, present labels that the method is trained on."""


def visible_labels(data: LabelledImages, setting: ExperimentConfig) -> Labels:
    """Return `(N, C)`, what the method may see: nothing about the test images, and less of others.

    Raises:
        ValueError: If `hide_labels` refuses the share or the kind, or no sizes are known for it.

    Source:
        The papers' protocol is `uniform`.
    """
    if setting.hide == "size_biased" and data.sizes is None:
        raise ValueError(
            f"{data.name} has no boxes, so labels cannot be hidden by size; use voc2007 or coco2014"
        )
    seen = np.full_like(data.labels, UNKNOWN)
    rng = np.random.default_rng(setting.seed)
    for part in (TRAIN, VALIDATION):
        if part in data.splits:
            rows = data.rows(part)
            seen[rows] = hide_labels(
                data.labels[rows],
                setting.known,
                setting.hide,
                rng,
                sizes=None if data.sizes is None else data.sizes[rows],
                count=setting.count,
            )
    return seen


@contextmanager
def prepared(
    data: LabelledImages,
    setting: ExperimentConfig,
    features: CachedFeatures | None,
    request: FeatureRequest,
    *,
    device: str = "cpu",
) -> Iterator[Prepared]:
    """Give an untrained method and its training data for a while.

    Args:
        data: With a part `train`.
        setting: What is to be done.
        features: Of all images; None where the backbone is fine-tuned.
        request: Which network and which size.
        device: Where a network runs that is needed beforehand.

    Raises:
        ValueError: If an option is unknown or of a wrong type or value, or nothing is to train on.
    """
    labels = visible_labels(data, setting)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(setting.seed)
        try:
            method = _untrained(data, setting, features, request, device)
            config = _training(method, setting)
        except TypeError as error:
            raise ValueError(
                f"{setting.method} cannot be built with these options ({error}); "
                "`mlrpl methods` lists them"
            ) from error
    with ExitStack() as opened:
        train, aside = _divided(data, setting, config)

        def given(rows: Rows, *, augmented: bool) -> TrainingData:
            reads = reading(method, data, augmented=augmented, seed=setting.seed)
            pictures = opened.enter_context(reads)
            return TrainingData(labels, rows=rows, pictures=pictures, **_arrays(features))

        fitted = given(train, augmented=True)
        yield Prepared(
            method=method,
            config=config,
            data=fitted,
            validation=None if aside is None else given(aside, augmented=False),
            positives=(fitted.known_labels() == PRESENT).sum(axis=0).astype(np.int64),
        )


def scores(
    method: Method,
    data: LabelledImages,
    features: CachedFeatures | None,
    rows: Rows,
    *,
    device: str = "cpu",
    batch_size: int = 256,
) -> npt.NDArray[np.float32]:
    """Return the logits of some images, `(len(rows), C)`.

    Args:
        method: Trained.
        data: Whose images.
        features: Of all images; None for a method that was fine-tuned.
        rows: Which images.
        device: Where to compute.
        batch_size: Images at a time.
    """
    nothing = np.full(data.labels.shape, UNKNOWN, dtype=np.int8)
    with reading(method, data, augmented=False) as pictures:
        given = TrainingData(nothing, rows=rows, pictures=pictures, **_arrays(features))
        return predict(method, given, device=device, batch_size=batch_size)


@contextmanager
def reading(
    method: Method, data: LabelledImages, *, augmented: bool, seed: int = 0
) -> Iterator[ImageLoader | None]:
    """Give what reads pictures as a fine-tuned method wants them; None for any other method."""
    if not isinstance(method, FineTuned):
        yield None
        return
    made = method.made_of
    with ImageLoader(
        lambda row: open_picture(data.path(row), made.input_size),
        size=made.input_size,
        mean=made.mean,
        std=made.std,
        augmented=augmented,
        seed=seed,
    ) as pictures:
        yield pictures


def _arrays(features: CachedFeatures | None) -> dict[str, Any]:
    if features is None:
        return {}
    return {"pooled": features.pooled, "tokens": features.tokens}


def _untrained(
    data: LabelledImages,
    setting: ExperimentConfig,
    features: CachedFeatures | None,
    request: FeatureRequest,
    device: str,
) -> Method:
    def made(dimensions: Dimensions) -> Method:
        return build(
            setting.method,
            dimensions,
            setting.own_options(),
            category_names=data.categories,
            backbone=request.backbone if setting.use_names else None,
            size=setting.size,
        )

    if features is not None:
        positions, width = features.tokens.shape[1:]
        return made(Dimensions(len(data.categories), features.pooled.shape[1], positions, width))
    network = load_backbone(request.backbone, input_size=request.side)
    config = FineTuneConfig(**setting.fine_tuning())
    reduces = setting.size == "tool" and not config.halve_map
    projection = fitted_projection(data, network, device=device) if reduces else None
    head = made(head_dimensions(network, len(data.categories), config, projection))
    return FineTuned(head, network, config, projection=projection)


def _training(method: Method, setting: ExperimentConfig) -> TrainConfig:
    usual = recipe(method) if isinstance(method, FineTuned) else method.default_training()
    return replace(usual, **{"seed": setting.seed, **setting.own_training()})


def _divided(
    data: LabelledImages, setting: ExperimentConfig, config: TrainConfig
) -> tuple[Rows, Rows | None]:
    """Return the rows that train and, where training stops early, those that tell when."""
    rows = data.rows(TRAIN)
    if not config.patience:
        return rows, None
    if VALIDATION in data.splits:
        return rows, data.rows(VALIDATION)
    order = np.random.default_rng(setting.seed).permutation(rows)
    count = max(1, round(setting.validation_share * len(rows)))
    return np.sort(order[count:]), np.sort(order[:count])


def _meant_for(method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    own = {k: v for k, v in values.items() if "." not in k}
    start = f"{method}."
    return own | {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}
