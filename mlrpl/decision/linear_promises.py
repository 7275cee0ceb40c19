"""What a certificate can promise, each as one linear inequality about the unknown truth.

With `y_i` the truth of the open pairs, `K` the present labels known already and a candidate fill
that marks the pairs `B` absent and the pairs `A` present, a promise is broken exactly if
`sum_i c_i y_i > theta0`:

    recall   the finished set holds at least 1 - rho of what is present:
             sum_B y <= rho (K + sum_U y)
             c = 1 - rho on B, -rho elsewhere                    theta0 = rho K
    F1       the finished set has F1 of at least x, with FN = sum_B y and FP = sum_A (1 - y):
             (2 - x) FN + x FP <= 2 (1 - x) (K + sum_U y)
             c = x on B, -(2 - x) on A, -2 (1 - x) elsewhere     theta0 = 2 (1 - x) K - x |A|

What people leave open or answer themselves counts as right, so only a fill can break a promise. If
people call an absent pair present with probability at most `a` and a present one absent with at
most `b`, the recall of the truth (not of their answers) follows from `c = (1 - rho) / (1 - b)` on B
and `theta0 = rho K - rho a |U - B|`.

Each promise also lays the *ladder* of candidate fills that are tested in a fixed order, and the
predictions for which its bets and draws are made. Those steer cost only.

Source:
    Our own derivation; the recall target is the usual one of technology-assisted review.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STEPS = (1/128, 1/64, 1/32, 1/16, 3/32, 1/8, 3/16, 1/4, 3/8, 1/2, 5/8, 3/4)  # fmt: skip
"""Predicted loss of each rung, as a share of what the promise allows: the low ones cost little and
rescue predictions that are too sure."""

SMALLEST_FILL = 30
"""Pairs of the smallest rung."""

PRESENT_SHARES = (0, 0.1, 0.2, 0.3, 0.5)
"""Shares of an F1 budget that may go to wrong present pairs; the one that fills most is taken."""


class Fill(NamedTuple):
    """A candidate fill, as positions in ascending order of the predicted probability."""

    absent: int
    """Pairs below this position are marked absent."""
    present: int
    """Pairs from this position on are marked present."""


class Hedge(NamedTuple):
    """One way in which predictions may be wrong, with the weight of the bet that is made on it."""

    weight: float
    scale: float
    """Factor of the predictions inside the absent fill."""
    floor: float
    """Added there, as a share of the rate that the promise allows."""
    outside: float
    """Factor of the predictions outside it."""


HEDGES = (
    Hedge(0.45, 1.0, 1 / 32, 1.0),
    Hedge(0.15, 1.0, 1 / 8, 0.85),
    Hedge(0.18, 2.0, 1 / 8, 0.9),
    Hedge(0.07, 0.3, 1 / 32, 1.0),
    Hedge(0.15, 0.5, 0.4, 0.85),
)


@dataclass(frozen=True)
class Rung:
    """One candidate fill over the bins of a pool."""

    fill: Fill
    below: Bools
    """`(bins,)` marked absent."""
    above: Bools
    """`(bins,)` marked present."""
    coefficients: Floats
    """`(bins,)` `c`."""
    allowance: float
    """`theta0`."""
    rate: float
    """Share of present pairs that the promise allows below, by the predictions."""


class LinearPromise(Protocol):
    """What the test needs to know of a promise."""

    @property
    def known(self) -> int:
        """Present labels outside the pool that are counted."""

    @property
    def highest(self) -> float:
        """Predictions are cut off here."""

    def ladder(self, chances: Floats, sums: Floats) -> list[Fill]:
        """Return the candidate fills, the smallest first.

        Args:
            chances: `(N,)` ascending.
            sums: `(N,)` their running sum.
        """

    def rung(self, fill: Fill, below: Bools, above: Bools, counts: Floats, means: Floats) -> Rung:
        """Return a candidate over bins of `counts` pairs with mean predictions `means`."""

    def planned(self, rung: Rung, means: Floats) -> Floats:
        """Return the predictions, `(bins,)`, that the draws are made for: a little cautious."""

    def hedged(self, rung: Rung, means: Floats, hedge: Hedge) -> Floats:
        """Return the predictions, `(bins,)`, that one bet is made for."""

    def expected(self, rung: Rung, means: Floats) -> Floats:
        """Return the predictions, `(bins,)`, that the forecast goes by."""

    def left(self, rung: Rung, outside: float) -> float:
        """Return how many pairs people answer besides the questions, `outside` of them included."""


def _share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")


@dataclass(frozen=True, kw_only=True)
class RecallPromise:
    """At most a share of the present pairs is filled in as absent."""

    max_lost: float = 0.10
    """`rho`: lost pairs as a share of the present ones, known ones included."""
    known: int = 0
    """Present labels outside the pool; 0 takes the share of the pool alone."""
    false_alarm: float = 0.0
    """Upper bound of the share of absent pairs that people call present; 0 speaks of answers."""
    miss: float = 0.0
    """Upper bound of the share of present pairs that people call absent."""

    def __post_init__(self) -> None:
        _share("max_lost", self.max_lost)
        for name in ("false_alarm", "miss"):
            if not 0 <= getattr(self, name) < 0.5:
                raise ValueError(f"{name} must lie in 0 to 0.5, got {getattr(self, name)}")
        if self.known < 0:
            raise ValueError(f"known must not be negative, got {self.known}")

    @property
    def highest(self) -> float:
        """A sure prediction outside the fill would promise recall for free."""
        return 0.97

    def ladder(self, chances: Floats, sums: Floats) -> list[Fill]:
        """Return the candidate fills, absent only."""
        allowed = self.max_lost * (sums[-1] + self.known)
        ends = sorted({int(np.searchsorted(sums, step * allowed)) for step in STEPS})
        return [Fill(end, len(chances)) for end in ends if SMALLEST_FILL <= end < len(chances)]

    def rung(self, fill: Fill, below: Bools, above: Bools, counts: Floats, means: Floats) -> Rung:
        """Return a candidate over bins."""
        coefficients = np.where(below, (1 - self.max_lost) / (1 - self.miss), -self.max_lost)
        noise = self.max_lost * self.false_alarm * counts[~below].sum()
        found = (counts * means)[~below].sum() + self.known
        rate = self.max_lost / (1 - self.max_lost) * found / max(counts[below].sum(), 1)
        return Rung(
            fill, below, above, coefficients, self.max_lost * self.known - noise, max(rate, 1e-9)
        )

    def planned(self, rung: Rung, means: Floats) -> Floats:
        """Return predictions with a background of the allowed rate inside."""
        return np.where(rung.below, np.minimum(means + rung.rate / 16, 0.5), means * 0.97)

    def hedged(self, rung: Rung, means: Floats, hedge: Hedge) -> Floats:
        """Return predictions that err as the hedge says."""
        inside = np.minimum(hedge.scale * means + hedge.floor * rung.rate, 0.5)
        return np.where(rung.below, inside, np.minimum(hedge.outside * means, 0.95))

    def expected(self, rung: Rung, means: Floats) -> Floats:
        """Return the predictions, a little lower outside."""
        return np.where(rung.below, means, 0.97 * means)

    def left(self, rung: Rung, outside: float) -> float:
        """Return the pairs outside the fill, less the questions that were asked there."""
        return max(rung.fill.present - rung.fill.absent - outside, 0)


@dataclass(frozen=True, kw_only=True)
class F1Promise:
    """The finished set, fills and answers together, has at least this F1."""

    at_least: float = 0.9
    """`x`."""
    known: int = 0
    """Present labels outside the pool; 0 takes F1 over the pool alone."""

    def __post_init__(self) -> None:
        _share("at_least", self.at_least)
        if self.known < 0:
            raise ValueError(f"known must not be negative, got {self.known}")

    @property
    def highest(self) -> float:
        """A prediction may be nearly sure, because present fills live on it."""
        return 0.995

    def ladder(self, chances: Floats, sums: Floats) -> list[Fill]:
        """Return the candidate fills: of those that hold the one before, what leaves least open."""
        wrong = np.cumsum((1 - chances)[::-1])
        total = sums[-1] + self.known
        fills, last = [], Fill(0, len(chances))
        for step in STEPS:
            budget = step * 2 * (1 - self.at_least) * total
            ways = [self._way(share, budget, sums, wrong) for share in PRESENT_SHARES]
            ways = [
                way for way in ways if way.absent >= last.absent and way.present <= last.present
            ]
            best = min(ways, key=lambda fill: fill.present - fill.absent, default=last)
            if best != last and best.absent >= SMALLEST_FILL:
                fills.append(best)
            last = best
        return fills

    def _way(self, share: float, budget: float, sums: Floats, wrong: Floats) -> Fill:
        absent = int(np.searchsorted(sums, (1 - share) * budget / (2 - self.at_least)))
        present = len(sums)
        if share:
            present -= int(np.searchsorted(wrong, share * budget / self.at_least))
        return Fill(absent, max(present, absent))

    def rung(self, fill: Fill, below: Bools, above: Bools, counts: Floats, means: Floats) -> Rung:
        """Return a candidate over bins."""
        x = self.at_least
        coefficients = np.where(below, x, np.where(above, -(2 - x), -2 * (1 - x)))
        allowance = 2 * (1 - x) * self.known - x * counts[above].sum()
        found = (counts * means)[~below].sum() + self.known
        rate = 2 * (1 - x) * found / x / max(counts[below].sum(), 1)
        return Rung(fill, below, above, coefficients, float(allowance), max(rate, 1e-9))

    def planned(self, rung: Rung, means: Floats) -> Floats:
        """Return predictions with a background of the allowed rate inside."""
        return np.where(rung.below, np.minimum(means + rung.rate / 16, 0.5), means * 0.985)

    def hedged(self, rung: Rung, means: Floats, hedge: Hedge) -> Floats:
        """Return predictions that err as the hedge says, towards absent in the present fill."""
        inside = np.minimum(hedge.scale * means + hedge.floor * rung.rate, 0.5)
        top = np.clip(1 - (1 - means) * (1 + hedge.floor * 4), 0, 0.98)
        return np.where(rung.below, inside, np.where(rung.above, top, hedge.outside * means))

    def expected(self, rung: Rung, means: Floats) -> Floats:
        """Return the predictions as they are."""
        del rung
        return means

    def left(self, rung: Rung, outside: float) -> float:
        """Return the pairs outside the fills; most questions are asked inside."""
        del outside
        return rung.fill.present - rung.fill.absent
