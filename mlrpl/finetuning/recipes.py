"""How the upper half of a network learns from kept maps, in minutes on two cores of a CPU."""

from __future__ import annotations

from dataclasses import replace

from mlrpl.finetuning.model import FineTuneConfig, FineTuned
from mlrpl.methods.base import Method
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.train_config import TrainConfig

EPOCHS = 5
"""Passes over the maps."""
BATCH = 32
"""Images a step."""
ON_MAPS = FineTuneConfig(
    learning_rate=3e-4, weight_decay=1e-2, decoupled=True, head_factor=0.1, soft_weight=0.3
)
"""Rates far above the papers' for few epochs, as a first trial on Corel5k had them;
`benchmarks/papers_regime.py --validation --set NAME=VALUE` compares others."""


def recipe_on_maps(head: Method, stages: tuple[str, ...]) -> FineTuneConfig:
    """Return what learns, and how fast.

    Args:
        head: Those of HST and SARB have soft labels of their own.
        stages: Submodules that learn, as `last_stages` finds them in the whole network.
    """
    soft = 0.0 if isinstance(head, SemanticMethod) else ON_MAPS.soft_weight
    return replace(ON_MAPS, stages=stages, soft_weight=soft)


def maps_recipe(method: FineTuned, *, epochs: int = EPOCHS) -> TrainConfig:
    """Return training settings for kept maps, with the learning rate that suits the head."""
    usual = type(method.head).default_training()
    return TrainConfig(
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=usual.learning_rate * min(1.0, BATCH / usual.batch_size) ** 0.5,
        weight_decay=method.config.weight_decay,
        optimizer="adamw",
        schedule="one_cycle",
        ema=0.99,
    )
