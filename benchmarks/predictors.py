"""What predictors are worth: mAP with scores made from the truth plus noise, and an inverted one.

Drawn scenes, of which a share of the pairs is known and six categories have no answer at all. The
method learns what is known; each predictor is weighed beside it as the trainer does. Measured on
the pairs that are open, all images, against the full truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from real_photographs import revision
from scipy.stats import norm
from simulate import scenes

from annotator.arrays.features import FeatureFiles
from annotator.settings import load_project
from annotator.simulate.oracle import Truth, read_truth
from annotator.simulate.run import prepared
from annotator.store import Store, images
from annotator.worker.learner import Learner, Snapshot, take_snapshot
from annotator.worker.predictors import Predicted, follow
from mlrpl.decision.stacking import normal_scores
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.metrics import average_precision, random_order

OUT = Path(__file__).resolve().parent / "out"
UNASKED = 6
"""Categories, the last ones, without an answer."""
SHARES = (0.0, 0.05, 0.2)
KINDS = ("none", "AUC .70", "AUC .85", "AUC .95", "AUC .85, inverted", "random")

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Quiet:
    """Stands for the job of a worker."""

    def report(self, *_: object, **__: object) -> None:
        """Say nothing."""

    def check(self) -> None:
        """Go on."""

    def should_stop(self) -> bool:
        """Go on."""
        return False


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=600, help="scenes to draw")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--work", type=Path, default=OUT / "simulate")
    return parser.parse_args()


def predictor(kind: str, truth: Bools, rng: np.random.Generator) -> Floats | None:
    """Return scores `(N, C)` of that kind; None for none."""
    if kind == "none":
        return None
    noise = rng.normal(size=truth.shape)
    if kind == "random":
        return noise
    auc = float(kind.split()[1].rstrip(","))
    scores = truth * np.sqrt(2) * norm.ppf(auc) + noise
    return -scores if "inverted" in kind else scores


def known(snapshot: Snapshot, truth: Bools, share: float, rng: np.random.Generator) -> Snapshot:
    """Return a snapshot in which a random share of the pairs is answered."""
    answered = rng.random(truth.shape) < share
    answered[:, -UNASKED:] = False
    labels = np.where(answered, np.where(truth, PRESENT, ABSENT), UNKNOWN).astype(np.int8)
    return replace(snapshot, labels=labels)


def measured(scores: Floats, snapshot: Snapshot, truth: Bools) -> tuple[float, float]:
    """Return mAP over open pairs, of the categories with answers and of those without."""
    labels = np.where(truth, PRESENT, ABSENT).astype(np.int8)
    labels[snapshot.labels != UNKNOWN] = UNKNOWN
    each = average_precision(scores, labels)
    each = np.where(np.isfinite(scores).any(axis=0), each, random_order(labels))
    return float(each[:-UNASKED].mean()), float(each[-UNASKED:].mean())


def run(features: FeatureFiles, empty: Snapshot, truth: Bools, seed: int) -> None:
    """Print a row for each predictor."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for share in SHARES:
        rng = np.random.default_rng(seed)
        snapshot = known(empty, truth, share, rng)
        learner = Learner(snapshot, features, method="kernel_ridge", seed=seed)
        control, fair = Quiet(), None
        scores = np.full(truth.shape, np.nan, np.float32)
        taught = np.zeros(truth.shape[1], dtype=bool)
        if share:
            fair = learner.out_of_fold(control)  # type: ignore[arg-type]
            rows = learner.trains_on()
            method = learner.fit(rows, control, of=1)  # type: ignore[arg-type]
            taught = (snapshot.labels[rows] == PRESENT).any(axis=0)
            scores = learner.predict(method, np.arange(len(truth)), control.check)
            scores[:, ~(taught | method.zero_shot_categories().numpy())] = np.nan
        for kind in KINDS:
            said = as_evidence(kind, predictor(kind, truth, rng), truth.shape)
            stack = said.weigh(snapshot, fair)[1]
            followed, _ = follow(scores, said, stack, taught, learner.done)
            one, other = measured(followed, snapshot, truth)
            weight = f" ({stack.common[0]:.2f})" if len(stack.common) and share else ""
            found[kind].append(f"{100 * one:.1f} / {100 * other:.1f}{weight}")
    for kind, cells in found.items():
        print(f"| {kind} | {' | '.join(cells)} |")


def as_evidence(kind: str, scores: Floats | None, shape: tuple[int, ...]) -> Predicted:
    """Return what the trainer makes of a file of scores."""
    if scores is None:
        return Predicted((), (), np.zeros((0, *shape), np.float16))
    columns = [normal_scores(scores[:, c]) for c in range(scores.shape[1])]
    return Predicted((kind,), ("1",), np.stack(columns, axis=1)[None].astype(np.float16))


def main() -> None:
    """Draw the scenes, embed them once, and print the table of each seed."""
    options = arguments()
    for seed in options.seeds:
        folder, file = scenes(options.work, options.count, seed)
        known_truth: Truth = read_truth(file)
        project = load_project(prepared(folder, known_truth, options.work / "projects"))
        features = FeatureFiles.open(project.features_path)
        assert features is not None
        store = Store.open(project.database_url)
        with store.reading() as tx:
            empty = take_snapshot(tx, features.rows)
            paths = images.paths_of(tx)
            every = sorted(images.every(tx), key=lambda image: image.ordinal)
        store.close()
        truth = known_truth.of([paths[image.id][0].path for image in every])
        started = time.perf_counter()
        print(f"scenes {options.count}, seed {seed}, commit {revision()}, {sys.platform}")
        print("| predictor | " + " | ".join(f"{share:.0%} known" for share in SHARES) + " |")
        print("| --- |" + " --- |" * len(SHARES))
        run(features, empty, truth, seed)
        print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
