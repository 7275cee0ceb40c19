"""Training: the loop that fits a method and predicts with it, in one process or several."""

from mlrpl.data import TrainingData
from mlrpl.train_config import TrainConfig
from mlrpl.training.loop import EpochReport, fit, predict
from mlrpl.training.state import TrainingState

__all__ = ["EpochReport", "TrainConfig", "TrainingData", "TrainingState", "fit", "predict"]
