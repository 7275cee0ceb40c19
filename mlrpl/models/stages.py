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
    last stage begins with the last child that makes the map smaller and has three or more layers
    with weights; where none does so, with the last one that has these, or any. What comes after it
    learns too (the last convolution of an EfficientNet, the last norm of a transformer). So it is
    `layer4` of a ResNet, the last of `stages` of a ConvNeXt, the last of `blocks` of a vision
    transformer, all `blocks` of an EfficientNet on its smallest map with `conv_head` and `bn2`.

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
    children = dict(module.named_children())
    sizes = {name: _layers(child, skipped) for name, child in children.items()}
    stages = [name for name, size in sizes.items() if size >= LAYERS]
    smaller = [name for name in stages if _has_stride(children[name])]
    found = smaller or stages or [name for name, size in sizes.items() if size]
    if not found:
        return []
    return [f"{prefix}{name}" for name in (found[-1], *_following(module, found[-1], skipped))]


def _has_stride(module: nn.Module) -> bool:
    """Whether a convolution or pooling inside makes the map smaller."""
    strides = (getattr(layer, "stride", 1) for layer in module.modules())
    return any(
        max(s) > 1 if isinstance(s, tuple) else isinstance(s, int) and s > 1 for s in strides
    )


def _following(module: nn.Module, name: str, skipped: set[nn.Module]) -> list[str]:
    """Return the names of the children after one that have weights other than the classifier's."""
    children = list(module.named_children())
    place = [child_name for child_name, _ in children].index(name)
    return [n for n, child in children[place + 1 :] if _layers(child, skipped)]


def _layers(module: nn.Module, skipped: set[nn.Module]) -> int:
    """Return how many layers have weights of their own."""
    layers = (m for m in module.modules() if m not in skipped)
    return sum(any(True for _ in m.parameters(recurse=False)) for m in layers)
