"""Fine-tuning as the papers do it: the backbone's last stage learns together with the head."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.data import Batch, Dimensions, Features, TrainingData
from mlrpl.finetuning.lazy_features import LazyFeatures
from mlrpl.finetuning.soft_labels import SoftLabels
from mlrpl.finetuning.varied import Varied
from mlrpl.methods import build
from mlrpl.methods.base import Method
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.stages import last_stages
from mlrpl.projection import Projection
from mlrpl.train_config import TrainConfig

EPOCHS = 20
"""Of the papers."""
BATCH = 32
"""Images a step, of HST; SARB has 8."""


@dataclass(frozen=True, kw_only=True)
class FineTuneConfig:
    """What of the backbone learns, and how fast; the defaults are the papers'."""

    learning_rate: float = 1e-5
    """Of the backbone, above 0."""
    weight_decay: float = 5e-4
    """Of the backbone, 0 or more: L2 in the gradient, as the papers' Adam has it."""
    decoupled: bool = False
    """Whether that decay is a factor of the learning rate instead, as AdamW has it."""
    soft_weight: float = 0.0
    """Weight of an unknown pair beside a known one, 0 or more. It counts as present with the
    probability that kernel ridge regression on the frozen features, this pair left out, gives."""
    head_factor: float = 1.0
    """What the head's learning rates are multiplied by, above 0."""
    halve_map: bool = False
    """Whether 2 x 2 positions of the token map are averaged, as the papers do at 448 px, where
    ResNet-101 gives 14 x 14 and the head reads 7 x 7."""
    stages: tuple[str, ...] = ()
    """Submodules of the network that learn; empty means those that `last_stages` finds."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "head_factor"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("weight_decay", "soft_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")


class FineTuned(Method):
    """A head that learns on pictures, together with the last stage of its backbone.

    `Features.images` go through the network; the head sees pooled vectors and token maps as it
    does on frozen features. All but the last stage is frozen, its batch normalisation included,
    which stays in evaluation mode; that of the last stage is in training mode. Any method that is
    trained by gradient steps can be the head.

    Source:
        The recipe that HST and SARB share: Adam, 1e-5, weight decay 5e-4, layer4 of ResNet-101.
        Here the head has the learning rates that it has on frozen features; the papers give all
        parts 1e-5.
    """

    needs_tokens: ClassVar[bool] = False
    paper: ClassVar[str] = "Chen et al., IJCV 2024; Pu et al., AAAI 2022"

    pooling: Tensor
    token_mean: Tensor
    token_basis: Tensor

    def __init__(
        self,
        head: Method,
        backbone: Backbone,
        config: FineTuneConfig | None = None,
        *,
        projection: Projection | None = None,
    ) -> None:
        """Put a head on a copy of a backbone; the one that is given stays as it is.

        Args:
            head: As `build` gives it for `head_dimensions`, or trained on frozen features already.
            backbone: As `load_backbone` gives it.
            config: What learns.
            projection: Reduces token maps before the head sees them, by a fixed linear map; None
                leaves them as they are.

        Raises:
            ValueError: If the head cannot be trained this way or was built for other features, or
                the network has no such stage.
        """
        config = config or FineTuneConfig()
        super().__init__(head.dimensions, config)
        self.config: FineTuneConfig = config
        _check_head(head, head_dimensions(backbone, 1, config, projection), backbone)
        self.head = head
        self.backbone = copy.deepcopy(backbone.module).eval().requires_grad_(False)
        # An image does not depend on the others, so several processes may share a batch.
        self.backbone.row_wise = True  # type: ignore[assignment]
        self.stages = config.stages or last_stages(self.backbone)
        """Submodules of the network that learn."""
        for parameter in self._trained():
            parameter.requires_grad_(True)
        self.made_of = replace(backbone, module=self.backbone)
        """The network as it learns, with what it expects and gives."""
        if projection is not None:
            self.register_buffer("pooling", torch.from_numpy(projection.pooling))
            self.register_buffer("token_mean", torch.from_numpy(projection.token_mean))
            self.register_buffer("token_basis", torch.from_numpy(projection.token_basis))
        self.projects = projection is not None
        self._soft: SoftLabels | None = None

    def tuned(self) -> Backbone:
        """Return a copy of the backbone as it is now, frozen and on the CPU."""
        module = copy.deepcopy(self.backbone).cpu().eval().requires_grad_(False)
        return replace(self.made_of, module=module)

    def onto(self, backbone: Backbone, projection: Projection | None = None) -> FineTuned:
        """Return the same head and last stage on the network that this one's is the upper half of.

        Args:
            backbone: The whole network, as it was before it was `cut`.
            projection: As this one has it.
        """
        whole = FineTuned(self.head, backbone, self.config, projection=projection)
        whole.load_state_dict(self.state_dict(), strict=False)
        return whole.eval()

    def train(self, mode: bool = True) -> FineTuned:
        """Switch the head and the last stage; the rest of the backbone always evaluates."""
        super().train(mode)
        self.backbone.eval()
        for name in self.stages:
            self.backbone.get_submodule(name).train(mode)
        return self

    def learn_names(self, category_names: Sequence[str], backbone: str) -> None:
        """Let the head take what the names say."""
        self.head.learn_names(category_names, backbone)

    def zero_shot_categories(self) -> Tensor:
        """Return which categories the head scores without a present answer."""
        return self.head.zero_shot_categories()

    def begin(self, epochs: int) -> None:
        """Let the head hear how long the training lasts."""
        super().begin(epochs)
        self.head.begin(epochs)

    def prepare(self, data: TrainingData) -> None:
        """Let the head take its statistics from the training images, in evaluation mode."""
        with self._extracting(data) as seen:
            self.head.prepare(seen)
            if self.config.soft_weight:
                self._soft = SoftLabels.of_unknown_pairs(seen)

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        """Let the head refresh what it keeps, and vary the pictures in another way."""
        with self._extracting(data) as seen:
            self.head.before_epoch(epoch, seen)
        source = _source(data)
        if source is not None:
            source.epoch = epoch

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return the backbone's group, and the head's with the rates and decay it has elsewhere."""
        groups = [
            {
                "params": self._trained(),
                "lr": self.config.learning_rate,
                "weight_decay": self.config.weight_decay,
                "decoupled_weight_decay": self.config.decoupled,
            }
        ]
        usual = type(self.head).default_training()
        for group in self.head.parameter_groups(learning_rate):
            own = {
                "weight_decay": usual.weight_decay,
                "decoupled_weight_decay": usual.optimizer == "adamw",
                **group,
            }
            own["lr"] = group.get("lr", learning_rate) * self.config.head_factor
            groups.append(own)
        return groups

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:
        """Return the head's terms, and that of unknown pairs; they reach the last stage."""
        features = self.extract(batch.features)
        terms = self.head.losses(replace(batch, features=features), epoch, progress)
        if self._soft is None:
            return terms
        cost = self._soft.cost(self.head(features), batch)
        return terms | {"unknown": self.config.soft_weight * cost}

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)` of `Features.images`."""
        logits: Tensor = self.head(self.extract(features))
        return logits

    def extract(self, features: Features) -> Features:
        """Return what the network says about `Features.images`, as the head takes it.

        Raises:
            ValueError: If there are no pictures.
        """
        if features.images is None:
            raise ValueError("fine-tuning reads pictures; give `pictures` to the training data")
        alone = self.training and len(features.images) == 1
        if alone:  # one picture has no batch statistics worth having
            self.backbone.eval()
        pooled, tokens = self.backbone(features.images)
        if alone:
            self.train()
        if pooled.requires_grad:
            # Where all positions of a ReLU are 0, heads that take a root pass back 0 x infinity;
            # the derivative of what comes before is 0 there.
            pooled.register_hook(partial(torch.nan_to_num, nan=0.0, posinf=0.0, neginf=0.0))
        return Features(pooled, self._reduced(tokens))

    def _reduced(self, tokens: Tensor) -> Tensor:
        if self.config.halve_map:
            return halved(tokens)
        if not self.projects:
            return tokens
        if len(self.pooling) < tokens.shape[1]:
            tokens = self.pooling @ tokens
        return (tokens - self.token_mean) @ self.token_basis

    def _trained(self) -> list[nn.Parameter]:
        """Return the parameters of the last stage, without an ImageNet classifier among them."""
        classifier = getattr(self.backbone, "classifier", None)
        kept = set() if classifier is None else {id(p) for p in classifier.parameters()}
        found = {
            id(p): p for name in self.stages for p in self.backbone.get_submodule(name).parameters()
        }
        return [p for key, p in found.items() if key not in kept]

    @contextmanager
    def _extracting(self, data: TrainingData) -> Iterator[TrainingData]:
        """Give training data whose features are what the network says now about whole pictures."""
        was_training, source = self.training, _source(data)
        device = next(self.backbone.parameters()).device

        def extract(rows: npt.NDArray[np.int64]) -> Features:
            self.eval()
            with torch.no_grad():
                found = self.extract(data.features(rows).to(str(device))).to("cpu")
            self.train(was_training)
            return found

        shape = self.dimensions
        seen = LazyFeatures(data, extract, shape.pooled, (shape.positions, shape.token))
        if source is None:
            yield seen
            return
        with source.without_augmentation():
            yield seen


def head_dimensions(
    backbone: Backbone,
    categories: int,
    config: FineTuneConfig,
    projection: Projection | None = None,
) -> Dimensions:
    """Return what a head has to be built for.

    Raises:
        ValueError: If the map cannot be halved, or is to be reduced in two ways.
    """
    positions, token = backbone.positions, backbone.token_dim
    if config.halve_map:
        if projection is not None:
            raise ValueError("halve_map and a projection cannot go together; choose one")
        positions = _halved_side(positions) ** 2
    if projection is not None:
        positions, token = len(projection.pooling), projection.token_basis.shape[1]
    return Dimensions(categories, backbone.pooled_dim, positions, token)


def build_finetuned(
    name: str,
    categories: int,
    backbone: Backbone | str,
    options: Mapping[str, Any] | None = None,
    *,
    config: FineTuneConfig | None = None,
    projection: Projection | None = None,
    category_names: Sequence[str] | None = None,
) -> FineTuned:
    """Return an untrained head on a pretrained backbone, ready for `fit` on pictures.

    Args:
        name: Method of the head, one of `mlrpl.methods.names()`.
        categories: How many.
        backbone: A network or its name.
        options: Of the head's method.
        config: What of the backbone learns.
        projection: See `FineTuned`.
        category_names: See `mlrpl.methods.build`.

    Raises:
        ValueError: If a name or an option is unknown, or the method cannot be trained this way.
        WeightsError: If the backbone's weights cannot be had.
    """
    config = config or FineTuneConfig()
    network = load_backbone(backbone) if isinstance(backbone, str) else backbone
    dimensions = head_dimensions(network, categories, config, projection)
    head = build(name, dimensions, options, category_names=category_names, backbone=network.name)
    return FineTuned(head, network, config, projection=projection)


def recipe(method: FineTuned, *, epochs: int = EPOCHS, batch_size: int = BATCH) -> TrainConfig:
    """Return the papers' training settings, with the learning rate that suits the head.

    The head's rate is the one it has on frozen features, times the root of how many times smaller
    the batch is.
    """
    usual = type(method.head).default_training()
    return TrainConfig(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=usual.learning_rate * math.sqrt(min(1.0, batch_size / usual.batch_size)),
        weight_decay=method.config.weight_decay,
        optimizer="adam",
        schedule="step",
        step_epochs=max(1, epochs // 2),
    )


def halved(tokens: Tensor) -> Tensor:
    """Return `(B, P / 4, T)`, the mean of every 2 x 2 positions of square maps `(B, P, T)`.

    An odd last row and column are left out, as by AvgPool2d(2, 2).
    """
    side = math.isqrt(tokens.shape[1])
    maps = tokens.transpose(1, 2).unflatten(2, (side, side))
    return F.avg_pool2d(maps, 2).flatten(2).transpose(1, 2)


def _halved_side(positions: int) -> int:
    side = math.isqrt(positions)
    if side * side != positions or side < 2:
        raise ValueError(
            f"a map of {positions} positions cannot be halved; it must be a square of 4 or more"
        )
    return side // 2


def _check_head(head: Method, expected: Dimensions, backbone: Backbone) -> None:
    if head.closed_form:
        raise ValueError(
            f"{type(head).__name__} is solved in closed form and gives a backbone no gradient; "
            "fine-tune with partial_bce and solve it on the features afterwards"
        )
    if backbone.parts:
        raise ValueError(
            f"{backbone.name} is a sum of networks; fine-tuning trains a single one, choose it"
        )
    if replace(head.dimensions, categories=expected.categories) != expected:
        raise ValueError(
            f"the head was built for {head.dimensions}, the network gives {expected}; build it "
            "with head_dimensions"
        )


def _source(data: TrainingData) -> Varied | None:
    """Return what reads the pictures, also where several processes share the reading."""
    found: Any = data.pictures
    while isinstance(found, partial):
        found = found.args[0]
    return found if isinstance(found, Varied) else None
