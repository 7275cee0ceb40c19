"""What each predictor is worth on a project's held-out answers: with it, and without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from annotator.store.predictors import NAMES
from annotator.worker.evaluation import (
    COMPARED_IMAGES,
    MIN_ABSENT,
    MIN_PRESENT,
    VERDICT_PAIRS,
    VERDICT_PRESENT,
)
from annotator.worker.learner import Scores, Snapshot
from annotator.worker.predictors import Predicted
from mlrpl.decision.stacking import Stack
from mlrpl.labels import PRESENT, UNKNOWN, known_mask
from mlrpl.metrics import (
    evaluated,
    grouped_average_precision,
    paired_bootstrap_by_category,
)

REPEATS = 50, 200
"""Fewest and most redraws of the images; fewer for more answers, as their intervals are narrow."""
_WORK = 5e7

Row = dict[str, Any]


def measured_worth(
    snapshot: Snapshot,
    said: Predicted,
    stack: Stack,
    fair: Scores,
    nameless: Scores | None,
    check: Callable[[], None],
) -> list[Row]:
    """Return for each predictor how well images are ordered with it and without it.

    Without it means: all others weighed anew; for the names, the same models without what the
    names say.

    Args:
        snapshot: What is known.
        said: The predictors.
        stack: How far they are followed.
        fair: `(N, C)` out-of-fold scores of the method alone.
        nameless: The same scores without what names say; None where names say nothing.
        check: Called between predictors; raises if the job is to end.

    Returns:
        Rows with `name`, `weight` (None for the names), `with`, `without`, `gain`, `low`, `high`
        (95 %), `pairs`, `present` and `categories`: `ordinal`, `with`, `without`. With too few
        answers there are only `name`, `weight`, `pairs` and `present`.
    """
    rows = []
    full = said.weigh(snapshot, fair)[0]
    assert full is not None
    for place, name in enumerate(said.names):
        check()
        less = said.without(place).weigh(snapshot, fair)[0]
        assert less is not None
        rows.append({**_compared(snapshot, full, less, name), "weight": float(stack.common[place])})
    if nameless is not None:
        check()
        less = said.weigh(snapshot, nameless)[0]
        assert less is not None
        rows.insert(0, {**_compared(snapshot, full, less, NAMES), "weight": None})
    return rows


def _compared(snapshot: Snapshot, full: Scores, less: Scores, name: str) -> Row:
    labels = np.where(np.isfinite(full) & np.isfinite(less), snapshot.labels, UNKNOWN)
    labels[snapshot.groups < 0] = UNKNOWN
    rows = np.flatnonzero(known_mask(labels).any(axis=1))
    if len(rows) > COMPARED_IMAGES:
        rows = rows[np.linspace(0, len(rows) - 1, COMPARED_IMAGES).astype(int)]
    columns = np.flatnonzero(evaluated(labels[rows], MIN_PRESENT, MIN_ABSENT))
    labels, groups = labels[np.ix_(rows, columns)], snapshot.groups[rows]
    row: Row = {
        "name": name,
        "pairs": int(known_mask(labels).sum()),
        "present": int((labels == PRESENT).sum()),
    }
    if row["pairs"] < VERDICT_PAIRS or row["present"] < VERDICT_PRESENT:
        return row
    with_it, without = full[np.ix_(rows, columns)], less[np.ix_(rows, columns)]
    repeats = int(np.clip(_WORK / max(labels.size, 1), *REPEATS))
    overall, _ = paired_bootstrap_by_category(
        without, with_it, labels, groups=groups, repeats=repeats
    )
    each = [grouped_average_precision(s, labels, groups) for s in (with_it, without)]
    return row | {
        "with": float(each[0].mean()),
        "without": float(each[1].mean()),
        "gain": overall.value,
        "low": overall.low,
        "high": overall.high,
        "categories": [
            {
                "ordinal": snapshot.categories[column].ordinal,
                "with": round(float(one), 4),
                "without": round(float(other), 4),
            }
            for column, one, other in zip(columns, *each, strict=True)
        ],
    }
