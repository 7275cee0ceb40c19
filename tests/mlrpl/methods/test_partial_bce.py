"""The default method: what it learns from which labels."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mlrpl import checkpoint
from mlrpl.data import Dimensions, Features
from mlrpl.errors import WeightsError
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods import build
from mlrpl.methods.partial_bce import PartialBCE, PartialBCEConfig
from mlrpl.metrics import average_precision
from mlrpl.training import TrainingData, fit, predict

BOTH_SIGNS, PRESENT_ONLY, ABSENT_ONLY, NOTHING = range(4)


def clusters(rows: int = 300, seed: int = 0):
    """Return features in which each of four categories has a direction of its own, and truth."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).standard_normal((4, 24))
    present = rng.random((rows, 4)) < 0.3
    pooled = rng.standard_normal((rows, 24)) * 0.7 + present @ directions
    return pooled.astype(np.float32), np.where(present, PRESENT, ABSENT).astype(np.int8)


def partly_known(truth: np.ndarray) -> np.ndarray:
    labels = truth.copy()
    labels[40:] = UNKNOWN
    labels[:, PRESENT_ONLY] = np.where(truth[:, PRESENT_ONLY] == PRESENT, PRESENT, UNKNOWN)
    labels[150:, PRESENT_ONLY] = UNKNOWN
    labels[:, ABSENT_ONLY] = np.where(labels[:, ABSENT_ONLY] == PRESENT, UNKNOWN, labels[:, 2])
    labels[:, NOTHING] = UNKNOWN
    return labels


@pytest.fixture(scope="module")
def trained() -> PartialBCE:
    pooled, truth = clusters()
    method = build("partial_bce", Dimensions(4, 24))
    fit(method, TrainingData(partly_known(truth), pooled=pooled), method.default_training())
    assert isinstance(method, PartialBCE)
    return method


def test_it_learns_from_both_signs_and_from_present_answers_alone(trained) -> None:
    pooled, truth = clusters(400, seed=1)

    scores = predict(trained, TrainingData(truth, pooled=pooled))

    precision = average_precision(scores, truth)
    assert precision[BOTH_SIGNS] > 0.8
    assert precision[PRESENT_ONLY] > 0.8


def test_a_category_without_a_present_answer_scores_zero_and_says_so(trained) -> None:
    pooled, truth = clusters(50, seed=1)

    scores = predict(trained, TrainingData(truth, pooled=pooled))

    assert (scores[:, [ABSENT_ONLY, NOTHING]] == 0).all()
    assert trained.has_positive.tolist() == [True, True, False, False]
    assert not trained.zero_shot_categories().any()


def test_unknown_pairs_stand_in_only_for_absent_answers_that_are_missing() -> None:
    pooled, truth = clusters()
    method = PartialBCE(Dimensions(4, 24), PartialBCEConfig(unknown_ratio=2.0))
    labels = partly_known(truth)

    method.prepare(TrainingData(labels, pooled=pooled))

    present = int((labels[:, PRESENT_ONLY] == PRESENT).sum())
    unknown = int((labels[:, PRESENT_ONLY] == UNKNOWN).sum())
    assert method.unknown_weight[PRESENT_ONLY].item() == pytest.approx(2 * present / unknown)
    assert method.unknown_weight[BOTH_SIGNS].item() == 0
    assert method.unknown_weight[NOTHING].item() == 0


def test_the_losses_of_a_batch_estimate_those_of_all_images() -> None:
    pooled, truth = clusters()
    data = TrainingData(partly_known(truth), pooled=pooled)
    method = PartialBCE(Dimensions(4, 24), PartialBCEConfig())
    method.prepare(data)

    whole = method.losses(data.batch(np.arange(300)), 0, 0.0)
    halves = [method.losses(data.batch(np.arange(s, 300, 2)), 0, 0.0) for s in (0, 1)]

    for name, value in whole.items():
        assert np.mean([half[name].item() for half in halves]) == pytest.approx(value.item())


@pytest.mark.parametrize("state", [PRESENT, ABSENT, UNKNOWN])
def test_one_image_and_one_category_give_a_finite_score(state) -> None:
    data = TrainingData(np.full((1, 1), state, np.int8), pooled=np.ones((1, 5), np.float32))
    method = build("partial_bce", Dimensions(1, 5))

    fit(method, data, method.default_training())

    assert np.isfinite(predict(method, data)).all()


def costs_of_absent_labels(**options) -> float:
    pooled, truth = clusters()
    data = TrainingData(partly_known(truth), pooled=pooled)
    method = PartialBCE(Dimensions(4, 24), PartialBCEConfig(**options))
    method.prepare(data)
    return method.losses(data.batch(np.arange(40)), 0, 0.0)["absent"].item()


