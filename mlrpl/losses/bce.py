"""Binary cross-entropy over the labels that are known."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from mlrpl.labels import PRESENT, UNKNOWN

Normalisation: TypeAlias = Literal["known", "none", "durand", "inverse"]
"""How much an image counts: `known` and `none` count every known label alike, `durand` and
`inverse` make up for labels that are missing."""


def partial_bce(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: Literal["mean", "per_category", "sum"] = "mean",
) -> Tensor:
    """Binary cross-entropy, averaged over the known labels.

    An unknown label costs nothing and has no gradient. A batch with no known label costs zero and
    can still be backpropagated.

    Args:
        logits: `(B, C)`, before the sigmoid.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        weights: `(B, C)`, not negative, how much each known label counts; None means 1.
        reduction: `mean` is one average over all known labels; `per_category` averages each
            category over its own known labels and adds these means up, so that every category
            is a problem of its own; `sum` adds up without averaging.

    Returns:
        A scalar, in nats.

    Raises:
        ValueError: If the shapes differ.

    Source:
        Durand et al., CVPR 2019; normalised by the known labels of the batch in place of its
        weight per image, which is `image_weight`.
    """
    cost, weight = _cost_and_weight(logits, labels, weights)
    if reduction == "sum":
        return (cost * weight).sum()
    if reduction == "per_category":
        return ((cost * weight).sum(dim=0) / _not_zero(weight.sum(dim=0))).sum()
    return (cost * weight).sum() / _not_zero(weight.sum())


def known_share_weight(
    labels: Tensor, alpha: float = -4.45, beta: float = 5.45, gamma: float = 1.0
) -> Tensor:
    """Return how much more an image counts the fewer of its labels are known.

    Args:
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        alpha: Factor of the known share to the power gamma.
        beta: Constant; `alpha + beta` is the weight of an image with every label known.
        gamma: Power of the known share.

    Returns:
        `(B, 1)`: `alpha * p ** gamma + beta` where p is the known share; 0 where nothing is known.

    Source:
        Durand et al., CVPR 2019, g(p) with the published constants; they divide the sum of an
        image by C, so that `known_share_weight / C` weights a sum over known labels.
    """
    share = (labels != UNKNOWN).to(torch.float32).mean(dim=1, keepdim=True)
    some = share > 0
    safe = torch.where(some, share, torch.ones_like(share))
    return torch.where(some, alpha * safe**gamma + beta, torch.zeros_like(share))


def image_weight(
    labels: Tensor,
    normalisation: Normalisation = "durand",
    *,
    alpha: float = -4.45,
    beta: float = 5.45,
    gamma: float = 1.0,
) -> Tensor:
    """Return how much each image counts, by the name of the rule.

    Args:
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        normalisation: `durand` is `known_share_weight` with the constants given; `inverse` divides
            each image by its own known share, so that images count alike however much of
            them is known; with `known`, or `none`, labels count alike.
        alpha: Of `durand`.
        beta: Of `durand`.
        gamma: Of `durand`.

    Returns:
        `(B, 1)` float32; with `durand` and `inverse` 0 where nothing is known.

    Raises:
        ValueError: If no rule has this name.

    Source:
        Durand et al., CVPR 2019: `inverse` is their g(p) with alpha 1, beta 0 and gamma -1. Their
        division by C and that by the known labels of all images are constant factors of the
        whole cost, so that `none` and `known` say the same.
    """
    if normalisation == "durand":
        return known_share_weight(labels, alpha, beta, gamma)
    if normalisation == "inverse":
        return known_share_weight(labels, 1.0, 0.0, -1.0)
    if normalisation not in get_args(Normalisation):
        known = ", ".join(get_args(Normalisation))
        raise ValueError(f"unknown normalisation {normalisation!r}; known: {known}")
    return torch.ones((len(labels), 1), dtype=torch.float32, device=labels.device)


def _cost_and_weight(
    logits: Tensor, labels: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    if logits.shape != labels.shape or (weights is not None and weights.shape != labels.shape):
        shapes = [tuple(x.shape) for x in (logits, labels, weights) if x is not None]
        raise ValueError(f"logits, labels and weights must have one shape, got {shapes}")
    known = labels != UNKNOWN
    cost = F.binary_cross_entropy_with_logits(
        logits, (labels == PRESENT).to(logits.dtype), reduction="none"
    )
    weight = known.to(logits.dtype) if weights is None else weights.to(logits.dtype) * known
    return cost, weight


def _not_zero(total: Tensor) -> Tensor:
    return torch.where(total > 0, total, torch.ones_like(total))
