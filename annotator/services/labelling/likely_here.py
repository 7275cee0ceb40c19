"""Which rows of the Label page are worth reading: the seconds that each is expected to save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.annotation_times import AnnotationCosts
from annotator.services.knowledge.known_labels import PRESENT, KnownLabelsCache
from annotator.services.knowledge.suggestions import ImageSuggestions
from annotator.services.knowledge.usual_company import company_moves
from annotator.services.labelling.most_worth_asking import chances_of
from annotator.store import Store
from mlrpl.decision.acquisition import Costs

SLASH = 0.3
"""Seconds of the slash before a digit: one more key of the same decision.

Source: Card, Moran and Newell 1980 (keystroke-level model), 0.28 s a key of an average typist."""
MOST_LIKELY = 20
"""Categories that are worth a row and named to the page; ten of them may have a digit."""


class LikelyHere:
    """What is likely present in an image, given what is known of it, and what a row of it saves."""

    def __init__(
        self,
        store: Store,
        labels: KnownLabelsCache | None = None,
        costs: AnnotationCosts | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.labels = labels or KnownLabelsCache(store, clock)
        self.costs = costs or AnnotationCosts(clock)

    def chances(
        self,
        every: Sequence[Category],
        opinion: ImageSuggestions,
        arrays: VersionArrays | None,
        own: Mapping[int, int],
    ) -> dict[int, float]:
        """Return how likely categories are present, 0 to 1, by category id.

        The usual company of what is present moves those of which a version says no probability.
        The others moves the version itself, where it came with the correlation of its errors.

        Args:
            every: The categories.
            opinion: On the image.
            arrays: Of the version that the opinion is by.
            own: The known labels of the image, from `conditional_update.own_labels`.
        """
        present = [ordinal for ordinal, value in own.items() if value == PRESENT]
        known = self.labels.current(patience=0.0)  # also where nothing is present yet: to be ready
        if known is None or not present:
            return chances_of(every, opinion)
        moves = company_moves(known, present)
        if arrays is not None and arrays.errors is not None:
            moves = {o: m for o, m in moves.items() if o in opinion.ranked or o not in opinion.bars}
        return chances_of(every, opinion, moves)


def worth_reading(
    asked: Sequence[Category], chances: Mapping[int, float], costs: Costs, *, extra: float = 0.0
) -> list[int]:
    """Return ids of the categories whose row saves time, those that save most first.

    Args:
        asked: Categories that may be asked.
        chances: By category id.
        costs: Seconds of people.
        extra: Seconds that present takes beyond a single key.
    """
    saved = {c.id: seconds_saved(chances[c.id], costs, extra) for c in asked}
    order = sorted(saved, key=lambda category: -saved[category])
    return [category for category in order if saved[category] > 0][:MOST_LIKELY]


def seconds_saved(chance: float, costs: Costs, extra: float = 0.0) -> float:
    """Return what a row is expected to save: it is read always, and saves a name where it is right.

    >>> round(seconds_saved(0.5, Costs()), 2)
    1.65
    """
    return chance * (costs.name - costs.verify - extra) - costs.glance
