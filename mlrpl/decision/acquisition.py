"""Which pairs and images to ask about: one pure function a strategy, higher always means sooner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RARE = 20
"""Known present pairs from which on a category is no longer searched for present ones first."""
ASKED = 10
"""Pairs that a page asks about an image at most; only the best of them make the image's worth."""


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """What a strategy may look at: some images, all categories."""

    probabilities: Floats
    """`(B, C)`, calibrated, 0 to 1; NaN where the model has no opinion."""
    open: Flags
    """`(B, C)`, the pairs that may be asked."""
    present_counts: npt.NDArray[np.int64]
    """`(C,)` known present pairs of each category in the whole project."""
    correlation: Floats | None = None
    """`(C, C)` of the model's errors on one image, see `conditional`; None: not known yet."""
    rng: np.random.Generator


Strategy = Callable[[View], Floats]
"""Returns the worth `(B, C)` of asking each pair, 0 where it is not open."""

STRATEGIES: dict[str, Strategy] = {}

USE_CORRELATION = frozenset({"information_gain"})
"""Strategies that look at `View.correlation`, in memory `B x C x C`: for a few images at a time."""


def strategy(name: str) -> Callable[[Strategy], Strategy]:
    """Enter a function under a name.

    Raises:
        ValueError: If the name is taken.
    """

    def enter(function: Strategy) -> Strategy:
        if name in STRATEGIES:
            raise ValueError(f"there is a strategy {name!r} already; choose another name")
        STRATEGIES[name] = function
        return function

    return enter


def strategy_named(name: str) -> Strategy:
    """Return a strategy.

    Raises:
        ValueError: If there is none of this name; the message lists those there are.
    """
    if name not in STRATEGIES:
        raise ValueError(f"unknown strategy {name!r}; known: {', '.join(sorted(STRATEGIES))}")
    return STRATEGIES[name]


@strategy("random")
def random_pairs(view: View) -> Floats:
    """Return worth at random, the same for all pairs on average."""
    return _where_open(view, view.rng.random(view.open.shape))


@strategy("uncertainty")
def uncertainty(view: View) -> Floats:
    """Return the entropy of each pair in bits: 1 at a coin toss, 0 where the model is sure."""
    return _where_open(view, entropy(view.probabilities))


@strategy("likely")
def likely(view: View) -> Floats:
    """Return the probability of presence: what is there is the cheapest to say."""
    return _where_open(view, view.probabilities)


@strategy("present_and_uncertain")
def present_and_uncertain(view: View) -> Floats:
    """Return `p / 2 + 2 p (1 - p)`, scaled to 0..1: half for a present answer, half for doubt."""
    p = view.probabilities
    return _where_open(view, (p / 2 + 2 * p * (1 - p)) / 0.78125)  # its peak, at 0.625


@strategy("present_first")
def present_first(view: View) -> Floats:
    """Return doubt, but for rare categories likely present pairs first, the doubtful ones sooner.

    Source:
        Margin sampling with positives first, for retrieval of rare categories with linear heads.
        Deviation: below the boundary rare pairs follow by probability.
    """
    p = view.probabilities
    rare = view.present_counts < RARE  # (C,)
    searched = np.where(p >= 0.5, 1 - p / 2, p)  # 0.75 down to 0.5, then below 0.5
    return _where_open(view, np.where(rare, searched / 0.75, entropy(p)))


@strategy("information_gain")
def information_gain(view: View) -> Floats:
    """Return the bits that an answer gives about the pair and about its image's other open pairs.

    Of the others, an answer about category c tells `-log2(1 - r^2) / 2` times the smaller of both
    entropies, with r the correlation of their errors: the Gaussian mutual information, scaled
    to what is still unknown. Without correlations it is `uncertainty`.
    """
    bits = np.nan_to_num(entropy(view.probabilities), nan=0.0) * view.open
    if view.correlation is None:
        return bits
    squared = np.clip(view.correlation**2, 0, 0.98)
    np.fill_diagonal(squared, 0.0)
    shared = -np.log2(1 - squared) / 2  # (C, C) bits
    others = np.array([np.minimum(row[:, None], row[None, :]) for row in bits])  # (B, C, C)
    return np.asarray(bits + np.einsum("bcu,cu->bc", others, shared))


