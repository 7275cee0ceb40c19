"""A network in two halves computes what it did as a whole, or is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.cutting import cut
from mlrpl.models.stages import last_stages


class Chain(nn.Module):
    """Three layers, each with batch normalisation that has seen something."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
        self.layer3 = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.layer3(self.layer2(self.layer1(pictures))).flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


class AddsPositions(Chain):
    """Like a vision transformer: something that is no layer happens on the way."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.layer3(self.layer2(self.layer1(pictures) + 1)).flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


class SkipsAhead(Chain):
    """The last layer looks at what the first one gave as well."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        first = self.layer1(pictures)
        maps = self.layer3(self.layer2(first) + first[:, :, 2:, 2:].repeat(1, 2, 1, 1)[:, :6])
        tokens = maps.flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


def of(module: nn.Module) -> Backbone:
    torch.manual_seed(0)
    module.train()
    for _ in range(3):
        module(torch.randn(4, 3, 20, 20))
    module.eval().requires_grad_(False)
    grey = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    tokens = module(torch.zeros(1, 3, 20, 20))[1]
    return Backbone("chain", module, 20, *grey, 8, tokens.shape[1], 8)


def test_both_halves_compute_what_the_whole_does() -> None:
    whole = of(Chain())

    halves = cut(whole, ("layer3",))

    pictures = torch.randn(3, 3, 20, 20)
    maps = halves.below(pictures)
    assert halves.shape == tuple(maps.shape[1:]) == (6, 7, 7)
    for one, other in zip(halves.above.module(maps), whole.module(pictures), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_the_upper_half_has_the_weights_of_its_stage_under_their_names() -> None:
    whole = of(Chain())

    above = cut(whole, ("layer3",)).above.module.state_dict()

    assert {name.split(".")[0] for name in above} == {"layer3"}
    assert all(torch.equal(above[name], whole.module.state_dict()[name]) for name in above)


@pytest.mark.parametrize("kind", [AddsPositions, SkipsAhead])
def test_a_network_that_is_no_chain_is_refused(kind: type[Chain]) -> None:
    with pytest.raises(ValueError, match=r"cannot be cut before layer3: its parts are not one"):
        cut(of(kind()), ("layer3",))


def test_the_usual_backbone_is_cut_where_its_maps_become_small() -> None:
    backbone = load_backbone("efficientnet-lite0")

    halves = cut(backbone, last_stages(backbone.module))

    assert halves.shape == (112, 14, 14)
