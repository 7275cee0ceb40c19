"""Weighs what predictors say beside a model's own scores, by answers that have trained neither.

A predictor is whatever scores pairs without having learned from the answers here: a file of
another program's scores, a model of texts. It may be good, useless or the wrong way round, and
its numbers may be probabilities, logits or ranks. So its numbers are replaced by their normal
scores within each category, and how far these are followed is fitted:

    logit P(present) = level[c] + slope * score + sum over p of weight[p, c] * evidence[p]

`score` is the model's own, out of fold. Levels are drawn to their mean and the slope to 1. The
weights of a predictor have a common value `common[p]`, which is not negative:

    weight[p, c] ~ common[p] + Normal(0, 1 / OWN_PULL), weight[p, c] >= 0
    cost of common[p]: DOUBT * sqrt(information[p]) * common[p]

where `information[p]` is the sum of `q * (1 - q) * evidence**2` over the answers, with the
probabilities `q` that the model alone gives. At weight 0 the derivative of the log-likelihood by
`common[p]` has mean 0 and variance `information[p]` if the predictor knows nothing beyond the
model. The linear cost therefore leaves the common weight at exactly 0 unless the answers speak for
the predictor by more than `DOUBT` standard errors: so do an inverted, a constant and a random one,
and one of other images. A good one loses `DOUBT / sqrt(information)` of its weight, which vanishes
with the number of answers. A category with few answers, or none, has the common weight.

The problem is convex and solved by L-BFGS with bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, ndtri
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Evidence = npt.NDArray[np.floating]

DOUBT = 2.0
"""Standard errors by which answers have to speak for a predictor."""
OWN_PULL = 25.0
"""Inverse variance of a category's weight around the common one."""
MEASURED = 16.0
"""Information from which on a common weight of 0 is the predictor's fault, not that of too few
answers: a weight of one half would have shown."""
BEFORE = 0.7
"""Weight until then for categories that nothing else speaks for; it only orders images."""
MOST_ANSWERS = 100_000
"""Answers that weights are fitted on, evenly spread; more hardly move them."""

