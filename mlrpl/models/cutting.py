"""Cuts a network before its last stage: what is below it never changes, what is above learns."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mlrpl.models.backbones import Backbone
from mlrpl.models.folding import fold_batch_norms

_TOLERANCE = 1e-3
"""By how much both halves may differ from the whole, of its largest output."""


@dataclass(frozen=True)
class CutBackbone:
    """Both halves of a network; one after the other they compute what the whole does."""

    below: nn.Module
    """Maps prepared pictures `(B, 3, S, S)` to what the last stage takes in, with batch
    normalisation folded into the convolutions; frozen."""
    above: Backbone
    """Its module takes those maps in place of pictures. Its parameters have the names that they
    have in the whole network."""
    shape: tuple[int, ...]
    """Of the map of one picture, without the batch."""


def cut(backbone: Backbone, stages: tuple[str, ...]) -> CutBackbone:
    """Return a network in two halves, of which the upper one begins with its last stage.

    The upper half is the network with everything that runs before that stage replaced by nothing.
    Whether that computes the same is tried, so a network whose parts are not simply one after
    another, such as a transformer that adds its positions in between, is refused.

    Args:
        backbone: A single network; it stays as it is.
        stages: Submodules from its last stage on, as `last_stages` returns them.

    Raises:
        ValueError: If the network cannot be cut there.
    """
    size = backbone.input_size
    example = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    below = _Below(fold_batch_norms(backbone.module, example[:1]), stages[0])
    above = copy.deepcopy(backbone.module)
    for name in _ended_before(above, stages[0], example[:1]):
        parent, _, child = name.rpartition(".")
        setattr(above.get_submodule(parent), child, nn.Identity())
    refused = ValueError(
        f"{backbone.name} cannot be cut before {stages[0]}: its parts are not one after another"
    )
    with torch.inference_mode():
        whole, maps = backbone.module(example), below(example)
        try:
            halves = above(maps)
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
            raise refused from None
    for one, other in zip(whole, halves, strict=True):
        if one.shape != other.shape or (one - other).abs().max() > _TOLERANCE * one.abs().max():
            raise refused
    return CutBackbone(below, replace(backbone, module=above), tuple(maps.shape[1:]))


class _Reached(Exception):
    """Ends a run through a network where its last stage begins."""

    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        self.maps = maps


def _stop(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    raise _Reached(inputs[0])


class _Below(nn.Module):
    """A network as far as a submodule, whose input it returns."""

    def __init__(self, network: nn.Module, stage: str) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        network.get_submodule(stage).register_forward_pre_hook(_stop)

    def forward(self, pictures: Tensor) -> Tensor:
        try:
            self.network(pictures)
        except _Reached as reached:
            return reached.maps
        raise ValueError("the network never comes to its last stage")


def _ended_before(network: nn.Module, stage: str, example: Tensor) -> list[str]:
    """Return the largest submodules that have run when a stage begins, by name."""
    ended: set[nn.Module] = set()
    hooks = [
        layer.register_forward_hook(lambda layer, *_: ended.add(layer))
        for layer in network.modules()
    ]
    hooks.append(network.get_submodule(stage).register_forward_pre_hook(_stop))
    try:
        with torch.inference_mode():
            network(example)
    except _Reached:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    names = [name for name, layer in network.named_modules() if layer in ended]
    return [n for n in names if not any(n.startswith(f"{other}.") for other in names)]
