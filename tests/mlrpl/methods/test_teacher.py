"""Soft labels from resembling images: what they say, and what they must not know."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from mlrpl.data import Dimensions
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods import build
from mlrpl.methods.kernel_ridge import KernelRidgeConfig
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.methods.teacher import Teacher
from mlrpl.training import TrainingData

IMAGES = 80
SIZES = Dimensions(2, 6, 4, 5)


def arrays(seed: int = 0) -> dict[str, npt.NDArray[np.float32]]:
    """Images of two kinds, the even ones and the odd ones."""
    rng = np.random.default_rng(seed)
    pooled = rng.standard_normal((IMAGES, 6), dtype=np.float32)
    tokens = rng.standard_normal((IMAGES, 4, 5), dtype=np.float32)
    pooled[::2] += 2
    tokens[::2, :, 0] += 3
    return {"pooled": pooled, "tokens": tokens}


def told(labels: npt.NDArray[np.int8]) -> torch.Tensor:
    teacher = Teacher(SIZES, KernelRidgeConfig())
    data = TrainingData(labels, **arrays())
    teacher.prepare(data)
    return torch.sigmoid(teacher.left_out(data))


def of_two_kinds(known: float) -> npt.NDArray[np.int8]:
    labels = np.full((IMAGES, 2), ABSENT, dtype=np.int8)
    labels[::2, 0] = labels[1::2, 1] = PRESENT
    hidden = np.random.default_rng(1).random(labels.shape) > known
    return np.where(hidden, UNKNOWN, labels).astype(np.int8)


def test_an_unknown_pair_is_likely_present_or_absent_as_the_images_it_resembles() -> None:
    labels = of_two_kinds(0.4)

    found = told(labels)

    is_open = torch.from_numpy(labels == UNKNOWN)
    assert found[::2, 0][is_open[::2, 0]].mean() > 0.55
    assert found[1::2, 0][is_open[1::2, 0]].mean() < 0.45


def test_an_answer_does_not_speak_for_itself() -> None:
    chance = np.random.default_rng(3).random((IMAGES, 2)) < 0.5
    labels = np.where(chance, PRESENT, ABSENT).astype(np.int8)

    found = told(labels)

    assert found[torch.from_numpy(chance)].mean() < found[torch.from_numpy(~chance)].mean() + 0.05


def test_where_nothing_is_known_nothing_is_likely() -> None:
    labels = of_two_kinds(0.5)
    labels[:, 1] = UNKNOWN

    assert told(labels)[:, 1].max() < 1e-6
    assert told(np.zeros_like(labels)).max() < 1e-6


def test_soft_labels_belong_to_the_images_in_use_in_any_order() -> None:
    rows = np.random.default_rng(2).permutation(IMAGES)[:60]
    found = {}
    for name, used in {"drawn": rows, "sorted": np.sort(rows)}.items():
        torch.manual_seed(0)
        method = build("hst", SIZES, {"features": 4, "hidden": 2})
        assert isinstance(method, SemanticMethod)
        method.prepare(TrainingData(of_two_kinds(0.4), **arrays(), rows=used))
        assert method.guessed is not None
        found[name] = method.guessed

    torch.testing.assert_close(found["drawn"], found["sorted"], rtol=0.02, atol=0.02)
    unused = np.setdiff1d(np.arange(IMAGES), rows)
    assert not found["drawn"][unused].any()


def test_only_unknown_pairs_have_a_soft_label() -> None:
    labels = of_two_kinds(0.4)
    method = build("hst", SIZES, {"features": 4, "hidden": 2})
    assert isinstance(method, SemanticMethod)
    data = TrainingData(labels, **arrays())
    method.prepare(data)
    logits = torch.zeros(IMAGES, 2, requires_grad=True)

    method.soft_terms(logits, data.batch(np.arange(IMAGES)))["soft"].backward()

    assert logits.grad is not None
    assert torch.equal(logits.grad != 0, torch.from_numpy(labels == UNKNOWN))
