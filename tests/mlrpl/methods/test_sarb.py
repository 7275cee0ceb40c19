"""SARB as a whole: its terms, its guards, its shares, and what it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from mlrpl.data import Batch, Dimensions
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels
from mlrpl.losses.blending import BlendRatio, draw_categories, draw_slots
from mlrpl.methods import build
from mlrpl.methods.sarb import SARB, SARBConfig
from mlrpl.metrics import mean_average_precision
from mlrpl.training import TrainConfig, TrainingData, fit, predict

Labels = npt.NDArray[np.int8]
BRIEF = TrainConfig(epochs=3, batch_size=4, learning_rate=1e-3)
TOKEN, POSITIONS, POOLED = 6, 5, 7
TERMS = {"known", "penalty", "instance", "pooled", "soft", "ilrb", "plrb"}
"""With the pooled vector; without it there is no `pooled` and no `soft`."""


def method(categories: int, **options: Any) -> SARB:
    dimensions = Dimensions(categories, POOLED, POSITIONS, TOKEN)
    built = build("sarb", dimensions, {"features": 8, "hidden": 4, "warmup": 1, **options})
    assert isinstance(built, SARB)
    return built


def data(labels: Labels) -> TrainingData:
    rng = np.random.default_rng(0)
    return TrainingData(
        labels,
        pooled=rng.standard_normal((len(labels), POOLED), dtype=np.float32),
        tokens=rng.standard_normal((len(labels), POSITIONS, TOKEN), dtype=np.float32),
    )


def mixed(count: int, categories: int, seed: int = 0) -> Labels:
    states = np.array([ABSENT, UNKNOWN, PRESENT], dtype=np.int8)
    return np.random.default_rng(seed).choice(states, (count, categories))


def prepared(labels: Labels, **options: Any) -> tuple[SARB, Batch]:
    """A method after two epochs, with prototypes, and a batch of all its images."""
    trained = method(labels.shape[1], warmup=0, **{"plrb_weight": 1.0, **options})
    training = data(labels)
    fit(trained, training, TrainConfig(epochs=2, batch_size=8, learning_rate=1e-3))
    trained.before_epoch(0, training)
    return trained, training.batch(np.arange(len(labels)))


@pytest.mark.parametrize("options", [{}, {"pooled": False}, {"ratio": "learned"}])
def test_after_the_warm_up_every_part_has_a_term(options: dict[str, Any]) -> None:
    reports = fit(method(4, **options), data(mixed(12, 4)), BRIEF)

    expected = TERMS if options.get("pooled", True) else TERMS - {"pooled", "soft"}
    assert set(reports[0].terms) == expected - {"ilrb", "plrb"}
    assert set(reports[-1].terms) == expected


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"ilrb": False}, {"ilrb"}),
        ({"plrb": False}, {"plrb"}),
        ({"instance_weight": 0.0}, {"instance"}),
        ({"soft_weight": 0.0}, {"soft"}),
        ({"ilrb": False, "plrb": False, "instance_weight": 0.0}, {"ilrb", "plrb", "instance"}),
    ],
)
def test_a_part_that_is_switched_off_gives_no_term(
    options: dict[str, Any], missing: set[str]
) -> None:
    reports = fit(method(4, **options), data(mixed(12, 4)), BRIEF)

    assert set(reports[-1].terms) == TERMS - missing


def test_the_contrast_grows_from_zero_in_the_first_epoch() -> None:
    trained, batch = prepared(mixed(12, 4))

    start, half, full = (trained.losses(batch, 0, p)["instance"] for p in (0.0, 0.5, 1.0))

    assert start.item() == 0
    assert half.item() == pytest.approx(full.item() / 2, rel=0.5)  # its draws differ
    assert full.item() > 0


def test_an_image_without_unknowns_enters_as_it_is() -> None:
    labels = np.where(mixed(10, 4) == UNKNOWN, ABSENT, mixed(10, 4)).astype(np.int8)
    trained, batch = prepared(labels)

    terms = trained.losses(batch, 1, 1.0)

    assert terms["ilrb"].item() == pytest.approx(terms["known"].item(), rel=1e-6)
    assert terms["plrb"].item() == pytest.approx(terms["known"].item(), rel=1e-6)


@pytest.mark.parametrize("part", ["ilrb", "plrb"])
def test_a_mixture_costs_its_soft_label(part: str) -> None:
    labels = np.full((4, 2), ABSENT, dtype=np.int8)
    labels[:2, 0], labels[3, 0], labels[:, 1] = PRESENT, UNKNOWN, PRESENT
    trained, batch = prepared(labels, ratio="learned", pooled=False, unknown_ratio=0.0)
    ratio = trained.instance_ratio if part == "ilrb" else trained.prototype_ratio
    trained.eval()
    with torch.no_grad():
        ratio.logit.fill_(1.0)
        own = torch.sigmoid(ratio.logit)
        decoupled = trained.sarl.decouple(trained.tokens(batch.features))
        other = decoupled[0, 0] if part == "ilrb" else trained.prototypes.vectors[0, 0]
        decoupled[3, 0] = own * decoupled[3, 0] + (1 - own) * other
        logits = trained.semantic_logits(decoupled)

        target = torch.from_numpy((labels == PRESENT).astype(np.float32))
        target[3, 0] = 1 - own
        expected = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, target, reduction="sum"
        )
        found = trained.losses(batch, 1, 1.0)[part]

    assert found.item() == pytest.approx(expected.item() / 7, rel=1e-5)  # seven labels are known


def test_a_learned_share_pulls_through_the_features_and_never_through_the_label() -> None:
    trained, batch = prepared(mixed(20, 4), ratio="learned")
    trained.zero_grad()
    terms = trained.losses(batch, 1, 1.0)

    (terms["ilrb"] + terms["plrb"]).backward()

    assert trained.instance_ratio.logit.grad.abs() > 0
    assert trained.prototype_ratio.logit.grad.abs() > 0
    with torch.no_grad():
        trained.sarl.weight.zero_()  # features no longer matter; labels still would
    trained.zero_grad()
    trained.losses(batch, 1, 1.0)["plrb"].backward()
    assert trained.prototype_ratio.logit.grad.abs() < 1e-9


def test_learned_shares_move_from_one_half() -> None:
    trained = method(4, ratio="learned", ratio_rate=0.1)

    fit(trained, data(mixed(20, 4)), BRIEF)

    shares = torch.sigmoid(torch.stack([m.logit for m in ratios(trained)]))
    assert (shares != 0.5).all()
    assert ((shares > 0) & (shares < 1)).all()


def ratios(trained: SARB) -> list[BlendRatio]:
    return [module for module in trained.modules() if isinstance(module, BlendRatio)]


def test_learned_shares_have_a_rate_of_their_own_and_no_decay() -> None:
    built = method(3, ratio="learned", ratio_rate=0.07)

    groups = built.parameter_groups(1e-3)

    found = {id(p): (g["lr"], g.get("weight_decay")) for g in groups for p in g["params"]}
    assert [found[id(m.logit)] for m in ratios(built)] == [(0.07, 0.0)] * 2
    assert len(found) == len(list(built.parameters()))


def test_drawn_shares_differ_from_pair_to_pair() -> None:
    shares = BlendRatio(learned=False, concentration=2.0)(torch.zeros(200, 50))

    assert len(shares.unique()) > 9000
    assert 0 < shares.min() < shares.max() < 1
    assert shares.mean().item() == pytest.approx(0.5, abs=0.01)
    assert shares.var().item() == pytest.approx(1 / 20, rel=0.05)  # of Beta(2, 2)


def test_a_category_is_drawn_among_the_unknown_ones_with_a_prototype() -> None:
    labels = torch.tensor([[UNKNOWN, UNKNOWN, PRESENT, UNKNOWN]] * 400 + [[PRESENT] * 4])
    available = torch.tensor([True, False, True, True])

    drawn = draw_categories(labels, available)

    assert set(drawn[:-1].tolist()) == {0, 3}
    assert drawn[-1] == -1
    assert 120 < (drawn == 0).sum() < 280


def test_every_image_draws_a_prototype_of_its_own() -> None:
    counts, categories = torch.tensor([0, 3]), torch.tensor([1] * 300 + [-1])

    slots = draw_slots(counts, categories)

    assert set(slots[:-1].tolist()) == {0, 1, 2}
    assert slots[-1] == 0


def test_it_learns_what_tokens_show() -> None:
    rng = np.random.default_rng(0)
    truth = np.where(rng.random((200, 4)) < 0.3, PRESENT, ABSENT).astype(np.int8)
    directions = np.linalg.qr(rng.standard_normal((8, 4)))[0].T
    tokens = 0.5 * rng.standard_normal((200, 9, 8))
    for image, category in np.argwhere(truth == PRESENT):
        tokens[image, rng.choice(9, 3, replace=False)] += 3 * directions[category]
    hidden = hide_labels(truth, 0.5, "uniform", rng)
    torch.manual_seed(0)
    trained = build("sarb", Dimensions(4, 1, 9, 8), {"features": 8, "hidden": 8, "pooled": False})
    training = TrainingData(hidden, tokens=tokens.astype(np.float32))

    fit(trained, training, TrainConfig(epochs=12, batch_size=20, learning_rate=3e-3))

    assert mean_average_precision(predict(trained, training), truth) > 0.9  # by chance 0.3


def test_the_paper_learns_its_shares() -> None:
    assert SARBConfig.paper().ratio == "learned"


def test_a_ratio_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="ratio must be one of sampled, learned, got 'half'"):
        build("sarb", Dimensions(1, 1, 1, 1), {"ratio": "half"})
