"""A few typical feature vectors per category, kept as buffers, and the similarity to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Prototypes(nn.Module):
    """Up to K typical vectors of unit length per category.

    Everything is a buffer, so a checkpoint holds it. A category has
    `min(K, positives // per_prototype)` prototypes, at least one if it has a positive and none
    if it has none. Made of two halves of the images, each half has up to `K / 2` of its own, and
    an image is compared with those of the other half: with its own among them, a known positive
    would be more alike than a hidden one, and a threshold between known labels too high for these.
    """

    vectors: Tensor
    counts: Tensor
    halves: Tensor
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
        self.register_buffer(
            "halves", torch.full((categories, per_category), -1, dtype=torch.int64)
        )

    @property
    def available(self) -> Tensor:
        """Whether each category has a prototype, `(C,)` bool."""
        return self.counts > 0

    def available_to(self, halves: Tensor | None, images: int) -> Tensor:
        """Return whether each category has a prototype for each image, `(images, C)` bool.

        Args:
            halves: As for `similarity`.
            images: How many.
        """
        if halves is None:
            return self.available.expand(images, -1)
        return self._usable(halves).any(dim=-1)

    @torch.no_grad()
    def rebuild(
        self,
        features: Tensor,
        categories: Tensor,
        images: Tensor,
        generator: torch.Generator,
        *,
        per_prototype: int = 5,
        halves: Tensor | None = None,
    ) -> None:
        """Replace all prototypes by k-means centres of known positives.

        Args:
            features: `(M, D)`, the features of one category in one image each.
            categories: `(M,)`, which category.
            images: `(M,)`, which image; the one nearest to a prototype becomes its exemplar.
            generator: Source of the first centres, on the CPU.
            per_prototype: Positives that one more prototype takes.
            halves: `(M,)`, the half of the images that each is of, 0 or 1; each half gets its own.

        Source:
            Pu et al., HST (IJCV 2024): k-means with ten centres for every category, which
            fails below ten positives. Clustered on unit length, because the score is a cosine.
        """
        self.vectors.zero_()
        self.counts.zero_()
        self.exemplars.fill_(-1)
        self.halves.fill_(-1)
        unit = F.normalize(features, dim=-1)
        for half in (-1,) if halves is None else (0, 1):
            chosen = categories if halves is None else categories.where(halves == half, -1)
            for category in chosen.unique().tolist():
                if category >= 0:
                    rows = (chosen == category).nonzero().squeeze(1)
                    self._add(category, half, unit[rows], images[rows], generator, per_prototype)

    def _add(
        self,
        category: int,
        half: int,
        points: Tensor,
        images: Tensor,
        generator: torch.Generator,
        per_prototype: int,
    ) -> None:
        """Add the prototypes of some known positives, of half of the images or (-1) of all."""
        most = self.vectors.shape[1] if half < 0 else max(1, self.vectors.shape[1] // 2)
        start = int(self.counts[category])
        count = min(most, max(1, len(points) // per_prototype), self.vectors.shape[1] - start)
        if not count:
            return
        centres = F.normalize(kmeans(points, count, generator), dim=-1)
        slots = slice(start, start + count)
        self.vectors[category, slots] = centres
        self.counts[category] += count
        # Both points of a centre of two are equally near to it: the first, not what rounding says.
        nearest = (points @ centres.T).round(decimals=6).argmax(dim=0)
        self.exemplars[category, slots] = images[nearest]
        self.halves[category, slots] = half

    def similarity(self, features: Tensor, halves: Tensor | None = None) -> Tensor:
        """Return the cosine with the nearest prototype, `(B, C)` in -1..1; 1 = alike.

        A category without prototypes has similarity 0, whatever the features.

        Args:
            features: `(B, C, D)`, any length.
            halves: `(B,)`, the half that each image is in, whose prototypes do not count; None
                for images that no prototype was made of, where all do.
        """
        unit = F.normalize(features, dim=-1)
        cosines = torch.einsum("bcd,ckd->bck", unit, self.vectors)
        usable = self._usable(halves)
        found = cosines.masked_fill(~usable, -torch.inf).amax(dim=-1)
        return torch.where(usable.any(dim=-1), found, 0.0)

    def _usable(self, halves: Tensor | None) -> Tensor:
        """Return which prototypes count for an image, `(B or 1, C, K)` bool."""
        slots = torch.arange(self.vectors.shape[1], device=self.counts.device)
        used = (slots < self.counts[:, None])[None]
        return used if halves is None else used & (self.halves != halves[:, None, None])

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Read also what was saved when prototypes were made of all images at once."""
        saved = {prefix + "halves": torch.full_like(self.halves, -1), **state_dict}
        super()._load_from_state_dict(saved, prefix, *args, **kwargs)


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


def half_of(rows: Tensor) -> Tensor:
    """Return the half of the images that each row is in, 0 or 1."""
    return rows % 2
