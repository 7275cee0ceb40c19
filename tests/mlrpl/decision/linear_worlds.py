"""Pools with known truth for the linear test, at the boundary of a promise and elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, norm

from mlrpl.decision.linear_evidence import UNKNOWN, certified_rungs, draw_order, log_evidence
from mlrpl.decision.linear_plan import LinearPlan

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def binormal(
    size: int, prevalence: float, auc: float, rng: np.random.Generator
) -> tuple[Floats, Truth]:
    """Return calibrated probabilities, ascending, and the truth."""
    distance = math.sqrt(2) * float(norm.ppf(auc))
    truth = np.arange(size) < round(size * prevalence)
    scores = rng.standard_normal(size) + distance * truth
    odds = distance * scores - distance**2 / 2 + math.log(prevalence / (1 - prevalence))
    order = np.argsort(scores)  # no two are equal
    return 1 / (1 + np.exp(-odds[order])), truth[order]


def distorted(p: Floats, *, slope: float = 1.0, shift: float = 0.0) -> Floats:
    """Return probabilities in the same order that are too sure, or shifted."""
    return np.asarray(1 / (1 + np.exp(-(np.log(p / (1 - p)) * slope + shift))))


Place = Callable[[LinearPlan, int, Floats, np.random.Generator], npt.NDArray[np.intp]]
"""Returns `count` positions below the rung's end where the lost pairs lie."""


def uniform(
    plan: LinearPlan, count: int, p: Floats, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Anywhere in the fill."""
    del p
    return rng.choice(plan.tests[0].fill.absent, count, replace=False)


def rarely_drawn(
    plan: LinearPlan, count: int, p: Floats, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Where draws are thinnest."""
    del p, rng
    end = plan.tests[0].fill.absent
    weights = plan.weights[plan.bins_of(np.arange(end))]
    return np.argsort(weights, kind="stable")[:count]


def lowest(
    plan: LinearPlan, count: int, p: Floats, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Where the model is surest that nothing is."""
    del plan, p, rng
    return np.arange(count)


def top(plan: LinearPlan, count: int, p: Floats, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Right below the end of the fill."""
    del p, rng
    return plan.tests[0].fill.absent - 1 - np.arange(count)


def as_predicted(
    plan: LinearPlan, count: int, p: Floats, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """As the predictions have it."""
    end = plan.tests[0].fill.absent
    return rng.choice(end, count, replace=False, p=p[:end] / p[:end].sum())


def one_beyond(
    plan: LinearPlan, p: Floats, place: Place, rng: np.random.Generator, known: int, rho: float
) -> Truth:
    """Return a truth whose first rung loses one pair more than the promise allows."""
    end = plan.tests[0].fill.absent
    outside = rng.random(plan.size) < p
    outside[:end] = False
    lost = math.floor(rho / (1 - rho) * (int(outside.sum()) + known)) + 1
    if lost > end:
        raise ValueError("the first rung is smaller than what may be lost")
    truth = outside
    truth[place(plan, lost, p, rng)] = True
    return truth


@dataclass(frozen=True)
class Run:
    """One certificate, looked at after every draw."""

    certified: npt.NDArray[np.int64]
    """`(n,)` rungs after each draw."""

    def first(self, rungs: int) -> float:
        """Return the draw with which so many rungs were certified."""
        found = np.flatnonzero(self.certified >= rungs)
        return float(found[0] + 1) if len(found) else math.inf


def run(
    plan: LinearPlan,
    truth: Truth,
    count: int,
    seed: int,
    *,
    false_alarm: float = 0.0,
    second_look: bool = False,
    cannot_tell: float = 0.0,
) -> Run:
    """Draw, answer and look."""
    positions = draw_order(plan, count, seed)
    rng = np.random.default_rng(seed + 1)
    said = truth[positions]
    if false_alarm:
        alarms = [said | (rng.random(len(said)) < false_alarm) for _ in range(3)]
        sum_of = np.sum(alarms, axis=0)
        said = np.where(alarms[0], sum_of >= 2, False) if second_look else alarms[0]
    answers = said.astype(np.int8)
    answers[rng.random(len(answers)) < cannot_tell] = UNKNOWN
    return Run(certified_rungs(plan, log_evidence(plan, positions, answers)))


def simulated_questions(
    plan: LinearPlan, rung: int, means: Floats, runs: int = 60
) -> tuple[float, float]:
    """Return median and 90 % quantile of the draws until a rung and all below it are certified.

    The truth is drawn by the predictions, `(bins,)`, anew for each certificate.
    """
    tested = replace(plan, tests=plan.tests[: rung + 1])
    count = min(math.ceil(4 * max(map(plan.questions, range(rung + 1)))), plan.size)
    needed = []
    for seed in range(runs):
        truth = np.random.default_rng([5, seed]).random(plan.size) < np.repeat(
            means, np.diff(plan.edges)
        )
        needed.append(run(tested, truth, count, seed).first(rung + 1))
    median, high = np.quantile(needed, (0.5, 0.9), method="higher")
    return float(median), float(high)


def most_broken(runs: int, risk: float = 0.05) -> int:
    """Return how many of the runs may break the promise, at 99 % of the binomial law."""
    return int(binom.ppf(0.99, runs, risk))
