"""Weights kept beside those that training changes: their moving average, and the best so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """Exponential moving average of a module's parameters.

    After step t (from 1) it is `d a + (1 - d) w` with `d = min(decay, (1 + t) / (10 + t))`, so that
    the weights of the start are soon forgotten. Buffers are not averaged: those of the module
    are as they are.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start from the module's parameters; `decay` lies above 0 and below 1."""
        self.decay = decay
        self.steps = 0
        self.weights = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the module's parameters after one more step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in module.named_parameters():
            self.weights[name].lerp_(parameter.detach(), 1 - decay)

    @contextmanager
    def inside(self, module: nn.Module) -> Iterator[None]:
        """Let the module have the averaged parameters for a while."""
        self.exchange(module)
        try:
            yield
        finally:
            self.exchange(module)

    @torch.no_grad()
    def exchange(self, module: nn.Module) -> None:
        """Let the module and the average swap their parameters."""
        for name, parameter in module.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name].copy_(kept)


class Best:
    """The parameters and buffers that measured best, and when that was."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.value = float("-inf")
        self.epoch = -1
        self.weights: dict[str, Tensor] = {}

    def offer(self, module: nn.Module, value: float, epoch: int) -> None:
        """Keep the module's parameters and buffers if the value is above all before."""
        if value > self.value:
            self.value, self.epoch = value, epoch
            self.weights = {k: v.detach().clone() for k, v in module.state_dict().items()}
