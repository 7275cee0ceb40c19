"""What a decision costs the people of this project, from the times that were recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from annotator.services.clock import Clock, utc_now
from annotator.store import Transaction
from annotator.store.decision_times import DecisionTimes, decision_times
from mlrpl.decision.acquisition import Costs, fit_costs

MADE_ANEW = 60.0
"""Seconds after which costs are worked out anew."""
QUICKEST = 0.05
"""Seconds that anything takes at least, once what else was done in the time is taken off."""


def costs_from(times: DecisionTimes) -> Costs:
    """Return the costs that recorded times suggest, each near its published figure while few.

    An answer about the image on the screen gives `verify`, or `name` where the category was found
    by its name; what the first answer about an image takes longer gives `switch`, which is taken
    off where that was a name; pages of the grid give `glance`, without the look at the page and the
    pictures that were flipped. Nothing recorded tells of the rest.

    >>> from dataclasses import fields, replace
    >>> times = DecisionTimes(**{field.name: np.array([]) for field in fields(DecisionTimes)})
    >>> costs_from(times) == Costs()
    True
    >>> costs_from(replace(times, further=np.full(20, 3.0))).verify
    2.0
    """
    costs = fit_costs({"verify": times.further})
    pictures = times.page_touched + times.page_left
    switch = fit_costs({"switch": np.maximum(times.first - costs.verify, QUICKEST)}).switch
    first_named = np.maximum(times.first_named - switch, QUICKEST)
    at_pictures = times.page - costs.page - costs.correct * times.page_touched
    return fit_costs(
        {
            "name": np.concatenate([times.further_named, first_named]),
            "glance": np.maximum(at_pictures / np.maximum(pictures, 1), QUICKEST),
        },
        prior=replace(costs, switch=switch),
    )


class AnnotationCosts:
    """What decisions cost the people of one project, worked out again once a minute."""

    def __init__(self, clock: Clock = utc_now, known: Costs | None = None) -> None:
        """Begin with nothing worked out.

        Args:
            clock: Says how old the costs are.
            known: Costs that hold, whatever is recorded, as of a simulated annotator.
        """
        self.known = known
        self._clock = clock
        self._kept: tuple[datetime, Costs] | None = None

    def current(self, tx: Transaction) -> Costs:
        """Return the costs."""
        if self.known is not None:
            return self.known
        now, kept = self._clock(), self._kept
        if kept is None or (now - kept[0]).total_seconds() >= MADE_ANEW:
            kept = self._kept = now, costs_from(decision_times(tx))
        return kept[1]


def cost_row(times: DecisionTimes, costs: Costs) -> dict[str, Any]:
    """Return the costs in seconds by name, and in `recorded` how many times they come from."""
    recorded = {
        "verify": len(times.further),
        "switch": len(times.first),
        "name": len(times.first_named) + len(times.further_named),
        "glance": len(times.page),
    }
    return {**{name: round(value, 3) for name, value in vars(costs).items()}, "recorded": recorded}
