"""Fine-tuning: what learns, what stays, and that a checkpoint brings it back."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mlrpl.data import Batch, Dimensions, Features
from mlrpl.finetuning.checkpoint import load_finetuned, save_finetuned
from mlrpl.finetuning.image_loader import ImageLoader
from mlrpl.finetuning.lazy_features import LazyFeatures
from mlrpl.finetuning.model import FineTuneConfig, FineTuned, build_finetuned, halved, recipe
from mlrpl.labels import ABSENT, PRESENT
from mlrpl.methods import build
from mlrpl.models.backbones import Backbone, load_backbone, side_by_side
from mlrpl.models.stages import last_stages
from mlrpl.projection import fit_projection
from mlrpl.training import TrainConfig, TrainingData, fit, predict

SIZE, COUNT = 16, 40


class Tiny(nn.Module):
    """Three layers, each with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        for number, (before, after) in enumerate(((3, 6), (6, 8), (8, 10)), start=1):
            conv = nn.Conv2d(before, after, 3, stride=2 if number < 3 else 1, padding=1)
            layer = nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())
            setattr(self, f"layer{number}", layer)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.layer3(self.layer2(self.layer1(pictures)))
        tokens = maps.flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


@pytest.fixture
def tiny() -> Backbone:
    torch.manual_seed(0)
    module = Tiny().eval().requires_grad_(False)
    grey = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return Backbone("tiny", module, SIZE, *grey, pooled_dim=10, positions=16, token_dim=10)


