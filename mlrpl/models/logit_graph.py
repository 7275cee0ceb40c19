"""A graph network on logits: every category hears from all others before the last word."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LogitGraph(nn.Module):
    """A fully connected graph over the categories, whose nodes start from the logits.

    A node's state `(H,)` starts as `tanh(a * logit + b + e_c)`, `e_c` learned for each category,
    plus a projection of the image's features where these are asked for. In every round it receives
    the mean of the others' messages and is renewed by a gated recurrent unit. What is read
    from the last state is added to the logit; before training that is zero.

    Source:
        Durand et al., CVPR 2019. Deviations: a message depends on its sender alone, so that the
        mean over the others is a sum less one term and no tensor has C x C entries; `e_c` tells
        the categories apart; the logit is corrected, not replaced.
    """

    def __init__(
        self, categories: int, hidden: int = 32, steps: int = 2, features: int = 0
    ) -> None:
        """Draw the weights.

        Args:
            categories: How many, C.
            hidden: Width of a state, H.
            steps: Rounds of messages; 0 reads the first states.
            features: Length of the images' features; 0 starts from the logits alone.
        """
        super().__init__()
        self.steps = steps
        self.categories = nn.Parameter(0.1 * torch.randn(categories, hidden))
        self.from_logit = nn.Linear(1, hidden)
        self.from_features = nn.Linear(features, hidden, bias=False) if features else None
        self.message = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
        )
        self.update = nn.GRUCell(hidden, hidden)
        self.readout = nn.Linear(hidden, 1)
        nn.init.zeros_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(self, logits: Tensor, features: Tensor | None = None) -> Tensor:
        """Return the corrected logits `(B, C)`.

        Args:
            logits: `(B, C)`.
            features: `(B, F)`; needed where the graph was built for them, unused elsewhere.

        Raises:
            ValueError: If the graph was built for features and there are none.
        """
        states = self.from_logit(logits[..., None]) + self.categories
        if self.from_features is not None:
            if features is None:
                raise ValueError("this graph was built for features; give them with the logits")
            states = states + self.from_features(features)[:, None]
        states = torch.tanh(states)
        for _ in range(self.steps):
            received = mean_over_others(self.message(states))
            renewed = self.update(received.flatten(0, 1), states.flatten(0, 1))
            states = renewed.view_as(states)
        correction: Tensor = self.readout(states)[..., 0]
        return logits + correction


def mean_over_others(messages: Tensor) -> Tensor:
    """Return for each node the mean of all other nodes' messages.

    Args:
        messages: `(B, C, H)`, what each node says.

    Returns:
        `(B, C, H)`; zero where there is no other node.
    """
    others = messages.shape[1] - 1
    if not others:
        return torch.zeros_like(messages)
    return (messages.sum(dim=1, keepdim=True) - messages) / others
