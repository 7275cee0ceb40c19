"""From left-out scores of a regression, and from what names say, to logits on one scale."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

TRUSTED = 3
"""Present answers from which a category's own left-out scores say how far to follow them."""
SLOPE = 0.4
"""Logits for one spread of the scores and one unit of `log(1 + present answers)`, beforehand."""
NAME_SLOPE = 0.7
"""Logits for one spread of what a name says, beforehand."""
_SLOPE_PULL, _NAME_PULL, _OWN_PULL, _LEVEL_PULL = 100.0, 10.0, 64.0, 1.0
"""Inverse variances of the slopes around those above, and of the categories around all."""


@dataclass(frozen=True, eq=False)
class Readout:
    """Logits are `level + slope * score + name_slope * named`, each `(C,)`."""

    level: Tensor
    slope: Tensor
    name_slope: Tensor

    def __call__(self, scores: Tensor, named: Tensor) -> Tensor:
        """Return the logits `(N, C)`."""
        return self.level + self.slope * scores + self.name_slope * named


def fit_readout(
    scores: Tensor, named: Tensor, targets: Tensor, weights: Tensor, present: Tensor
) -> Readout:
    """Fit a penalised logistic regression of the labels on two scores, all categories together.

    The slope of a category grows with `log(1 + present answers)`, so a category without one goes
    by its name alone. With fewer than 3 present answers, leaving one out takes away so much that
    left-out scores mislead; such a category follows the slope that the others agree on.

    Args:
        scores: `(N, C)`, left-out scores of any scale.
        named: `(N, C)`, of spread 1, or 0 where a name says nothing.
        targets: `(N, C)`, 0 to 1.
        weights: `(N, C)`, 0 where nothing is known.
        present: `(C,)`, known present answers.
    """
    count = scores.shape[1]
    spread = scores.std(dim=0, correction=0).clamp(min=1e-6)
    units = scores / spread
    growth = torch.log1p(present.to(scores.dtype))
    trusted = present >= TRUSTED
    speaks = (named.abs().sum(dim=0) > 0).to(scores.dtype)
    point = torch.zeros(3 + 3 * count, dtype=scores.dtype, device=scores.device)
    point.requires_grad_()

    def parts() -> tuple[Tensor, Tensor, Tensor]:
        level, slope, name_slope = point[3:].view(3, count)
        slope = (SLOPE + point[1]) * growth + slope * trusted
        name_slope = (NAME_SLOPE + point[2] + name_slope * trusted) * speaks
        return point[0] + level, slope.clamp(min=0), name_slope

    def cost() -> Tensor:
        optimizer.zero_grad()
        level, slope, name_slope = parts()
        slope = torch.where(trusted, slope, slope.detach())
        logits = level + slope * units + name_slope * named
        errors = F.binary_cross_entropy_with_logits(logits, targets, weights, reduction="sum")
        levels, slopes, names = point[3:].view(3, count)
        own = _LEVEL_PULL * levels.square() + _OWN_PULL * (slopes.square() + names.square())
        common = _SLOPE_PULL * point[1].square() + _NAME_PULL * point[2].square()
        total: Tensor = errors + 0.5 * (own.sum() + common + 0.1 * point[0].square())
        total.backward()
        return total

    optimizer = torch.optim.LBFGS([point], max_iter=150, line_search_fn="strong_wolfe")
    with torch.enable_grad():
        optimizer.step(cost)
    with torch.no_grad():
        level, slope, name_slope = parts()
        return Readout(level, slope / spread, name_slope)
