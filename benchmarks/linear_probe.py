"""The baseline of the comparison: one penalised logistic regression a category."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from mlrpl.labels import PRESENT, known_mask

Floats = npt.NDArray[np.floating]


def linear_probe(
    pooled: Floats,
    labels: npt.NDArray[np.int8],
    rows: npt.NDArray[np.int64],
    *,
    penalty: float,
    unknown_is_absent: bool,
) -> npt.NDArray[np.float32]:
    """Return the scores `(N, C)` of classifiers fitted on the known labels of some images.

    Standardised pooled features; for every category the mean cross-entropy over its known labels
    plus half of `penalty` times the squared weights, to the optimum by L-BFGS.

    Args:
        pooled: `(N, D)`.
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        rows: The images that train.
        penalty: Above 0.
        unknown_is_absent: Whether unknown labels of these images count as absent, for sets in
            which nobody says absent.
    """
    vectors = torch.from_numpy(np.asarray(pooled, np.float32))
    spread, mean = torch.std_mean(vectors[rows], dim=0)
    vectors = (vectors - mean) / spread.clamp(min=1e-6)
    known = known_mask(labels[rows]) | unknown_is_absent
    target = torch.from_numpy((labels[rows] == PRESENT).astype(np.float32))
    weight = torch.from_numpy(known / np.maximum(known.sum(axis=0), 1)).float()
    classifier = torch.zeros(vectors.shape[1], labels.shape[1], requires_grad=True)
    bias = torch.zeros(labels.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [classifier, bias], max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )
    training = vectors[rows]

    def cost() -> torch.Tensor:
        optimizer.zero_grad()
        each = F.binary_cross_entropy_with_logits(
            training @ classifier + bias, target, weight=weight, reduction="sum"
        )
        total = each + 0.5 * penalty * classifier.square().sum()
        total.backward()
        return total

    optimizer.step(cost)
    with torch.no_grad():
        return (vectors @ classifier + bias).numpy()