_LEAST_SLOPE = 0.1
_SLOPE_PULL, _LEVEL_PULL, _MEAN_PULL = 1.0, 1.0, 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """Known pairs, `n` of them, that have trained neither the model nor a predictor."""

    scores: npt.NDArray[np.floating]
    """`(n,)`, the model's, raw; 0 everywhere where there is no fair model yet."""
    evidence: Evidence
    """`(P, n)` normal scores, 0 where a predictor is silent."""
    columns: npt.NDArray[np.int64]
    """`(n,)` categories, from 0."""
    present: npt.NDArray[np.bool_]
    """`(n,)`."""
    weights: npt.NDArray[np.floating] | None = None
    """`(n,)`, how much each counts; None means 1."""

    def thinned(self) -> Answers:
        """Return at most `MOST_ANSWERS` of them, evenly spread."""
        step = -(-len(self.columns) // MOST_ANSWERS) or 1
        return replace(
            self,
            scores=self.scores[::step],
            evidence=self.evidence[:, ::step],
            columns=self.columns[::step],
            present=self.present[::step],
            weights=None if self.weights is None else self.weights[::step],
        )


@dataclass(frozen=True, eq=False)
class Stack:
    """How far predictors are followed beside a model."""

    slope: float
    """What the model's own score is multiplied with, above 0."""
    common: Floats
    """`(P,)` logits for one unit of evidence in a category without answers; not negative."""
    weights: Floats
    """`(P, C)`, likewise, of each category."""
    information: Floats
    """`(P,)`; below `MEASURED` the answers are too few to tell what a predictor is worth."""

    @property
    def beforehand(self) -> Floats:
        """`(P,)`, the weights for categories without any score: `BEFORE` where not measured."""
        return np.where(self.information < MEASURED, BEFORE, self.common)

    def combined(
        self, scores: npt.NDArray[np.floating], evidence: Evidence
    ) -> npt.NDArray[np.float32]:
        """Return scores `(N, C)` that follow the predictors, too; NaN stays NaN.

        Where no predictor has a weight, they are the model's own, unchanged.

        Args:
            scores: `(N, C)`, the model's.
            evidence: `(P, N, C)` normal scores; NaN or 0 where a predictor is silent.
        """
        result = np.array(scores, np.float32)
        if not self.weights.any():
            return result
        result *= np.float32(self.slope)
        for weight, said in zip(self.weights, evidence, strict=True):
            for column in np.flatnonzero(weight):
                result[:, column] += np.float32(weight[column]) * heard(said[:, column])
        return result


def normal_scores(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return the normal quantiles of the ranks of some numbers; NaN where there is no number.

    Any strictly rising transformation of the numbers gives the same. Equal numbers share the
    middle of their ranks, so numbers that are all equal say nothing: 0.

    >>> normal_scores(np.array([3.0, 1.0, np.nan, 2.0])).round(2).tolist()
    [0.97, -0.97, nan, 0.0]

    Args:
        values: `(N,)`.
    """
    result = np.full(len(values), np.nan, np.float32)
    finite = np.isfinite(values)
    if finite.any():
        ranks = rankdata(values[finite])
        result[finite] = ndtri((ranks - 0.5) / len(ranks))
    return result


def heard(evidence: Evidence) -> npt.NDArray[np.float32]:
    """Return evidence with silence as 0, which moves nothing."""
    return np.nan_to_num(np.asarray(evidence, np.float32), nan=0.0)


def fit_stack(answers: Answers, category_count: int) -> Stack:
    """Fit how far each predictor is to be followed; see the head of this module.

    Without an answer every weight is 0, and so it is with answers of one sign.

    Args:
        answers: What is known.
        category_count: C.

    Raises:
        ValueError: If arrays differ in length.
    """
    count = len(answers.columns)
    if not answers.evidence.shape[1:] == answers.scores.shape == answers.present.shape == (count,):
        raise ValueError("scores, evidence, columns and present must have one length")
    answers = answers.thinned()
    predictors = len(answers.evidence)
    problem = _Problem(answers, category_count)
    nothing = np.zeros(predictors)
    if not predictors or not count or len(np.unique(answers.present)) < 2:
        return Stack(1.0, nothing, np.zeros((predictors, category_count)), nothing)
    start = np.concatenate(
        [[1.0, 0.0], np.zeros(category_count + predictors * (category_count + 1))]
    )
    closed = problem.bounds(weigh=False)
    alone = minimize(problem, start, args=(nothing,), jac=True, method="L-BFGS-B", bounds=closed)
    information = problem.information(alone.x)
    # The derivative by a common weight is that by all weights of the predictor together.
    doubt = DOUBT * np.sqrt(information)
    best = minimize(
        problem,
        alone.x,
        args=(doubt,),
        jac=True,
        method="L-BFGS-B",
        bounds=problem.bounds(weigh=True),
        options={"maxiter": 500},
    )
    slope, _, _, common, weights = problem.parts(best.x)
    return Stack(float(slope[0]), np.array(common), np.array(weights), information)


class _Problem:
    """The penalised cost of `(slope, mean level, levels, common weights, weights)`."""

    def __init__(self, answers: Answers, categories: int) -> None:
        self._scores = np.asarray(answers.scores, np.float64)
        self._evidence = np.asarray(heard(answers.evidence), np.float64)  # (P, n)
        self._columns = answers.columns
        self._present = answers.present.astype(np.float64)
        weights = answers.weights
        self._weights = np.ones(len(self._columns)) if weights is None else np.asarray(weights)
        self._categories = categories
        self._predictors = len(self._evidence)

    def parts(self, point: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return slope, mean, levels `(C,)`, common `(P,)` and weights `(P, C)`, as views."""
        first, second = 2 + self._categories, 2 + self._categories + self._predictors
        weights = point[second:].reshape(self._predictors, self._categories)
        return point[0:1], point[1:2], point[2:first], point[first:second], weights

    def bounds(self, *, weigh: bool) -> list[tuple[float | None, float | None]]:
        """Return where each number may lie; without `weigh` all weights are 0."""
        free: list[tuple[float | None, float | None]] = [(None, None)] * (1 + self._categories)
        most = None if weigh else 0.0
        count = self._predictors * (1 + self._categories)
        return [(_LEAST_SLOPE, None), *free, *[(0.0, most)] * count]

    def information(self, point: Floats) -> Floats:
        """Return how much the answers could say about each common weight, `(P,)`."""
        q = expit(self._logits(point))
        return np.asarray((self._weights * q * (1 - q) * self._evidence**2).sum(axis=1))

    def _logits(self, point: Floats) -> Floats:
        slope, mean, levels, _, weights = self.parts(point)
        own = (weights[:, self._columns] * self._evidence).sum(axis=0)
        return np.asarray(mean + levels[self._columns] + slope * self._scores + own)

    def __call__(self, point: Floats, doubt: Floats) -> tuple[float, Floats]:
        slope, mean, levels, common, weights = self.parts(point)
        z = self._logits(point)
        pull = self._weights * (expit(z) - self._present)
        apart = weights - common[:, None]
        cost = (self._weights * (np.logaddexp(0, z) - self._present * z)).sum()
        cost += 0.5 * (_SLOPE_PULL * (slope[0] - 1) ** 2 + _MEAN_PULL * mean[0] ** 2)
        cost += 0.5 * (_LEVEL_PULL * (levels**2).sum() + OWN_PULL * (apart**2).sum())
        gradient = np.empty_like(point)
        by_slope, by_mean, by_level, by_common, by_weight = self.parts(gradient)
        by_slope[:] = (pull * self._scores).sum() + _SLOPE_PULL * (slope - 1)
        by_mean[:] = pull.sum() + _MEAN_PULL * mean
        by_level[:] = np.bincount(self._columns, pull, self._categories) + _LEVEL_PULL * levels
        by_common[:] = doubt - OWN_PULL * apart.sum(axis=1)
        for place, said in enumerate(self._evidence):
            by_weight[place] = np.bincount(self._columns, pull * said, self._categories)
        by_weight += OWN_PULL * apart
        return float(cost + (doubt * common).sum()), gradient


def cross_fitted(
    scores: npt.NDArray[np.floating],
    evidence: Evidence,
    known: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.float32], Stack]:
    """Return scores that follow the predictors and are still fair, and the stack of all answers.

    The weights that an image's score is made with come from the answers of the other groups. So a
    calibration on these scores sees no answer that has helped to make them.

    Args:
        scores: `(N, C)` of answers that have not trained what scored them; NaN elsewhere.
        evidence: `(P, N, C)` normal scores; NaN or 0 where a predictor is silent.
        known: `(N, C)`: 1 present, -1 absent, 0 unknown.
        groups: `(N,)`, which images one model scored, from 0; images of negative ones are left
            as they are and teach nothing.
    """
    usable = np.isfinite(scores) & (known != 0) & (groups >= 0)[:, None]
    rows, columns = np.nonzero(usable)
    every = Answers(
        scores=scores[rows, columns],
        evidence=heard(evidence[:, rows, columns]),
        columns=columns.astype(np.int64),
        present=known[rows, columns] > 0,
    )
    stack = fit_stack(every, scores.shape[1])
    result = np.array(scores, np.float32)
    if not stack.weights.any():
        return result, stack
    for group in np.unique(groups[groups >= 0]):
        others = groups[rows] != group
        taught = replace(
            every,
            scores=every.scores[others],
            evidence=every.evidence[:, others],
            columns=every.columns[others],
            present=every.present[others],
        )
        mine = groups == group
        result[mine] = fit_stack(taught, scores.shape[1]).combined(scores[mine], evidence[:, mine])
    return result, stack
