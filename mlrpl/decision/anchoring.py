"""Whether people follow a model because they see it: shown suggestions against probes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.integer]

HALF_WIDTH = 0.05
"""Half of the interval from which on a difference is worth telling."""

_Z = 1.96


@dataclass(frozen=True, kw_only=True)
class Anchoring:
    """How often people agree with a model, seeing it and blind, at the same scores."""

    shown: float
    """Share of agreeing answers where the score was on the screen, 0 to 1."""
    blind: float
    """The same of probe answers."""
    low: float
    """Lower end of the 95 % interval of `shown - blind`."""
    high: float

    @property
    def difference(self) -> float:
        """How much more often people agree when they see the score, -1 to 1."""
        return self.shown - self.blind


def anchoring(shown: Counts, blind: Counts) -> Anchoring | None:
    """Compare answers at the same scores; None where no score has answers of both kinds.

    Scores are compared in bands. Each band weighs as much as both kinds of answers there allow,
    so a band that only one kind fills counts for nothing.

    Args:
        shown: `(bands, 2)`, answers and those among them that agree, with the score in sight.
        blind: `(bands, 2)`, the same of probe answers.

    Source:
        The risk difference of Mantel and Haenszel over strata. Its variance is the sum of binomial
        ones, each with one success and one failure added, so that full agreement is not certain.
    """
    n, m = (np.asarray(x, np.float64)[:, 0] for x in (shown, blind))
    both = (n > 0) & (m > 0)
    if not both.any():
        return None
    n, m = n[both], m[both]
    agreeing = [np.asarray(x, np.float64)[both, 1] for x in (shown, blind)]
    weight = n * m / (n + m)
    weight /= weight.sum()
    variance = weight**2 @ (_variance(agreeing[0], n) + _variance(agreeing[1], m))
    seen, unseen = float(weight @ (agreeing[0] / n)), float(weight @ (agreeing[1] / m))
    spread = _Z * math.sqrt(variance)
    return Anchoring(
        shown=seen,
        blind=unseen,
        low=max(-1.0, seen - unseen - spread),
        high=min(1.0, seen - unseen + spread),
    )


def blind_needed(agreement: float) -> int:
    """Return about how many probe answers tell a difference of five points from none.

    Args:
        agreement: How often people agree with the model, 0 to 1; the surer, the fewer are needed.

    >>> blind_needed(0.9)
    139
    """
    usual = min(max(agreement, 0.5), 0.95)
    return math.ceil(_Z**2 * usual * (1 - usual) / HALF_WIDTH**2)


def _variance(agreeing: Floats, answers: Floats) -> Floats:
    share = (agreeing + 1) / (answers + 2)
    return np.asarray(share * (1 - share) / (answers + 2))
