"""A training that was interrupted ends as it would have ended without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlrpl import checkpoint
from mlrpl.data import Dimensions
from mlrpl.methods import build
from mlrpl.methods.base import Method
from mlrpl.training import EpochReport, TrainConfig, TrainingData, TrainingState, fit

SIZES = Dimensions(categories=3, pooled=7, positions=5, token=6)
SMALL = {"features": 8, "hidden": 4, "warmup": 1, "prototype_every": 2, "dropout": 0.3}
OPTIONS: dict[str, dict[str, Any]] = {
    "hst": {**SMALL, "cst_from": 0, "pair_reduced": 4, "pair_hidden": 4},
    "partial_bce": {},
    "sarb": SMALL,
}
PLAIN = TrainConfig(epochs=4, batch_size=8, learning_rate=0.01)
SETTINGS = {
    "the default settings": PLAIN,
    "everything else": replace(
        PLAIN,
        optimizer="sgd",
        schedule="step",
        step_epochs=1,
        accumulate=2,
        ema=0.7,
        patience=3,
        max_grad_norm=0.5,
    ),
}


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def data(seed: int = 0, images: int = 29) -> TrainingData:
    rng = np.random.default_rng(seed)
    return TrainingData(
        rng.integers(-1, 2, (images, 3)).astype(np.int8),
        pooled=rng.standard_normal((images, 7)).astype(np.float32),
        tokens=rng.standard_normal((images, 5, 6)).astype(np.float16),
    )


def untrained(name: str, seed: int = 1) -> Method:
    torch.manual_seed(seed)
    return build(name, SIZES, OPTIONS[name])


def state_of(config: TrainConfig, name: str = "hst") -> TrainingState:
    states: list[TrainingState] = []
    fit(untrained(name), data(), config, on_state=states.append)
    return states[0]


@pytest.mark.parametrize("config", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("name", OPTIONS)
def test_a_training_interrupted_after_any_epoch_ends_bit_for_bit_the_same(
    name: str, config: TrainConfig, tmp_path: Path
) -> None:
    whole = untrained(name)
    validation = data(seed=1)
    reports = fit(whole, data(), config, validation=validation)

    def interrupt(report: EpochReport) -> None:
        if report.epoch == reports[-1].epoch:
            raise Interrupted

    # What is on disk after an epoch is what a process that ends there leaves behind.
    with pytest.raises(Interrupted):
        fit(
            untrained(name),
            data(),
            config,
            validation=validation,
            on_epoch_end=interrupt,
            on_state=lambda state: checkpoint.save_state(tmp_path / f"{state.epoch}", state),
        )
    for last in range(len(reports)):
        # Built with other weights, in a process with another random state.
        resumed = untrained(name, seed=5)
        torch.rand(3)
        state = checkpoint.load_state(tmp_path / f"{last + 1}")
        found = fit(resumed, data(), config, validation=validation, state=state)

        assert state.epoch == last + 1
        assert found == reports
        for key, value in whole.state_dict().items():
            assert torch.equal(resumed.state_dict()[key], value), (last, key)


def test_a_training_cancelled_within_an_epoch_goes_on_after_the_last_whole_one() -> None:
    states: list[TrainingState] = []
    asked = iter(range(100))
    whole, resumed = untrained("hst"), untrained("hst", seed=5)
    fit(whole, data(), PLAIN)

    fit(
        untrained("hst"),
        data(),
        PLAIN,
        on_state=states.append,
        should_stop=lambda: next(asked) > 9,
    )
    fit(resumed, data(), PLAIN, state=states[-1])

    assert states[-1].epoch == 2
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def test_a_state_names_the_average_as_earlier_versions_did() -> None:
    state = state_of(replace(PLAIN, ema=0.7), "partial_bce")

    found = {key for key in state.tensors if key.startswith("average.")}
    assert found == {f"average.{name}" for name, _ in untrained("partial_bce").named_parameters()}
    assert state.header["average_steps"] == 4


def test_a_state_belongs_to_its_method_options_settings_and_data() -> None:
    state = state_of(PLAIN)
    others = {
        "method": (untrained("partial_bce"), data(), PLAIN),
        "dimensions": (build("hst", replace(SIZES, token=8), OPTIONS["hst"]), None, PLAIN),
        "options": (build("hst", SIZES, {**OPTIONS["hst"], "warmup": 3}), data(), PLAIN),
        "training settings": (untrained("hst"), data(), replace(PLAIN, learning_rate=0.02)),
        "set of images": (untrained("hst"), data(images=28), PLAIN),
        "set of labels": (untrained("hst"), data(seed=3), PLAIN),
    }

    for name, (method, training, config) in others.items():
        if training is None:
            training = data()
            training.tokens = np.zeros((29, 5, 8), np.float32)
        with pytest.raises(ValueError, match=f"this training state has another {name} "):
            fit(method, training, config, state=state)
    grown = untrained("hst")
    grown.head = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="another set of parameters"):
        fit(grown, data(), PLAIN, state=state)


def test_a_refused_state_changes_nothing() -> None:
    method = untrained("partial_bce")
    before = method.head.linear.weight.detach().clone()

    with pytest.raises(ValueError, match="another training settings"):
        fit(method, data(), replace(PLAIN, seed=1), state=state_of(PLAIN, "partial_bce"))

    assert torch.equal(method.head.linear.weight, before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("config", [*SETTINGS.values(), replace(PLAIN, precision="float16")])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_training_resumed_on_cuda_ends_the_same_to_five_digits(
    name: str, config: TrainConfig
) -> None:
    states: list[TrainingState] = []
    whole, resumed = untrained(name), untrained(name, seed=5)
    fit(whole, data(), config, device="cuda", validation=data(1), on_state=states.append)

    fit(resumed, data(), config, device="cuda", validation=data(1), state=states[1])

    for key, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[key], value, rtol=0, atol=1e-5, msg=key)
