"""Thresholds that learn: a smooth stand-in for the step at which a score becomes a label."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlrpl.labels import PRESENT, UNKNOWN


def threshold_loss(
    scores: Tensor,
    thresholds: Tensor,
    labels: Tensor,
    usable: Tensor,
    *,
    sharpness: float,
    precision: float = 0.5,
) -> Tensor:
    """Cross-entropy of `sigmoid(sharpness * (score - threshold))` with the known labels.

    Convex in each threshold, with a gradient everywhere: a known present below the threshold
    draws it down, a known absent above it pushes it up. Without a usable pair the loss is
    zero and can still be backpropagated.

    Args:
        scores: `(B, C)`, higher = more likely present.
        thresholds: `(C,)`, in the unit of the scores.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        usable: `(B, C)` bool, where there is a score.
        sharpness: Steepness of the stand-in for the step, per unit of score; above 0.
        precision: How likely a pair at its threshold is present, where the threshold settles: known
            absent pairs weigh `precision / (1 - precision)`, so that there both signs pull alike.

    Returns:
        The mean over known pairs with a score, a scalar in nats.

    Source:
        Stands in for the hinge of Pu et al., HST (IJCV 2024), differential threshold learning,
        whose gradient is zero wherever the score is below the threshold.
    """
    used = usable & (labels != UNKNOWN)
    target = (labels == PRESENT).to(scores.dtype)
    cost = F.binary_cross_entropy_with_logits(
        sharpness * (scores - thresholds), target, reduction="none"
    )
    weight = torch.where(labels == PRESENT, 1.0, precision / (1 - precision))
    return (cost * weight * used).sum() / used.sum().clamp(min=1)


class Thresholds(nn.Module):
    """One threshold per category, a parameter that needs a learning rate of its own.

    An adaptive optimizer moves every parameter by about its learning rate a step; one that suits
    weights is far too small for a threshold that has to cross the range of its scores.
    """

    def __init__(self, categories: int, *, initial: float, learned: bool) -> None:
        """Start all thresholds at the same value.

        Args:
            categories: How many, C.
            initial: First value, in the unit of the scores.
            learned: Whether they move at all.
        """
        super().__init__()
        self.values = nn.Parameter(torch.full((categories,), initial), requires_grad=learned)

    def exceeded(self, scores: Tensor) -> Tensor:
        """Return which scores lie above their category's threshold, `(B, C)` bool."""
        return scores > self.values.detach()
