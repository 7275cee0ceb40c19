"""Blending of SARB: what shows a category for certain is mixed into the feature of an unknown."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlrpl.labels import PRESENT, UNKNOWN


@dataclass(frozen=True)
class Blend:
    """Copies of some images in which some categories' features are mixtures."""

    rows: Tensor
    """`(R,)`, which images of the batch have a mixture; the copies of all others would be equal
    to them in every feature."""
    features: Tensor
    """`(R, C, D)`, those of the copies."""
    mixed: Tensor
    """`(R, C)` bool, where the features are mixtures."""


def blend_instances(features: Tensor, labels: Tensor, own: Tensor) -> Blend:
    """Mix the features of a partner image, known to show a category, into an unknown pair.

    The partner of the first image is the last one, and so on. A batch of one image, and the image
    in the middle of an odd batch, are their own partners and stay as they are.

    Args:
        features: `(B, C, D)`.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        own: `(B, C)` in 0..1, the share of the image's own feature, alpha.

    Source:
        Pu et al., SARB (AAAI 2022), instance-level representation blending:
        `s' = alpha s_m + (1 - alpha) s_n` where `y_m` is unknown and `y_n` present.
    """
    mixed = (labels == UNKNOWN) & (labels.flip(0) == PRESENT)
    rows = mixed.any(dim=1).nonzero().squeeze(1)
    partners = features[len(features) - 1 - rows]
    return _blended(rows, features[rows], partners, mixed[rows], own[rows])


def blend_prototypes(
    features: Tensor, prototypes: Tensor, categories: Tensor, slots: Tensor, own: Tensor
) -> Blend:
    """Mix a prototype into one category of an image.

    Args:
        features: `(B, C, D)`.
        prototypes: `(C, K, D)`.
        categories: `(B,)`, the category of each image that is mixed, or -1 for none.
        slots: `(B,)`, which of that category's prototypes.
        own: `(B, C)` in 0..1, the share of the image's own feature, beta.

    Source:
        Pu et al., SARB (AAAI 2022), prototype-level representation blending:
        `s' = beta s + (1 - beta) p` for one unknown category of every image. The published code
        draws one prototype index a batch, and takes category 0 of an image without unknowns.
    """
    rows = (categories >= 0).nonzero().squeeze(1)
    category = categories[rows]
    mixed = F.one_hot(category, features.shape[1]).bool()
    drawn = prototypes[category, slots[rows]][:, None]  # (R, 1, D)
    return _blended(rows, features[rows], drawn, mixed, own[rows])


def _blended(rows: Tensor, own: Tensor, other: Tensor, mixed: Tensor, share: Tensor) -> Blend:
    # Share 1 where nothing is mixed: one pass over the features in place of two and a choice.
    share = torch.where(mixed, share, torch.ones_like(share))[..., None]
    return Blend(rows, torch.lerp(other.to(own.dtype), own, share.to(own.dtype)), mixed)


def draw_categories(
    labels: Tensor, available: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw one unknown category of every image, `(B,)`, or -1 where there is none.

    Args:
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        available: `(C,)` bool, whether the category has a prototype.
        generator: Source of the draw; the global one if none is given.
    """
    open_pairs = (labels == UNKNOWN) & available
    lots = torch.rand(labels.shape, generator=generator, device=labels.device)
    drawn = torch.where(open_pairs, lots, -1.0).argmax(dim=1)
    return torch.where(open_pairs.any(dim=1), drawn, -1)


def draw_slots(
    counts: Tensor, categories: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw one prototype for every image, `(B,)`; 0 where the image has no category.

    Args:
        counts: `(C,)`, prototypes of each category.
        categories: `(B,)`, as `draw_categories` returns them.
        generator: Source of the draw; the global one if none is given.
    """
    lots = torch.rand(categories.shape, generator=generator, device=categories.device)
    of = torch.where(categories >= 0, counts[categories.clamp(min=0)], 0)
    return torch.minimum((lots * of).long(), (of - 1).clamp(min=0))


class BlendRatio(nn.Module):
    """The share that an image keeps of its own feature: one learned number, or drawn every time."""

    def __init__(self, *, learned: bool, concentration: float) -> None:
        """Start a learned share at one half.

        Args:
            learned: Whether it is one learned number.
            concentration: Otherwise, both parameters of the Beta distribution; above 0.
        """
        super().__init__()
        self.concentration = concentration
        self.learned = learned
        if learned:
            self.logit = nn.Parameter(torch.zeros(()))

    def forward(self, like: Tensor) -> Tensor:
        """Return shares of the shape of `like`, each in 0..1; draws come from the global source.

        Source:
            Pu et al., SARB (AAAI 2022), learn a number and clamp it to 0..1; beyond the ends
            a clamp has no gradient, so that here it is the sigmoid of what is learned.
        """
        if self.learned:
            return torch.sigmoid(self.logit).expand(like.shape)
        at = torch.tensor(self.concentration, device=like.device, dtype=torch.float32)
        return torch.distributions.Beta(at, at).sample(like.shape).to(like)
