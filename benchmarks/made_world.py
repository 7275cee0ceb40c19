"""Does each part of HST and SARB do what its paper says, where that is so by construction?

A made world: token maps in which every category is a direction that some positions carry, eight of
sixteen categories accompany another, objects are as small and positives as scarce as one likes.
Whatever the labels hide is known, so that each part is measured by what it is for, at the settings
that are shipped. One JSON line a run; runs in the file are not repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from linear_probe import linear_probe
from real_photographs import OUT, revision

from mlrpl.data import Dimensions, TrainingData
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels
from mlrpl.methods import build
from mlrpl.methods.hst import HST
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.metrics import mean_average_precision
from mlrpl.training import fit, predict

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a world is like."""

    images: int = 1200
    test_images: int = 600
    pairs: int = 8
    """Pairs of categories; the second accompanies the first."""
    share: float = 0.15
    """Share of images that show the first of a pair."""
    coupling: float = 0.9
    """Share of these that show the second too."""
    alone: float = 0.02
    """Share of the others that show the second."""
    side: int = 6
    """Positions along each side of the token map."""
    token: int = 128
    """Length of a token."""
    size: int = 1
    """Positions that carry an object."""
    strength: float = 0.6
    """Length of what an object adds to a token whose noise has length 1."""
    clutter: int = 40
    """Kinds of things that are no category; an image shows a fifth of them, each like an object."""
    known: float = 0.2
    """Share of the labels that are known."""


@dataclass(frozen=True)
class World:
    """Images made by a recipe: those that train come first."""

    recipe: Recipe
    truth: Labels
    """`(N, C)`, all of it."""
    known: Labels
    """`(N, C)`, what the labels say; nothing about test images."""
    tokens: Floats
    pooled: Floats
    places: npt.NDArray[np.bool_]
    """`(N, C, P)`, which positions carry an object of which category."""

    @property
    def training(self) -> TrainingData:
        """The images that train, with what is known."""
        rows = np.arange(self.recipe.images)
        return TrainingData(self.known, pooled=self.pooled, tokens=self.tokens, rows=rows)

    @property
    def tested(self) -> TrainingData:
        """The other images, with the truth."""
        rows = np.arange(self.recipe.images, len(self.truth))
        return TrainingData(self.truth, pooled=self.pooled, tokens=self.tokens, rows=rows)


def make(seed: int, recipe: Recipe | None = None) -> World:
    """Draw a world; the same one for the same seed and recipe."""
    recipe = recipe or Recipe()
    rng = np.random.default_rng(seed)
    count, positions = recipe.images + recipe.test_images, recipe.side**2
    shows = _shown(count, recipe, rng)
    things = np.hstack([shows, rng.random((count, recipe.clutter)) < 0.2])
    directions = rng.standard_normal((things.shape[1], recipe.token))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    tokens = rng.standard_normal((count, positions, recipe.token)) / recipe.token**0.5
    places = np.zeros((count, shows.shape[1], positions), bool)
    for image, thing in np.argwhere(things):
        where = rng.choice(positions, recipe.size, replace=False)
        tokens[image, where] += recipe.strength * directions[thing]
        if thing < shows.shape[1]:
            places[image, thing, where] = True
    truth = np.where(shows, PRESENT, ABSENT).astype(np.int8)
    known = np.full_like(truth, UNKNOWN)
    seen = slice(recipe.images)
    known[seen] = hide_labels(truth[seen], recipe.known, "uniform", rng)
    pooled = tokens.mean(axis=1).astype(np.float32)
    return World(recipe, truth, known, tokens.astype(np.float32), pooled, places)


