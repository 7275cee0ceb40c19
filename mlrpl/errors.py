"""What can go wrong that a caller may want to catch; everything else is a ValueError.

WeightsError      a backbone's weights are not installed, cannot be fetched or do not fit
TrainingDiverged  weights are no finite numbers any more
"""


class WeightsError(ValueError):
    """A backbone's weights are missing or do not fit; the message is one sentence with the cure."""


class TrainingDiverged(ArithmeticError):
    """Weights are no finite numbers any more; the message says when it happened and the cure."""