def picture(row: int) -> Image.Image:
    """Reddish where category 0 is present, bluish where category 1 is."""
    values = np.random.default_rng(row).integers(0, 150, (20, 20, 3))
    values[..., 0] += 90 * (row % 2)
    values[..., 2] += 90 * (row // 2 % 2)
    return Image.fromarray(values.astype(np.uint8))


LABELS = np.array(
    [[PRESENT if bit else ABSENT for bit in (r % 2, r // 2 % 2)] for r in range(COUNT)], np.int8
)


@pytest.fixture
def pictures():
    with ImageLoader(picture, size=SIZE, mean=(0.5,) * 3, std=(0.25,) * 3, workers=2) as source:
        yield source


def finetuned(tiny: Backbone, name: str = "partial_bce", **options: object) -> FineTuned:
    options = {"names": False} if name == "partial_bce" else options
    return build_finetuned(name, 2, tiny, options, config=FineTuneConfig(learning_rate=3e-3))


def test_training_lowers_the_loss_by_changing_the_last_stage_alone(tiny, pictures) -> None:
    method = finetuned(tiny)
    before = copy.deepcopy(method.backbone.state_dict())

    config = replace(recipe(method, epochs=6, batch_size=8), learning_rate=0.2)
    reports = fit(method, TrainingData(LABELS, pictures=pictures), config)

    assert sum(reports[-1].terms.values()) < 0.8 * sum(reports[0].terms.values())
    after = method.backbone.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {
        "layer3.0.weight", "layer3.0.bias", "layer3.1.weight", "layer3.1.bias",
        "layer3.1.running_mean", "layer3.1.running_var", "layer3.1.num_batches_tracked",
    }  # fmt: skip


def test_the_network_that_was_given_stays_as_it_was(tiny, pictures) -> None:
    before = copy.deepcopy(tiny.module.state_dict())

    fit(finetuned(tiny), TrainingData(LABELS, pictures=pictures), TrainConfig(epochs=1))

    assert all(torch.equal(v, tiny.module.state_dict()[k]) for k, v in before.items())
    assert not any(p.requires_grad for p in tiny.module.parameters())


def test_without_a_rate_for_the_backbone_only_the_head_would_learn_less(tiny, pictures) -> None:
    data = TrainingData(LABELS, pictures=pictures)
    losses = []
    for rate in (1e-9, 3e-3):
        method = build_finetuned(
            "partial_bce", 2, tiny, {"names": False}, config=FineTuneConfig(learning_rate=rate)
        )
        losses.append(sum(fit(method, data, recipe(method, epochs=4))[-1].terms.values()))

    assert losses[1] < losses[0]


def test_batch_normalisation_of_the_last_stage_alone_uses_the_batch(tiny) -> None:
    method = finetuned(tiny).train()

    assert [m.training for m in method.backbone.modules() if isinstance(m, nn.BatchNorm2d)] == [
        False, False, True,
    ]  # fmt: skip
    assert not any(m.training for m in method.eval().modules())


def test_a_batch_of_one_picture_trains_without_batch_statistics(tiny) -> None:
    method = finetuned(tiny).train()
    before = method.backbone.layer3[1].running_mean.clone()
    features = Features(images=torch.randn(1, 3, SIZE, SIZE))

    terms = method.losses(
        Batch(features, torch.tensor([[PRESENT, ABSENT]]), torch.ones(1, 2)), 0, 0.0
    )

    assert torch.isfinite(torch.stack(list(terms.values()))).all()
    assert torch.equal(method.backbone.layer3[1].running_mean, before)
    assert method.backbone.layer3.training


def test_the_head_takes_its_statistics_of_plain_pictures_in_evaluation_mode(tiny, pictures) -> None:
    method = finetuned(tiny)
    data = TrainingData(LABELS, pictures=pictures)
    with pictures.without_augmentation(), torch.no_grad():
        pooled, _ = tiny.module(pictures(data.rows))
    expected = build("partial_bce", Dimensions(2, 10), {"names": False})
    expected.prepare(TrainingData(LABELS, pooled=pooled.half().numpy()))

    method.train().prepare(data)

    torch.testing.assert_close(method.head.head.mean, expected.head.mean)
    torch.testing.assert_close(method.head.head.scale, expected.head.scale)
    assert method.training


def test_a_resumed_training_ends_like_one_that_was_never_interrupted(tiny, pictures) -> None:
    data, states = TrainingData(LABELS, pictures=pictures), []
    whole = finetuned(tiny)
    config = recipe(whole, epochs=3)
    fit(whole, data, config, on_state=states.append)

    resumed = finetuned(tiny)
    fit(resumed, data, config, state=states[0])

    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())


def test_every_picture_is_read_once_an_epoch_and_once_for_the_statistics(tiny) -> None:
    opened = []

    def opening(row: int) -> Image.Image:
        opened.append(row)
        return picture(row)

    method = finetuned(tiny)
    with ImageLoader(opening, size=SIZE, mean=(0.5,) * 3, std=(0.25,) * 3) as source:
        data = TrainingData(LABELS, pictures=source)
        fit(method, data, recipe(method, epochs=2, batch_size=16))

    assert sorted(opened) == sorted([*range(COUNT)] * 3)


def test_pictures_change_from_epoch_to_epoch(tiny, pictures) -> None:
    method, data = finetuned(tiny), TrainingData(LABELS, pictures=pictures)

    method.before_epoch(3, data)

    assert pictures.epoch == 3


@pytest.mark.parametrize("name", ["hst", "sarb"])
def test_methods_on_token_maps_can_be_the_head(tiny, pictures, name: str) -> None:
    options = {"warmup": 1, "features": 8, "hidden": 4, "pooled": False}
    options |= {"cst_from": 0} if name == "hst" else {}
    method = build_finetuned(
        name, 2, tiny, options, config=FineTuneConfig(learning_rate=3e-3, halve_map=True)
    )

    reports = fit(method, TrainingData(LABELS, pictures=pictures), recipe(method, epochs=3))

    assert method.dimensions.positions == 4
    assert np.isfinite([sum(r.terms.values()) for r in reports]).all()
    assert np.isfinite(predict(method, TrainingData(LABELS, pictures=pictures))).all()


def test_a_map_is_halved_by_the_mean_of_four_neighbours() -> None:
    tokens = torch.arange(16.0).view(1, 16, 1)

    found = halved(tokens)

    assert found.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_a_projection_reduces_maps_as_stored_features_are(tiny) -> None:
    images = torch.randn(12, 3, SIZE, SIZE)
    with torch.no_grad():
        pooled, tokens = tiny.module(images)
    projection = fit_projection(pooled.numpy(), tokens.numpy())
    method = build_finetuned(
        "hst", 2, tiny, {"features": 8, "pooled": False}, projection=projection
    ).eval()

    found = method.extract(Features(images=images)).tokens

    np.testing.assert_allclose(
        found.detach(), projection.tokens(tokens.numpy()), atol=1e-5, rtol=1e-4
    )


def test_a_gradient_through_a_channel_that_is_off_everywhere_is_no_nan(tiny) -> None:
    with torch.no_grad():
        tiny.module.layer3[1].weight[0], tiny.module.layer3[1].bias[0] = 0.0, -1.0
    method = finetuned(tiny).train()
    nn.init.ones_(method.head.head.linear.weight)
    method.head.has_positive.fill_(True)
    features = Features(images=torch.randn(4, 3, SIZE, SIZE))

    method(features).square().sum().backward()

    assert all(torch.isfinite(p.grad).all() for p in method.backbone.layer3.parameters())


def test_a_checkpoint_brings_head_and_network_back(tiny, pictures, tmp_path) -> None:
    data = TrainingData(LABELS, pictures=pictures)
    method = finetuned(tiny)
    fit(method, data, recipe(method, epochs=1))
    save_finetuned(tmp_path / "tuned.safetensors", method, "partial_bce")

    again = load_finetuned(tmp_path / "tuned.safetensors", backbone=tiny)

    with pictures.without_augmentation():
        np.testing.assert_array_equal(predict(again, data), predict(method, data))
    assert again.config == method.config
    assert not any(p.requires_grad for p in again.tuned().module.parameters())


def test_a_checkpoint_with_a_projection_comes_back(tiny, tmp_path) -> None:
    rng = np.random.default_rng(0)
    projection = fit_projection(rng.normal(size=(9, 10)), rng.normal(size=(9, 16, 10)))
    method = build_finetuned("hst", 2, tiny, {"pooled": False}, projection=projection).eval()
    save_finetuned(tmp_path / "tuned.safetensors", method, "hst")

    again = load_finetuned(tmp_path / "tuned.safetensors", backbone=tiny)

    features = Features(images=torch.randn(2, 3, SIZE, SIZE))
    assert torch.equal(again(features), method(features))


def test_a_damaged_checkpoint_or_another_network_is_told(tiny, tmp_path) -> None:
    path = tmp_path / "tuned.safetensors"
    save_finetuned(path, finetuned(tiny), "partial_bce")
    other = Backbone("other", Tiny(), 8, tiny.mean, tiny.std, 10, 4, 10)

    with pytest.raises(ValueError, match="it sees 16 pixels, not 8"):
        load_finetuned(path, backbone=other)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="holds no fine-tuned network"):
        load_finetuned(path, backbone=tiny)


def test_the_rates_of_the_papers_and_those_of_the_head(tiny) -> None:
    method = build_finetuned("partial_bce", 2, tiny, {"names": False})
    config = recipe(method)

    backbone, head = method.parameter_groups(config.learning_rate)

    assert (config.optimizer, config.schedule, config.step_epochs) == ("adam", "step", 10)
    assert (backbone["lr"], backbone["weight_decay"]) == (1e-5, 5e-4)
    assert backbone["decoupled_weight_decay"] is False
    assert sum(p.numel() for p in backbone["params"]) == 10 * 8 * 9 + 10 + 20
    assert head["lr"] == config.learning_rate < type(method.head).default_training().learning_rate
    assert head["weight_decay"] == 0.0


def test_what_cannot_be_fine_tuned_is_refused_with_the_cure(tiny) -> None:
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        FineTuneConfig(learning_rate=0.0)
    with pytest.raises(ValueError, match="weight_decay must not be negative"):
        FineTuneConfig(weight_decay=-1.0)
    with pytest.raises(ValueError, match="the head was built for"):
        FineTuned(build("partial_bce", Dimensions(2, 7)), tiny)
    both = side_by_side("both", [tiny, tiny])
    with pytest.raises(ValueError, match="a sum of networks"):
        FineTuned(build("partial_bce", Dimensions(2, 20, 16, 20)), both)
    with pytest.raises(ValueError, match="give `pictures`"):
        finetuned(tiny)(Features())
    projection = fit_projection(np.ones((2, 10)), np.ones((2, 16, 10)))
    with pytest.raises(ValueError, match="choose one"):
        build_finetuned(
            "hst", 2, tiny, config=FineTuneConfig(halve_map=True), projection=projection
        )


def test_a_method_in_closed_form_is_refused_as_a_head(tiny) -> None:
    head = build("partial_bce", Dimensions(2, 10, 16, 10), {"names": False})
    type(head).closed_form, usual = True, type(head).closed_form
    try:
        with pytest.raises(ValueError, match="solved in closed form"):
            FineTuned(head, tiny)
    finally:
        type(head).closed_form = usual


def test_features_that_are_too_many_to_keep_are_computed_at_every_reading(monkeypatch) -> None:
    asked: list[int] = []

    def look(rows):
        asked.extend(rows.tolist())
        pooled = torch.from_numpy(rows).float()[:, None]
        return Features(pooled, pooled[:, None])

    data = TrainingData(np.ones((6, 1), np.int8), rows=np.array([4, 1]))

    kept = LazyFeatures(data, look, 1, (1, 1))
    assert kept.pooled[data.rows].tolist() == kept.pooled[data.rows].tolist() == [[4], [1]]
    assert asked == [1, 4]
    monkeypatch.setattr("mlrpl.finetuning.lazy_features.KEPT_BYTES", 0)
    fresh = LazyFeatures(data, look, 1, (1, 1))
    assert [b.features.tokens.flatten().tolist() for b in fresh.batches(1)] == [[4], [1]]
    assert fresh.tokens[1].tolist() == [[1]]
    assert asked == [1, 4, 4, 1, 1]


def test_the_last_stage_of_known_networks() -> None:
    lite = last_stages(load_backbone("efficientnet-lite0").module)

    assert lite == ("model.blocks.5", "model.blocks.6", "model.conv_head", "model.bn2")
    assert last_stages(Tiny()) == ("layer3",)
    with pytest.raises(ValueError, match="has no stage with weights"):
        last_stages(nn.ReLU())


@pytest.mark.parametrize(
    ("library", "name", "expected"),
    [
        ("timm", "resnet18", ("layer4",)),
        ("timm", "convnext_atto", ("stages.3", "head")),
        ("timm", "vit_tiny_patch16_224", ("blocks.11", "norm")),
        ("timm", "regnetx_002", ("s4",)),
        ("torchvision", "resnet18", ("layer4",)),
        ("torchvision", "efficientnet_b0", ("features.6", "features.7", "features.8")),
        ("torchvision", "mobilenet_v2", tuple(f"features.{n}" for n in range(14, 19))),
        ("torchvision", "shufflenet_v2_x0_5", ("stage4", "conv5")),
        ("torchvision", "regnet_x_400mf", ("trunk_output.block4",)),
    ],
)
def test_the_rule_finds_the_last_stage(library: str, name: str, expected) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = build_model(library, name)
            linear = [m for m in self.model.modules() if isinstance(m, nn.Linear)]
            self.classifier = linear[-1]

    found = last_stages(Wrapped())

    assert found == tuple(f"model.{part}" for part in expected)


def build_model(library: str, name: str) -> nn.Module:
    if library == "timm":
        import timm

        return timm.create_model(name, pretrained=False)
    from torchvision import models

    return models.get_model(name, weights=None)
