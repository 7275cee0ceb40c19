"""How true percentages about open pairs are, by which answers they are calibrated on.

    python benchmarks/calibration.py [--strategies images loop pairs] [--seeds 1 2]

An oracle labels drawn scenes as in `simulate.py`; at each training the out-of-fold scores are
calibrated in several ways, and what each says about all open pairs is held against the truth:

- every answer: what the tool does;
- weighted: every answer by one over the share of pairs with about its score that are known, an
  estimate of the chance with which such a pair was asked;
- by chance: only answers about images that a version's queue had drawn at random;
- 100 and 300 probes: every answer, then intercepts moved by probes, as the tool does from
  50 on; mean of ten draws.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from real_photographs import revision
from simulate import OUT, budget_of, scenes
from store import machine

from annotator.simulate import run
from annotator.simulate.oracle import read_truth
from annotator.worker import acquisition_scores, training
from annotator.worker.learner import Snapshot
from mlrpl.decision.calibration import Calibration, fit_calibration, probabilities, ranked_only
from mlrpl.decision.prior_shift import expected_calibration_error, prior_shift
from mlrpl.labels import UNKNOWN, known_mask

PROBES = (100, 300)
DRAWS = 10
STEPS = 10
"""Steps of probability within which the share that is known is taken."""
LEAST = 1e-3

Scores = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Figures = tuple[float, float]


class Watch:
    """Stands between training and decisions, and keeps the figures of each way to calibrate."""

    def __init__(self, seed: int) -> None:
        """Watch one run."""
        self.present: Bools = np.zeros((0, 0), dtype=bool)
        self.figures: list[dict[str, Figures]] = []
        self._by_chance: set[int] = set()
        self._rng = np.random.default_rng(seed)

    def mixed(self, guided: npt.NDArray[np.int64], drawn: npt.NDArray[np.int64]) -> Any:
        """Remember which images a queue drew by chance."""
        self._by_chance.update(drawn.tolist())
        return _mixed(guided, drawn)

    def work(self, plan: Any, desk: Any, present: Bools, tell: Any) -> Any:
        """Take note of the truth, which nothing else here sees."""
        self.present = present
        return _work(plan, desk, present, tell)

    def decisions(self, snapshot: Snapshot, scores: Scores, found: Any, *others: Any) -> Any:
        """Calibrate in every way."""
        if found is not None:
            row = self._compared(snapshot, scores, found)
            self.figures += [row] if row else []
        return _make_decisions(snapshot, scores, found, *others)

    def _compared(self, snapshot: Snapshot, scores: Scores, found: Scores) -> dict[str, Figures]:
        labels = snapshot.labels
        known = known_mask(labels) & np.isfinite(found)
        columns, count = np.nonzero(known)[1], labels.shape[1]
        ranked = ranked_only(columns, labels[known], count)
        judged = (labels == UNKNOWN) & ~ranked & np.isfinite(scores)
        if not judged.any():
            return {}

        def of(calibration: Calibration) -> Figures:
            said, there = probabilities(scores, calibration)[judged], self.present[judged]
            return expected_calibration_error(said, there), float(said.mean() - there.mean())

        def fitted(where: Bools, weights: Any = None) -> Calibration:
            return fit_calibration(
                found[where], np.nonzero(where)[1], labels[where], count, weights
            )

        every = fitted(known)
        chance = known & np.isin(np.arange(len(labels)), list(self._by_chance))[:, None]
        row = {
            "every answer": of(every),
            "weighted": of(fitted(known, _weights(every, scores, found, known))),
        }
        if chance.any():
            row["by chance"] = of(fitted(chance))
        said, pairs = probabilities(scores, every), np.argwhere(judged)
        counts = judged.sum(axis=0)
        means = np.where(judged, said, 0).sum(axis=0) / np.where(counts, counts, np.nan)
        for number in PROBES:
            draws = []
            for _ in range(DRAWS):
                asked = pairs[self._rng.choice(len(pairs), min(number, len(pairs)), replace=False)]
                there = self.present[asked[:, 0], asked[:, 1]]
                shift = prior_shift(means, counts, asked[:, 1], there)
                draws.append(of(Calibration(every.slope, every.intercepts + shift)))
            row[f"{number} probes"] = tuple(np.mean(draws, axis=0))
        return row


_mixed, _work, _make_decisions = acquisition_scores._mixed, run._work, training.make_decisions


def _weights(
    calibration: Calibration, scores: Scores, found: Scores, known: Bools
) -> npt.NDArray[np.float64]:
    """Return a weight for each known pair, with a mean of 1."""
    said = probabilities(np.where(known, found, scores), calibration)
    step = np.minimum((np.nan_to_num(said) * STEPS).astype(int), STEPS - 1)
    usable = np.isfinite(said)
    share = np.bincount(step[usable], known[usable], STEPS)
    share /= np.maximum(np.bincount(step[usable], minlength=STEPS), 1)
    weights = 1 / np.maximum(share[step[known]], LEAST)
    return np.asarray(weights * len(weights) / weights.sum())


def main() -> None:
    """Run and print a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--strategies", nargs="+", default=["images", "loop", "pairs"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--count", type=int, default=1200, help="scenes to draw")
    parser.add_argument("--goal", type=float, default=0.955, help="F1 at which a run ends")
    parser.add_argument("--work", type=Path, default=OUT / "simulate")
    options = parser.parse_args()
    print(f"{machine()}; commit {revision()}; seeds {options.seeds}; {options.count:,} scenes\n")
    print("| way | calibrated on | versions | ECE | mean said less there |")
    print("| --- | --- | ---: | ---: | ---: |")
    for strategy in options.strategies:
        found: dict[str, list[Figures]] = defaultdict(list)
        for seed in options.seeds:
            images, file = scenes(options.work, options.count, seed)
            truth = read_truth(file)
            watch = Watch(seed)
            plan = run.Plan(
                strategy=strategy, budget=budget_of(truth, options.count), seed=seed,
                until=options.goal,
            )  # fmt: skip
            with (
                patch.object(training, "make_decisions", watch.decisions),
                patch.object(acquisition_scores, "_mixed", watch.mixed),
                patch.object(run, "_work", watch.work),
            ):
                run.simulate(plan, run.prepared(images, truth, options.work / "projects"), truth)
            for row in watch.figures:
                for name, figures in row.items():
                    found[name].append(figures)
        for name, rows in found.items():
            error, lean = np.mean(rows, axis=0)
            print(
                f"| `{strategy}` | {name} | {len(rows)} | {error:.3f} | {lean:+.3f} |", flush=True
            )


if __name__ == "__main__":
    main()
