"""Learning on kept maps: what is mirrored, what unknown pairs cost, and the whole network again."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mlrpl.data import Batch, Features, TrainingData
from mlrpl.finetuning.map_loader import MapLoader
from mlrpl.finetuning.model import FineTuneConfig, build_finetuned
from mlrpl.finetuning.recipes import ON_MAPS, maps_recipe
from mlrpl.finetuning.soft_labels import SoftLabels
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.models.backbones import Backbone
from mlrpl.models.cutting import cut
from mlrpl.training import fit

SIZE, COUNT = 16, 40
LABELS = np.array([[PRESENT if r % 2 else ABSENT] for r in range(COUNT)], np.int8)


class Tiny(nn.Module):
    """Two layers, each with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.layer2(self.layer1(pictures)).flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


@pytest.fixture
def whole() -> Backbone:
    torch.manual_seed(0)
    module = Tiny().eval().requires_grad_(False)
    return Backbone("tiny", module, SIZE, (0.5,) * 3, (0.25,) * 3, 8, 16, 8)


@pytest.fixture
def pictures() -> Tensor:
    """Brighter in one channel where the category is present."""
    found = torch.randn(COUNT, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    found[1::2, 0] += 1.0
    return found


def test_half_of_the_pictures_are_mirrored_others_in_the_next_epoch() -> None:
    asked = []

    def read(rows, mirrored) -> Tensor:
        asked.append(mirrored)
        return torch.zeros(len(rows), 1)

    loader, rows = MapLoader(read, seed=3), np.arange(400)

    loader(rows)
    loader(rows)
    loader.epoch = 1
    loader(rows)
    with loader.without_augmentation():
        loader(rows)

    first, again, later, plain = asked
    assert 150 < first.sum() < 250
    assert np.array_equal(first, again)
    assert 100 < (first != later).sum() < 300
    assert not plain.any()


def test_an_unknown_pair_costs_its_cross_entropy_a_known_label_and_a_known_one_nothing() -> None:
    soft = SoftLabels(np.array([[0.25, 0.5], [0.75, 0.5]], np.float16), np.array([0, 0, 1]), 4)
    labels = torch.tensor([[UNKNOWN, PRESENT]], dtype=torch.int8)
    batch = Batch(Features(), labels, torch.ones(1, 2), torch.tensor([2]))
    logits = torch.tensor([[1.0, 5.0]], requires_grad=True)

    cost = soft.cost(logits, batch)
    cost.backward()

    p = 1 / (1 + math.exp(-1.0))
    by_hand = -(0.75 * math.log(p) + 0.25 * math.log(1 - p))
    assert cost.item() == pytest.approx(by_hand * 2 / 4, rel=1e-5)  # 2 images, 4 known pairs
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert logits.grad[0, 0] == pytest.approx((p - 0.75) / 2, rel=1e-4)


def test_unknown_pairs_are_taken_for_what_known_images_say_about_them(whole, pictures) -> None:
    labels = LABELS.copy()
    labels[30:] = UNKNOWN
    with torch.no_grad():
        pooled, tokens = (found.numpy() for found in whole.module(pictures))

    soft = SoftLabels.of_unknown_pairs(TrainingData(labels, pooled=pooled, tokens=tokens))

    guessed = soft.probabilities[soft.places[30:], 0]
    assert soft.known == 30
    assert guessed[1::2].mean() > 0.5 + guessed[0::2].mean() - 0.4


def test_a_stage_that_learned_on_maps_learns_the_whole_network_nothing_else(
    whole, pictures
) -> None:
    halves = cut(whole, ("layer2",))
    maps = halves.below(pictures)
    labels = LABELS.copy()
    labels[30:] = UNKNOWN
    config = FineTuneConfig(**{**vars(ON_MAPS), "stages": ("layer2",)})
    network = build_finetuned("partial_bce", 1, halves.above, {"names": False}, config=config)
    loader = MapLoader(lambda rows, _: maps[rows])

    reports = fit(
        network,
        TrainingData(labels, pictures=loader),
        maps_recipe(network, epochs=8),
    )
    tuned = network.onto(whole)

    losses = [sum(report.terms.values()) for report in reports]
    assert losses[-1] < losses[0]
    assert "unknown" in reports[0].terms
    before, after = whole.module.state_dict(), tuned.backbone.state_dict()
    changed = {n.split(".")[0] for n in before if not torch.equal(before[n], after[n])}
    assert changed == {"layer2"}
    with torch.no_grad():
        torch.testing.assert_close(
            tuned(Features(images=pictures)),
            network(Features(images=maps)),
            atol=1e-4,
            rtol=1e-3,
        )


def test_a_negative_weight_of_unknown_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="soft_weight must not be negative"):
        FineTuneConfig(soft_weight=-0.1)


def test_the_rates_on_maps_rise_and_fall_and_decay_apart_from_the_gradient(whole) -> None:
    halves = cut(whole, ("layer2",))
    network = build_finetuned(
        "partial_bce", 1, halves.above, {"names": False}, config=FineTuneConfig(decoupled=True)
    )

    backbone, _ = network.parameter_groups(1.0)

    assert backbone["decoupled_weight_decay"] is True
    assert maps_recipe(network).schedule == "one_cycle"
