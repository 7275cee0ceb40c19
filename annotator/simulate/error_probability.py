"""How likely each open pair is decided wrongly as things stand, which is what asking can mend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from mlrpl.labels import PRESENT, UNKNOWN

STEEPNESS = 3.0
"""How much likelier than the last image of a ranking the first one is, as a power of e."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Chances:
    """What a version says about every pair, `(N, C)`."""

    present: Floats
    """Probabilities; never NaN."""
    suggested: Bools
    """Decided as present, as long as nobody says otherwise; never where the model only ranks."""
    guessed: Bools
    """`(C,)`, categories whose pages come with a guess."""

    @property
    def wrong(self) -> Floats:
        """Probability that the decision is wrong."""
        return np.where(self.suggested, 1 - self.present, self.present)


def rates_of(labels: Labels, named: Bools) -> Floats:
    """Return the share of images that show each category, `(C,)`, as far as can be told.

    Args:
        labels: `(N, C)`, what was said.
        named: `(N,)`, images that were named from one end to the other; the others were chosen.
    """
    known = labels[named]
    return np.asarray(((known == PRESENT).sum(axis=0) + 0.5) / (len(known) + 2.0))


def chances_of(labels: Labels, named: Bools, arrays: VersionArrays | None) -> Chances:
    """Return the chances by a version and the labels so far.

    Where the model only ranks, the share of present images among those that were named from one
    end to the other is spread over the ranking; where it knows nothing, it counts as it is.

    Args:
        labels: `(N, C)`, what was said.
        named: `(N,)`, images that were named from one end to the other.
        arrays: Of the version; None before the first.
    """
    rate = rates_of(labels, named)
    present, suggested = np.tile(rate, (len(labels), 1)), np.zeros(labels.shape, dtype=bool)
    guessed = np.zeros(labels.shape[1], dtype=bool)
    if arrays is None:
        return Chances(present, suggested, guessed)
    scores = np.asarray(arrays.scores)
    columns = list(arrays.parameters.category_ordinals)
    bars = np.asarray(arrays.bars(scores), np.float64)
    suggested[: len(scores), columns] = arrays.suggested(scores)
    ranked = set(arrays.parameters.ranked_only)
    for place, column in enumerate(columns):
        bar = bars[:, place]
        if not arrays.taught[place] or not np.isfinite(bar).any():
            continue
        guessed[column] = column not in ranked
        present[: len(bar), column] = bar if guessed[column] else _spread(bar, rate[column])
    return Chances(np.nan_to_num(present, nan=0.0), suggested & guessed, guessed)


def open_wrong(labels: Labels, chances: Chances) -> Floats:
    """Return the probability that a decision is wrong, `(N, C)`, 0 where a person has decided."""
    return np.where(labels == UNKNOWN, chances.wrong, 0.0)


def _spread(ranks: Floats, rate: float) -> Floats:
    weight = np.exp(STEEPNESS * (np.nan_to_num(ranks) - 1))
    return np.asarray(np.clip(rate * weight / weight.mean(), 0.0, 0.9))
