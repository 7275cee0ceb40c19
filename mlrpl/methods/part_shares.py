"""How much each of two classifiers that learn apart speaks, by images that teach neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlrpl.data import Batch
from mlrpl.labels import PRESENT, UNKNOWN, known_mask
from mlrpl.metrics import mean_average_precision

JUDGES = 10
"""One labelled image in so many judges."""
LEAST_PRESENT = 10
"""Present labels of the judges below which the shares stay as they start."""
STARTS = 0.2
"""Share of the category features' classifier before anything has judged: it is the slower one."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What it may get; never all, as names speak through the other one."""

Rows = npt.NDArray[np.int64]


def judging(labels: npt.NDArray[np.int8], rows: Rows) -> Rows:
    """Return which of some images judge: one in ten of those with labels, drawn once and for all.

    Args:
        labels: `(N, C)` of all images.
        rows: Those that train.
    """
    labelled = rows[known_mask(labels[rows]).any(axis=1)]
    drawn = np.random.default_rng(0).permutation(len(labelled))[: len(labelled) // JUDGES]
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


def best_share(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], labels: npt.NDArray[np.int8]
) -> float:
    """Return the share of the first scores with which the sum of both ranks images best.

    Args:
        first: `(N, C)` logits.
        second: `(N, C)`, likewise.
        labels: `(N, C)`, what is known.
    """
    ranked = [
        mean_average_precision(share * first + (1 - share) * second, labels) for share in SHARES
    ]
    return SHARES[int(np.argmax(ranked))]
