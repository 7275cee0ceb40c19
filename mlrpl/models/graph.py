"""Which categories occur together, from partial labels, and a gated network over that graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def assume_absent_where_only_present(labels: Tensor, present_only: Tensor) -> Tensor:
    """Return labels in which a category that nobody ever denies is absent where it is unknown.

    Of a category with present but no absent answers nothing can be counted against: every
    known pair is present. Its unknown pairs then stand in, on images that were looked at
    (those with at least one known label). For statistics and transfer only; the classifier
    has its own risk for such categories.

    Args:
        labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        present_only: `(C,)` bool.
    """
    looked_at = (labels != UNKNOWN).any(dim=1, keepdim=True)
    assumed = (labels == UNKNOWN) & looked_at & present_only
    return torch.where(assumed, torch.full_like(labels, ABSENT), labels)


def cooccurrence(labels: Tensor, *, smoothing: float = 5.0) -> Tensor:
    """Estimate P(j present | i present) from partial labels, `(C, C)` with a zero diagonal.

    Row i counts only images where i is present *and* j is known, so hiding labels at random
    does not shrink the estimate. It is drawn towards the prior of j with the weight of
    `smoothing` images; a category without positives therefore has the priors as its row, and
    nothing is ever divided by zero. Categories never answered absent go through
    `assume_absent_where_only_present` first.

    Args:
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        smoothing: Images that the prior is worth; above 0.

    Source:
        HST and SSGRL count over `i present` alone, which shrinks every entry by the share
        of known labels; this is the corrected count.
    """
    if smoothing <= 0:
        raise ValueError(f"smoothing must be above 0, got {smoothing}")
    ever_absent = (labels == ABSENT).any(dim=0)
    labels = assume_absent_where_only_present(labels, ~ever_absent)
    present = (labels == PRESENT).to(torch.float64)
    known = (labels != UNKNOWN).to(torch.float64)
    prior = present.sum(dim=0) / known.sum(dim=0).clamp(min=1)
    together = present.T @ present
    seen = present.T @ known  # (i, j): images with i present and j known
    estimate = (together + smoothing * prior) / (seen + smoothing)
    return estimate.fill_diagonal_(0).to(torch.float32)


class GatedGraph(nn.Module):
    """Exchanges features between categories along the co-occurrence graph.

    Each of `steps` rounds gathers `m = [A h ; A' h]` and updates `h` by a gated recurrent
    unit shared over categories and rounds: `z = sigmoid(Wz m + Uz h)`, `r = sigmoid(Wr m + Ur h)`,
    `n = tanh(Wh m + Uh (r * h))`, `h = (1 - z) * h + z * n`.

    Source:
        Pu et al., HST (IJCV 2024), after Chen et al., SSGRL (ICCV 2019). The three maps of
        `m` are one product; of the two biases per gate, which only ever add, one is kept.
    """

    adjacency: Tensor

    def __init__(self, categories: int, features: int, steps: int) -> None:
        """Draw the weights; the graph is empty until `set_adjacency`.

        Args:
            categories: How many, C.
            features: Width of a node, D.
            steps: Rounds of exchange; 0 returns the features as they came.
        """
        super().__init__()
        self.steps = steps
        self.register_buffer("adjacency", torch.zeros(categories, categories))
        self.messages = nn.Linear(2 * features, 3 * features)
        self.gates = nn.Linear(features, 2 * features, bias=False)
        self.candidate = nn.Linear(features, features, bias=False)

    def set_adjacency(self, adjacency: Tensor) -> None:
        """Use this graph, `(C, C)`; row i says what follows from i."""
        self.adjacency.copy_(adjacency)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after the exchange, `(B, C, D)`."""
        if not self.steps:
            return features
        return self.exchange(features.transpose(0, 1)).transpose(0, 1)

    def exchange(self, nodes: Tensor) -> Tensor:
        """Return the nodes after the exchange, `(C, B, D)`.

        With the categories first, both directions of the graph are one matrix product, whatever
        the number of images.

        Args:
            nodes: `(C, B, D)`.
        """
        kind = nodes.device.type
        dtype = nodes.dtype
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        weights = (self.messages.weight, self.messages.bias, self.gates.weight)
        cast = [w.to(dtype) for w in (nodes, self.adjacency, *weights, self.candidate.weight)]
        with torch.autocast(kind, enabled=False):
            exchanged: Tensor = _Exchange.apply(self.steps, *cast)
        return exchanged.to(nodes.dtype)


