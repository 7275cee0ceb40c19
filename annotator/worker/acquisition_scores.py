"""Which pairs and images are most worth asking about, from a version's scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import Queue
from mlrpl.decision.acquisition import (
    USE_CORRELATION,
    Costs,
    Strategy,
    View,
    image_worth,
    in_turns,
    spread,
    strategy_named,
)
from mlrpl.labels import PRESENT, UNKNOWN

PAIRS_PER_CATEGORY = 500
"""Pairs that a version lists for each category."""
RANDOM_SHARE = 0.1
"""Share of the image order that is drawn at random, so that the model's blind spots are seen."""
CANDIDATES = 2000
"""Images, the best without it, that are looked at again with the correlation of errors."""
SPREAD = 400
"""Images at the head of the order that are chosen to be unlike each other, at most."""
SPREAD_SHARE = 0.1
"""Share of the images at most that is chosen so; worth must not be lost where there are few."""
POOL = 2
"""Times as many images take part in that choice."""
WINDOW = 40
"""Images among which those about different categories take turns."""

DEFAULT = "present_and_uncertain"
"""Half for the chance of a present answer, as those teach most, half for doubt."""

_BLOCK = 4096
_SMALL_BLOCK = 32
"""Images at a time with the correlation: 10 MB a table of 200 categories."""

Floats = npt.NDArray[np.floating]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Look:
    """What the worth of pairs is reckoned from."""

    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int8]
    centres: Floats
    slope: float
    askable: npt.NDArray[np.bool_]
    present: npt.NDArray[np.int64]
    worth_of: Strategy
    rng: np.random.Generator

    def pairs(
        self, rows: Rows, correlation: npt.NDArray[np.float64] | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return the worth of some images' pairs `(B, C)`, and which pairs are open."""
        is_open = (self.labels[rows] == UNKNOWN) & self.askable[rows, None]
        view = View(
            probabilities=_probabilities(self.scores[rows], self.centres, self.slope),
            open=is_open,
            present_counts=self.present,
            correlation=correlation,
            rng=self.rng,
        )
        return self.worth_of(view), is_open


def make_queue(
    scores: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int8],
    centres: Floats,
    slope: float,
    askable: npt.NDArray[np.bool_],
    seed: int,
    *,
    strategy: str = DEFAULT,
    costs: Costs | None = None,
    vectors: Floats | None = None,
    correlation: npt.NDArray[np.float64] | None = None,
) -> Queue:
    """Return what is most worth asking.

    Images come by what a look at them is worth per second, those about different categories in
    turns; every tenth place goes to an image drawn at random. Images without any score follow, so
    that the order has every open one.

    Args:
        scores: `(N, C)`, NaN where there is no suggestion.
        labels: `(N, C)`; what is known is not asked again.
        centres: `(C,)`, the raw score at which present is as likely as absent.
        slope: Of the calibration.
        askable: `(N,)`, images that can be shown.
        seed: For all that is drawn, and for ties.
        strategy: What makes a pair worth asking; a name of `mlrpl.decision.acquisition`.
        costs: Seconds of people; None takes published figures.
        vectors: `(N, D)`, unit length: the first images shall be unlike each other; None: by worth
            alone.
        correlation: `(C, C)` of errors on one image, for the strategies that look at it.

    Raises:
        ValueError: If there is no such strategy.
    """
    count, columns = scores.shape
    rng = np.random.default_rng(seed)
    look = _Look(
        scores=scores, labels=labels, centres=centres, slope=slope, askable=askable,
        present=(labels == PRESENT).sum(axis=0), worth_of=strategy_named(strategy), rng=rng,
    )  # fmt: skip
    worth, leading = np.zeros(count), np.zeros(count, dtype=np.int32)
    is_open = np.zeros(count, dtype=bool)
    by_category = np.zeros((columns, count), dtype=np.float32)

    def enter(rows: Rows, errors: npt.NDArray[np.float64] | None = None) -> None:
        pairs, unknown = look.pairs(rows, errors)
        worth[rows] = image_worth(pairs, costs or Costs())
        leading[rows] = pairs.argmax(axis=1) if columns else 0
        is_open[rows] = unknown.any(axis=1)
        by_category[:, rows] = pairs.T

    for start in range(0, count, _BLOCK):
        enter(np.arange(start, min(count, start + _BLOCK)))
    if correlation is not None and strategy in USE_CORRELATION:
        best = np.argsort(-worth, kind="stable")[:CANDIDATES]
        for start in range(0, len(best), _SMALL_BLOCK):
            enter(np.sort(best[start : start + _SMALL_BLOCK]), correlation)
    order = _image_order(worth, leading, np.flatnonzero(is_open), vectors, rng)
    return Queue(images=order, pairs=_best_pairs(by_category))


def _probabilities(scores: Floats, centres: Floats, slope: float) -> npt.NDArray[np.float64]:
    """Return chances of presence, NaN where there is no score."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-slope * (np.asarray(scores, np.float64) - centres))))


def _image_order(
    worth: npt.NDArray[np.float64],
    leading: npt.NDArray[np.int32],
    ordinals: Rows,
    vectors: Floats | None,
    rng: np.random.Generator,
) -> npt.NDArray[np.int32]:
    """Return ordinals, those most worth a look first, with a random tenth among them."""
    shuffled = rng.permutation(ordinals)  # ties fall at random
    ranked = shuffled[np.argsort(-worth[shuffled], kind="stable")]
    drawn = rng.permutation(ranked)[: len(ranked) // round(1 / RANDOM_SHARE)]
    kept = ranked[~np.isin(ranked, drawn)]
    if vectors is not None:
        kept = _unlike_first(kept, worth, vectors, rng)
    return _mixed(kept[in_turns(leading[kept], WINDOW)], drawn)


def _unlike_first(
    order: Rows, worth: npt.NDArray[np.float64], vectors: Floats, rng: np.random.Generator
) -> Rows:
    """Return the order with images at its head that are unlike each other."""
    count = min(SPREAD, int(len(order) * SPREAD_SHARE))
    pool = np.sort(order[: POOL * count])
    chosen = pool[spread(worth[pool], vectors[pool], count, rng, pool=POOL * count)]
    return np.concatenate([chosen, order[~np.isin(order, chosen)]])


def _mixed(guided: Rows, drawn: Rows) -> npt.NDArray[np.int32]:
    """Return both in one order, the drawn ones in every tenth place."""
    every = round(1 / RANDOM_SHARE)
    order = np.empty(len(guided) + len(drawn), dtype=np.int32)
    places = np.zeros(len(order), dtype=bool)
    places[every - 1 :: every] = True
    order[places], order[~places] = drawn, guided
    return order


def _best_pairs(worth: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    columns, count = worth.shape
    size = min(PAIRS_PER_CATEGORY, count)
    pairs = np.full((columns, size), -1, dtype=np.int32)
    for column in range(columns):
        best = np.argsort(-worth[column], kind="stable")[:size]
        best = best[worth[column, best] > 0]
        pairs[column, : len(best)] = best
    return pairs
