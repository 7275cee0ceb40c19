"""What a classifier's logits cost on known labels, and on unknown pairs that must stand in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.bce import partial_bce
from mlrpl.losses.positive_unlabelled import positive_unlabelled_risk


class KnownRisk(nn.Module):
    """Cross-entropy per known label, with unknown pairs where absent answers are scarce.

    Where a category has fewer absent answers than `unknown_ratio` for each present one, its
    unknown pairs together weigh what is missing; a category with present answers alone would
    otherwise be learned as always present. The counts are buffers.
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
        present = (labels == PRESENT).sum(dim=0)
        absent = (labels == ABSENT).sum(dim=0)
        unknown = (labels == UNKNOWN).sum(dim=0).clamp(min=1)
        missing = (self.unknown_ratio * present - absent).clamp(min=0)
        self.unknown_weight.copy_((missing / unknown).clamp(max=1))
        self.known_total.copy_((present + absent).sum().clamp(min=1))
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
