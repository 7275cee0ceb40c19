"""The loss of the pair network: which pairs have a target, and an asymmetric focal entropy."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mlrpl.labels import PRESENT, UNKNOWN


def pair_targets(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is known about pairs of categories occurring together.

    A pair is known if both labels are and at least one of them is present. If one absent label
    sufficed, with a share p of the labels known, a pair that is together would be known with p^2
    and one that is not with p: at 10 % ten times as often, whatever the images show.

    Args:
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.

    Returns:
        `(B, C (C - 1) / 2)` bool each, row by row with `i < j`: together, and known.

    Source:
        Pu et al., HST (IJCV 2024), except that the paper's code takes every other pair for
        "not together"; with few labels that hides nearly all true pairs. Pairs absent together
        are left out: a known positive vouches for others, so that only they are ever asked.
    """
    count = labels.shape[1]
    i, j = torch.triu_indices(count, count, offset=1, device=labels.device)
    first, second = labels[:, i], labels[:, j]
    shown = (first == PRESENT) | (second == PRESENT)
    together = (first == PRESENT) & (second == PRESENT)
    return together, shown & (first != UNKNOWN) & (second != UNKNOWN)


def cooccurrence_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma_present: float = 1.0,
    gamma_absent: float = 2.0,
    shift: float = 0.05,
) -> Tensor:
    """Asymmetric focal cross-entropy over the known pairs.

    Pairs of which too little is known cost nothing. Without a known pair the loss is zero
    and can still be backpropagated.

    Args:
        logits: `(B, C (C - 1) / 2)`, before the sigmoid, row by row with `i < j`.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        gamma_present: Focusing of pairs that are together; 0 is none.
        gamma_absent: Focusing of the others.
        shift: Probability below which a pair that is not together costs nothing.

    Returns:
        The mean over known pairs, a scalar in nats.

    Source:
        Pu et al., HST (IJCV 2024), with the asymmetric loss of Ridnik et al. (ICCV 2021).
    """
    together, known = pair_targets(labels)
    probability = torch.sigmoid(logits)
    of_together = -F.logsigmoid(logits) * (1 - probability).pow(gamma_present)
    shifted = (probability - shift).clamp(min=0)
    of_apart = -torch.log1p(-shifted) * shifted.pow(gamma_absent)
    cost = torch.where(together, of_together, of_apart)
    return (cost * known).sum() / known.sum().clamp(min=1)
