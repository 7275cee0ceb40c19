"""Category-specific attention over a token map: one feature vector per category."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

RECOMPUTE_ABOVE = 2**26
"""Elements of `(B, C, P, H)` above which a training pass recomputes chunks, not keeps them."""


class SemanticDecoupling(nn.Module):
    """One attended feature vector per category, from a map of tokens.

    `attention[b, c] = softmax_p(v . tanh(W1 f[b, p] * k[c]))` and
    `s[b, c] = sum_p attention[b, c, p] f[b, p]`, with `k[c]` a learned vector, or
    `W2 x[c]` when word vectors `x` are given. The tensor over batch, category, position
    and hidden unit exists for one chunk of categories at a time.

    Source:
        Pu et al., HST (IJCV 2024), section on semantic-aware representation learning, after
        Chen et al., SSGRL (ICCV 2019). Folded: the paper's `w4 . (W3 z + b3) + b4` has no
        nonlinearity between its layers and its constant cancels in the softmax, so it
        is the one vector `v = W3' w4`; the function computed is the same.
    """

    words: Tensor

    def __init__(
        self, categories: int, features: int, hidden: int, *, words: int = 0, chunk: int = 4
    ) -> None:
        """Draw the weights.

        Args:
            categories: How many, C.
            features: Width of a token, D.
            hidden: Width of the space where tokens and categories meet, H.
            words: Width of the word vectors, W; 0 learns the category vectors freely.
            chunk: Categories in one step of the loop; memory only, never the result.
        """
        super().__init__()
        self.chunk = chunk
        self.token_keys = nn.Linear(features, hidden, bias=False)
        self.direction = nn.Parameter(torch.empty(hidden).uniform_(-1, 1) / math.sqrt(hidden))
        if words:
            self.register_buffer("words", torch.zeros(categories, words))
            self.word_keys = nn.Linear(words, hidden, bias=False)
        else:
            self.free_keys = nn.Parameter(torch.randn(categories, hidden))
        self.from_words = words > 0

    def set_words(self, vectors: Tensor) -> None:
        """Use these word vectors, `(C, W)`; they stay as they are while the rest learns.

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
        return torch.cat(list(self._attention_chunks(tokens)), dim=1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the attended features, `(B, C, D)`.

        Args:
            tokens: `(B, P, D)`.
        """
        return torch.einsum("bcp,bpd->bcd", self.attention(tokens), tokens)

    def _attention_chunks(self, tokens: Tensor) -> Iterator[Tensor]:
        projected = self.token_keys(tokens)  # (B, P, H)
        keys = self.category_keys()
        recompute = torch.is_grad_enabled() and projected.numel() * len(keys) > RECOMPUTE_ABOVE
        for part in keys.split(self.chunk):
            if recompute:
                logits = checkpoint(
                    _attention_logits,
                    projected,
                    part,
                    self.direction,
                    use_reentrant=False,
                    preserve_rng_state=False,
                )
            else:
                logits = _attention_logits(projected, part, self.direction)
            yield logits.softmax(dim=-1)


def _attention_logits(projected: Tensor, keys: Tensor, direction: Tensor) -> Tensor:
    return torch.tanh(projected[:, None] * keys[:, None]) @ direction  # (B, chunk, P)
