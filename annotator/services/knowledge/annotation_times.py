"""What a decision costs the people of this project, from the times that were recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotator.store.decision_times import DecisionTimes
from mlrpl.decision.acquisition import Costs, fit_costs

QUICKEST = 0.05
"""Seconds that anything takes at least, once what else was done in the time is taken off."""


def costs_from(times: DecisionTimes) -> Costs:
    """Return the costs that recorded times suggest, each near its published figure while few.

    An answer about the image on the screen gives `verify`; what the first answer about an image
    takes longer gives `switch`; pages of the grid give `glance`, without the look at the page and
    the pictures that were flipped. Nothing recorded tells of the rest.

    >>> from dataclasses import replace
    >>> none = np.array([])
    >>> times = DecisionTimes(
    ...     first=none, further=none, page=none, page_touched=none, page_left=none
    ... )
    >>> costs_from(times) == Costs()
    True
    >>> costs_from(replace(times, further=np.full(20, 3.0))).verify
    2.0
    """
    costs = fit_costs({"verify": times.further})
    pictures = times.page_touched + times.page_left
    at_pictures = times.page - costs.page - costs.correct * times.page_touched
    return fit_costs(
        {
            "switch": np.maximum(times.first - costs.verify, QUICKEST),
            "glance": np.maximum(at_pictures / np.maximum(pictures, 1), QUICKEST),
        },
        prior=costs,
    )


def cost_row(times: DecisionTimes, costs: Costs) -> dict[str, Any]:
    """Return the costs in seconds by name, and in `recorded` how many times they come from."""
    recorded = {
        "verify": len(times.further),
        "switch": len(times.first),
        "glance": len(times.page),
    }
    return {**{name: round(value, 3) for name, value in vars(costs).items()}, "recorded": recorded}
