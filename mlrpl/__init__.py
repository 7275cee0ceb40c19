"""Learning from partial multi-label annotations: the methods as a plain PyTorch library.

Importing this package imports nothing else; a name is looked up when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlrpl.data import Batch, Dimensions, Features, TrainingData
    from mlrpl.decision.calibration import decide, fit_calibration, probabilities
    from mlrpl.embedding import embed, fit_projection
    from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels, known_mask
    from mlrpl.losses.bce import partial_bce
    from mlrpl.methods import build, register
    from mlrpl.methods.base import Method
    from mlrpl.metrics import average_precision, mean_average_precision
    from mlrpl.models.backbones import load_backbone
    from mlrpl.train_config import TrainConfig
    from mlrpl.training import fit, predict

__all__ = [  # noqa: RUF022 - alphabetical, as a reader looks a name up
    "ABSENT",
    "average_precision",
    "Batch",
    "build",
    "decide",
    "Dimensions",
    "embed",
    "Features",
    "fit",
    "fit_calibration",
    "fit_projection",
    "hide_labels",
    "known_mask",
    "load_backbone",
    "mean_average_precision",
    "Method",
    "partial_bce",
    "predict",
    "PRESENT",
    "probabilities",
    "register",
    "TrainConfig",
    "TrainingData",
    "UNKNOWN",
]

_HOME = {
    "mlrpl.data": ("Batch", "Dimensions", "Features", "TrainingData"),
    "mlrpl.decision.calibration": ("decide", "fit_calibration", "probabilities"),
    "mlrpl.embedding": ("embed", "fit_projection"),
    "mlrpl.labels": ("ABSENT", "PRESENT", "UNKNOWN", "hide_labels", "known_mask"),
    "mlrpl.losses.bce": ("partial_bce",),
    "mlrpl.methods": ("build", "register"),
    "mlrpl.methods.base": ("Method",),
    "mlrpl.metrics": ("average_precision", "mean_average_precision"),
    "mlrpl.models.backbones": ("load_backbone",),
    "mlrpl.train_config": ("TrainConfig",),
    "mlrpl.training": ("fit", "predict"),
}


def __getattr__(name: str) -> Any:
    for module, members in _HOME.items():
        if name in members:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'mlrpl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
