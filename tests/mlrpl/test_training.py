"""The training loop and its two seams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mlrpl.labels import PRESENT
from mlrpl.losses.bce import partial_bce
from mlrpl.methods import build
from mlrpl.methods.base import Dimensions, Method
from mlrpl.training import TrainConfig, TrainingData, fit, predict


class Linear(Method):
    def __init__(self, dimensions: Dimensions) -> None:
        super().__init__(dimensions, None)
        self.linear = nn.Linear(dimensions.pooled, dimensions.categories)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.calls: list[tuple[int, float]] = []
        self.prepared = 0

    def prepare(self, data: TrainingData) -> None:
        assert len(data)
        self.prepared += 1

    def losses(self, batch, epoch, progress):
        self.calls.append((epoch, progress))
        noise = torch.rand(()) * 1e-3
        return {"bce": partial_bce(self(batch.features), batch.labels, batch.weights) + noise}

    def forward(self, features):
        return self.linear(features.pooled)


def separable(rows: int = 64) -> TrainingData:
    rng = np.random.default_rng(0)
    pooled = rng.standard_normal((rows, 3)).astype(np.float16)
    labels = np.sign(pooled @ rng.standard_normal((3, 2))).astype(np.int8)
    return TrainingData(labels, pooled=pooled)


def test_it_learns_and_reports_every_epoch() -> None:
    method, seen = Linear(Dimensions(2, 3)), []

    reports = fit(
        method,
        separable(),
        TrainConfig(epochs=20, batch_size=16, learning_rate=0.1),
        on_epoch_end=seen.append,
    )

    assert reports == seen
    assert [r.epoch for r in reports] == list(range(20))
    assert reports[-1].terms["bce"] < reports[0].terms["bce"] / 2
    assert method.prepared == 1
    assert not method.training


def test_progress_is_the_share_of_the_epoch_that_is_done() -> None:
    method = Linear(Dimensions(2, 3))

    fit(method, separable(10), TrainConfig(epochs=2, batch_size=4))

    assert [epoch for epoch, _ in method.calls] == [0, 0, 0, 1, 1, 1]
    assert [p for _, p in method.calls] == pytest.approx([0, 1 / 3, 2 / 3] * 2)


def test_the_same_seed_gives_the_same_method_and_another_one_another() -> None:
    found = []
    for seed in (1, 1, 2):
        torch.rand(3)
        method = Linear(Dimensions(2, 3))
        reports = fit(method, separable(), TrainConfig(epochs=2, batch_size=16, seed=seed))
        found.append((method.linear.weight.detach().clone(), reports))

    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert not torch.equal(found[0][0], found[2][0])


def test_the_global_random_state_is_left_alone() -> None:
    method = Linear(Dimensions(2, 3))
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)

    fit(method, separable(), TrainConfig(epochs=1))

    assert torch.equal(torch.rand(2), expected)


def test_it_stops_before_the_next_step_and_can_still_predict() -> None:
    method = Linear(Dimensions(2, 3))

    reports = fit(
        method,
        separable(),
        TrainConfig(epochs=9, batch_size=32),
        should_stop=lambda: len(method.calls) >= 3,
    )

    assert len(method.calls) == 3
    assert len(reports) == 1
    assert predict(method, separable()).shape == (64, 2)


def test_only_the_rows_in_use_train_and_are_predicted_in_their_order() -> None:
    data = separable()
    part = TrainingData(data.labels, pooled=data.pooled, rows=np.array([5, 2, 60]))
    method = Linear(Dimensions(2, 3))
    nn.init.normal_(method.linear.weight)

    assert len(part) == 3
    assert (part.known_labels() == data.labels[[5, 2, 60]]).all()
    expected = predict(method, data)[[5, 2, 60]]
    assert predict(method, part, batch_size=2) == pytest.approx(expected, rel=1e-4)


def test_every_row_comes_once_an_epoch_with_its_own_labels_and_weights() -> None:
    labels = np.arange(10, dtype=np.int8)[:, None]
    weights = np.arange(10, dtype=np.float32)[:, None] / 10
    data = TrainingData(labels, tokens=np.arange(10.0)[:, None, None], weights=weights)

    batches = list(data.batches(4, torch.Generator().manual_seed(0), shuffle=True))

    assert [len(b.labels) for b in batches] == [4, 4, 2]
    order = torch.cat([b.labels for b in batches]).flatten().tolist()
    assert sorted(order) == list(range(10))
    assert order != list(range(10))
    tokens = torch.cat([b.features.tokens for b in batches])
    assert tokens.dtype == torch.float32
    assert tokens.flatten().tolist() == order
    assert torch.cat([b.weights for b in batches]).flatten().tolist() == pytest.approx(
        [i / 10 for i in order]
    )


def test_a_label_without_weight_does_not_train() -> None:
    data = separable()
    weights = np.zeros(data.labels.shape, np.float32)
    method = Linear(Dimensions(2, 3))

    fit(
        method,
        TrainingData(data.labels, pooled=data.pooled, weights=weights),
        TrainConfig(epochs=2),
    )

    assert (method.linear.weight == 0).all()


def test_data_and_settings_that_do_not_fit_are_refused() -> None:
    labels = np.full((4, 1), PRESENT, np.int8)

    with pytest.raises(ValueError, match="pooled has 3 rows for 4 images"):
        TrainingData(labels, pooled=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="rows must lie in 0 to 3"):
        TrainingData(labels, rows=np.array([4]))
    with pytest.raises(ValueError, match="no image to train on"):
        fit(Linear(Dimensions(1, 3)), TrainingData(labels, rows=np.array([])), TrainConfig())
    for wrong in ({"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0}, {"weight_decay": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            TrainConfig(**wrong)


def test_every_method_trains_the_same_way_twice() -> None:
    rng = np.random.default_rng(0)
    pooled = rng.standard_normal((40, 8)).astype(np.float32)
    labels = rng.integers(-1, 2, (40, 3)).astype(np.int8)
    data = TrainingData(labels, pooled=pooled)

    scores = []
    for _ in range(2):
        method = build("partial_bce", Dimensions(3, 8))
        fit(method, data, TrainConfig(epochs=3, batch_size=16))
        scores.append(predict(method, data))

    assert (scores[0] == scores[1]).all()
