"""The pair network of intra-image transfer: do two categories occur together in this image?"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mlrpl.labels import PRESENT

RECOMPUTE_ABOVE = 2**26
"""Elements of `(B, pairs, hidden)` above which a training pass recomputes rows."""


class PairNetwork(nn.Module):
    """One logit per unordered pair of categories and image.

    `logit[i, j] = w[i, j] . relu(L a[i] + R a[j] + b) + b[i, j]` for `i < j`, with
    `a = Wa s` and weights of its own for every pair. Rows are computed one at a time.

    Source:
        Pu et al., HST (IJCV 2024), intra-image semantic transfer. Folded: `W2 [a_i; a_j]` is
        `L a_i + R a_j`, and the linear layer `W3` between the hidden units and the pair classifiers
        is part of these (`w W3`, and its bias `w . b3` part of theirs).
    """

    def __init__(self, categories: int, features: int, reduced: int, hidden: int) -> None:
        """Draw the weights.

        Args:
            categories: How many, C; one category has no pair and gives `(B, 0)`.
            features: Width of a category's feature, D.
            reduced: Width of `a`.
            hidden: Hidden units of a pair, E.
        """
        super().__init__()
        self.categories = categories
        self.reduce = nn.Linear(features, reduced)
        self.left = nn.Linear(reduced, hidden)
        self.right = nn.Linear(reduced, hidden, bias=False)
        pairs = categories * (categories - 1) // 2
        bound = 1 / math.sqrt(hidden)
        self.weight = nn.Parameter(torch.empty(pairs, hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(pairs))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits of all pairs, `(B, C (C - 1) / 2)`, row by row with `i < j`.

        Args:
            features: `(B, C, D)`.
        """
        reduced = self.reduce(features)
        left, right = self.left(reduced), self.right(reduced)  # (B, C, E)
        size = len(features) * self.weight.numel()
        recompute = torch.is_grad_enabled() and size > RECOMPUTE_ABOVE
        rows, start = [features.new_zeros(len(features), 0)], 0
        for i in range(self.categories - 1):
            weight = self.weight[start : start + self.categories - 1 - i]
            start += len(weight)
            if recompute:
                row = checkpoint(
                    _row,
                    left[:, i : i + 1],
                    right[:, i + 1 :],
                    weight,
                    use_reentrant=False,
                    preserve_rng_state=False,
                )
            else:
                row = _row(left[:, i : i + 1], right[:, i + 1 :], weight)
            rows.append(row)
        return torch.cat(rows, dim=1) + self.bias


def _row(left: Tensor, right: Tensor, weight: Tensor) -> Tensor:
    return (torch.relu(left + right) * weight).sum(dim=-1)


def pair_matrix(pairs: Tensor, categories: int) -> Tensor:
    """Return pair values as symmetric matrices with a zero diagonal, `(B, C, C)`.

    Args:
        pairs: `(B, C (C - 1) / 2)`, row by row with `i < j`.
        categories: How many, C.
    """
    i, j = torch.triu_indices(categories, categories, offset=1, device=pairs.device)
    upper = pairs.new_zeros(len(pairs), categories, categories)
    upper[:, i, j] = pairs
    return upper + upper.mT


def transfer_scores(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Score each category by the known positives of its image, leaving itself out.

    Args:
        probabilities: `(B, C, C)`, that i and j occur together; the diagonal is not read.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.

    Returns:
        The mean probability of occurring together with the *other* known positives, `(B, C)`
        in 0..1 and 0 where there is none, and whether there was any, `(B, C)` bool.

    Source:
        Pu et al., HST (IJCV 2024). The paper's mean includes the category itself with
        probability one, so a known positive would see its own label; here it does not.
    """
    off_diagonal = 1 - torch.eye(labels.shape[1], dtype=probabilities.dtype, device=labels.device)
    present = (labels == PRESENT).to(probabilities.dtype)
    total = torch.einsum("bcj,bj->bc", probabilities * off_diagonal, present)
    others = present.sum(dim=1, keepdim=True) - present
    return total / others.clamp(min=1), others > 0
