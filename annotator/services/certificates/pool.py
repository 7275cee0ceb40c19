"""Which pairs a certificate can be about, and the frozen order, zones and draws it starts from."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays.certificates import ZONES, FillBits, Ints
from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.services.catalogue.hierarchy import Parents
from annotator.services.knowledge.open_pairs import settled_matrix
from annotator.store import Transaction, categories, certificates, images
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.fill_plan import FillPlan, Promise

CAPS = {"middle": 3_000, "absent": 20_000}
"""Most probes in a zone; the plan itself says how many in the present zone."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """Open pairs with a probability, from the least to the most likely present."""

    pairs: Ints
    """`(N, 2)` image and category ordinals, ties by ordinal."""
    probabilities: Floats
    """`(N,)`, ascending."""
    categories: tuple[Category, ...]
    """Those whose pairs are in it."""
    left_out: tuple[str, ...]
    """Names of the shown categories without a calibrated opinion: they are suggested only."""
    known: int
    """Present labels of the pool's categories, outside the pool."""


def build(
    tx: Transaction, arrays: VersionArrays, fills: Iterable[FillBits], parents: Parents
) -> Pool:
    """Collect the pool as it stands now.

    Left out are pairs with a label (one in conflict, too) or one that follows from another, pairs
    that were asked blind before, pairs that are filled in, and images whose file is missing.

    Args:
        tx: A transaction.
        arrays: Of the promoted version.
        fills: Of the certificates that stand.
        parents: Of the hierarchy.
    """
    shown = categories.every(tx)
    chosen = tuple(c for c in shown if _has_probability(arrays, c.ordinal))
    closed = _closed(tx, fills, parents)
    found_images, found_categories, found_scores = [], [], []
    for category in chosen:
        column = arrays.columns[category.ordinal]
        scores = np.asarray(arrays.scores_by_category[column])
        rows = np.flatnonzero(np.isfinite(scores) & ~closed[: len(scores), category.ordinal])
        found_images.append(rows.astype(np.int32))
        found_categories.append(np.full(len(rows), category.ordinal, np.int32))
        found_scores.append(_probabilities(arrays, column, scores[rows]))
    del closed
    chances = np.concatenate([*found_scores, np.empty(0, np.float32)])
    order = np.argsort(chances, kind="stable")
    pairs = np.empty((len(order), 2), np.int32)
    for axis, parts in enumerate((found_images, found_categories)):
        pairs[:, axis] = np.concatenate([*parts, np.empty(0, np.int32)])[order]
    return Pool(
        pairs=pairs,
        probabilities=chances[order],
        categories=chosen,
        left_out=tuple(c.name for c in shown if c not in chosen),
        known=certificates.known_present(tx, [c.id for c in chosen]),
    )


def probability(arrays: VersionArrays, image: int, category: int) -> float | None:
    """Return the probability of a pair by ordinals; None where the version has none."""
    if not _has_probability(arrays, category):
        return None
    column = arrays.columns[category]
    scores = np.asarray(arrays.scores_by_category[column][image : image + 1])
    if not len(scores) or not np.isfinite(scores[0]):
        return None
    return float(_probabilities(arrays, column, scores)[0])


def _has_probability(arrays: VersionArrays, ordinal: int) -> bool:
    column = arrays.columns.get(ordinal)
    if column is None or ordinal in arrays.parameters.ranked_only:
        return False
    return bool(arrays.taught[column])


def _probabilities(arrays: VersionArrays, column: int, scores: Floats) -> Floats:
    own = arrays.parameters.calibration
    calibration = Calibration(own.slope, np.asarray(own.intercepts)[column : column + 1])
    return probabilities(scores[:, None], calibration)[:, 0].astype(np.float32)


def _closed(tx: Transaction, fills: Iterable[FillBits], parents: Parents) -> npt.NDArray[np.bool_]:
    """Return which pairs cannot be in a pool, `(images, categories)` by ordinal.

    A fill counts with the categories whose meaning has changed: its pairs are not filled in twice.
    """
    closed = settled_matrix(tx, parents)
    closed[certificates.probed(tx)] = True
    there = np.zeros(len(closed), dtype=bool)
    there[list(images.order(tx))] = True
    closed[~there] = True
    for fill in fills:
        for start in range(0, min(len(closed), fill.images), 8192):
            stop = min(start + 8192, fill.images)
            closed[start:stop, : fill.columns] |= fill.rows(start, stop).any(axis=0)
    return closed


def draw(plan: FillPlan, pairs: Ints, seed: int) -> Ints:
    """Return the pairs to be asked in each zone, in order: `(n, 4)`, see `write_plan`.

    They are drawn uniformly and without replacement inside each zone. Nothing but the sizes of
    the zones, their caps and the seed goes in, so a score cannot move a pair to the front.
    """
    generator = np.random.default_rng(seed)
    starts = {"absent": 0, "middle": plan.absent_size, "present": plan.size - plan.present_size}
    sizes = {
        "absent": plan.absent_size,
        "middle": plan.middle_size,
        "present": plan.present_size,
    }
    parts = []
    for number, zone in enumerate(ZONES):
        count = min(sizes[zone], cap(plan, zone))
        places = starts[zone] + generator.choice(sizes[zone], count, replace=False)
        found = np.asarray(pairs[places]).reshape(-1, 2)
        numbers = np.full(count, number)
        parts.append(np.column_stack([numbers, places, found]).astype(np.int32))
    return np.concatenate(parts)


def cap(plan: FillPlan, zone: str) -> int:
    """Return how many probes a zone gets at most."""
    return CAPS.get(zone, plan.cap_present)


def sizes_by_category(plan: FillPlan, pairs: Ints, ordinals: Sequence[int]) -> Ints:
    """Return `(C, J + 1)`: pairs of each category below each absent rung, and in the middle."""
    columns = 1 + max(ordinals, default=-1)
    edges = [0, *plan.absent_rungs]
    parts = [
        np.bincount(pairs[low:high, 1], minlength=columns)
        for low, high in itertools.pairwise(edges)
    ]
    top = plan.size - plan.present_size
    middle = np.bincount(pairs[plan.absent_size : top, 1], minlength=columns)
    below = np.cumsum(parts, axis=0) if parts else np.zeros((0, columns), np.int64)
    return np.vstack([below, middle]).T[list(ordinals)].astype(np.int32)


def super_categories(shown: Sequence[Category]) -> dict[str, list[int]]:
    """Return the ordinals of the categories of each super-category, by its name.

    Those of one category, and one that all categories are in, say nothing that the category or
    the whole pool does not say.
    """
    found: dict[str, list[int]] = {}
    for category in shown:
        if category.supercategory:
            found.setdefault(category.supercategory, []).append(category.ordinal)
    return {name: own for name, own in found.items() if 1 < len(own) < len(shown)}


def plan_row(plan: FillPlan) -> dict[str, Any]:
    """Return a plan as JSON keeps it."""
    return asdict(plan)


def plan_of(row: Mapping[str, Any]) -> FillPlan:
    """Return the plan that a row of JSON keeps."""
    values = {name: row[name] for name in FillPlan.__dataclass_fields__}
    values["promise"] = Promise(**row["promise"])
    for name in ("absent_rungs", "present_rungs"):
        values[name] = tuple(row[name])
    return FillPlan(**values)
