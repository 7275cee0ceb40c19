"""What more answers would bring, told from how sure a model is of the pairs that are open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 1000
"""Equal steps of probability in which open pairs are counted."""


@dataclass(frozen=True, eq=False)
class OpenPairs:
    """Open pairs by the probability that they are present."""

    counts: Floats
    """`(BINS,)` pairs in each step."""
    present: Floats
    """`(BINS,)` sums of their probabilities, exact however small these are."""

    @property
    def pairs(self) -> float:
        """How many there are."""
        return float(self.counts.sum())

    def __add__(self, other: OpenPairs) -> OpenPairs:
        """Return both together."""
        return OpenPairs(self.counts + other.counts, self.present + other.present)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Pairs that stand under a promise and are not the model's to decide any more."""

    present: float
    """Pairs filled in as present."""
    wrong: float
    """Those of them that may be absent."""
    lost: float
    """Pairs filled in as absent that may be present."""

    def __add__(self, other: Filled) -> Filled:
        """Return both together."""
        return Filled(
            present=self.present + other.present,
            wrong=self.wrong + other.wrong,
            lost=self.lost + other.lost,
        )


NOTHING_FILLED = Filled(present=0.0, wrong=0.0, lost=0.0)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is to be expected of a set whose open pairs a model decides."""

    wrong_present: float
    """Open pairs decided as present that are absent."""
    lost: float
    """Open pairs decided as absent that are present."""
    wrong_share: float
    """Wrong ones, open or filled in, as a share of all pairs that are called present, 0 to 1."""
    lost_share: float
    """Lost ones, open or filled in, as a share of all pairs that are present, 0 to 1."""
    open_error: float
    """Wrong decisions as a share of the open pairs, 0 to 1."""

    @property
    def error(self) -> float:
        """The larger of both shares; where little is present, the open error is always small."""
        return max(self.wrong_share, self.lost_share)


def nothing_open() -> OpenPairs:
    """Return no pairs."""
    return OpenPairs(np.zeros(BINS), np.zeros(BINS))


def counted(probabilities: npt.NDArray[np.floating]) -> OpenPairs:
    """Count open pairs.

    Args:
        probabilities: Any shape, calibrated, 0 to 1; NaN is left out.
    """
    p = np.asarray(probabilities, np.float64).ravel()
    p = p[np.isfinite(p)]
    step = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(step, minlength=BINS).astype(np.float64)
    return OpenPairs(counts, np.asarray(np.bincount(step, p, BINS), np.float64))


def expected(
    pairs: OpenPairs,
    *,
    known_present: float,
    threshold: float = 0.5,
    factor: float = 1.0,
    filled: Filled = NOTHING_FILLED,
) -> Expected:
    """Return what a model would get wrong; answered pairs are taken to be right.

    Args:
        pairs: The open pairs.
        known_present: Pairs that people have said to be present.
        threshold: Probability from which on the model says present, to a thousandth.
        factor: How many times as often it errs as it believes, see `correction`.
        filled: What is filled in; it counts with its promise.
    """
    said = np.arange(BINS) >= round(threshold * BINS)
    lost = factor * float(pairs.present[~said].sum())
    called = float(pairs.counts[said].sum())
    wrong = min(called, factor * float((pairs.counts - pairs.present)[said].sum()))
    called_in_all = known_present + filled.present + called
    wrong_in_all, lost_in_all = wrong + filled.wrong, lost + filled.lost
    return Expected(
        wrong_present=wrong,
        lost=lost,
        wrong_share=_share(wrong_in_all, called_in_all),
        lost_share=_share(lost_in_all, called_in_all - wrong_in_all + lost_in_all),
        open_error=min(1.0, _share(wrong + lost, pairs.pairs)),
    )


def after(pairs: OpenPairs, answers: float, *, threshold: float = 0.5) -> tuple[OpenPairs, float]:
    """Return what is left open after answers, and how many of them are likely to say present.

    The pairs that the model is most likely to get wrong are answered first; of the last step a
    part of each pair, so to speak.

    Args:
        pairs: The open pairs.
        answers: How many are answered, 0 or more.
        threshold: As in `expected`.
    """
    said = np.arange(BINS) >= round(threshold * BINS)
    mean = pairs.present / np.maximum(pairs.counts, 1)
    order = np.argsort(-np.where(said, 1 - mean, mean), kind="stable")
    sizes = pairs.counts[order]
    before = np.cumsum(sizes) - sizes
    taken = np.zeros(BINS)
    taken[order] = np.clip((answers - before) / np.maximum(sizes, 1), 0, 1)
    left = OpenPairs(pairs.counts * (1 - taken), pairs.present * (1 - taken))
    return left, float((pairs.present * taken).sum())


def answers_needed(
    pairs: OpenPairs,
    error: float,
    *,
    known_present: float,
    threshold: float = 0.5,
    factor: float = 1.0,
    filled: Filled = NOTHING_FILLED,
) -> int | None:
    """Return about how many answers bring the expected error down to a goal.

    None where all of them would not, because what is filled in may be wrong more often than that.

    Args:
        pairs: The open pairs.
        error: The goal, for `Expected.error`.
        known_present: As in `expected`.
        threshold: As in `expected`.
        factor: As in `expected`.
        filled: As in `expected`.
    """

    def reached(answers: int) -> bool:
        left, found = after(pairs, answers, threshold=threshold)
        told = expected(
            left,
            known_present=known_present + found,
            threshold=threshold,
            factor=factor,
            filled=filled,
        )
        return told.error <= error

    low, high = 0, round(pairs.pairs)
    if filled != NOTHING_FILLED and not reached(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return high


def correction(wrong: int, believed: float) -> float:
    """Return how many times as often a model errs as it believes, measured on random pairs.

    One further error, expected and made, keeps few answers from saying much.

    Args:
        wrong: Random open pairs that it gets wrong.
        believed: How many of them it expected to, the sum of its own doubts.

    >>> correction(4, 1.0)
    2.5
    """
    return (wrong + 1) / (believed + 1)


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0
