"""The pair network of intra-image transfer: do two categories occur together in this image?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mlrpl.labels import PRESENT

BLOCK = {"cpu": 2**17, "cuda": 2**25}
"""Elements of `(pairs, B, hidden)` that exist at a time; on a CPU such a block stays in its cache.
"""


class PairNetwork(nn.Module):
    """One logit per unordered pair of categories and image.

    `logit[i, j] = w[i, j] . relu(L a[i] + R a[j] + b) + b[i, j]` for `i < j`, with
    `a = Wa s` and weights of its own for every pair. Hidden units exist block by block, and again
    in the backward pass.

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
        reduced = self.reduce(features).transpose(0, 1)  # (C, B, reduced)
        left, right = (f(reduced).to(self.weight.dtype) for f in (self.left, self.right))
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = _PairLogits.apply(left, right, self.weight)  # (pairs, B)
        return logits.T + self.bias


class _PairLogits(torch.autograd.Function):
    """`o[ij, b] = w[ij] . relu(l[i, b] + r[j, b])` for `i < j`, and its gradients, in blocks."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, weight: Tensor) -> Tensor:
        """Return `o`, `(pairs, B)`, of `l` and `r` `(C, B, E)` and `w` `(pairs, E)`."""
        ctx.save_for_backward(left, right, weight)
        logits = left.new_empty(len(weight), left.shape[1])
        for i, others, pairs, block in _blocks(left):
            torch.add(right[others], left[i], out=block).relu_()
            logits[pairs] = (block @ weight[pairs, :, None]).squeeze(-1)
        return logits

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of `l`, `r` and `w`."""
        left, right, weight = ctx.saved_tensors
        of_left, of_right = torch.zeros_like(left), torch.zeros_like(right)
        of_weight = torch.empty_like(weight)
        for i, others, pairs, block in _blocks(left):
            torch.add(right[others], left[i], out=block).relu_()
            pull = grad[pairs]
            of_weight[pairs] = (pull[:, None] @ block).squeeze(1)
            block.sign_().mul_(pull[..., None]).mul_(weight[pairs, None])
            of_right[others] += block
            of_left[i] += block.sum(dim=0)
        return of_left, of_right, of_weight


def _blocks(left: Tensor) -> Iterator[tuple[int, slice, slice, Tensor]]:
    """Yield i, some j, their pairs, and room for their `(j, B, E)`, the same memory every time."""
    categories, batch, hidden = left.shape
    size = max(1, BLOCK.get(left.device.type, BLOCK["cpu"]) // max(1, batch * hidden))
    room = left.new_empty(min(size, categories), batch, hidden)
    start = 0
    for i in range(categories - 1):
        for j in range(i + 1, categories, size):
            n = min(size, categories - j)
            yield i, slice(j, j + n), slice(start, start + n), room[:n]
            start += n


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


def transfer_scores(
    probabilities: Tensor, labels: Tensor, told: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Score each category by the known positives of its image, leaving itself out.

    Args:
        probabilities: `(B, C, C)`, that i and j occur together; the diagonal is not read.
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        told: `(C (C - 1) / 2)` bool, row by row with `i < j`, which pairs speak; None: all.

    Returns:
        The mean probability of occurring together with the *other* known positives, `(B, C)`
        in 0..1 and 0 where there is none, and whether there was any, `(B, C)` bool.

    Source:
        Pu et al., HST (IJCV 2024). The paper's mean includes the category itself with
        probability one, so a known positive would see its own label; here it does not.
    """
    speaks = 1 - torch.eye(labels.shape[1], dtype=probabilities.dtype, device=labels.device)
    if told is not None:
        speaks = pair_matrix(told[None].to(speaks), labels.shape[1])[0]
    present = (labels == PRESENT).to(probabilities.dtype)
    total = torch.einsum("bcj,bj->bc", probabilities * speaks, present)
    others = present @ speaks
    return total / others.clamp(min=1), others > 0