def entropy(probabilities: Floats) -> Floats:
    """Return the entropy of presence in bits; NaN stays NaN.

    >>> entropy(np.array([0.5, 0.0, 1.0])).tolist()
    [1.0, 0.0, 0.0]
    """
    p = np.asarray(probabilities, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return np.where((p == 0) | (p == 1), 0.0, bits)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Seconds that people take; published figures, which `fit_costs` replaces by recorded ones."""

    verify: float = 1.0
    """One yes or no on an image that is on the screen."""
    glance: float = 0.4
    """One picture of a grid that is left as it was preselected."""
    correct: float = 1.0
    """One picture of a grid that is flipped, beyond the glance."""
    name: float = 5.1
    """One category found by typing its name."""
    switch: float = 1.5
    """The next image: taking it in."""
    page: float = 1.5
    """The next grid: taking in the category and the pictures."""


def fit_costs(
    seconds: dict[str, npt.NDArray[np.floating]],
    *,
    strength: float = 20.0,
    prior: Costs | None = None,
) -> Costs:
    """Return the costs that recorded times suggest, each drawn to its default while there are few.

    Medians, not means: people take phone calls.

    Args:
        seconds: For some of the fields of `Costs`, the recorded times; those not finite or not
            above 0 are left out.
        strength: Recorded times that weigh as much as the default.
        prior: The defaults.

    Raises:
        ValueError: If a name is no field of `Costs`.
    """
    before = prior or Costs()
    fitted = {}
    for name, times in seconds.items():
        if not hasattr(before, name):
            known = ", ".join(before.__dataclass_fields__)
            raise ValueError(f"unknown cost {name!r}; known: {known}")
        usable = np.asarray(times, np.float64)
        usable = usable[np.isfinite(usable) & (usable > 0)]
        if len(usable):
            share = len(usable) / (len(usable) + strength)
            fitted[name] = share * float(np.median(usable)) + (1 - share) * getattr(before, name)
    return Costs(**{**before.__dict__, **fitted})


def image_worth(pairs: Floats, costs: Costs, *, asked: int = ASKED) -> Floats:
    """Return what a look at each image is worth per second, `(B,)`.

    The page asks the best pairs of the image, as many as make the most of the seconds: the cost of
    switching to the image is shared by them.

    Args:
        pairs: `(B, C)` worth of each pair.
        costs: Seconds of people.
        asked: Pairs that the page asks at most.
    """
    best = -np.sort(-pairs, axis=1)[:, :asked]
    seconds = costs.switch + costs.verify * np.arange(1, best.shape[1] + 1)
    return np.asarray((np.cumsum(best, axis=1) / seconds).max(axis=1, initial=0.0))


def spread(
    worth: Floats,
    vectors: npt.NDArray[np.floating],
    count: int,
    rng: np.random.Generator,
    *,
    pool: int = 2000,
) -> npt.NDArray[np.int64]:
    """Return positions that are worth much and unlike each other, the first one first.

    Each next one is drawn with probability proportional to its worth times its squared distance
    from those already chosen.

    Args:
        worth: `(N,)`, not negative; what is worth nothing is never chosen.
        vectors: `(N, D)`, unit length.
        count: How many, at most.
        rng: For the draws.
        pool: Only so many of the most worth take part.

    Source:
        Ash et al., ICLR 2020 (BADGE): k-means++ on gradient embeddings. For a linear head the
        gradient is the vector times the doubt; here doubt weighs, and distance is that of vectors.
    """
    order = np.argsort(-worth, kind="stable")[:pool]
    order = order[worth[order] > 0]
    left, chosen = worth[order].astype(np.float64), []
    distance = np.full(len(order), 2.0)
    for _ in range(min(count, len(order))):
        weight = left * distance
        total = weight.sum()
        # Copies of what was chosen have no distance left; they come last, by worth.
        place = int(rng.choice(len(order), p=weight / total)) if total > 0 else int(left.argmax())
        chosen.append(order[place])
        left[place] = 0.0
        if not left.any():
            break
        near = vectors[order] @ vectors[order[place]]
        distance = np.minimum(distance, np.maximum(2 - 2 * near.astype(np.float64), 0.0))
    return np.array(chosen, dtype=np.int64)


def in_turns(groups: npt.NDArray[np.integer], window: int) -> npt.NDArray[np.int64]:
    """Return positions so that neighbours are of different groups as far as possible.

    Within each window groups take turns, each one's members in their order, so that nothing comes
    more than a window sooner or later than it did.

    Args:
        groups: `(N,)`, which group each is of.
        window: Length of a window, at least 1.

    >>> in_turns(np.array([5, 5, 5, 2, 2, 9]), 6).tolist()
    [0, 3, 5, 1, 4, 2]
    """
    result = np.arange(len(groups))
    for start in range(0, len(groups), window):
        part = groups[start : start + window]
        _, inverse = np.unique(part, return_inverse=True)
        by_group = np.argsort(inverse, kind="stable")
        begins = np.searchsorted(inverse[by_group], inverse)  # where each one's group begins
        turn = np.empty(len(part), np.int64)
        turn[by_group] = np.arange(len(part))
        result[start : start + len(part)] = start + np.argsort(turn - begins, kind="stable")
    return result


def _where_open(view: View, worth: Floats) -> Floats:
    return np.where(view.open, np.nan_to_num(worth, nan=0.0), 0.0)
