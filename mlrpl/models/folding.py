"""Folds batch normalisation into the convolution before it, for frozen networks."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


def fold_batch_norms(module: nn.Module, example: Tensor) -> nn.Module:
    """Return a copy of a frozen network that computes the same with fewer passes over its maps.

    Which normalisation follows which convolution is seen by running the network once, so it works
    for any architecture; what follows the normalisation inside the same module, such as timm's
    activation, is kept.

    Args:
        module: In evaluation mode.
        example: An input it takes.
    """
    module = copy.deepcopy(module)
    with torch.inference_mode():
        pairs = _pairs(module, example)
    names = {layer: name for name, layer in module.named_modules()}
    for conv, norm in pairs:
        _fold(conv, norm)
        parent, _, name = names[norm].rpartition(".")
        setattr(module.get_submodule(parent), name, _what_follows(norm))
    return module


def _pairs(module: nn.Module, example: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Return convolutions, run once each, whose output goes straight into a normalisation."""
    outputs: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    runs: dict[nn.Module, int] = {}
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def after(layer: nn.Module, _: object, output: Tensor) -> None:
        runs[layer] = runs.get(layer, 0) + 1
        if isinstance(layer, nn.Conv2d):
            # Holding the tensor keeps its identity from being given to another one.
            outputs[id(output)] = (layer, output)

    def before(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        made = outputs.get(id(inputs[0]))
        if made is not None and isinstance(layer, nn.BatchNorm2d) and not layer.training:
            pairs.append((made[0], layer))

    hooks = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            hooks.append(layer.register_forward_hook(after))
            hooks.append(layer.register_forward_pre_hook(before))
    try:
        module(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [(conv, norm) for conv, norm in pairs if runs[conv] == runs[norm] == 1]


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    conv.weight, bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    conv.bias = bias
    conv.requires_grad_(False)


def _what_follows(norm: nn.BatchNorm2d) -> nn.Module:
    """Return what a normalisation layer does after normalising: timm's has drop and activation."""
    rest = [getattr(norm, name) for name in ("drop", "act") if hasattr(norm, name)]
    return nn.Sequential(*(layer for layer in rest if not isinstance(layer, nn.Identity)))
