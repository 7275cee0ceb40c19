"""SARL, HST's and SARB's parts as the formulas say, with whole tensors and every layer.

Nothing here is fast. Each module has the layers of the paper, and `fold_into` writes them into the
module of `mlrpl` that computes the same, so that tests and `benchmarks/heads.py` can compare the
two on the same weights and the same random draws.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.blending import Blend
from mlrpl.models.cooccurrence import PairNetwork
from mlrpl.models.graph import GatedGraph
from mlrpl.models.prototypes import Prototypes
from mlrpl.models.sarl import SARL
from mlrpl.models.semantic_decoupling import SemanticDecoupling


class Decoupling(nn.Module):
    """`z = tanh(W1 f * W2 x)`, `e = w4 (W3 z + b3) + b4`, softmax over positions, weighted sum."""

    def __init__(self, words: Tensor, features: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("words", words)
        self.w1 = nn.Linear(features, hidden, bias=False)
        self.w2 = nn.Linear(words.shape[1], hidden, bias=False)
        self.w3 = nn.Linear(hidden, hidden)
        self.w4 = nn.Linear(hidden, 1)

    def attention(self, tokens: Tensor) -> Tensor:
        joint = self.w1(tokens)[:, :, None, :] * self.w2(self.words)  # (B, P, C, H)
        logits = self.w4(self.w3(torch.tanh(joint))).squeeze(-1)
        return logits.softmax(dim=1).transpose(1, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        weights = self.attention(tokens).transpose(1, 2)
        return (weights[..., None] * tokens[:, :, None, :]).sum(dim=1)  # of (B, P, C, D)

    @torch.no_grad()
    def fold_into(self, fast: SemanticDecoupling) -> None:
        fast.set_words(self.words)
        fast.token_keys.weight.copy_(self.w1.weight)
        fast.word_keys.weight.copy_(self.w2.weight)
        fast.direction.copy_(self.w3.weight.T @ self.w4.weight[0])


class Graph(nn.Module):
    """The gated graph with a linear layer, and a bias, for each of its six products."""

    def __init__(self, adjacency: Tensor, features: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.register_buffer("adjacency", adjacency)
        for gate in "zrh":
            self.add_module(f"w{gate}", nn.Linear(2 * features, features))
            self.add_module(f"u{gate}", nn.Linear(features, features))

    def forward(self, h: Tensor) -> Tensor:
        wz, uz, wr, ur, wh, uh = self.children()
        for _ in range(self.steps):
            onward = torch.einsum("ij,bjd->bid", self.adjacency, h)
            back = torch.einsum("ji,bjd->bid", self.adjacency, h)
            m = torch.cat([onward, back], dim=-1)
            z = torch.sigmoid(wz(m) + uz(h))
            r = torch.sigmoid(wr(m) + ur(h))
            h = (1 - z) * h + z * torch.tanh(wh(m) + uh(r * h))
        return h

    @torch.no_grad()
    def fold_into(self, fast: GatedGraph) -> None:
        wz, uz, wr, ur, wh, uh = self.children()
        fast.set_adjacency(self.adjacency)
        fast.messages.weight.copy_(torch.cat([wz.weight, wr.weight, wh.weight]))
        biases = [wz.bias + uz.bias, wr.bias + ur.bias, wh.bias + uh.bias]
        fast.messages.bias.copy_(torch.cat(biases))
        fast.gates.weight.copy_(torch.cat([uz.weight, ur.weight]))
        fast.candidate.weight.copy_(uh.weight)


class Network(nn.Module):
    """SARL after its projection: decouple, exchange, classify each category by its own weights."""

    def __init__(
        self, words: Tensor, adjacency: Tensor, features: int, hidden: int, steps: int
    ) -> None:
        super().__init__()
        self.decoupling = Decoupling(words, features, hidden)
        self.graph = Graph(adjacency, features, steps)
        self.output = nn.Linear(2 * features, features)
        self.weight = nn.Parameter(torch.randn(len(words), features) / features**0.5)
        self.bias = nn.Parameter(torch.randn(len(words)))

    def attention(self, tokens: Tensor) -> Tensor:
        return self.decoupling.attention(tokens)

    def decouple(self, tokens: Tensor) -> Tensor:
        return F.normalize(self.decoupling(tokens), dim=-1)

    def classify(self, features: Tensor) -> Tensor:
        joined = torch.cat([self.graph(features), features], dim=-1)
        return (torch.tanh(self.output(joined)) * self.weight).sum(dim=-1) + self.bias

    @torch.no_grad()
    def fold_into(self, fast: SARL) -> None:
        self.decoupling.fold_into(fast.decoupling)
        self.graph.fold_into(fast.graph)
        fast.output.load_state_dict(self.output.state_dict())
        fast.weight.copy_(self.weight)
        fast.bias.copy_(self.bias)


class Pairs(nn.Module):
    """`o = w_ij (W3 relu(W2 [a_i ; a_j] + b2) + b3) + b_ij` for all pairs at once."""

    def __init__(self, categories: int, features: int, reduced: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(features, reduced)
        self.w2 = nn.Linear(2 * reduced, hidden)
        self.w3 = nn.Linear(hidden, hidden)
        pairs = categories * (categories - 1) // 2
        self.weight = nn.Parameter(torch.randn(pairs, hidden) / hidden**0.5)
        self.bias = nn.Parameter(torch.randn(pairs))

    def forward(self, features: Tensor) -> Tensor:
        a = self.reduce(features)
        i, j = torch.triu_indices(features.shape[1], features.shape[1], offset=1)
        hidden = self.w3(torch.relu(self.w2(torch.cat([a[:, i], a[:, j]], dim=-1))))
        return (hidden * self.weight).sum(dim=-1) + self.bias

    @torch.no_grad()
    def fold_into(self, fast: PairNetwork) -> None:
        left, right = self.w2.weight.chunk(2, dim=1)
        fast.reduce.load_state_dict(self.reduce.state_dict())
        fast.left.weight.copy_(left)
        fast.left.bias.copy_(self.w2.bias)
        fast.right.weight.copy_(right)
        fast.weight.copy_(self.weight @ self.w3.weight)
        fast.bias.copy_(self.bias + self.weight @ self.w3.bias)


def instance_contrastive(
    features: Tensor, labels: Tensor, *, generator: torch.Generator | None = None
) -> Tensor:
    """Return the contrast between images, pair by pair and category by category."""
    cosines = F.cosine_similarity(features[:, None], features[None], dim=-1)  # of (B, B, C, D)
    attracted, repelled = [], []
    states = labels.tolist()
    for c in range(labels.shape[1]):
        for m, one in enumerate(states):
            for n, other in enumerate(states):
                if m < n and one[c] == PRESENT and other[c] == PRESENT:
                    attracted.append((m, n, c))
                if one[c] == PRESENT and other[c] == ABSENT:
                    repelled.append((m, n, c))
    if not attracted:
        return features.sum() * 0
    near = 1 - cosines[tuple(torch.tensor(attracted).T)]
    if not repelled:
        return near.mean()
    far = 1 + cosines[tuple(torch.tensor(repelled).T)]
    far = far[far.detach().argsort(descending=True, stable=True)]
    hard, rest = far[: len(near)], far[len(near) :]
    draw = torch.randperm(len(rest), generator=generator)[: 2 * len(near)]
    return torch.cat([near, hard, rest[draw]]).mean()


def prototype_similarity(
    prototypes: Prototypes, features: Tensor, halves: Tensor | None = None
) -> Tensor:
    """Return the cosine with the nearest prototype, by way of all of `(B, C, K, D)`."""
    assert halves is None, "only for images that no prototype was made of"
    pairs = features[:, :, None], prototypes.vectors[None].to(features.dtype)
    cosines = F.cosine_similarity(*pairs, dim=-1)
    columns = []
    for category, count in enumerate(prototypes.counts.tolist()):
        column = cosines[:, category, :count]
        columns.append(column.amax(dim=-1) if count else features.new_zeros(len(features)))
    return torch.stack(columns, dim=1)


def blend_instances(features: Tensor, labels: Tensor, own: Tensor) -> Blend:
    """Return every image with its partner's features where these are known and its own are not."""
    count = len(features)
    copies, mixed = [], torch.zeros_like(labels, dtype=torch.bool)
    for m in range(count):
        n, row = count - 1 - m, []
        for c in range(labels.shape[1]):
            mixed[m, c] = labels[m, c] == UNKNOWN and labels[n, c] == PRESENT
            blend = own[m, c] * features[m, c] + (1 - own[m, c]) * features[n, c]
            row.append(blend if mixed[m, c] else features[m, c])
        copies.append(torch.stack(row))
    return Blend(torch.arange(count), torch.stack(copies), mixed)


def blend_prototypes(
    features: Tensor, prototypes: Tensor, categories: Tensor, slots: Tensor, own: Tensor
) -> Blend:
    """Return every image with a prototype in the category that was drawn for it."""
    copies, mixed = [], torch.zeros(features.shape[:2], dtype=torch.bool)
    for m, (category, slot) in enumerate(zip(categories.tolist(), slots.tolist(), strict=True)):
        row = list(features[m])
        if category >= 0:
            share = own[m, category]
            row[category] = share * row[category] + (1 - share) * prototypes[category, slot]
            mixed[m, category] = True
        copies.append(torch.stack(row))
    return Blend(torch.arange(len(features)), torch.stack(copies), mixed)
