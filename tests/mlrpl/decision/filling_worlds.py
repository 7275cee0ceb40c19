"""Pools with known truth, annotators, and one run of the certificate procedure on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from mlrpl.decision.certifier import Certifier, ProbeCounts, count_probes
from mlrpl.decision.fill_plan import FillPlan, Promise, plan_fill

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]
Annotator = Callable[[Truth, Truth, np.random.Generator], Truth]
"""Takes the truth and whether `present` would be a surprise there; returns what is said."""


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


def truthful(truth: Truth, surprise: Truth, rng: np.random.Generator) -> Truth:
    """Say what is there."""
    del surprise, rng
    return truth


def with_false_alarms(rate: float) -> Annotator:
    """Return somebody who calls this share of the absent pairs present."""

    def answer(truth: Truth, surprise: Truth, rng: np.random.Generator) -> Truth:
        del surprise
        return truth | (rng.random(len(truth)) < rate)

    return answer


def with_second_look(rate: float) -> Annotator:
    """Return the same person whose surprising answers get two more probe answers each."""

    def answer(truth: Truth, surprise: Truth, rng: np.random.Generator) -> Truth:
        said = np.array([truth | (rng.random(len(truth)) < rate) for _ in range(3)])
        again = said[0] == surprise
        return np.where(again, said.sum(0) >= 2, said[0])

    return answer


@dataclass(frozen=True)
class Outcome:
    """What happened in one run, over all looks."""

    broke: bool
    """A promise was false at some look."""
    present: int
    absent: int
    """Pairs that could be filled in at the end."""
    probes: int


def run(
    plan: FillPlan,
    truth: Truth,
    rng: np.random.Generator,
    *,
    annotator: Annotator = truthful,
    batch: int = 100,
    cap_absent: int = 12_000,
    cap_middle: int = 3_000,
    stop: bool = True,
) -> Outcome:
    """Draw probes in batches, look after each, and compare every claim with the truth."""
    zones = {
        "present": plan.size - plan.present_size + rng.permutation(plan.present_size),
        "middle": plan.absent_size + rng.permutation(plan.middle_size),
        "absent": rng.permutation(plan.absent_size),
    }
    caps = {"present": plan.cap_present, "middle": cap_middle, "absent": cap_absent}
    zones = {name: order[: caps[name]] for name, order in zones.items()}
    said = {
        name: annotator(truth[o], np.full(len(o), name != "present"), rng)
        for name, o in zones.items()
    }
    used = dict.fromkeys(zones, 0)
    certifier, broke = Certifier(plan), False
    present_below = np.concatenate([[0], np.cumsum(truth)])
    counts = count_probes(plan, np.zeros(0, np.int64), np.zeros(0, bool))
    while True:
        before = dict(used)
        more_present = certifier.present < len(plan.present_rungs)
        more_absent = certifier.absent < len(plan.absent_rungs)
        if stop:
            more_present = more_present and certifier.worth("present", counts)
            more_absent = more_absent and certifier.worth("absent", counts)
        steps = {
            "present": more_present * (2 * batch // 5),
            "middle": (more_present or more_absent) * (3 * batch // 10),
            "absent": more_absent * (3 * batch // 10),
        }
        for name, step in steps.items():
            used[name] = min(used[name] + step, len(zones[name]))
        new = np.concatenate([zones[n][before[n] : used[n]] for n in zones])
        answers = np.concatenate([said[n][before[n] : used[n]] for n in zones])
        counts = _sum(counts, count_probes(plan, new, answers))
        if any(certifier.look(counts)):
            drawn = np.concatenate([zones[n][: used[n]] for n in zones])
            broke |= _false(plan, certifier, truth, present_below, drawn)
        if used == before:
            break
    fill_present = certifier.present and int(
        certifier.present_sizes[certifier.present - 1] - counts.present_drawn[certifier.present - 1]
    )
    fill_absent = certifier.absent and int(
        certifier.absent_sizes[certifier.absent - 1] - counts.absent_drawn[certifier.absent - 1]
    )
    return Outcome(broke, fill_present, fill_absent, sum(used.values()))


def _sum(first: ProbeCounts, second: ProbeCounts) -> ProbeCounts:
    """Return the counts of two sets of probes together."""
    return ProbeCounts(**{name: value + vars(second)[name] for name, value in vars(first).items()})


def _false(
    plan: FillPlan,
    certifier: Certifier,
    truth: Truth,
    present_below: npt.NDArray[np.int64],
    drawn: npt.NDArray[np.int64],
) -> bool:
    """Return whether what may be filled in by now breaks a promise.

    Args:
        plan: Of the run.
        certifier: Whose rungs may be filled in.
        truth: `(N,)`.
        present_below: `(N + 1,)`, present pairs below each position.
        drawn: Probes so far, which are not filled in.
    """
    total = int(present_below[-1])
    broke = False
    if certifier.present:
        start = plan.present_rungs[certifier.present - 1]
        taken = truth[drawn[drawn >= start]]
        filled = plan.size - start - len(taken)
        wrong = filled - (total - int(present_below[start]) - int(taken.sum()))
        broke |= wrong > plan.promise.max_error * filled + 1e-9
    if certifier.absent:
        end = plan.absent_rungs[certifier.absent - 1]
        lost = int(present_below[end]) - int(truth[drawn[drawn < end]].sum())
        broke |= lost > plan.promise.max_lost * (total + plan.promise.counted) + 1e-9
    return broke


def one_beyond_lost(
    size: int, prevalence: float, rng: np.random.Generator
) -> tuple[FillPlan, Truth]:
    """Return a pool whose first absent rung loses one pair more than promised."""
    p, truth = binormal(size, prevalence, 0.99, rng)
    plan = plan_fill(p, Promise())
    end = plan.absent_rungs[0]
    total = int(truth.sum())
    wanted = int(plan.promise.max_lost * total) + 1
    truth = truth.copy()
    truth[:end] = False
    truth[rng.choice(end, wanted, replace=False)] = True
    middle = np.arange(plan.absent_size, plan.size - plan.present_size)
    excess = int(truth.sum()) - total  # give it to the middle, or take it from there
    pool = middle[truth[middle] == (excess > 0)]
    truth[rng.choice(pool, min(abs(excess), len(pool)), replace=False)] = excess <= 0
    return plan, truth


def one_beyond_precision(
    size: int, prevalence: float, rng: np.random.Generator
) -> tuple[FillPlan, Truth]:
    """Return a pool whose first present rung has one wrong pair more than promised."""
    p, truth = binormal(size, prevalence, 0.99, rng)
    plan = plan_fill(p, Promise())
    start = plan.present_rungs[0]
    wanted = int(Certifier(plan).allowed_wrong[0]) + 1
    truth = truth.copy()
    truth[start:] = True
    truth[start + rng.choice(plan.size - start, wanted, replace=False)] = False
    return plan, truth


def left_over_pool(rng: np.random.Generator, size: int = 100_000) -> tuple[Floats, Truth]:
    """Return the predictions and the truth that active learning leaves of a pool."""
    p, truth = binormal(size, 0.04, 0.98, rng)
    unsure = np.abs(np.log(p / (1 - p)))
    gone = np.zeros(len(p), bool)
    gone[np.argsort(unsure)[: len(p) * 8 // 100]] = True
    gone |= (np.arange(len(p)) >= len(p) * 985 // 1000) & (rng.random(len(p)) < 0.8)
    gone |= truth & (rng.random(len(p)) < 0.3)
    return p[~gone], truth[~gone]


def leftover(rng: np.random.Generator) -> tuple[FillPlan, Truth]:
    """Return what active learning leaves of a pool, planned over the whole data set."""
    p, kept = left_over_pool(rng, 30_000)
    promise = Promise(over="dataset", known=1_200 - int(kept.sum()))
    return plan_fill(p, promise), kept


def planned(
    auc: float,
    rng: np.random.Generator,
    *,
    prevalence: float = 0.03,
    size: int = 100_000,
    slope: float = 1.0,
    promise: Promise | None = None,
    inverted: bool = False,
    shuffled: bool = False,
) -> tuple[FillPlan, Truth]:
    """Return a plan over a binormal pool, with predictions that may be wrong in several ways."""
    p, truth = binormal(size, prevalence, auc, rng)
    plan = plan_fill(distorted(p, slope=slope), promise or Promise())
    if inverted:
        truth = truth[::-1].copy()
    if shuffled:
        truth = rng.permutation(truth)
    return plan, truth