def _shown(count: int, recipe: Recipe, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return which categories each image shows; those of a pair stand side by side."""
    first = rng.random((count, recipe.pairs)) < recipe.share
    odds = np.where(first, recipe.coupling, recipe.alone)
    second = rng.random((count, recipe.pairs)) < odds
    return np.stack([first, second], axis=2).reshape(count, -1)


def train(
    world: World, name: str, options: dict[str, Any] | None = None, seed: int = 0
) -> SemanticMethod:
    """Train a method at the settings that are shipped, but for the options."""
    dimensions = Dimensions(world.truth.shape[1], world.pooled.shape[1], *world.tokens.shape[1:])
    torch.manual_seed(seed)
    method = build(name, dimensions, options or {})
    fit(method, world.training, replace(type(method).default_training(), seed=seed))
    return method


def quality(method: Any, world: World) -> float:
    """Return the mean average precision on the test images, in per cent."""
    scores = predict(method, world.tested)
    return 100 * mean_average_precision(scores, world.tested.known_labels())


def attention(method: SemanticMethod, world: World) -> dict[str, float]:
    """Return the entropy of the attention (1: it looks everywhere) and its share on objects."""
    rows = world.tested.rows[:256]
    with torch.inference_mode():
        weight = method.attention(world.tested.features(rows))
    shown = torch.from_numpy(world.truth[rows] == PRESENT)
    on = (weight * torch.from_numpy(world.places[rows])).sum(dim=2)[shown]
    entropy = torch.special.entr(weight).sum(dim=2)[shown] / np.log(weight.shape[2])
    return {"entropy": entropy.mean().item(), "on objects": on.mean().item()}


@torch.inference_mode()
def pseudo_labels(method: HST, world: World, part: str) -> dict[str, float]:
    """Return how right the present pseudo labels of `ist` or `cst` are, and how many there are.

    `precision` and `recall` over the unknown pairs of training images that have a score; `ranked`
    is the area under their ROC curve; `known` and `hidden` are mean scores of present pairs.
    """
    data = world.training
    labels, truth = (
        torch.from_numpy(world.known[data.rows]),
        torch.from_numpy(world.truth[data.rows]),
    )
    features = method.sarl.decouple(method.tokens(data.features(data.rows)))
    if part == "ist":
        scores = method.transfer(data.features(data.rows), labels)
        usable, thresholds = scores > 0, method.ist_thresholds
    else:
        half = torch.from_numpy(data.rows) % 2
        scores = method.prototypes.similarity(features, half)
        usable, thresholds = (
            method.prototypes.available_to(half, len(scores)),
            method.cst_thresholds,
        )
    unknown = (labels == UNKNOWN) & usable & method.eligible
    present, told = unknown & (truth == PRESENT), unknown & thresholds.exceeded(scores)
    right = (told & present).sum().item()
    known = (labels == PRESENT) & usable
    return {
        "precision": right / max(told.sum().item(), 1),
        "recall": right / max(present.sum().item(), 1),
        "count": told.sum().item(),
        "ranked": _area(scores[present], scores[unknown & (truth == ABSENT)]),
        "known": scores[known].mean().item(),
        "hidden": scores[present].mean().item(),
    }


def _area(present: torch.Tensor, absent: torch.Tensor) -> float:
    """Return how often a score of the first is above one of the second."""
    order = torch.cat([present, absent]).argsort().argsort().double() + 1
    count = len(present)
    above = order[:count].sum() - count * (count + 1) / 2
    return (above / max(count * len(absent), 1)).item()


_ALONE = {"pooled": False}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "hst": ("hst", {}),
    "hst, no IST": ("hst", {"ist": False}),
    "hst, no CST": ("hst", {"cst": False}),
    "hst, no IST, no CST": ("hst", {"ist": False, "cst": False}),
    "hst, no DTL": ("hst", {"dtl": False}),
    "hst, attention starts at random": ("hst", {"attention_start": 0.0}),
    "hst, no pooled vector": ("hst", _ALONE),
    "sarb": ("sarb", {}),
    "sarb, no ILRB": ("sarb", {"ilrb": False}),
    "sarb, no PLRB": ("sarb", {"plrb": False}),
    "sarb, no blending": ("sarb", {"ilrb": False, "plrb": False}),
    "kernel_ridge": ("kernel_ridge", {}),
    "partial_bce": ("partial_bce", {}),
}
"""Method and options of each row, at the settings that are shipped but for these."""
PROBE = "linear probe"
_SMALL = Recipe(images=800, test_images=400, pairs=4, side=5, token=96, clutter=30, known=0.25)
WORLDS = {
    "plain": Recipe(),
    "small": _SMALL,
    "scarce": replace(_SMALL, share=0.05, strength=1.0),
}
"""`small` trains in seconds, for tests; in `scarce` a category has about ten known positives."""


def measure(world: World, row: str, seed: int) -> dict[str, Any]:
    """Train a row and return its quality, and what its parts do."""
    start = time.process_time()
    if row == PROBE:
        scores = linear_probe(
            world.pooled, world.known, world.training.rows, penalty=0.3, unknown_is_absent=False
        )
        truth = world.tested.known_labels()
        return {"mAP": 100 * mean_average_precision(scores[world.tested.rows], truth)}
    name, options = ROWS[row]
    method = train(world, name, options, seed)
    found: dict[str, Any] = {"mAP": quality(method, world)}
    found["cpu_seconds"] = time.process_time() - start
    if isinstance(method, SemanticMethod):
        found |= attention(method, world)
    if isinstance(method, HST):
        for part in ("ist", "cst"):
            if getattr(method.config, part):
                found[part] = pseudo_labels(method, world, part)
    return found


def runs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the runs that were asked for; make those that the file lacks."""
    text = options.out.read_text(encoding="utf-8") if options.out.exists() else ""
    kept = {(r["world"], r["row"], r["seed"]): r for r in map(json.loads, text.splitlines())}
    for name in options.world:
        for seed in range(options.seeds):
            world = None
            for row in options.row:
                if (name, row, seed) not in kept:
                    world = world or make(seed, WORLDS[name])
                    found = {"world": name, "row": row, "seed": seed, **measure(world, row, seed)}
                    kept[name, row, seed] = {**found, "commit": revision()}
                    with options.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(kept[name, row, seed]) + "\n")
                yield kept[name, row, seed]


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return a line a world and row: means and spreads over the seeds."""
    lines = ["| world | row | mAP | attention on objects | IST precision | CST precision |"]
    lines.append("| --- " * 6 + "|")
    for key in dict.fromkeys((r["world"], r["row"]) for r in records):
        mine = [r for r in records if (r["world"], r["row"]) == key]
        cells = [
            _cell([r["mAP"] for r in mine], "{:.1f}"),
            _cell([r["on objects"] for r in mine if "on objects" in r], "{:.2f}"),
            *(_cell([r[p]["precision"] for r in mine if p in r], "{:.2f}") for p in ("ist", "cst")),
        ]
        lines.append(f"| {' | '.join([*key, *cells])} |")
    return lines


def _cell(values: list[float], form: str) -> str:
    if not values:
        return ""
    return f"{form.format(np.mean(values))} ± {form.format(np.std(values))}"


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--row", nargs="+", choices=[PROBE, *ROWS], default=[PROBE, *ROWS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT / "made_world.jsonl")
    options = parser.parse_args()
    options.out.parent.mkdir(exist_ok=True)
    print("\n".join(table(list(runs(options)))))


if __name__ == "__main__":
    main()
