"""Which categories occur together, from partial labels, and a gated network over that graph."""

from __future__ import annotations

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
        state = features
        for _ in range(self.steps):
            gathered = torch.cat([self.adjacency @ state, self.adjacency.T @ state], dim=-1)
            update, reset, new = self.messages(gathered).chunk(3, dim=-1)
            update_own, reset_own = self.gates(state).chunk(2, dim=-1)
            update = torch.sigmoid(update + update_own)
            reset = torch.sigmoid(reset + reset_own)
            new = torch.tanh(new + self.candidate(reset * state))
            state = (1 - update) * state + update * new
        return state
