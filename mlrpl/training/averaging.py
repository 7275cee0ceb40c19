"""Weights kept beside those that training changes: their moving average, and the best so far."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def moving_average(module: nn.Module, decay: float) -> AveragedModel:
    """Return a copy of a module whose parameters follow it as an exponential moving average.

    After step t (from 1) it is `d a + (1 - d) w` with `d = min(decay, (1 + t) / (10 + t))`, so that
    the weights of the start are soon forgotten. Buffers are those of the module.

    Args:
        module: What is averaged; give it to `update_parameters` after every step.
        decay: Above 0 and below 1.
    """

    @torch.no_grad()
    def update(averages: Tensors, weights: Tensors, steps: Tensor | int) -> None:
        now = min(decay, (1 + int(steps)) / (10 + int(steps)))
        for average, weight in zip(averages, weights, strict=True):
            average.lerp_(weight, 1 - now)

    average = AveragedModel(module, multi_avg_fn=update)
    # The first update copies, whatever the function: let that be the weights of the start.
    average.update_parameters(module)
    return average


class Best:
    """The parameters and buffers that measured best, and when that was."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.value = float("-inf")
        self.epoch = -1
        self.weights: dict[str, Tensor] = {}

    def offer(self, weights: Mapping[str, Tensor], value: float, epoch: int) -> None:
        """Keep a copy of a module's parameters and buffers if the value is above all before."""
        if value > self.value:
            self.value, self.epoch = value, epoch
            self.weights = {k: v.detach().clone() for k, v in weights.items()}