def test_the_published_weights_are_one_word_away() -> None:
    plain, published = (costs_of_absent_labels(normalisation=n) for n in ("known", "durand"))

    assert published > 1.3 * plain


def test_constants_of_the_weight_are_read_where_the_weight_is() -> None:
    inverse = costs_of_absent_labels(normalisation="inverse")

    assert costs_of_absent_labels(
        normalisation="durand", alpha=1.0, beta=0.0, gamma=-1.0
    ) == pytest.approx(inverse)
    assert costs_of_absent_labels(normalisation="durand", alpha=0.0, beta=1.0) == pytest.approx(
        costs_of_absent_labels(normalisation="none")
    )


def test_constants_that_are_not_read_are_said_to_be(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        build("partial_bce", Dimensions(1, 5), {"alpha": 1.0, "beta": 0.0, "gamma": -1.0})

    assert "give normalisation='durand' too" in caplog.text


def test_a_checkpoint_from_before_the_normalisation_had_a_name_loads(tmp_path, caplog) -> None:
    options = {"alpha": 0.0, "beta": 1.0, "gamma": 1.0, "penalty": 0.2}
    method = build("partial_bce", Dimensions(2, 5), options)
    path = tmp_path / "w.safetensors"
    checkpoint.save(path, method, "partial_bce", method.dimensions)
    with safe_open(path, framework="pt") as file:
        header, tensors = file.metadata(), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    header["options"] = json.dumps(options)
    save_file(tensors, path, metadata=header)

    loaded = checkpoint.load(path)

    assert loaded.config == PartialBCEConfig(**options)
    assert loaded.config.normalisation == "known"
    assert "normalisation" not in caplog.text


def test_weights_below_zero_are_refused() -> None:
    for constants in ({"alpha": -6.0}, {"alpha": 3.0, "beta": -1.0}, {"alpha": -0.1, "gamma": -1}):
        with pytest.raises(ValueError, match="negative weight"):
            PartialBCEConfig(normalisation="durand", **constants)


def test_it_says_what_it_reads() -> None:
    method = build("partial_bce", Dimensions(1, 5))

    with pytest.raises(ValueError, match="give `pooled`"):
        method(Features())
    with pytest.raises(ValueError, match="give `pooled`"):
        method.prepare(TrainingData(np.ones((1, 1), np.int8)))


@pytest.mark.parametrize(
    "wrong",
    [{"power": 0.0}, {"penalty": -1.0}, {"cap": 0.0}, {"hidden": -1.0}, {"normalisation": "p"}],
)
def test_nonsense_is_refused_by_name(wrong) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PartialBCEConfig(**wrong)


def test_a_name_ranks_pictures_before_the_first_present_answer() -> None:
    from mlrpl.models.backbones import load_backbone

    classifier = load_backbone("efficientnet-lite0").classifier
    assert classifier is not None
    zebra, pizza = 340, 963
    pooled = 3 * torch.cat([classifier[0][[zebra]], classifier[0][[pizza]]]).numpy().repeat(20, 0)
    labels = np.zeros((40, 3), np.int8)
    labels[20, 2] = PRESENT
    method = build(
        "partial_bce",
        Dimensions(3, 1280),
        category_names=["zebra", "qwrtz", "pizza"],
        backbone="efficientnet-lite0",
    )

    fit(method, TrainingData(labels, pooled=pooled), method.default_training())
    scores = predict(method, TrainingData(labels, pooled=pooled))

    assert method.zero_shot_categories().tolist() == [True, False, True]
    assert scores[:20, 0].min() > scores[20:, 0].max()
    assert (scores[:, 1] == 0).all()


def test_names_can_be_left_out_and_features_of_another_length_leave_them_out() -> None:
    for dimensions, options in ((Dimensions(1, 1280), {"names": False}), (Dimensions(1, 9), {})):
        method = build(
            "partial_bce",
            dimensions,
            options,
            category_names=["zebra"],
            backbone="efficientnet-lite0",
        )
        pooled = np.random.default_rng(0).random((4, dimensions.pooled), np.float32)
        method.prepare(TrainingData(np.zeros((4, 1), np.int8), pooled=pooled))

        assert not method.zero_shot_categories().any()


def test_without_the_backbones_weights_the_names_are_not_used(monkeypatch, caplog) -> None:
    def missing(name):
        raise WeightsError(f"the weights of {name} cannot be fetched")

    monkeypatch.setattr("mlrpl.models.backbones.load_backbone", missing)

    with caplog.at_level(logging.WARNING):
        build("partial_bce", Dimensions(1, 9), category_names=["zebra"], backbone="timm:resnet18")

    assert "category names are not used" in caplog.text
