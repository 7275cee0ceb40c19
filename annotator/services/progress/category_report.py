"""What is known of each category, how right its suggestions are, and what it comes with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.services.catalogue.lookup import in_order
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels
from annotator.services.knowledge.open_pairs import PairCounts
from annotator.services.progress.cached_report import CachedReport
from annotator.store import Transaction, activity, categories, images

LEAST_SUGGESTED = 5
"""Answered suggestions on held-out images below which no precision is told."""

LEAST_KNOWN = 20
"""Images with both categories answered below which nothing is said about chance."""

MOST_TOGETHER = 500
"""Pairs of categories that are listed, those that come together most often."""

Counts = npt.NDArray[np.int64]


class CategoryFigures(TypedDict):
    """What is known of one category."""

    id: int
    name: str
    supercategory: str
    present: int
    absent: int
    unknown: int
    """Open pairs."""
    suggested: int
    """Of them."""
    filled: int
    right: int
    """Suggested pairs of held-out images that people answered present."""
    judged: int
    """Suggested pairs of held-out images that people answered; 0 where they are too few."""
    calibrated: bool | None
    """Whether its scores are probabilities; None: there are no scores."""


class TogetherFigures(TypedDict):
    """Two categories that people found in the same images."""

    first: int
    second: int
    """Ids; the second one is not rarer than the first."""
    images: int
    of_first: int
    """Images with the first where the second is answered."""
    of_second: int
    times: float | None
    """How many times as often as by chance; None where too few images have both answered."""


class CategoryReportRow(TypedDict):
    """The counts of all categories."""

    categories: list[CategoryFigures]
    together: list[TogetherFigures]
    """Most images first."""
    pairs_together: int
    """How many there are in all."""


class CategoryReport(CachedReport[CategoryReportRow]):
    """The tables of categories of the Progress page."""

    def _depends_on(self, tx: Transaction) -> object:
        fills = [fill.key for fill in self._fills.active(tx)]
        return fills, activity.shape(tx), [(c.id, c.name) for c in categories.every(tx)]

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> CategoryReportRow:
        del number
        shown = in_order(categories.every(tx))
        known = KnownLabels.read(tx, made_at=self._clock())
        together = together_figures(known, shown)
        return {
            "categories": self._categories(tx, arrays, shown),
            "together": together[:MOST_TOGETHER],
            "pairs_together": len(together),
        }

    def _categories(
        self, tx: Transaction, arrays: VersionArrays | None, shown: list[Category]
    ) -> list[CategoryFigures]:
        total, filled = images.count(tx), self._fills.counts(tx)
        suggested = self._open_suggestions.now(tx).suggested
        right, judged = _judged(tx, arrays, len(suggested))
        ranked = set() if arrays is None else set(arrays.parameters.ranked_only)
        return [
            {
                "id": c.id,
                "name": c.name,
                "supercategory": c.supercategory,
                "present": c.present_count,
                "absent": c.absent_count,
                "unknown": PairCounts.of(total, [c], filled).open,
                "suggested": int(suggested[c.ordinal]),
                "filled": filled.get(c.ordinal, 0),
                "right": int(right[c.ordinal]),
                "judged": int(judged[c.ordinal]),
                "calibrated": None
                if arrays is None or c.ordinal not in arrays.columns
                else c.ordinal not in ranked,
            }
            for c in shown
        ]


def _judged(tx: Transaction, arrays: VersionArrays | None, columns: int) -> tuple[Counts, Counts]:
    """Return how many suggestions on held-out images were answered present, and at all."""
    right, judged = np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    if arrays is None:
        return right, judged
    image, category, present = activity.held_out_labels(tx)
    column = np.array([arrays.columns.get(ordinal, -1) for ordinal in range(columns)])[category]
    scored = (column >= 0) & (image < len(arrays.scores))
    rows, place = np.unique(image[scored], return_inverse=True)
    says = arrays.suggested(np.asarray(arrays.scores[rows]))[place, column[scored]]
    judged += np.bincount(category[scored][says], minlength=columns)
    right += np.bincount(category[scored][says & present[scored]], minlength=columns)
    few = judged < LEAST_SUGGESTED
    right[few] = judged[few] = 0
    return right, judged


def together_figures(known: KnownLabels, shown: list[Category]) -> list[TogetherFigures]:
    """Return the pairs of categories that are present together in any image.

    Counts are of labels that people gave or imported; a pair whose label is unknown says nothing.
    """
    ordinals = [c.ordinal for c in shown if c.ordinal < known.labels.shape[1]]
    take = np.ix_(ordinals, ordinals)
    both = known.present[PRESENT][take]  # (C, C), as all of these
    given = known.known[PRESENT][take]  # the first present, the second known
    answered = given + known.known[ABSENT][take]
    alone = np.diagonal(both)
    first, second = np.nonzero(np.triu(both, k=1))
    swap = alone[first] > alone[second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    images, seen = both[first, second], answered[first, second]
    # By chance as many as the shares of both, among the images where both are answered.
    chance = given[first, second] * given[second, first] / np.maximum(seen, 1)
    ids = [c.id for c in shown if c.ordinal < known.labels.shape[1]]
    return [
        {
            "first": ids[first[n]],
            "second": ids[second[n]],
            "images": int(images[n]),
            "of_first": int(given[first[n], second[n]]),
            "of_second": int(given[second[n], first[n]]),
            "times": float(images[n] / chance[n]) if seen[n] >= LEAST_KNOWN else None,
        }
        for n in np.argsort(-images, kind="stable").tolist()
    ]
