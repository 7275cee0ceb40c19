"""A few typical feature vectors per category, kept as buffers, and the similarity to them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Prototypes(nn.Module):
    """Up to K typical vectors of unit length per category.

    Everything is a buffer, so a checkpoint holds it. A category has
    `min(K, positives // per_prototype)` prototypes, at least one if it has a positive and none
    if it has none.
    """

    vectors: Tensor
    counts: Tensor
    exemplars: Tensor

    def __init__(self, categories: int, per_category: int, features: int) -> None:
        """Start without any prototype.

        Args:
            categories: How many, C.
            per_category: Most prototypes a category may have, K.
            features: Width of a prototype, D.
        """
        super().__init__()
        self.register_buffer("vectors", torch.zeros(categories, per_category, features))
        self.register_buffer("counts", torch.zeros(categories, dtype=torch.int64))
        self.register_buffer(
            "exemplars", torch.full((categories, per_category), -1, dtype=torch.int64)
        )

    @property
    def available(self) -> Tensor:
        """Whether each category has a prototype, `(C,)` bool."""
        return self.counts > 0

    @torch.no_grad()
    def rebuild(
        self,
        features: Tensor,
        categories: Tensor,
        images: Tensor,
        generator: torch.Generator,
        *,
        per_prototype: int = 5,
    ) -> None:
        """Replace all prototypes by k-means centres of known positives.

        Args:
            features: `(M, D)`, the features of one category in one image each.
            categories: `(M,)`, which category.
            images: `(M,)`, which image; the one nearest to a prototype becomes its exemplar.
            generator: Source of the first centres, on the CPU.
            per_prototype: Positives that one more prototype takes.

        Source:
            Pu et al., HST (IJCV 2024): k-means with ten centres for every category, which
            fails below ten positives. Clustered on unit length, because the score is a cosine.
        """
        self.vectors.zero_()
        self.counts.zero_()
        self.exemplars.fill_(-1)
        unit = F.normalize(features, dim=-1)
        for category in categories.unique().tolist():
            rows = (categories == category).nonzero().squeeze(1)
            count = min(self.vectors.shape[1], max(1, len(rows) // per_prototype))
            centres = kmeans(unit[rows], count, generator)
            self.vectors[category, :count] = F.normalize(centres, dim=-1)
            self.counts[category] = count
            nearest = (unit[rows] @ self.vectors[category, :count].T).argmax(dim=0)
            self.exemplars[category, :count] = images[rows[nearest]]

    def similarity(self, features: Tensor) -> Tensor:
        """Return the cosine with the nearest prototype, `(B, C)` in -1..1; 1 = alike.

        A category without prototypes has similarity 0, whatever the features.

        Args:
            features: `(B, C, D)`, any length.
        """
        unit = F.normalize(features, dim=-1)
        cosines = torch.einsum("bcd,ckd->bck", unit, self.vectors)
        slots = torch.arange(self.vectors.shape[1], device=self.counts.device)
        unused = slots >= self.counts[:, None]  # (C, K)
        # Slot 0 of a category without prototypes is the zero vector: similarity 0.
        unused[:, 0] = False
        return cosines.masked_fill(unused, -torch.inf).amax(dim=-1)


def kmeans(
    points: Tensor, count: int, generator: torch.Generator, *, iterations: int = 25
) -> Tensor:
    """Return `count` cluster centres, `(count, D)`, from a k-means++ start.

    A cluster that loses all its points keeps its last centre.

    Args:
        points: `(M, D)`, at least `count` of them.
        count: Number of centres.
        generator: Source of the first centres, on the CPU.
        iterations: Most rounds of assigning and averaging.
    """
    if not 1 <= count <= len(points):
        raise ValueError(f"cannot place {count} centres on {len(points)} points")
    centres = _spread_start(points, count, generator)
    assigned = torch.full((len(points),), -1, device=points.device)
    for _ in range(iterations):
        nearest = torch.cdist(points, centres).argmin(dim=1)
        if torch.equal(nearest, assigned):
            break
        assigned = nearest
        sizes = torch.bincount(assigned, minlength=count)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, assigned, points)
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    return centres


def _spread_start(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw each next centre with probability proportional to its squared distance so far."""
    chosen = [int(torch.randint(len(points), (1,), generator=generator))]
    distance = torch.full((len(points),), torch.inf, device=points.device)
    while len(chosen) < count:
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(dim=1))
        odds = distance.cpu().double()
        if not odds.sum() > 0:
            odds = torch.ones_like(odds)
        chosen.append(int(torch.multinomial(odds, 1, generator=generator)))
    return points[chosen]
