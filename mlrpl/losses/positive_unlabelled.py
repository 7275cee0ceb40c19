"""Risk of categories whose unknown pairs have to stand in for the absent answers they lack."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mlrpl.labels import PRESENT, UNKNOWN


def positive_unlabelled_risk(
    logits: Tensor,
    labels: Tensor,
    unknown_weight: Tensor,
    weights: Tensor | None = None,
    *,
    hidden: float = 0.0,
    cap: float = 4.0,
) -> Tensor:
    """Sum of the cost of calling present pairs absent and unknown pairs present.

    A known present pair costs its cross-entropy. An unknown pair costs what it would cost if it
    were absent, times its category's weight and at most `cap`, so that a pair that the model is
    sure of is left alone. From the unknown pairs of a category the cost of those that are present
    in truth is taken off, estimated on the known present ones; the rest is never below zero.
    Known absent pairs cost nothing here. With weight 1 and nothing hidden, this is cross-entropy
    with unknown read as absent.

    Args:
        logits: `(B, C)`, before the sigmoid.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        unknown_weight: `(C,)`, 0 to 1: how much an unknown pair counts beside a known one; a
            category with weight 0 costs nothing but its known present pairs.
        weights: `(B, C)`, not negative, how much each known label counts; None means 1.
        hidden: Present pairs among the unknown for each known present one; 0 or more.
        cap: Most that an unknown pair may cost, in nats, above 0.

    Returns:
        A scalar, in nats, summed over pairs.

    Raises:
        ValueError: If shapes differ, `hidden` is negative or `cap` is not positive.

    Source:
        Kiryo et al., NeurIPS 2017 (non-negative positive-unlabelled risk), divided by the number
        of present pairs for each known one. Deviations: the clip is per category and batch, its
        gradient is zero there, the cost of an unknown pair is capped, and its weight is free.
    """
    if logits.shape != labels.shape or unknown_weight.shape != logits.shape[1:]:
        raise ValueError(
            f"expected logits and labels (B, C) and unknown_weight (C,), got "
            f"{tuple(logits.shape)}, {tuple(labels.shape)} and {tuple(unknown_weight.shape)}"
        )
    if hidden < 0 or cap <= 0:
        raise ValueError(f"hidden must be at least 0 and cap above 0, got {hidden} and {cap}")
    present = (labels == PRESENT).to(logits.dtype)
    unknown = (labels == UNKNOWN).to(logits.dtype)
    if weights is not None:
        present = present * weights.to(logits.dtype)
    as_absent = F.softplus(logits).clamp(max=cap)
    among_unknown = (unknown * as_absent).sum(dim=0) - hidden * (present * as_absent).sum(dim=0)
    return (present * F.softplus(-logits)).sum() + (
        unknown_weight * torch.relu(among_unknown)
    ).sum()
