"""What a certificate by the linear test costs, how often it is false, and how large a pool may be.

    python benchmarks/certificates.py [--quick] [--only costs validity size]

Simulated pools with known truth: scores of present and absent pairs are normal with equal spread,
at the distance that gives the area under the ROC curve (AUC); probabilities are calibrated.

- costs: questions until the step that is expected to save most is certified, with a look after
  every answer, against the floor for any method: enough draws among the pairs that are filled in to
  meet one of the lost ones if there were one more than the promise allows;
- validity: how often a promise that is broken by one pair is certified, at the risk of 5 %;
- size: time and memory of freezing a plan over ten million pairs, and the time of a look.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import tracemalloc
from bisect import bisect_left
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from real_photographs import revision
from store import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "mlrpl" / "decision"))

import linear_worlds as worlds  # type: ignore[import-not-found]  # noqa: E402

from mlrpl.decision.linear_evidence import certified_rungs, draw_order, log_evidence  # noqa: E402
from mlrpl.decision.linear_plan import LinearPlan, freeze  # noqa: E402
from mlrpl.decision.linear_promises import F1Promise, RecallPromise  # noqa: E402

RISK = 0.05
MOST = 20_000
"""Draws at most, as in the tool."""

SETTINGS = (
    # pairs, share of present ones, AUC, promise, share of the pool that is filled in as absent
    (100_000, 0.03, 0.95, RecallPromise(max_lost=0.10), 0.52),
    (100_000, 0.03, 0.95, RecallPromise(max_lost=0.20), 0.62),
    (100_000, 0.03, 0.99, RecallPromise(max_lost=0.10), 0.88),
    (100_000, 0.03, 0.99, RecallPromise(max_lost=0.20), 0.88),
    (100_000, 0.10, 0.95, RecallPromise(max_lost=0.20), 0.68),
    (20_000, 0.03, 0.99, RecallPromise(max_lost=0.10), 0.83),
    (20_000, 0.03, 0.90, RecallPromise(max_lost=0.20), 0.55),
    (20_000, 0.10, 0.99, RecallPromise(max_lost=0.20), 0.86),
    (100_000, 0.003, 0.95, RecallPromise(max_lost=0.20), 0.64),
    (5_000, 0.10, 0.99, RecallPromise(max_lost=0.20), None),
    (2_000, 0.10, 0.99, RecallPromise(max_lost=0.20), None),
    (40_000, 0.10, 0.99, F1Promise(at_least=0.95), None),
    (40_000, 0.10, 0.99, F1Promise(at_least=0.90), None),
)
"""The draws are made for that step, by the price of a question at which it saves most; without a
share, for the step that saves most if a question costs as much as an answer."""


def costs(pools: int, runs: int) -> None:
    """Print questions, fill and what is truly lost for each setting."""
    print("| pairs, present, AUC, promise | filled absent, present / lost | questions | floor |")
    print("| --- | --- | --- | --- |")
    for size, prevalence, auc, promise, share in SETTINGS:
        rows = np.concatenate([
            _pool(worlds.binormal(size, prevalence, auc, np.random.default_rng([11, seed])),
                  promise, share, runs)
            for seed in range(pools)
        ])  # fmt: skip
        name = f"recall {1 - promise.max_lost:.0%}" if isinstance(promise, RecallPromise) else ""
        name = name or f"F1 {promise.at_least:.2f}"
        median, high = np.quantile(rows[:, 0], (0.5, 0.9), method="higher")
        absent, present, lost, floor = rows[:, 1:].mean(0)
        print(
            f"| {size:,}, {prevalence:.1%}, {auc}, {name} | {absent:.0%}, {present:.1%} / "
            f"{lost:.1%} | **{median:,.0f}** ({high:,.0f}) | "
            f"{'' if math.isnan(floor) else f'{floor:,.0f}'} |",
            flush=True,
        )


def _pool(
    pool: tuple[worlds.Floats, worlds.Truth],
    promise: RecallPromise | F1Promise,
    share: float | None,
    runs: int,
) -> worlds.Floats:
    """Return questions, shares filled in absent and present, lost, and the floor, `(runs, 5)`."""
    p, truth = pool
    plan, target = _planned(p, promise, share)
    size = len(p)
    plan = replace(plan, tests=plan.tests[: target + 1])
    absent, high = plan.tests[target].fill
    lost = int(truth[:absent].sum())
    floor = math.nan
    if isinstance(promise, RecallPromise):
        ratio = promise.max_lost / (1 - promise.max_lost)
        spare = math.floor(ratio * (int(truth.sum()) - lost)) + 1 - lost
        floor = absent * math.log(1 / RISK) / spare if spare > 0 else math.inf
    rest = [absent / size, (size - high) / size, lost / truth.sum(), floor]
    return np.array([[_needed(plan, truth, run), *rest] for run in range(runs)])


def _planned(
    p: worlds.Floats, promise: RecallPromise | F1Promise, share: float | None
) -> tuple[LinearPlan, int]:
    """Return a plan and the step that is looked at, for which the draws are made if possible."""
    plan = freeze(p, promise, risk=RISK)
    if share is None:
        return plan, plan.target
    wanted = int(np.argmin([abs(test.fill.absent / len(p) - share) for test in plan.tests]))
    plans = [partial(freeze, p, promise, risk=RISK, price=1.4**step) for step in range(16)]
    # The dearer a question, the smaller the fill that saves most.
    first = bisect_left(plans[:-1], True, key=lambda frozen: frozen().target <= wanted)
    return plans[first](), wanted


def _needed(plan: LinearPlan, truth: worlds.Truth, seed: int) -> float:
    positions = draw_order(plan, MOST, seed)
    answers = truth[positions].astype(np.int8)
    end = math.ceil(1.5 * plan.questions(len(plan.tests) - 1))
    while True:  # a look is a sum over all draws, so most runs need not look at 20,000
        evidence = log_evidence(plan, positions[:end], answers[:end])
        looks = np.flatnonzero(certified_rungs(plan, evidence) == len(plan.tests))
        if len(looks):
            return float(looks[0] + 1)
        if end >= len(positions):
            return math.inf
        end *= 3


def validity(runs: int) -> None:
    """Print how often a promise that is broken by one pair is certified at any of 2,000 looks."""
    print(f"| pairs, present | {' | '.join(place.__name__ for place in PLACES)} | at most |")
    print("| --- |" + " --- |" * (len(PLACES) + 1))
    for size, prevalence in ((10_000, 0.1), (10_000, 0.03), (50_000, 0.03)):
        rho, known = 0.2, 200
        p, _ = worlds.binormal(size, prevalence, 0.95, np.random.default_rng(0))
        plan = freeze(p, RecallPromise(max_lost=rho, known=known), risk=RISK)
        rung = next(n for n, test in enumerate(plan.tests) if test.fill.absent > 1_000)
        plan = replace(plan, tests=plan.tests[rung : rung + 1])
        broken = dict.fromkeys(PLACES, 0)
        for seed in range(runs):
            positions = draw_order(plan, 2_000, seed)
            for place in PLACES:
                rng = np.random.default_rng(seed)
                truth = worlds.one_beyond(plan, p, place, rng, known, rho)
                evidence = log_evidence(plan, positions, truth[positions].astype(np.int8))
                broken[place] += int(certified_rungs(plan, evidence)[-1])
        limit = worlds.most_broken(runs, RISK)
        shares = " | ".join(f"{count / runs:.1%}" for count in broken.values())
        print(f"| {size:,}, {prevalence:.0%} | {shares} | {limit / runs:.1%} |", flush=True)


PLACES = (worlds.uniform, worlds.rarely_drawn, worlds.lowest, worlds.top, worlds.as_predicted)


def size(pairs: int) -> None:
    """Print time and memory of a plan over a large pool, and the time of a look."""
    generator = np.random.default_rng(0)
    p = np.sort(generator.beta(0.1, 3, pairs).astype(np.float32))
    print(f"{pairs:,} pairs; seconds are those of the processor")
    for promise in (RecallPromise(), F1Promise()):
        start = time.process_time()
        plan = freeze(p, promise, risk=RISK)
        taken = time.process_time() - start
        tracemalloc.start()
        freeze(p, promise, risk=RISK)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        name = "recall" if isinstance(promise, RecallPromise) else "F1"
        print(f"- {name}: frozen in {taken:.1f} s, {peak:.0f} MB beside the probabilities")
        start = time.process_time()
        positions = draw_order(plan, MOST, 1)
        print(f"  - {len(positions):,} draws: {time.process_time() - start:.1f} s")
        answers = (generator.random(len(positions)) < p[positions]).astype(np.int8)
        for draws in (500, 2_000, 6_000, 20_000):
            each = []
            for _ in range(7):
                start = time.process_time()
                certified_rungs(plan, log_evidence(plan, positions[:draws], answers[:draws]))
                each.append(time.process_time() - start)
            print(f"  - a look at {draws:,} answers: {1e3 * float(np.median(each)):.1f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few runs, and a smaller pool")
    parts = ("size", "costs", "validity")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    options = parser.parse_args()
    quick = options.quick
    print(f"{machine()}; commit {revision()}; risk {RISK:.0%}; seeds from 0\n")
    if "size" in options.only:
        size(1_000_000 if quick else 10_000_000)
    if "costs" in options.only:
        costs(2 if quick else 4, 5 if quick else 25)
    if "validity" in options.only:
        validity(50 if quick else 1_000)


if __name__ == "__main__":
    main()
