"""Which part of a network is its last stage, the part that fine-tuning trains."""

from __future__ import annotations

from torch import nn

CONTAINERS = ("stages", "blocks", "layers", "trunk_output", "features")
"""What timm and torchvision call the submodule that holds a network's stages, one after another."""
LAYERS = 3
"""Layers with weights that make a submodule a stage rather than a single step between stages."""


def last_stages(network: nn.Module) -> tuple[str, ...]:
    """Return the names of the last stage and of everything after it but the classifier.

    The rule: in the network, or where it has one in its child with a name in `CONTAINERS`, the
    last stage is the last child with three or more layers with weights, or if there is none the
    last child with any. What comes after it learns too (the last convolution of an EfficientNet,
    the last norm of a transformer). So it is `layer4` of a ResNet, the last of `stages` of a
    ConvNeXt, the last of `blocks` of a vision transformer, the last of `blocks` with `conv_head`
    and `bn2` of an EfficientNet.

    Args:
        network: A timm or torchvision model, or a module that holds one as its child `model`.

    Raises:
        ValueError: If no submodule has weights.
    """
    prefix, classifier = "", getattr(network, "classifier", None)
    if isinstance(inner := getattr(network, "model", None), nn.Module):
        network, prefix = inner, "model."
    skipped = set() if classifier is None else set(classifier.modules())
    names = _from_last_stage(network, prefix, skipped)
    for container in CONTAINERS:
        child = getattr(network, container, None)
        if isinstance(child, nn.Module) and len(list(child.children())) > 1:
            inside = _from_last_stage(child, f"{prefix}{container}.", skipped)
            after = [f"{prefix}{name}" for name in _following(network, container, skipped)]
            names = inside + after
            break
    if not names:
        raise ValueError(
            f"{type(network).__name__} has no stage with weights to train; name submodules in "
            "`stages`"
        )
    return tuple(names)


def _from_last_stage(module: nn.Module, prefix: str, skipped: set[nn.Module]) -> list[str]:
    sizes = {name: _layers(child, skipped) for name, child in module.named_children()}
    for least in (LAYERS, 1):
        stages = [name for name, size in sizes.items() if size >= least]
        if stages:
            after = _following(module, stages[-1], skipped)
            return [f"{prefix}{name}" for name in (stages[-1], *after)]
    return []


def _following(module: nn.Module, name: str, skipped: set[nn.Module]) -> list[str]:
    """Return the names of the children after one that have weights other than the classifier's."""
    children = list(module.named_children())
    place = [child_name for child_name, _ in children].index(name)
    return [n for n, child in children[place + 1 :] if _layers(child, skipped)]


def _layers(module: nn.Module, skipped: set[nn.Module]) -> int:
    """Return how many layers have weights of their own."""
    layers = (m for m in module.modules() if m not in skipped)
    return sum(any(True for _ in m.parameters(recurse=False)) for m in layers)
