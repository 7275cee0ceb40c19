"""At the settings that are shipped, the parts of HST and SARB do what they are for."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made_world() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "benchmarks"))
        return importlib.import_module("made_world")


@pytest.fixture(scope="module")
def world(made_world: ModuleType) -> Any:
    return made_world.make(0, made_world.WORLDS["small"])


@pytest.fixture(scope="module")
def trained(made_world: ModuleType, world: Any) -> Any:
    return made_world.train(world, "hst")


def test_attention_leaves_uniform_and_finds_objects(
    made_world: ModuleType, world: Any, trained: Any
) -> None:
    found = made_world.attention(trained, world)

    assert found["on objects"] > 3 / 25  # everywhere alike: 1 / 25
    assert found["entropy"] < 0.9


def test_categories_that_come_together_make_right_pseudo_labels(
    made_world: ModuleType, world: Any, trained: Any
) -> None:
    found = made_world.pseudo_labels(trained, world, "ist")

    assert found["precision"] > 0.8
    assert found["recall"] > 0.15


def test_prototypes_find_hidden_present_labels_at_the_precision_that_was_asked_for(
    made_world: ModuleType, world: Any, trained: Any
) -> None:
    found = made_world.pseudo_labels(trained, world, "cst")

    assert found["ranked"] > 0.8
    assert found["precision"] > trained.config.precision
    assert found["recall"] > 0.03


def test_transfer_brings_more_than_known_labels_alone(
    made_world: ModuleType, world: Any, trained: Any
) -> None:
    without = made_world.train(world, "hst", {"ist": False, "cst": False})

    assert made_world.quality(trained, world) > made_world.quality(without, world) + 1


def test_blending_helps_where_positives_are_scarce(made_world: ModuleType) -> None:
    scarce = made_world.make(0, made_world.WORLDS["scarce"])
    alone = {"pooled": False, "plrb": False}  # with so few present labels nothing is judged
    options = (alone, alone | {"ilrb": False})

    blended, plain = (
        made_world.quality(made_world.train(scarce, "sarb", o), scarce) for o in options
    )

    assert blended > plain + 1
