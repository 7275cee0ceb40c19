"""Which pairs and images are most worth asking about, from a version's scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import Queue
from mlrpl.decision.acquisition import View, strategy_named
from mlrpl.labels import PRESENT, UNKNOWN

PAIRS_PER_CATEGORY = 500
"""Pairs that a version lists for each category."""
ASKED = 10
"""Pairs of an image that a page asks for at most, so only the best of them make its worth."""
RANDOM_SHARE = 0.1
"""Share of the image order that is drawn at random, so that the model's blind spots are seen."""

DEFAULT = "present_and_uncertain"
"""Half for the chance of a present answer, as those teach most, half for doubt."""

_BLOCK = 4096

Floats = npt.NDArray[np.floating]


def make_queue(
    scores: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int8],
    centres: Floats,
    slope: float,
    askable: npt.NDArray[np.bool_],
    seed: int,
    *,
    strategy: str = DEFAULT,
) -> Queue:
    """Return what is most worth asking.

    Images come by the summed worth of their ten best open pairs, and every tenth place goes to an
    image drawn at random. Images without any score follow, so that the order has every open one.

    Args:
        scores: `(N, C)`, NaN where there is no suggestion.
        labels: `(N, C)`; what is known is not asked again.
        centres: `(C,)`, the raw score at which present is as likely as absent.
        slope: Of the calibration.
        askable: `(N,)`, images that can be shown.
        seed: For the random tenth and for ties.
        strategy: What makes a pair worth asking; a name of `mlrpl.decision.acquisition`.

    Raises:
        ValueError: If there is no such strategy.
    """
    count, columns = scores.shape
    rng, worth_of = np.random.default_rng(seed), strategy_named(strategy)
    present = (labels == PRESENT).sum(axis=0)
    worth = np.zeros(count)
    is_open = np.zeros(count, dtype=bool)
    by_category = np.zeros((columns, count), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        unknown = (labels[block] == UNKNOWN) & askable[block, None]
        view = View(
            probabilities=_probabilities(scores[block], centres, slope),
            open=unknown,
            present_counts=present,
            rng=rng,
        )
        pairs = worth_of(view)
        best = np.sort(pairs, axis=1)[:, -ASKED:]
        worth[block] = best.sum(axis=1)
        is_open[block] = unknown.any(axis=1)
        by_category[:, block] = pairs.T
    return Queue(
        images=_image_order(worth, np.flatnonzero(is_open), rng),
        pairs=_best_pairs(by_category),
    )


def _probabilities(scores: Floats, centres: Floats, slope: float) -> npt.NDArray[np.float64]:
    """Return chances of presence, NaN where there is no score."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-slope * (np.asarray(scores, np.float64) - centres))))


def _image_order(
    worth: Floats, ordinals: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    shuffled = rng.permutation(ordinals)  # ties fall at random
    ranked = shuffled[np.argsort(-worth[shuffled], kind="stable")]
    every = round(1 / RANDOM_SHARE)
    drawn = rng.permutation(ranked)[: len(ranked) // every]
    kept = ranked[~np.isin(ranked, drawn)]
    order = np.empty(len(ranked), dtype=np.int32)
    places = np.zeros(len(ranked), dtype=bool)
    places[every - 1 :: every] = True
    order[places], order[~places] = drawn, kept
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
