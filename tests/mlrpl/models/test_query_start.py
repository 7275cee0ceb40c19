"""Where attention starts: at what images have in common that show a category."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from mlrpl.data import Dimensions, TrainingData
from mlrpl.labels import ABSENT, PRESENT, hide_labels
from mlrpl.methods import build
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.training import TrainConfig, fit

TOKEN, POSITIONS, CATEGORIES = 40, 25, 6


def scenes(images: int) -> tuple[TrainingData, npt.NDArray[np.bool_]]:
    """Categories that one position of an image carries; half of the labels are known."""
    rng = np.random.default_rng(0)
    shown = rng.random((images, CATEGORIES)) < 0.2
    shown[:, -1] = False
    directions = np.linalg.qr(rng.standard_normal((TOKEN, CATEGORIES)))[0].T
    tokens = rng.standard_normal((images, POSITIONS, TOKEN)) / TOKEN**0.5
    places = np.zeros((images, CATEGORIES, POSITIONS), bool)
    for image, category in np.argwhere(shown):
        place = rng.integers(POSITIONS)
        tokens[image, place] += 1.5 * directions[category]
        places[image, category, place] = True
    truth = np.where(shown, PRESENT, ABSENT).astype(np.int8)
    known = hide_labels(truth, 0.5, "uniform", rng)
    tokens = tokens.astype(np.float32)
    return TrainingData(known, pooled=tokens.mean(axis=1), tokens=tokens), places


def prepared(data: TrainingData, **options: float) -> SemanticMethod:
    torch.manual_seed(0)
    dimensions = Dimensions(CATEGORIES, TOKEN, POSITIONS, TOKEN)
    method = build("hst", dimensions, {"features": 8, "hidden": 6, "soft_weight": 0.0, **options})
    assert isinstance(method, SemanticMethod)
    method.prepare(data)
    return method


def on_objects(method: SemanticMethod, data: TrainingData, places: npt.NDArray[np.bool_]) -> float:
    with torch.no_grad():
        attention = method.attention(data.features(data.rows)).numpy()
    return float((attention * places).sum(axis=2)[places.any(axis=2)].mean())


def test_each_category_looks_at_its_objects_before_anything_is_trained() -> None:
    """Queries drawn at random looked everywhere, and still did after training."""
    data, places = scenes(400)

    found = [on_objects(prepared(data, attention_start=s), data, places) for s in (0.0, 1.0, 2.0)]

    assert found[0] == pytest.approx(1 / POSITIONS, abs=0.02)
    assert found[1] > 5 / POSITIONS
    assert found[2] > found[1]


def test_what_tells_categories_apart_is_kept_when_tokens_are_narrowed() -> None:
    """The first 8 of 40 channels would keep a fifth of each category's direction."""
    data, _ = scenes(400)
    method = prepared(data)
    labels = data.known_labels()
    means = method.sarl.image_means([torch.from_numpy(data.tokens)])

    for category in range(CATEGORIES - 1):
        shows = torch.from_numpy(labels[:, category] == PRESENT)
        contrast = means[shows].mean(dim=0) - means.mean(dim=0)
        kept = (contrast @ method.sarl.project.weight.T).norm() / contrast.norm()
        assert kept > 0.95


def test_the_projection_keeps_lengths() -> None:
    method = prepared(scenes(60)[0])

    weight = method.sarl.project.weight

    torch.testing.assert_close(weight @ weight.T, torch.eye(8), rtol=0, atol=1e-5)


def test_a_category_without_a_positive_looks_everywhere() -> None:
    data, _ = scenes(60)

    with torch.no_grad():
        attention = prepared(data).attention(data.features(data.rows))[:, -1]

    torch.testing.assert_close(attention, torch.full_like(attention, 1 / POSITIONS))


def test_word_vectors_reach_the_same_start_where_they_tell_categories_apart() -> None:
    data, places = scenes(200)

    by_words = prepared(data, word_dim=12)

    assert on_objects(by_words, data, places) == pytest.approx(
        on_objects(prepared(data), data, places), abs=1e-3
    )


def test_what_is_trained_already_starts_where_it_is() -> None:
    data, _ = scenes(40)
    method = prepared(data)
    fit(method, data, TrainConfig(epochs=1, batch_size=20))
    before = {k: v.clone() for k, v in method.named_parameters()}

    method.prepare(data)

    assert all(torch.equal(v, before[k]) for k, v in method.named_parameters())
