"""The training loop and its two seams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mlrpl.data import Batch, Dimensions
from mlrpl.errors import TrainingDiverged
from mlrpl.labels import PRESENT
from mlrpl.losses.bce import partial_bce
from mlrpl.methods import build
from mlrpl.methods.base import Method
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


def test_a_training_that_diverges_says_so_instead_of_leaving_weights_of_nan() -> None:
    class Divergent(Linear):
        def losses(self, batch, epoch, progress):
            terms = super().losses(batch, epoch, progress)
            return {name: term * (float("nan") if epoch else 1.0) for name, term in terms.items()}

    config = TrainConfig(epochs=3, batch_size=16, learning_rate=0.5)

    with pytest.raises(TrainingDiverged, match=r"diverged in epoch 2: .* below 0\.5"):
        fit(Divergent(Dimensions(2, 3)), separable(), config)


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
    labels = np.resize(np.array([1, 0, -1], np.int8), (10, 1))
    weights = np.arange(10, dtype=np.float32)[:, None] / 10
    data = TrainingData(labels, tokens=np.arange(10.0)[:, None, None], weights=weights)

    batches = list(data.batches(4, torch.Generator().manual_seed(0), shuffle=True))

    assert [len(b.labels) for b in batches] == [4, 4, 2]
    order = torch.cat([b.rows for b in batches]).tolist()
    assert sorted(order) == list(range(10))
    assert order != list(range(10))
    tokens = torch.cat([b.features.tokens for b in batches])
    assert tokens.dtype == torch.float32
    assert tokens.flatten().tolist() == order
    assert torch.equal(torch.cat([b.labels for b in batches]), torch.from_numpy(labels[order]))
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
    with pytest.raises(ValueError, match="built for labels of shape"):
        fit(Linear(Dimensions(2, 3)), TrainingData(labels), TrainConfig())


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"weight_decay": -1},
        {"optimizer": "lion"},
        {"momentum": 1},
        {"schedule": "linear"},
        {"step_epochs": 0},
        {"precision": "float64"},
        {"accumulate": 0},
        {"ema": 1},
        {"patience": -1},
        {"max_grad_norm": -0.1},
    ],
)
def test_a_setting_outside_its_range_is_refused_by_its_name(wrong: dict) -> None:
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


class Slope(Method):
    """One number, whose loss is a multiple of it; the logits are the features times it."""

    def __init__(self, factor: float = 1.0, start: float = 0.0) -> None:
        super().__init__(Dimensions(1, 1), None)
        self.number = nn.Parameter(torch.tensor(start))
        self.factor = factor
        self.seen: list[float] = []

    def losses(self, batch, epoch, progress):  # noqa: ARG002
        self.seen.append(self.number.item())
        return {"slope": self.factor * self.number}

    def forward(self, features):
        return features.pooled * self.number


def line(rows: int = 6) -> TrainingData:
    pooled = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    return TrainingData(np.where(pooled > 0, 1, -1).astype(np.int8), pooled=pooled)


def plain(**settings) -> TrainConfig:
    """Steps of plain gradient descent, two an epoch."""
    settings = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0} | settings
    return TrainConfig(**{"epochs": 4, "batch_size": 3, "learning_rate": 0.5} | settings)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.5] * 8),
        ("step", [0.5] * 4 + [0.05] * 4),
        ("cosine", [0.25 * (1 + np.cos(np.pi * i / 8)) for i in range(8)]),
        (
            "one_cycle",
            [1 / 6, 1 / 3, *(0.25 * (1 + np.cos(np.pi * i / 6)) for i in range(6))],
        ),
    ],
)
def test_a_schedule_sets_the_length_of_every_step(schedule: str, rates: list[float]) -> None:
    method = Slope()

    fit(method, line(), plain(schedule=schedule, step_epochs=2))

    numbers = [*method.seen, method.number.item()]
    assert -np.diff(numbers) == pytest.approx(rates, rel=1e-4)


def test_weight_decay_is_decoupled_in_adamw_and_part_of_the_gradient_in_adam_and_sgd() -> None:
    ends = {}
    for optimizer in ("adamw", "adam", "sgd"):
        method = Slope(factor=1.0, start=2.0)
        fit(
            method,
            line(),
            plain(optimizer=optimizer, epochs=1, batch_size=6, weight_decay=0.1),
        )
        ends[optimizer] = method.number.item()

    # The first step of adam has the length of the learning rate, whatever the gradient.
    assert ends == pytest.approx(
        {"adamw": 2 - 0.5 * 0.1 * 2 - 0.5, "adam": 2 - 0.5, "sgd": 2 - 0.5 * (1 + 0.1 * 2)}
    )


def test_momentum_carries_steps_on() -> None:
    method = Slope()

    fit(method, line(), plain(schedule="constant", momentum=0.5, epochs=1))

    assert [*method.seen, method.number.item()] == pytest.approx([0, -0.5, -0.5 - 0.75])


def test_a_gradient_is_cut_to_its_longest_length() -> None:
    long, short = Slope(factor=30.0), Slope(factor=0.1)

    for method in (long, short):
        fit(method, line(), plain(schedule="constant", epochs=1, max_grad_norm=0.5))

    assert long.number.item() == pytest.approx(-2 * 0.5 * 0.5, rel=1e-4)
    assert short.number.item() == pytest.approx(-2 * 0.5 * 0.1)


def test_parts_of_a_step_add_up_to_its_mean_over_images() -> None:
    rng = np.random.default_rng(0)
    data = TrainingData(
        rng.integers(-1, 2, (23, 3)).astype(np.int8),
        pooled=rng.standard_normal((23, 8)).astype(np.float32),
    )
    weights = {}
    for parts in (1, 3, 50):
        method = build("partial_bce", Dimensions(3, 8), {"unknown_ratio": 0.0})
        reports = fit(
            method, data, plain(epochs=2, batch_size=10, learning_rate=5.0, accumulate=parts)
        )
        weights[parts] = method.head.linear.weight.detach(), reports[-1].terms["absent"]

    assert weights[1][0].abs().max() > 0.1
    for parts in (3, 50):
        torch.testing.assert_close(weights[parts][0], weights[1][0], rtol=1e-4, atol=1e-6)
        assert weights[parts][1] == pytest.approx(weights[1][1], rel=1e-4)


def test_parts_of_a_step_take_weights_and_rows_along() -> None:
    data = separable(7)
    shown = np.arange(14).reshape(7, 2) % 3 == 0
    whole = TrainingData(data.labels, pooled=data.pooled, shown=shown)
    seen: list[Batch] = []

    class Watching(Linear):
        def losses(self, batch, epoch, progress):
            seen.append(batch)
            return super().losses(batch, epoch, progress)

    fit(Watching(Dimensions(2, 3)), whole, TrainConfig(epochs=1, batch_size=7, accumulate=3))

    assert [len(b.labels) for b in seen] == [3, 3, 1]
    for batch in seen:
        rows = batch.rows.numpy()
        assert (batch.labels.numpy() == whole.labels[rows]).all()
        assert (batch.weights.numpy() == whole.weights[rows]).all()
        assert batch.weights.shape == batch.labels.shape
        assert batch.features.pooled.numpy() == pytest.approx(data.pooled[rows])


def test_the_averaged_weights_are_used_in_the_end_and_do_not_disturb_the_training() -> None:
    method = Slope()

    fit(method, line(), plain(schedule="constant", ema=0.6))

    steps = -0.5 * np.arange(9)
    assert method.seen == pytest.approx(steps[:-1])
    average = 0.0
    for t, number in enumerate(steps[1:], start=1):
        decay = min(0.6, (1 + t) / (10 + t))
        average = decay * average + (1 - decay) * number
    assert method.number.item() == pytest.approx(average, rel=1e-5)


def test_training_ends_when_nothing_gets_better_and_the_best_weights_are_used() -> None:
    method = Slope(start=0.8)

    reports = fit(
        method,
        line(),
        plain(epochs=9, schedule="constant", batch_size=6, patience=3),
        validation=line(8),
    )

    # It ranks right while the number is above zero: 0.3 after the first epoch, then -0.2.
    assert [r.validation == 1.0 for r in reports] == [True, False, False, False]
    assert method.number.item() == pytest.approx(0.3)


def test_without_patience_validation_only_tells() -> None:
    method = Slope(start=0.8)

    reports = fit(method, line(), plain(epochs=3, batch_size=6), validation=line(8))

    assert len(reports) == 3
    assert reports[0].validation == 1.0
    assert method.number.item() < 0
    assert fit(Slope(), line(), plain(epochs=1))[0].validation is None


def test_the_weights_that_are_validated_are_the_averaged_ones() -> None:
    method = Slope(start=0.8)
    settings = {"epochs": 9, "schedule": "constant", "batch_size": 6, "patience": 2}

    reports = fit(method, line(), plain(**settings, ema=0.99), validation=line(8))

    assert method.seen[1] == pytest.approx(0.3)
    # After one step the average is 2/11 of 0.8 and 9/11 of 0.3.
    assert reports[0].validation == 1.0
    assert method.number.item() == pytest.approx((2 * 0.8 + 9 * 0.3) / 11)


class Remembering(Slope):
    """Keeps the last epoch beside its parameters, as `curriculum` keeps its choice."""

    last = -1

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        super().before_epoch(epoch, data)
        self.last = epoch

    def get_extra_state(self) -> torch.Tensor:
        return torch.tensor(self.last)

    def set_extra_state(self, state: torch.Tensor) -> None:
        self.last = int(state)


def test_the_best_weights_come_with_what_the_method_held_then() -> None:
    method = Remembering(start=0.8)
    settings = {"epochs": 9, "schedule": "constant", "batch_size": 6, "patience": 2}

    reports = fit(method, line(), plain(**settings, ema=0.99), validation=line(8))

    best = max(reports, key=lambda r: (r.validation, -r.epoch)).epoch
    assert best < len(reports) - 1
    assert method.last == best


def test_validation_that_cannot_measure_is_refused() -> None:
    nothing = TrainingData(np.zeros((4, 1), np.int8), pooled=np.ones((4, 1)))
    other = TrainingData(np.zeros((4, 2), np.int8), pooled=np.ones((4, 1)))

    with pytest.raises(ValueError, match="no category of the validation data"):
        fit(Slope(), line(), plain(), validation=nothing)
    with pytest.raises(ValueError, match="built for labels of shape"):
        fit(Slope(), line(), plain(), validation=other)
    with pytest.raises(ValueError, match="patience needs validation data"):
        fit(Slope(), line(), plain(patience=1))


@pytest.mark.parametrize("name", ["partial_bce", "hst"])
def test_bfloat16_trains_parameters_that_stay_float32(name: str) -> None:
    rng = np.random.default_rng(0)
    pooled = rng.standard_normal((40, 8)).astype(np.float32)
    truth = np.where(pooled @ rng.standard_normal((8, 3)) > 0, 1, -1).astype(np.int8)
    tokens = np.repeat(pooled[:, None], 2, axis=1)
    data = TrainingData(truth, pooled=pooled, tokens=tokens)
    found = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        method = build(name, Dimensions(3, 8, 2, 8))
        config = TrainConfig(epochs=8, batch_size=16, learning_rate=0.01, precision=precision)
        found[precision] = fit(method, data, config)
        assert {p.dtype for p in method.parameters()} == {torch.float32}
        scores = predict(method, data)
        assert scores.dtype == np.float32
        assert ((scores > 0) == (truth > 0)).mean() > 0.7

    exact, rough = (sum(found[p][-1].terms.values()) for p in ("float32", "bfloat16"))
    assert exact != rough
    assert exact == pytest.approx(rough, rel=0.1)


def test_float16_without_cuda_is_refused() -> None:
    with pytest.raises(ValueError, match="float16 needs a CUDA device, got cpu"):
        fit(Slope(), line(), plain(precision="float16"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_every_precision_trains_on_cuda(precision: str) -> None:
    method = Linear(Dimensions(2, 3))
    config = TrainConfig(epochs=20, batch_size=16, learning_rate=0.1, precision=precision)

    reports = fit(method, separable(), config, device="cuda")

    assert reports[-1].terms["bce"] < reports[0].terms["bce"] / 2
    assert np.isfinite(predict(method, separable(), device="cuda")).all()
