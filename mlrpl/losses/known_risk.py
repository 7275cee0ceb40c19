"""What a classifier's logits cost on known labels, and on unknown pairs that must stand in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.bce import partial_bce
from mlrpl.losses.positive_unlabelled import positive_unlabelled_risk

_ENOUGH = 50
"""Absent answers after which a category with as many of them as present ones needs no more."""


def stand_in_weight(labels: Tensor, unknown_ratio: float) -> Tensor:
    """Return what an unknown pair of each category counts as an absent one, `(C,)` in 0..1.

    Together they weigh what is missing to `unknown_ratio` absent answers for each present one. As
    the absent answers become as many as the present ones, no more than 50 are wanted: then both
    signs are answered, and the cost of calling all else absent, what is present and unknown
    included, would soon be more than that of the answers.

    Args:
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        unknown_ratio: Absent answers wanted for each present one; 0 wants none.
    """
    present = (labels == PRESENT).sum(dim=0)
    absent = (labels == ABSENT).sum(dim=0)
    unknown = (labels == UNKNOWN).sum(dim=0).clamp(min=1)
    one_sided = (present - absent).clamp(min=0) / present.clamp(min=1)
    wanted = unknown_ratio * present
    wanted = torch.maximum(one_sided * wanted, wanted.clamp(max=_ENOUGH))
    return ((wanted - absent).clamp(min=0) / unknown).clamp(max=1)


class KnownRisk(nn.Module):
    """Cross-entropy per known label, with unknown pairs where absent answers are scarce.

    Where absent answers are missing, unknown pairs stand in for them (`stand_in_weight`); a
    category with present answers alone would otherwise be learned as always present. The counts
    are buffers.
    """

    unknown_weight: Tensor
    known_total: Tensor
    images: Tensor

    def __init__(self, categories: int, unknown_ratio: float) -> None:
        """Start without counts: only known labels cost.

        Args:
            categories: How many, C.
            unknown_ratio: Absent answers wanted for each present one; 0 never counts unknown pairs.
        """
        super().__init__()
        self.unknown_ratio = unknown_ratio
        self.register_buffer("unknown_weight", torch.zeros(categories))
        self.register_buffer("known_total", torch.ones(()))
        self.register_buffer("images", torch.ones(()))

    def count(self, labels: Tensor) -> None:
        """Take the counts of the training labels, `(N, C)`."""
        self.unknown_weight.copy_(stand_in_weight(labels, self.unknown_ratio))
        self.known_total.copy_((labels != UNKNOWN).sum().clamp(min=1))
        self.images.fill_(len(labels))

    def forward(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Return the cost in nats for each known label that a batch of this size has on average.

        Args:
            logits: `(B, C)`, before the sigmoid.
            labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
            weights: `(B, C)`, not negative, how much each known label counts.
        """
        risk = positive_unlabelled_risk(logits, labels, self.unknown_weight, weights)
        absent = torch.where(labels == ABSENT, ABSENT, UNKNOWN)
        known = partial_bce(logits, absent, weights, reduction="sum")
        per_image: Tensor = (risk + known) / len(logits)
        return per_image * self.images / self.known_total
