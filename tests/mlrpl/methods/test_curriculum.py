"""Curriculum labelling: what each policy chooses, and that known labels come first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlrpl import checkpoint
from mlrpl.data import Batch, Dimensions, Features
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods import build
from mlrpl.methods.curriculum import (
    Curriculum,
    CurriculumConfig,
    beyond,
    most_confident,
    steady,
)
from mlrpl.metrics import mean_average_precision
from mlrpl.training import TrainConfig, TrainingData, fit, predict

POLICIES = ("score", "proportion", "positives", "uncertainty", "ensemble")
SHORT = TrainConfig(epochs=8, batch_size=32, learning_rate=0.5, weight_decay=0.0, seed=3)
EAGER = {
    "names": False,
    "warmup": 2,
    "every": 2,
    "min_positives": 1,
    "threshold": 0.2,
    "spread": 0.1,
    "members": 3,
    "passes": 4,
}
"""Options under which every policy chooses something after few epochs."""


def some_known(rows: int = 120, seed: int = 0) -> tuple[TrainingData, np.ndarray]:
    """Return separable images of which a third of the pairs is known, and the truth."""
    rng = np.random.default_rng(seed)
    present = rng.random((rows, 4)) < 0.4
    pooled = rng.standard_normal((rows, 12)) * 0.5
    pooled += present @ np.random.default_rng(9).standard_normal((4, 12))
    truth = np.where(present, PRESENT, ABSENT).astype(np.int8)
    labels = np.where(rng.random(truth.shape) < 0.3, truth, UNKNOWN).astype(np.int8)
    return TrainingData(labels, pooled=pooled.astype(np.float32)), truth


def ready(options: dict[str, object], labels: np.ndarray, logits: np.ndarray) -> Curriculum:
    """Return a method that gives images these logits and has chosen once.

    The vectors are of length 1 with one entry that is not 0, so that the classifier, prepared with
    mean 0 and spread 1, can have any logits.
    """
    count, categories = labels.shape
    config = CurriculumConfig(**{"names": False, "warmup": 0, "min_positives": 1, **options})
    method = Curriculum(Dimensions(categories, count), config)
    method.head.linear.weight.data = torch.from_numpy(logits.astype(np.float32)).T
    if config.policy == "ensemble":
        method.member_weight.data.copy_(method.head.linear.weight.data)
    method.eligible.fill_(True)
    data = TrainingData(labels, pooled=np.eye(count, dtype=np.float32))
    method.before_epoch(0, data)
    return method


LOGITS = np.array([[4.0, -4.0], [1.0, -1.0], [0.0, 6.0], [-6.0, 2.5]])
LABELS = np.array([[0, 0], [0, 0], [0, -1], [1, 0]], np.int8)


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"policy": "score", "threshold": 2.0}, [[1, -1], [0, 0], [0, 0], [0, 1]]),
        ({"policy": "positives", "threshold": 2.0}, [[1, 0], [0, 0], [0, 0], [0, 1]]),
        ({"policy": "positives", "threshold": 3.0}, [[1, 0], [0, 0], [0, 0], [0, 0]]),
        (
            {"policy": "proportion", "share": 0.9, "growth": 0.5},
            [[1, -1], [0, 0], [0, 0], [0, 1]],
        ),
        (
            {"policy": "proportion", "share": 0.34, "growth": 0.5},
            [[1, -1], [0, 0], [0, 0], [0, 0]],
        ),
        ({"policy": "uncertainty", "spread": 0.6}, [[1, -1], [1, -1], [0, 0], [0, 1]]),
        ({"policy": "ensemble", "spread": 0.1}, [[1, -1], [1, -1], [0, 0], [0, 1]]),
    ],
)
def test_each_policy_chooses_what_it_says_and_never_a_known_pair(options, chosen) -> None:
    assert ready(options, LABELS, LOGITS).chosen.tolist() == chosen


def test_a_score_that_hangs_on_one_entry_is_not_sure_under_dropout() -> None:
    pooled = np.zeros((2, 101), np.float32)
    pooled[0, :100] = 1.0
    pooled[1, 100] = 1.0
    options = {"policy": "uncertainty", "warmup": 0, "dropout": 0.3, "spread": 0.05, "passes": 50}
    method = Curriculum(Dimensions(1, 101), CurriculumConfig(min_positives=1, **options))
    method.head.linear.weight.data = torch.tensor([[0.4] * 100 + [4.0]])
    method.eligible.fill_(True)

    method.before_epoch(0, TrainingData(np.zeros((2, 1), np.int8), pooled=pooled))

    method.has_positive.fill_(True)
    assert method(Features(torch.from_numpy(pooled)))[:, 0].tolist() == pytest.approx([4, 4])
    assert method.chosen.tolist() == [[1], [0]]


def test_classifiers_that_disagree_choose_nothing() -> None:
    labels = np.zeros((1, 2), np.int8)
    method = Curriculum(
        Dimensions(2, 1),
        CurriculumConfig(policy="ensemble", warmup=0, min_positives=1, members=2, spread=0.6),
    )
    method.member_weight.data = torch.tensor([[[3.0], [3.0]], [[3.0], [-2.0]]])
    method.eligible.fill_(True)

    method.before_epoch(0, TrainingData(labels, pooled=np.ones((1, 1), np.float32)))

    assert method.chosen.tolist() == [[1, 0]]


def test_a_share_grows_from_choice_to_choice() -> None:
    options = {"policy": "proportion", "share": 0.6, "growth": 0.2, "every": 3}
    method = ready(options, np.zeros((5, 1), np.int8), np.array([[5.0], [4], [3], [-2], [1]]))
    data = TrainingData(np.zeros((5, 1), np.int8), pooled=np.eye(5, dtype=np.float32))

    counts = []
    for epoch in range(10):
        method.before_epoch(epoch, data)
        counts.append(int(method.chosen.abs().sum()))

    assert counts == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]


def test_a_choice_is_made_anew_and_not_kept() -> None:
    method = ready({"policy": "score", "threshold": 2.0, "every": 2}, LABELS, LOGITS)
    data = TrainingData(LABELS, pooled=np.eye(4, dtype=np.float32))
    before = method.chosen.clone()

    method.head.linear.weight.data *= -1
    method.before_epoch(1, data)
    between = method.chosen.clone()
    method.before_epoch(2, data)

    assert torch.equal(between, before)
    assert torch.equal(method.chosen, -before)


def test_the_three_rules_by_hand() -> None:
    logits = torch.tensor([3.0, 2.0, -2.0, -3.0, 0.0])
    probabilities = torch.tensor([[0.9, 0.9, 0.1, 0.5], [0.9, 0.4, 0.3, 0.5]])

    assert beyond(logits, 2.0).tolist() == [1, 0, 0, -1, 0]
    assert beyond(logits, 1.0, positives=True).tolist() == [1, 1, 0, 0, 0]
    assert most_confident(logits, torch.tensor([False, True, True, True, True]), 0.5).tolist() == [
        0,
        1,
        0,
        -1,
        0,
    ]
    assert most_confident(logits, torch.zeros(5, dtype=torch.bool), 1.0).tolist() == [0] * 5
    assert steady(probabilities, 0.3).tolist() == [1, 1, -1, 0]
    assert steady(probabilities, 0.3, unanimous=True).tolist() == [1, 0, -1, 0]
    assert steady(probabilities, 0.15).tolist() == [1, 0, -1, 0]


def test_known_labels_keep_their_sign_and_weight() -> None:
    method = ready({"policy": "score", "threshold": 0.5, "pseudo_weight": 0.2}, LABELS, LOGITS)
    given = torch.full((4, 2), 0.7)
    batch = Batch(Features(torch.eye(4)), torch.from_numpy(LABELS), given, rows=torch.arange(4))

    labels, weights = method.with_chosen(batch)

    known = batch.labels != UNKNOWN
    assert torch.equal(labels[known], batch.labels[known])
    assert torch.equal(weights[known], given[known])
    assert torch.equal(labels[~known], method.chosen[~known])
    assert (weights[~known] == 0.2).all()


def test_a_batch_is_matched_with_its_own_choices() -> None:
    method = ready({"policy": "score", "threshold": 0.5}, LABELS, LOGITS)
    rows = torch.tensor([3, 0])
    batch = Batch(
        Features(torch.eye(4)[rows]), torch.from_numpy(LABELS)[rows], torch.ones(2, 2), rows=rows
    )

    labels, _ = method.with_chosen(batch)

    assert labels.tolist() == [[1, 1], [1, -1]]
    with pytest.raises(ValueError, match="give `rows`"):
        method.with_chosen(replace(batch, rows=None))


def test_positives_never_adds_an_absent_pair() -> None:
    data, _ = some_known()
    method = build("curriculum", Dimensions(4, 12), {**EAGER, "policy": "positives"})

    fit(method, data, SHORT)

    assert method.chosen.max() == 1
    assert method.chosen.min() == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_chosen_after_training_is_mostly_right(policy) -> None:
    data, truth = some_known()
    method = build("curriculum", Dimensions(4, 12), {**EAGER, "policy": policy})

    fit(method, data, SHORT)
    chosen = method.chosen.numpy()

    assert (chosen != 0).sum() > 20
    assert (chosen[data.labels != UNKNOWN] == 0).all()
    assert (chosen == truth)[chosen != 0].mean() > 0.75
    assert mean_average_precision(predict(method, data), truth) > 0.75


@pytest.mark.parametrize("policy", ["score", "proportion", "positives"])
def test_without_a_choice_it_is_partial_bce(policy) -> None:
    data, _ = some_known()
    options = {**EAGER, "policy": policy, "warmup": 100}
    method = build("curriculum", Dimensions(4, 12), options)
    plain = build("partial_bce", Dimensions(4, 12), {"names": False})

    fit(method, data, SHORT)
    fit(plain, data, SHORT)

    assert np.allclose(predict(method, data), predict(plain, data), rtol=0, atol=1e-5)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("state", [PRESENT, ABSENT, UNKNOWN])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3)])
def test_sets_of_one_kind_and_of_one_image_give_finite_scores(policy, graph, state, shape) -> None:
    rng = np.random.default_rng(0)
    pooled = rng.standard_normal((shape[0], 6)).astype(np.float32)
    data = TrainingData(np.full(shape, state, np.int8), pooled=pooled)
    method = build(
        "curriculum", Dimensions(shape[1], 6), {**EAGER, "policy": policy, "graph": graph}
    )

    fit(method, data, replace(SHORT, epochs=4))

    assert np.isfinite(predict(method, data)).all()
    assert (method.chosen == 0).all()


def test_a_category_with_few_present_answers_is_left_alone() -> None:
    data, _ = some_known()
    data.labels[:, 1] = np.where(data.labels[:, 1] == PRESENT, UNKNOWN, data.labels[:, 1])
    data.labels[:3, 2] = PRESENT
    data.labels[3:, 2] = np.minimum(data.labels[3:, 2], UNKNOWN)
    options = {**EAGER, "policy": "score", "min_positives": 4, "threshold": 0.0}
    method = build("curriculum", Dimensions(4, 12), options)

    fit(method, data, SHORT)

    assert (method.chosen[:, [1, 2]] == 0).all()
    assert (method.chosen[:, [0, 3]] != 0).any()


def test_images_that_do_not_train_are_not_chosen_from() -> None:
    data, _ = some_known()
    part = TrainingData(data.labels, pooled=data.pooled, rows=np.arange(119, 60, -2))
    method = build("curriculum", Dimensions(4, 12), {**EAGER, "policy": "score"})

    fit(method, part, SHORT)

    used = np.isin(np.arange(120), part.rows)
    assert (method.chosen[~used] == 0).all()
    assert (method.chosen[used] != 0).any()


@pytest.mark.parametrize("policy", POLICIES)
def test_training_goes_on_where_it_stopped_between_two_choices(policy, tmp_path) -> None:
    data, _ = some_known()
    options = {**EAGER, "policy": policy, "graph": policy == "uncertainty"}
    states = []

    def trained(**how) -> Curriculum:
        torch.manual_seed(1)
        method = build("curriculum", Dimensions(4, 12), options)
        fit(method, data, SHORT, **how)
        return method

    whole = trained(on_state=states.append)
    checkpoint.save_state(tmp_path / "state", states[2])
    resumed = trained(state=checkpoint.load_state(tmp_path / "state"))

    assert states[2].tensors["method._extra_state"].abs().sum() > 0
    assert torch.equal(resumed.chosen, whole.chosen)
    assert (predict(resumed, data) == predict(whole, data)).all()


def test_a_checkpoint_holds_what_is_chosen(tmp_path) -> None:
    data, _ = some_known()
    method = build("curriculum", Dimensions(4, 12), {**EAGER, "policy": "ensemble"})
    fit(method, data, SHORT)

    checkpoint.save(tmp_path / "w.safetensors", method, "curriculum", method.dimensions)
    loaded = checkpoint.load(tmp_path / "w.safetensors")

    assert torch.equal(loaded.chosen, method.chosen)
    assert method.chosen.abs().sum() > 0
    assert (predict(loaded, data) == predict(method, data)).all()


def test_the_graph_learns_beside_the_classifiers() -> None:
    data, truth = some_known()
    options = {**EAGER, "graph": True, "graph_features": True, "graph_rate": 0.01}
    method = build("curriculum", Dimensions(4, 12), options)

    fit(method, data, SHORT)

    assert method.graph.readout.weight.abs().sum() > 0
    assert method.parameter_groups(1.0)[1]["lr"] == 0.01
    assert mean_average_precision(predict(method, data), truth) > 0.75


def test_it_says_what_it_reads() -> None:
    method = build("curriculum", Dimensions(1, 5))

    with pytest.raises(ValueError, match="curriculum reads pooled features; give `pooled`"):
        method(Features())


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": "hard"},
        {"warmup": -1},
        {"every": 0},
        {"pseudo_weight": -0.1},
        {"share": 1.5},
        {"growth": 0.0},
        {"spread": 0.0},
        {"dropout": 1.0},
        {"passes": 1},
        {"members": 1},
        {"graph_rate": 0.0},
        {"threshold": float("nan")},
        {"penalty": -1.0},
    ],
)
def test_nonsense_is_refused_by_name(wrong) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CurriculumConfig(**wrong)
