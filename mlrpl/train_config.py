"""The settings of one training, the same for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Optimizer: TypeAlias = Literal["adamw", "adam", "sgd"]
Schedule: TypeAlias = Literal["cosine", "step", "constant", "one_cycle"]
Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How long and how fast a method learns."""

    epochs: int = 20
    """Passes over the training images; at least 1."""
    batch_size: int = 256
    """Images a step, over all processes and parts; at least 1."""
    learning_rate: float = 1e-3
    """Peak learning rate, per step; what it does then says `schedule`."""
    weight_decay: float = 1e-4
    """Of adamw: decoupled, a factor of the learning rate. Of adam and sgd: L2 in the gradient."""
    seed: int = 0
    """Of the order of the images and of everything random in the method."""
    optimizer: Optimizer = "adamw"
    """`adamw`, `adam` (which the papers use) or `sgd`."""
    momentum: float = 0.9
    """Of sgd, 0 up to but not 1."""
    schedule: Schedule = "cosine"
    """`cosine` falls to zero step by step, `one_cycle` does so after rising for a third of the
    steps, `step` falls to a tenth every `step_epochs`; or `constant`."""
    step_epochs: int = 10
    """Epochs between two falls of the schedule `step`; at least 1."""
    precision: Precision = "float32"
    """What losses are computed in; parameters stay float32. `float16` needs CUDA and scales the
    loss."""
    accumulate: int = 1
    """Parts that the images of a step are computed in, one after the other, to save memory; at
    least 1. Added up are the gradients of the parts' losses, each times the part's share of the
    images. That is the gradient of the whole batch, up to rounding, for a loss that is a mean over
    images (or over the known labels of the training set). It is not where a loss divides by what
    its batch holds (known labels, known pairs), couples images (contrast sees only partners in the
    same part), clips a sum over the batch, or draws at random."""
    ema: float = 0.0
    """Decay of the moving average of the parameters that is used in the end, 0 up to but not 1; 0
    uses the last ones."""
    patience: int = 0
    """Epochs without a better mean average precision on the validation data's known labels after
    which training ends; the best weights are used. 0 trains to the end and uses the last."""
    max_grad_norm: float = 0.0
    """Length that a step's gradient over all parameters is cut to; 0 never cuts."""

    def __post_init__(self) -> None:
        for names, demand, allowed in _RANGES:
            for name in names:
                if not allowed(getattr(self, name)):
                    raise ValueError(f"{name} must {demand}, got {getattr(self, name)}")
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                known = ", ".join(get_args(kind))
                raise ValueError(f"{name} must be one of {known}, got {getattr(self, name)!r}")


_CHOICES = {"optimizer": Optimizer, "schedule": Schedule, "precision": Precision}
_RANGES: tuple[tuple[tuple[str, ...], str, Callable[[float], bool]], ...] = (
    (("epochs", "batch_size", "step_epochs", "accumulate"), "be at least 1", lambda x: x >= 1),
    (("learning_rate",), "be above 0", lambda x: x > 0),
    (("weight_decay", "patience", "max_grad_norm"), "not be negative", lambda x: x >= 0),
    (("momentum", "ema"), "lie in 0 up to but not 1", lambda x: 0 <= x < 1),
)
