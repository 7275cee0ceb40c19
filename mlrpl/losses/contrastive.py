"""Contrastive losses of cross-image transfer: between images, and between images and prototypes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mlrpl.labels import ABSENT, PRESENT


def instance_contrastive(
    features: Tensor, labels: Tensor, *, generator: torch.Generator | None = None
) -> Tensor:
    """Draw two images that both show a category together, and apart if only one does.

    A pair of images costs `1 - similarity` where the category is present in both and
    `1 + similarity` where it is present in one and absent in the other. Of the second kind,
    far more numerous, three times as many as of the first are kept: a third of them the most
    costly, the rest drawn at random among the others. Without an image pair of the first
    kind the loss is zero and can still be backpropagated.

    Args:
        features: `(B, C, D)`, any length.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        generator: Source of the random draw; the global one if none is given.

    Returns:
        The mean cost of the kept pairs of images, a scalar in 0..2.

    Source:
        Pu et al., HST (IJCV 2024), instance-level contrastive loss. Its third kind, absent
        in both, is left out: two images without a dog need not differ.
    """
    present, absent = (labels == PRESENT).T, (labels == ABSENT).T  # (C, B)
    shown = present.any(dim=1)  # the others have no pair of images of either kind
    if not (present.sum(dim=1) > 1).any():
        return features.sum() * 0
    present, absent = present[shown], absent[shown]
    unit = F.normalize(features.transpose(0, 1)[shown], dim=-1)
    similarity = unit @ unit.mT  # (shown, B, B)
    both = present[:, :, None] & present[:, None, :]
    attracted = 1 - similarity[both.triu(diagonal=1)]  # every pair once, none with itself
    repelled = 1 + similarity[present[:, :, None] & absent[:, None, :]]
    repelled = _mined(repelled, len(attracted), generator)
    return torch.cat([attracted, repelled]).mean()


def _mined(costs: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Return the `count` highest costs and `2 * count` of the others, drawn at random."""
    order = costs.detach().argsort(descending=True, stable=True)
    hard, rest = order[:count], order[count:]
    draw = torch.randperm(len(rest), generator=generator)[: 2 * count].to(rest.device)
    return costs[torch.cat([hard, rest[draw]])]


def prototype_contrastive(similarity: Tensor, labels: Tensor, available: Tensor) -> Tensor:
    """Draw a category's feature to its prototypes where it is present, and away where absent.

    A known pair costs `1 - similarity` if present and `1 + similarity` if absent. Without one
    the loss is zero and can still be backpropagated.

    Args:
        similarity: `(B, C)`, cosine with the nearest prototype, -1..1; 1 = alike.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        available: `(C,)` or `(B, C)` bool, whether the category has a prototype.

    Returns:
        The mean over known pairs of categories with a prototype, a scalar in 0..2.

    Source:
        Pu et al., HST (IJCV 2024), prototype-level contrastive loss, with the sign of the
        paper's text; its code has the opposite one.
    """
    present = (labels == PRESENT) & available
    absent = (labels == ABSENT) & available
    cost = torch.where(present, 1 - similarity, 1 + similarity)
    used = present | absent
    return (cost * used).sum() / used.sum().clamp(min=1)
