"""Category-specific attention over a token map: one feature vector per category."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

BLOCK = {"cpu": 2**17, "cuda": 2**25}
"""Elements of `(B, C, P, H)` that exist at a time; on a CPU such a block stays in its cache."""


class SemanticDecoupling(nn.Module):
    """One attended feature vector per category, from a map of tokens.

    `attention[b, c] = softmax_p(v . tanh(W1 f[b, p] * k[c]))` and
    `s[b, c] = sum_p attention[b, c, p] f[b, p]`, with `k[c]` a learned vector, or
    `W2 x[c]` when word vectors `x` are given. The tensor over batch, category, position
    and hidden unit exists block by block, and again in the backward pass.

    Source:
        Pu et al., HST (IJCV 2024), section on semantic-aware representation learning, after
        Chen et al., SSGRL (ICCV 2019). Folded: the paper's `w4 . (W3 z + b3) + b4` has no
        nonlinearity between its layers and its constant cancels in the softmax, so it
        is the one vector `v = W3' w4`; the function computed is the same.
    """

    words: Tensor

    def __init__(self, categories: int, features: int, hidden: int, *, words: int = 0) -> None:
        """Draw the weights.

        Args:
            categories: How many, C.
            features: Width of a token, D.
            hidden: Width of the space where tokens and categories meet, H.
            words: Width of the word vectors, W; 0 learns the category vectors freely.
        """
        super().__init__()
        self.token_keys = nn.Linear(features, hidden, bias=False)
        self.direction = nn.Parameter(torch.empty(hidden).uniform_(-1, 1) / math.sqrt(hidden))
        if words:
            # Drawn, not zero: without `set_words` all keys would be zero, and stay so.
            self.register_buffer("words", torch.randn(categories, words))
            self.word_keys = nn.Linear(words, hidden, bias=False)
        else:
            self.free_keys = nn.Parameter(torch.randn(categories, hidden))
        self.from_words = words > 0

    def set_words(self, vectors: Tensor) -> None:
        """Use these word vectors, `(C, W)`; they stay as they are while the rest learns.

        Until then they are drawn at random, which leaves the keys free where C is at most W.

        Raises:
            ValueError: If the method was built without word vectors or for another shape.
        """
        expected = tuple(self.words.shape) if self.from_words else None
        if expected != tuple(vectors.shape):
            raise ValueError(
                f"word vectors must have the shape {expected}, got {tuple(vectors.shape)}; "
                "set the option word_dim to their width"
            )
        self.words.copy_(vectors)

    @torch.no_grad()
    def set_keys(self, keys: Tensor) -> None:
        """Let the categories' vectors, `(C, H)`, start at these, as near as word vectors allow."""
        if self.from_words:
            self.word_keys.weight.copy_((torch.linalg.pinv(self.words) @ keys).T)
        else:
            self.free_keys.copy_(keys)

    def category_keys(self) -> Tensor:
        """Return one vector per category, `(C, H)`."""
        if not self.from_words:
            return self.free_keys
        keys: Tensor = self.word_keys(self.words)
        return keys

    def attention(self, tokens: Tensor) -> Tensor:
        """Return where each category looks, `(B, C, P)`, each row summing to one.

        Args:
            tokens: `(B, P, D)`.
        """
        batch, positions, _ = tokens.shape
        projected = self.token_keys(tokens).to(self.direction.dtype)
        with torch.autocast(tokens.device.type, enabled=False):
            logits: Tensor = _AttentionLogits.apply(
                projected.flatten(0, 1), self.category_keys().to(projected), self.direction
            )
        return logits.view(-1, batch, positions).transpose(0, 1).softmax(dim=-1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the attended features, `(B, C, D)`.

        Args:
            tokens: `(B, P, D)`.
        """
        attention = self.attention(tokens)
        return attention.to(tokens.dtype) @ tokens


class _AttentionLogits(torch.autograd.Function):
    """`e[c, n] = sum_h v[h] tanh(f[n, h] k[c, h])`, and its gradients, block by block.

    With `t` the tanh and `g` the gradient of `e`, the three gradients are
    `dv[h] = sum_cn g t`, `df[n, h] = sum_c g (1 - t^2) v k` and `dk[c, h] = sum_n g (1 - t^2) v f`.
    The ones in `1 - t^2` are matrix products; only `g t^2` needs the block.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor, keys: Tensor, direction: Tensor) -> Tensor:
        """Return `e`, `(C, N)`, of `f` `(N, H)`, `k` `(C, H)` and `v` `(H,)`."""
        ctx.save_for_backward(projected, keys, direction)
        logits = projected.new_empty(len(keys), len(projected))
        for rows, cells, block in _blocks(projected, keys):
            torch.mul(projected[rows], keys[cells, None], out=block).tanh_()
            torch.matmul(block, direction, out=logits[cells, rows])
        return logits

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of `f`, `k` and `v`."""
        projected, keys, direction = ctx.saved_tensors
        pull = keys * direction
        of_projected, of_keys = grad.T @ pull, grad @ projected
        of_direction = torch.zeros_like(direction)
        for rows, cells, block in _blocks(projected, keys):
            torch.mul(projected[rows], keys[cells, None], out=block).tanh_()
            weight = grad[cells, rows]
            of_direction += weight.reshape(-1) @ block.flatten(0, 1)
            block.square_().mul_(weight[..., None])
            if len(block) == 1:
                of_projected[rows].addcmul_(block[0], pull[cells], value=-1)
            else:
                of_projected[rows] -= torch.einsum("cnh,ch->nh", block, pull[cells])
            of_keys[cells] -= block.mul_(projected[rows]).sum(dim=1)
        return of_projected, of_keys.mul_(direction), of_direction


def _blocks(projected: Tensor, keys: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield rows, categories, and room for their `(c, n, H)`, the same memory every time."""
    count, hidden = projected.shape
    elements = BLOCK.get(projected.device.type, BLOCK["cpu"])
    rows = max(1, min(count, elements // hidden))
    cells = max(1, min(len(keys), elements // (rows * hidden)))
    room = projected.new_empty(cells * rows * hidden)
    for row in range(0, count, rows):
        n = min(rows, count - row)
        for cell in range(0, len(keys), cells):
            c = min(cells, len(keys) - cell)
            yield (
                slice(row, row + n),
                slice(cell, cell + c),
                room[: c * n * hidden].view(c, n, hidden),
            )
