"""What is saved loads the same, or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mlrpl import checkpoint
from mlrpl.data import Dimensions
from mlrpl.methods import build, names
from mlrpl.training import TrainConfig, TrainingData, TrainingState, fit, predict

SIZES = Dimensions(categories=3, pooled=8, positions=4, token=6)


def data() -> TrainingData:
    rng = np.random.default_rng(0)
    return TrainingData(
        rng.integers(-1, 2, (30, 3)).astype(np.int8),
        pooled=rng.standard_normal((30, 8)).astype(np.float32),
        tokens=rng.standard_normal((30, 4, 6)).astype(np.float32),
    )


@pytest.mark.parametrize("name", names())
def test_a_method_scores_the_same_after_a_round_trip(name, tmp_path) -> None:
    method = build(name, SIZES)
    fit(method, data(), TrainConfig(epochs=2, batch_size=16))

    checkpoint.save(tmp_path / "w.safetensors", method, name, SIZES, {"note": "ä"})
    loaded = checkpoint.load(tmp_path / "w.safetensors")

    assert (predict(loaded, data()) == predict(method, data())).all()
    assert loaded.config == method.config
    assert checkpoint.load_extra(tmp_path / "w.safetensors") == {"note": "ä"}
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_options_that_are_not_the_defaults_come_back(tmp_path) -> None:
    method = build("partial_bce", SIZES, {"penalty": 0.7, "names": False})

    checkpoint.save(tmp_path / "w.safetensors", method, "partial_bce", SIZES)

    assert checkpoint.load(tmp_path / "w.safetensors").config.penalty == 0.7


def test_a_damaged_file_is_refused_with_its_name(tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    checkpoint.save(path, build("partial_bce", SIZES), "partial_bce", SIZES)
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(ValueError, match=r"w\.safetensors is no checkpoint"):
        checkpoint.load(path)


def test_a_missing_file_stays_a_missing_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none.safetensors")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_text("old")

    with pytest.raises(TypeError):
        checkpoint.save(path, build("partial_bce", SIZES), "x", SIZES, {"what": object()})

    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_method_of_other_categories_is_refused(tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    method = build("partial_bce", SIZES)
    checkpoint.save(path, method, "partial_bce", SIZES, categories=["cat", "dog", "häus"])

    assert checkpoint.load_categories(path) == ["cat", "dog", "häus"]
    checkpoint.load(path, expect_categories=("cat", "dog", "häus"))
    checkpoint.load(path)
    for wrong, difference in (
        (["cat", "häus", "dog"], "column 1 is 'dog' in place of 'häus'"),
        (["cat", "dog"], "3 in place of 2"),
    ):
        with pytest.raises(ValueError, match=rf"w\.safetensors was made for .*{difference}"):
            checkpoint.load(path, expect_categories=wrong)


def test_a_method_that_names_no_category_is_not_taken_for_the_right_one(tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    checkpoint.save(path, build("partial_bce", SIZES), "partial_bce", SIZES)

    assert checkpoint.load_categories(path) is None
    with pytest.raises(ValueError, match="the file names none"):
        checkpoint.load(path, expect_categories=["cat", "dog", "house"])


def states(**settings) -> list[TrainingState]:
    found: list[TrainingState] = []
    config = TrainConfig(epochs=2, batch_size=16, **settings)
    fit(build("partial_bce", SIZES), data(), config, on_state=found.append)
    return found


def test_a_training_state_comes_back_as_it_was(tmp_path) -> None:
    path, (state, _) = tmp_path / "s.safetensors", states(ema=0.9)

    checkpoint.save_state(path, state, categories=["a", "b", "c"])
    loaded = checkpoint.load_state(path, expect_categories=["a", "b", "c"])

    assert loaded.epoch == 1
    assert loaded.header == json.loads(json.dumps(state.header))
    assert loaded.tensors.keys() == state.tensors.keys()
    for name, tensor in state.tensors.items():
        assert torch.equal(loaded.tensors[name], tensor)
        assert loaded.tensors[name].dtype == tensor.dtype
    assert [p.name for p in tmp_path.iterdir()] == ["s.safetensors"]


def test_a_state_that_is_damaged_or_of_other_categories_is_refused(tmp_path) -> None:
    path, (state, _) = tmp_path / "s.safetensors", states()
    checkpoint.save_state(path, state, categories=["a", "b", "c"])

    with pytest.raises(ValueError, match="column 2 is 'c' in place of 'd'"):
        checkpoint.load_state(path, expect_categories=["a", "b", "d"])
    with pytest.raises(ValueError, match=r"s\.safetensors is no checkpoint"):
        checkpoint.load(path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"s\.safetensors is no training state"):
        checkpoint.load_state(path)
    with pytest.raises(FileNotFoundError):
        checkpoint.load_state(tmp_path / "none.safetensors")
