"""How much each of two classifiers that learn apart speaks, by images that teach neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlrpl.data import Batch
from mlrpl.labels import PRESENT, UNKNOWN, known_mask
from mlrpl.metrics import evaluated, redrawn_precisions

JUDGES = 10
"""One labelled image in so many judges."""
MOST_JUDGES = 2_000
"""How many images judge at most."""
LEAST_PRESENT = 10
"""Present labels of the judges below which the share stays as it starts."""
START = 0.3
"""Share of the category features' classifier, the slower one, where nothing judges otherwise."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What it may get; never all, as names speak through the other one."""

_REDRAWS = (20, 100)
"""How often judges are redrawn, at least and at most: less often where they are many."""
_WORK = 5_000_000
"""Pairs of judges that are redrawn in all, for each share."""

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Sides = tuple[Scores, Scores]
"""Logits of both classifiers for the same images, `(N, C)` each: of category features first."""


def judging(labels: npt.NDArray[np.int8], rows: Rows) -> Rows:
    """Return which of some images judge: one in ten of those with labels, drawn once and for all.

    Args:
        labels: `(N, C)` of all images.
        rows: Those that train.
    """
    labelled = rows[known_mask(labels[rows]).any(axis=1)]
    count = min(len(labelled) // JUDGES, MOST_JUDGES)
    drawn = np.random.default_rng(0).permutation(len(labelled))[:count]
    judges = np.sort(labelled[drawn])
    enough = (labels[judges] == PRESENT).sum() >= LEAST_PRESENT
    return judges if enough else judges[:0]


def without(batch: Batch, judges: Tensor) -> Batch:
    """Return a batch in which nothing is known about the images that judge.

    Args:
        batch: Some images, with their rows.
        judges: `(N,)` bool, by row.
    """
    if batch.rows is None or not judges.numel():
        return batch
    hidden = judges[batch.rows]
    labels = torch.where(hidden[:, None], torch.full_like(batch.labels, UNKNOWN), batch.labels)
    return replace(batch, labels=labels)


def weighed(
    some: Sides, judged: Sides, labels: npt.NDArray[np.int8]
) -> tuple[tuple[float, float], Scores]:
    """Return what to multiply each classifier's logits with in their sum, and what to add to it.

    First the one's logits are brought onto the scale of the other's: with one factor they spread
    as these do in the mean over categories, and each category has the same mean. So the sum has
    one scale whatever the shares, and models that were judged differently can be ranked and
    calibrated together.

    Args:
        some: What both say of some images that the data are like.
        judged: What both say of the judges.
        labels: `(J, C)`, what is known of the judges.

    Returns:
        The two factors, and the summand of each category, `(C,)`.
    """
    own, other = some
    spreads = [float(logits.std(axis=0).mean()) for logits in some]
    factor = spreads[1] / spreads[0] if all(spreads) else 1.0
    offset = other.mean(axis=0) - factor * own.mean(axis=0)
    share = chosen_share(factor * judged[0] + offset, judged[1], labels)
    return (share * factor, 1 - share), (share * offset).astype(np.float32)


def chosen_share(first: Scores, second: Scores, labels: npt.NDArray[np.int8]) -> float:
    """Return the share of the first scores in the sum of both, as images judge it.

    The share that ranks these images best is mostly chance where they are few. So they are redrawn
    often, and the mean of the shares that rank each draw best is taken; of equally good ones, that
    nearest to `START`.

    Args:
        first: `(N, C)` logits.
        second: `(N, C)`, on the same scale.
        labels: `(N, C)`, what is known.
    """
    told = evaluated(labels)
    if not told.any():
        return START
    repeats = int(np.clip(_WORK // labels.size, *_REDRAWS))
    shares = sorted(SHARES, key=lambda share: abs(share - START))
    ranked = [
        redrawn_precisions(
            (share * first + (1 - share) * second)[:, told], labels[:, told], repeats=repeats
        )
        for share in shares
    ]
    best = np.argmax(np.nan_to_num(ranked), axis=0)
    return float(np.mean(np.array(shares)[best]))
