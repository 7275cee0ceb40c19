"""What can go wrong that a caller may want to catch; everything else is a ValueError.

WeightsError     a backbone's weights are not installed, cannot be fetched or do not fit
"""


class WeightsError(ValueError):
    """A backbone's weights are missing or do not fit; the message is one sentence with the cure."""
