"""The network that HST and SARB share: decouple, exchange along a graph, classify each category."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.models.graph import GatedGraph
from mlrpl.models.semantic_decoupling import SemanticDecoupling


class SARL(nn.Module):
    """From a token map to one feature and one logit per category.

    Tokens are centred, brought to unit length, scaled channel by channel, and projected to width
    D. The classifier reads `tanh(Wo [h ; s])` of the feature before (s) and after (h) the graph,
    with weights of its own for every category.

    Source:
        Pu et al., HST (IJCV 2024) and SARB (AAAI 2022), semantic-aware representation
        learning. On frozen tokens the statistics of the training set replace the batch
        normalisation after the paper's 1x1 convolution.
    """

    token_mean: Tensor
    token_scale: Tensor

    def __init__(
        self,
        categories: int,
        token: int,
        features: int,
        hidden: int,
        *,
        steps: int,
        words: int = 0,
        dropout: float = 0.0,
    ) -> None:
        """Draw the weights.

        Args:
            categories: How many, C.
            token: Width of a token of the backbone, T.
            features: Width of a category's feature, D.
            hidden: Width of the space where tokens and categories meet, H.
            steps: Rounds of exchange along the graph.
            words: Width of the word vectors; 0 learns the category vectors freely.
            dropout: Share of the classifier's input that is dropped in training, 0..1.
        """
        super().__init__()
        self.register_buffer("token_mean", torch.zeros(token))
        self.register_buffer("token_scale", torch.ones(token))
        self.project = nn.Linear(token, features, bias=False)
        self.decoupling = SemanticDecoupling(categories, features, hidden, words=words)
        self.graph = GatedGraph(categories, features, steps)
        self.output = nn.Linear(2 * features, features)
        with torch.no_grad():
            nn.init.eye_(self.project.weight)
            nn.init.zeros_(self.output.bias)
            nn.init.zeros_(self.output.weight)
            nn.init.eye_(self.output.weight[:, features:])
        self.dropout = nn.Dropout(dropout)
        self.weight = nn.Parameter(torch.zeros(categories, features))
        self.bias = nn.Parameter(torch.zeros(categories))

    def take_statistics(self, tokens: Iterable[Tensor]) -> None:
        """Take the centre and the scales of these tokens, batches of `(B, P, T)`, read twice.

        The scale of a channel is the spread, over images, of its mean over the unit-length tokens
        of an image: what an attention that looks everywhere passes on. With one scale for all
        channels the first few principal components drown the others, which on Corel5k, 10 % known,
        cost 10 points of mean average precision by attention alone.
        """
        batches = list(tokens)
        total, count = torch.zeros(()), 0
        for batch in batches:
            total = total + batch.double().sum(dim=(0, 1))
            count += batch.shape[0] * batch.shape[1]
        self.token_mean.copy_(total / count)
        self.token_scale.fill_(1)
        spread = self.image_means(batches).std(dim=0, correction=0)
        self.token_scale.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def image_means(self, tokens: Iterable[Tensor]) -> Tensor:
        """Return the mean of each image's prepared tokens, `(N, T)`, from batches `(B, P, T)`."""
        means = [self._directions(batch).mean(dim=1) for batch in tokens]
        return torch.cat(means) / self.token_scale

    def project_tokens(self, tokens: Tensor) -> Tensor:
        """Return the tokens at the width of the features, `(B, P, D)`, from `(B, P, T)`."""
        projected: Tensor = self.project(self._directions(tokens) / self.token_scale)
        return projected

    def _directions(self, tokens: Tensor) -> Tensor:
        return F.normalize(tokens - self.token_mean, dim=-1)

    def attention(self, tokens: Tensor) -> Tensor:
        """Return where each category looks, `(B, C, P)`, rows summing to one."""
        return self.decoupling.attention(self.project_tokens(tokens))

    def decouple(self, tokens: Tensor) -> Tensor:
        """Return one feature per category, `(B, C, D)`, from tokens `(B, P, T)`."""
        return F.normalize(self.decoupling(self.project_tokens(tokens)), dim=-1)

    def classify(self, features: Tensor) -> Tensor:
        """Return logits `(B, C)` of category features `(B, C, D)`."""
        nodes = features.transpose(0, 1).contiguous()  # (C, B, D), as the graph wants them
        exchanged = self.graph(nodes.transpose(0, 1)).transpose(0, 1)
        after, before = self.output.weight.split(self.output.out_features, dim=1)
        joined = F.linear(exchanged, after, self.output.bias) + F.linear(nodes, before)
        logits: Tensor = self.dropout(torch.tanh(joined)) @ self.weight[..., None]  # (C, B, 1)
        return logits.squeeze(-1).T + self.bias
