"""A folded network computes the same."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from mlrpl.models.backbones import load_backbone
from mlrpl.models.folding import fold_batch_norms


def shaken(module: nn.Module) -> nn.Module:
    """Give normalisation layers statistics that matter."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    return module.eval()


def left(module: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in module.modules())


class Odd(nn.Module):
    """One convolution that is used twice, and one whose output goes elsewhere first."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.once = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))

    def forward(self, x):
        x = self.norms[1](self.twice(self.norms[0](self.twice(x))))
        return self.norms[2](self.once(x).relu())


def test_the_default_backbone_folds_whole_and_computes_the_same() -> None:
    backbone = load_backbone("efficientnet-lite0")
    pictures = torch.rand(2, 3, 224, 224) * 2 - 1

    folded = fold_batch_norms(backbone.module, pictures[:1])

    with torch.inference_mode():
        for found, expected in zip(folded(pictures), backbone.module(pictures), strict=True):
            assert (found - expected).abs().max() < 1e-4
    assert left(folded) == 0
    assert left(backbone.module) > 40


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2_035"])
def test_other_networks_fold_too(name) -> None:
    network = shaken(timm.create_model(name, pretrained=False))
    picture = torch.rand(1, 3, 64, 64)

    folded = fold_batch_norms(network, picture)

    with torch.inference_mode():
        assert folded(picture) == pytest.approx(network(picture).numpy(), rel=1e-3, abs=1e-3)
    assert left(folded) == 0


def test_what_cannot_be_folded_is_left_alone() -> None:
    network, x = shaken(Odd()), torch.rand(2, 3, 4, 4)

    folded = fold_batch_norms(network, x)

    assert left(folded) == 3
    assert torch.equal(folded(x), network(x))
