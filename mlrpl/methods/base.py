"""What the training loop, the worker and the checkpoints ask of a method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mlrpl.data import Batch, Dimensions, Features, TrainingData
from mlrpl.train_config import TrainConfig


class Method(nn.Module, ABC):
    """One way to learn from partial labels on frozen features.

    A subclass is registered with `mlrpl.methods.register(name, ConfigClass)` and is constructed
    as `Subclass(dimensions, config, category_names=None)`. Whatever must survive a restart is a
    parameter or a buffer, so that a checkpoint holds it; buffers keep the shape that the
    constructor gave them.
    """

    needs_tokens: ClassVar[bool] = False
    """Whether `forward` reads `Features.tokens`; otherwise it reads `Features.pooled`."""
    closed_form: ClassVar[bool] = False
    """Whether `solve` trains the method; otherwise the loop minimises `losses`."""
    paper: ClassVar[str] = ""
    """Where the method comes from: authors, title, venue, year."""

    def __init__(self, dimensions: Dimensions, config: Any) -> None:
        """Keep what the method was built from; `config` is its frozen config dataclass."""
        super().__init__()
        self.dimensions = dimensions
        self.config = config
        self.epochs = self.default_training().epochs
        """How long a training lasts, for what waits until part of it is over."""

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return the training settings that measured best for this method at tool size."""
        return TrainConfig()

    def begin(self, epochs: int) -> None:
        """Hear how many epochs the training has that begins; before `prepare`."""
        self.epochs = epochs

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

    def zero_shot_categories(self) -> Tensor:
        """Return `(C,)`, which categories are scored even before their first present answer.

        Their scores order images, so that the first answers are found sooner; they are no
        suggestion. Default: none.
        """
        return torch.zeros(self.dimensions.categories, dtype=torch.bool)

    def solve(
        self,
        data: TrainingData,  # noqa: ARG002
        *,
        seed: int,  # noqa: ARG002
        on_progress: Callable[[int, int], None],  # noqa: ARG002
        should_stop: Callable[[], bool],  # noqa: ARG002
    ) -> dict[str, float]:
        """Train a method whose `closed_form` is true, in place of `losses` and an optimiser.

        Args:
            data: After `prepare` has seen it.
            seed: Of everything random.
            on_progress: Told how many of how many steps are done.
            should_stop: Asked between steps; true ends the training there.

        Returns:
            Figures by name for the report, such as the cost that is left.
        """
        raise TypeError(f"{type(self).__name__} is trained by gradient steps, not in closed form")

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
