"""Training: the loop that fits a method and predicts with it, in one process or several."""

from mlrpl.training.loop import (
    EpochReport,
    TrainConfig,
    TrainingData,
    TrainingState,
    fit,
    predict,
)

__all__ = ["EpochReport", "TrainConfig", "TrainingData", "TrainingState", "fit", "predict"]
