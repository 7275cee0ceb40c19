"""What the training loop, the worker and the checkpoints ask of a method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from mlrpl.training import TrainConfig, TrainingData


@dataclass(frozen=True)
class Features:
    """What a frozen backbone says about a batch of images."""

    pooled: Tensor | None = None
    """`(B, D)` float32, one vector an image."""
    tokens: Tensor | None = None
    """`(B, P, T)` float32, one vector a position of the map."""

    def to(self, device: str) -> Features:
        """Return the same features on a device."""
        return Features(
            None if self.pooled is None else self.pooled.to(device),
            None if self.tokens is None else self.tokens.to(device),
        )


@dataclass(frozen=True)
class Batch:
    """Some images with what is known about them."""

    features: Features
    labels: Tensor
    """`(B, C)` int8, each `PRESENT`, `UNKNOWN` or `ABSENT`."""
    weights: Tensor
    """`(B, C)` float32, how much each label counts; of no meaning where the label is unknown."""

    def to(self, device: str) -> Batch:
        """Return the same batch on a device."""
        return Batch(self.features.to(device), self.labels.to(device), self.weights.to(device))


@dataclass(frozen=True)
class Dimensions:
    """The sizes that a method is built for."""

    categories: int
    pooled: int
    """Length of a pooled vector."""
    positions: int = 0
    """Positions of the token map; 0 where there are no tokens."""
    token: int = 0
    """Length of a token; 0 where there are no tokens."""

    def __post_init__(self) -> None:
        if self.categories < 1:
            raise ValueError(f"a method needs at least 1 category, got {self.categories}")
        if min(self.pooled, self.positions, self.token) < 0:
            raise ValueError(f"sizes must not be negative, got {self}")


class Method(nn.Module, ABC):
    """One way to learn from partial labels on frozen features.

    A subclass is registered with `mlrpl.methods.register(name, ConfigClass)` and is constructed
    as `Subclass(dimensions, config, category_names=None)`. Whatever must survive a restart is a
    parameter or a buffer, so that a checkpoint holds it; buffers keep the shape that the
    constructor gave them.
    """

    needs_tokens: ClassVar[bool] = False
    """Whether `forward` reads `Features.tokens`; otherwise it reads `Features.pooled`."""
    paper: ClassVar[str] = ""
    """Where the method comes from: authors, title, venue, year."""

    def __init__(self, dimensions: Dimensions, config: Any) -> None:
        """Keep what the method was built from; `config` is its frozen config dataclass."""
        super().__init__()
        self.dimensions = dimensions
        self.config = config

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return the training settings that measured best for this method at tool size."""
        from mlrpl.training import TrainConfig

        return TrainConfig()

    def prepare(self, data: TrainingData) -> None:
        """Take statistics of the training data into buffers, before the first epoch."""

    def learn_names(self, category_names: Sequence[str], backbone: str) -> None:
        """Take what the categories' names say, with the backbone that made the features.

        Called by `mlrpl.methods.build` before any training. Default: nothing.

        Args:
            category_names: `(C,)`, in column order.
            backbone: A name that `mlrpl.models.backbones.load_backbone` knows.
        """

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        """Refresh what is computed once an epoch, such as prototypes. Default: nothing."""

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return the optimiser's parameter groups; a group may carry its own `lr`."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": learning_rate}]

    def speaks(self) -> Tensor:
        """Return `(C,)`, which categories are scored even before their first present answer.

        Their scores order images, so that the first answers are found sooner; they are no
        suggestion. Default: none.
        """
        return torch.zeros(self.dimensions.categories, dtype=torch.bool)

    @abstractmethod
    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:
        """Return the named terms of the loss; the loop minimises their sum.

        Args:
            batch: Some training images.
            epoch: From 0.
            progress: Share of the epoch that is done, 0 to 1.

        Returns:
            Scalars by name, at least one, each of which can be backpropagated.
        """

    @abstractmethod
    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`; higher says more surely present, and every value is finite."""
