"""One unit-length vector an image, of its pooled features and of the regions of its token map."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.data import Dimensions, Features


class RegionVectors(nn.Module):
    """Prepared pooled vectors side by side with the mean directions of a grid of regions.

    Pooled: signed power, standardised, unit length. Tokens: centred, unit length each, averaged
    over every region, standardised, unit length. The parts are weighted so that the squared
    distance of two vectors is a weighted mean of their parts' distances.

    Source:
        The pooled part as in `mlrpl.models.heads.PooledHead`; aligned regions are the spatial
        pyramid of Lazebnik et al., CVPR 2006, with one level.
    """

    pooled_mean: Tensor
    pooled_scale: Tensor
    token_mean: Tensor
    region_mean: Tensor
    region_scale: Tensor

    def __init__(self, dimensions: Dimensions, power: float, regions: int, share: float) -> None:
        """Start with no statistics.

        Args:
            dimensions: Of the features; without tokens, or with `regions` 0, only pooled count.
            power: Of the absolute value of each pooled entry; its sign is kept.
            regions: Regions along each side of the token map.
            share: Share of the squared distance that the regions make up, 0 to 1.
        """
        super().__init__()
        self.power = power
        uses = bool(regions and dimensions.positions and dimensions.token and share)
        self.side = math.isqrt(dimensions.positions)
        square = self.side**2 == dimensions.positions
        # A map that is no square has no rows and columns here: its only region is all of it.
        self.regions = (min(regions, self.side) if square else 1) if uses else 0
        self.share = share if uses else 0.0
        width = self.regions**2 * dimensions.token
        self.length = dimensions.pooled + width
        """Length of a vector."""
        self.register_buffer("pooled_mean", torch.zeros(dimensions.pooled))
        self.register_buffer("pooled_scale", torch.ones(dimensions.pooled))
        self.register_buffer("token_mean", torch.zeros(dimensions.token if uses else 0))
        self.register_buffer("region_mean", torch.zeros(width))
        self.register_buffer("region_scale", torch.ones(width))

    def prepare(self, features: Features) -> None:
        """Take mean and spread of everything over some images.

        Raises:
            ValueError: If features are missing or hold values that are no finite numbers.
        """
        powered = self._powered(_finite(features.pooled, "pooled"))
        _statistics(powered, self.pooled_mean, self.pooled_scale)
        if self.regions:
            tokens = _finite(features.tokens, "tokens")
            self.token_mean.copy_(tokens.mean(dim=(0, 1)))
            _statistics(self._averages(tokens), self.region_mean, self.region_scale)

    def forward(self, features: Features) -> Tensor:
        """Return vectors `(B, length)`, of length 1 but where a part is zero."""
        powered = self._powered(_finite(features.pooled, "pooled"))
        pooled = F.normalize((powered - self.pooled_mean) / self.pooled_scale, dim=1)
        if not self.regions:
            return pooled
        averages = self._averages(_finite(features.tokens, "tokens"))
        parts = ((averages - self.region_mean) / self.region_scale).unflatten(
            1, (self.regions**2, -1)
        )
        regions = F.normalize(parts, dim=2).flatten(1) / self.regions
        return torch.cat([(1 - self.share) ** 0.5 * pooled, self.share**0.5 * regions], dim=1)

    def _powered(self, pooled: Tensor) -> Tensor:
        size = pooled.abs()
        return torch.copysign(size.sqrt() if self.power == 0.5 else size.pow(self.power), pooled)

    def _averages(self, tokens: Tensor) -> Tensor:
        """Return the mean direction of every region, `(B, regions^2 * T)`."""
        unit = F.normalize(tokens - self.token_mean, dim=2)
        if self.regions == 1:
            return unit.mean(dim=1)
        grid = unit.transpose(1, 2).unflatten(2, (self.side, self.side))
        return F.adaptive_avg_pool2d(grid, self.regions).flatten(2).transpose(1, 2).flatten(1)


def _finite(values: Tensor | None, name: str) -> Tensor:
    if values is None:
        raise ValueError(f"kernel_ridge reads {name} features; give `{name}`")
    if not torch.isfinite(values).all():
        raise ValueError(f"{name} features hold values that are no finite numbers; embed again")
    return values


def _statistics(values: Tensor, mean: Tensor, scale: Tensor) -> None:
    spread = values.std(dim=0, correction=0)
    mean.copy_(values.mean(dim=0))
    scale.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))