class _Exchange(torch.autograd.Function):
    """The rounds of the gated graph and their gradients, keeping four numbers a node's entry.

    Of a round, the state before it and `[z | r | n]` are kept; what was gathered is computed again.
    """

    @staticmethod
    def forward(
        ctx: Any,
        steps: int,
        nodes: Tensor,
        adjacency: Tensor,
        messages: Tensor,
        bias: Tensor,
        gates: Tensor,
        candidate: Tensor,
    ) -> Tensor:
        """Return the nodes after the rounds, `(C, B, D)`, all weights as in `GatedGraph`."""
        width = nodes.shape[2]
        state, kept = nodes.reshape(-1, width), []
        for _ in range(steps):
            onward, back = _gathered(adjacency, state)
            message = torch.addmm(bias, onward, messages[:, :width].T)
            message.addmm_(back, messages[:, width:].T)
            opened = message[:, : 2 * width].addmm_(state, gates.T).sigmoid_()
            update, reset = opened.chunk(2, dim=1)
            new = message[:, 2 * width :].addmm_(reset * state, candidate.T).tanh_()
            kept += [state, message]
            state = torch.lerp(state, new, update)
        ctx.save_for_backward(adjacency, messages, gates, candidate, *kept)
        return state.view(nodes.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the nodes and the weights; the graph has none."""
        adjacency, messages, gates, candidate, *kept = ctx.saved_tensors
        width = grad.shape[2]
        of_state = grad.reshape(-1, width)
        of_messages, of_gates = torch.zeros_like(messages), torch.zeros_like(gates)
        of_bias, of_candidate = messages.new_zeros(3 * width), torch.zeros_like(candidate)
        for state, message in zip(kept[-2::-2], kept[::-2], strict=True):
            update, reset, new = message.chunk(3, dim=1)
            pull = torch.empty_like(message)
            of_new = of_state * update
            torch.mul(of_state, new - state, out=pull[:, :width])
            of_state = of_state - of_new
            of_new = torch.ops.aten.tanh_backward(of_new, new)
            pull[:, 2 * width :] = of_new
            of_candidate.addmm_(of_new.T, reset * state)
            of_kept = of_new @ candidate
            torch.mul(of_kept, state, out=pull[:, width : 2 * width])
            of_state.addcmul_(of_kept, reset)
            opened = pull[:, : 2 * width]
            opened.copy_(torch.ops.aten.sigmoid_backward(opened, message[:, : 2 * width]))
            of_gates.addmm_(opened.T, state)
            of_state.addmm_(opened, gates)
            of_bias += pull.sum(dim=0)
            onward, back = _gathered(adjacency, state)
            of_messages[:, :width].addmm_(pull.T, onward)
            of_messages[:, width:].addmm_(pull.T, back)
            of_state += _returned(adjacency, pull @ messages[:, :width], pull @ messages[:, width:])
        of_nodes = of_state.view(grad.shape)
        return None, of_nodes, None, of_messages, of_bias, of_gates, of_candidate


def _gathered(adjacency: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return `A h` and `A' h` of `h` `(C B, D)`, the same shape."""
    nodes = state.view(len(adjacency), -1)
    return (adjacency @ nodes).view(state.shape), (adjacency.T @ nodes).view(state.shape)


def _returned(adjacency: Tensor, onward: Tensor, back: Tensor) -> Tensor:
    """Return the gradient of `h` from those of `A h` and `A' h`."""
    count = len(adjacency)
    nodes = adjacency.T @ onward.view(count, -1)
    return nodes.addmm_(adjacency, back.view(count, -1)).view(onward.shape)
