"""HST as a whole: its terms, its edges, what it learns, and what it keeps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from mlrpl.data import Batch, Dimensions, Features
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels
from mlrpl.methods import build
from mlrpl.methods.hst import HST, HSTConfig
from mlrpl.metrics import mean_average_precision
from mlrpl.models.graph import cooccurrence
from mlrpl.training import TrainConfig, TrainingData, fit, predict

Labels = npt.NDArray[np.int8]
SMALL: dict[str, Any] = {"features": 8, "hidden": 4, "pair_reduced": 4, "pair_hidden": 4}
BRIEF = TrainConfig(epochs=3, batch_size=4, learning_rate=1e-3)
TOKEN, POSITIONS, POOLED = 6, 5, 7


def method(categories: int, **options: Any) -> HST:
    dimensions = Dimensions(categories, POOLED, POSITIONS, TOKEN)
    warmup = options.pop("warmup", 1)
    waits = {"warmup": warmup, "cst_from": 0, **options}
    built = build("hst", dimensions, {**SMALL, **waits})
    assert isinstance(built, HST)
    return built


def data(labels: Labels, seed: int = 0) -> TrainingData:
    rng = np.random.default_rng(seed)
    count = len(labels)
    return TrainingData(
        labels,
        pooled=rng.standard_normal((count, POOLED), dtype=np.float32),
        tokens=rng.standard_normal((count, POSITIONS, TOKEN), dtype=np.float32),
    )


def mixed(count: int, categories: int, seed: int = 0) -> Labels:
    states = np.array([ABSENT, UNKNOWN, PRESENT], dtype=np.int8)
    return np.random.default_rng(seed).choice(states, (count, categories))


def with_positives(counts: list[int], images: int = 13) -> Labels:
    """Category c present in its first images, as often as said, and absent elsewhere."""
    labels = np.full((images, len(counts)), ABSENT, dtype=np.int8)
    for category, count in enumerate(counts):
        labels[:count, category] = PRESENT
    return labels


def without(labels: Labels, kept: tuple[int, ...]) -> Labels:
    return np.where(np.isin(labels, kept), labels, UNKNOWN).astype(np.int8)


def test_a_category_without_a_positive_scores_the_same_everywhere() -> None:
    trained = method(3)
    training = data(with_positives([0, 5, 8]))

    fit(trained, training, BRIEF)
    scores = predict(trained, training)

    assert scores[:, 0].tolist() == [0] * 13
    assert np.ptp(scores[:, 1]) > 0


def test_a_category_with_present_answers_alone_is_not_always_present() -> None:
    labels = without(with_positives([4, 4], images=40), (PRESENT,))
    trained = method(2)

    fit(trained, data(labels), TrainConfig(epochs=40, batch_size=8, learning_rate=1e-3))

    probability = torch.sigmoid(torch.from_numpy(predict(trained, data(labels))))
    assert probability[4:].mean() < 0.3
    assert probability[:4].mean() > probability[4:].mean()


ALL_TERMS = {
    "known",
    "pooled",
    "soft",
    "penalty",
    "ist",
    "pseudo_ist",
    "threshold_ist",
    "instance",
    "prototype",
    "pseudo_cst",
    "threshold_cst",
}


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, set()),
        ({"ist": False}, {"ist", "pseudo_ist", "threshold_ist"}),
        ({"cst": False}, {"instance", "prototype", "pseudo_cst", "threshold_cst"}),
        ({"dtl": False}, {"threshold_ist", "threshold_cst"}),
        ({"ist": False, "cst": False}, ALL_TERMS - {"known", "pooled", "soft", "penalty"}),
        ({"soft_weight": 0.0}, {"soft"}),
        ({"pseudo": "soft"}, set()),
        ({"pooled": False}, {"pooled", "soft"}),
    ],
)
def test_a_part_that_is_switched_off_gives_no_term(
    options: dict[str, Any], missing: set[str]
) -> None:
    trained = method(3, **options)

    reports = fit(trained, data(mixed(9, 3)), BRIEF)

    assert set(reports[-1].terms) == ALL_TERMS - missing


def test_nothing_is_transferred_before_the_warm_up_is_over() -> None:
    trained = method(3, warmup=2)

    reports = fit(trained, data(mixed(9, 3)), BRIEF)

    assert set(reports[1].terms) == {"known", "pooled", "soft", "penalty", "ist", "instance"}
    assert set(reports[2].terms) == ALL_TERMS


def test_cooccurrence_and_contrast_grow_from_zero_in_the_first_epoch() -> None:
    prepared = method(3)
    training = data(mixed(9, 3))
    prepared.prepare(training)
    batch = training.batch(np.arange(9))

    start, half, full = (prepared.losses(batch, *at) for at in ((0, 0.0), (0, 0.5), (1, 0.0)))

    assert start["ist"].item() == start["instance"].item() == 0
    assert half["ist"].item() == pytest.approx(full["ist"].item() / 2, rel=1e-5)
    assert half["instance"].item() > 0


def test_the_graph_is_that_of_the_training_labels() -> None:
    prepared = method(3)
    labels = mixed(30, 3)

    prepared.prepare(data(labels))

    expected = cooccurrence(torch.from_numpy(labels), smoothing=prepared.config.smoothing)
    assert torch.equal(prepared.sarl.graph.adjacency, expected)


def test_prototypes_come_from_images_that_show_the_category() -> None:
    labels = np.full((600, 2), ABSENT, dtype=np.int8)
    labels[590:, 0] = PRESENT
    labels[270:300, 1] = PRESENT
    training = data(labels)
    training.rows = np.arange(20, 600)
    trained = method(2, warmup=0)
    trained.prepare(training)

    trained.before_epoch(0, training)

    for category, count in enumerate(trained.prototypes.counts.tolist()):
        exemplars = trained.prototypes.exemplars[category, :count].numpy()
        assert count == (2, 6)[category]
        assert (labels[exemplars, category] == PRESENT).all()


def test_the_penalty_keeps_pace_with_the_classification_terms() -> None:
    trained, batch = prepared_with_prototypes(mixed(20, 3), pseudo_weight=0.5)
    hard = {"pseudo": "hard", "pseudo_weight": 0.5}
    waits = {"warmup": 1, "cst_from": 0}
    trained.config = HSTConfig(**{**SMALL, **hard, **waits, "pooled": False})

    before, after = trained.losses(batch, 0, 1.0), trained.losses(batch, 1, 1.0)

    assert before["penalty"].item() > 0
    assert after["penalty"].item() == pytest.approx(2 * before["penalty"].item(), rel=1e-5)


def prepared_with_prototypes(labels: Labels, **options: Any) -> tuple[HST, Batch]:
    options = {"pseudo": "hard", "pseudo_weight": 1.0, **options}
    trained = method(labels.shape[1], warmup=0, min_positives=1, pooled=False, **options)
    training = data(labels)
    fit(trained, training, TrainConfig(epochs=2, batch_size=16))
    trained.before_epoch(0, training)
    return trained, training.batch(np.arange(len(labels)))


@pytest.mark.parametrize(("threshold", "pulled"), [(-2.0, True), (2.0, False)])
@pytest.mark.parametrize("part", ["ist", "cst"])
def test_a_score_above_its_threshold_makes_an_unknown_label_present(
    part: str, threshold: float, pulled: bool
) -> None:
    labels = with_positives([6, 6])
    labels[0, 1] = UNKNOWN
    trained, batch = prepared_with_prototypes(labels)
    with torch.no_grad():
        trained.ist_thresholds.values.fill_(threshold)
        trained.cst_thresholds.values.fill_(threshold)

    terms = trained.losses(batch, 0, 1.0)

    more = terms[f"pseudo_{part}"].item() > terms["known"].item() + 1e-6
    assert more is pulled


@pytest.mark.parametrize(("threshold", "pull"), [(-2.0, 1), (2.0, -1)])
@pytest.mark.parametrize("part", ["ist", "cst"])
def test_a_soft_pseudo_label_pulls_towards_present_or_absent(
    part: str, threshold: float, pull: int
) -> None:
    labels = with_positives([6, 6])
    labels[0, 1] = UNKNOWN
    trained, batch = prepared_with_prototypes(labels, pseudo="soft")
    with torch.no_grad():
        trained.ist_thresholds.values.fill_(threshold)
        trained.cst_thresholds.values.fill_(threshold)
        trained.sarl.bias.zero_()
        trained.sarl.weight.zero_()
    trained.zero_grad()

    trained.losses(batch, 0, 1.0)[f"pseudo_{part}"].backward()

    assert trained.sarl.bias.grad is not None
    downhill = -trained.sarl.bias.grad
    assert downhill[0].item() == 0
    assert torch.sign(downhill[1]).item() == pull


def test_an_unknown_kind_of_pseudo_label_is_refused() -> None:
    with pytest.raises(ValueError, match="pseudo must be one of hard, soft, got 'firm'"):
        method(2, pseudo="firm")


def test_a_known_label_is_never_overruled() -> None:
    trained, batch = prepared_with_prototypes(with_positives([6, 6]))
    with torch.no_grad():
        trained.ist_thresholds.values.fill_(-2)
        trained.cst_thresholds.values.fill_(-2)

    terms = trained.losses(batch, 0, 1.0)

    assert terms["pseudo_ist"].item() == pytest.approx(terms["known"].item(), rel=1e-6)
    assert terms["pseudo_cst"].item() == pytest.approx(terms["known"].item(), rel=1e-6)


@pytest.mark.parametrize("part", ["ist", "cst"])
def test_a_threshold_rises_although_nothing_is_ever_answered_absent(part: str) -> None:
    trained, batch = prepared_with_prototypes(without(mixed(30, 3), (PRESENT,)))
    thresholds = getattr(trained, f"{part}_thresholds").values
    with torch.no_grad():
        thresholds.fill_(-2)

    trained.losses(batch, 0, 1.0)[f"threshold_{part}"].backward()

    assert (thresholds.grad < 0).all()


def test_categories_never_seen_together_are_apart_although_nothing_is_answered_absent() -> None:
    labels = np.array([[PRESENT, UNKNOWN], [UNKNOWN, PRESENT]] * 5, dtype=np.int8)
    trained, batch = prepared_with_prototypes(labels)
    trained.zero_grad()

    trained.losses(batch, 1, 0.0)["ist"].backward()

    assert trained.pairs.bias.grad is not None
    assert trained.pairs.bias.grad.item() > 0  # descent lowers the pair's probability


def test_a_category_with_too_few_positives_gets_no_pseudo_label() -> None:
    labels = with_positives([6, 6])
    labels[0, 1] = UNKNOWN
    trained, batch = prepared_with_prototypes(labels)
    with torch.no_grad():
        trained.cst_thresholds.values.fill_(-2)
        trained.eligible.fill_(False)

    terms = trained.losses(batch, 0, 1.0)

    assert terms["pseudo_cst"].item() == pytest.approx(terms["known"].item(), rel=1e-6)


def test_the_pair_network_does_not_shape_the_features() -> None:
    """Its gradient there was larger than that of the known labels."""
    trained, batch = prepared_with_prototypes(with_positives([6, 6]), pseudo="soft")
    trained.zero_grad()

    terms = trained.losses(batch, 1, 0.0)
    (terms["ist"] + terms["pseudo_ist"] + terms["threshold_ist"]).backward()

    assert trained.pairs.weight.grad is not None
    shared = trained.sarl.project.weight.grad
    trained.zero_grad()
    trained.losses(batch, 1, 0.0)["pseudo_ist"].backward()  # reaches them by the logits alone
    alone = trained.sarl.project.weight.grad
    assert shared is not None
    assert alone is not None
    torch.testing.assert_close(shared, alone)


def test_no_category_speaks_for_another_where_too_little_is_known_of_the_two() -> None:
    labels = with_positives([6, 6, 6])
    labels[:, 2] = [PRESENT, PRESENT, ABSENT] + [UNKNOWN] * 10
    trained, batch = prepared_with_prototypes(labels)

    scores = trained.transfer(batch.features, batch.labels)

    assert trained.told_pairs.tolist() == [True, False, False]
    assert (scores[:6, :2] > 0).all()
    assert scores[:, 2].tolist() == [0] * 13


@pytest.mark.parametrize("known", [20, 200])
def test_soft_pseudo_labels_together_weigh_a_share_of_the_known_ones(known: int) -> None:
    """One by one, at a tenth of the labels, they had nine tenths of the weight of these."""
    labels = with_positives([100, 100], images=2000)
    labels[known:] = UNKNOWN
    trained, batch = prepared_with_prototypes(labels, pseudo="soft", pseudo_weight=0.5)
    with torch.no_grad():
        trained.cst_thresholds.values.fill_(-2)  # all are told to be present
        trained.sarl.weight.zero_()
        trained.sarl.bias.zero_()

    terms = trained.losses(batch, 0, 1.0)

    a_known_label = math.log(2)  # that is what each costs where all logits are 0
    assert terms["pseudo_cst"].item() == pytest.approx(0.5 * a_known_label, rel=1e-3)


def test_thresholds_have_a_learning_rate_of_their_own_and_no_decay() -> None:
    built = method(3, threshold_rate=0.07)

    groups = built.parameter_groups(1e-3)

    rates = {id(p): g["lr"] for g in groups for p in g["params"]}
    assert rates[id(built.ist_thresholds.values)] == 0.07
    assert rates[id(built.cst_thresholds.values)] == 0.07
    assert rates[id(built.pairs.weight)] == built.config.pair_rate
    assert rates[id(built.sarl.project.weight)] == 1e-3
    assert len(rates) == len(list(built.parameters()))


def test_word_vectors_take_the_place_of_learned_ones() -> None:
    built = method(3, word_dim=2)

    built.set_word_vectors(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))

    keys = built.sarl.decoupling.category_keys()
    torch.testing.assert_close(keys[2], keys[0] + keys[1])


def test_transfer_of_a_method_without_ist_is_refused() -> None:
    built = method(3, ist=False)

    with pytest.raises(ValueError, match="ist=True"):
        built.transfer(Features(tokens=torch.zeros(1, POSITIONS, TOKEN)), torch.zeros(1, 3))


def test_attention_rows_sum_to_one() -> None:
    attention = method(3).attention(Features(tokens=torch.randn(2, POSITIONS, TOKEN)))

    assert attention.shape == (2, 3, POSITIONS)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(2, 3))


def scenes(images: int, seed: int) -> tuple[Labels, npt.NDArray[np.float32]]:
    """Six categories, each a direction that some positions carry; 1 always accompanies 0."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((images, 6)) < 0.25, PRESENT, ABSENT).astype(np.int8)
    labels[:, 1] = labels[:, 0]
    directions = np.linalg.qr(np.random.default_rng(99).standard_normal((12, 6)))[0].T
    tokens = 0.5 * rng.standard_normal((images, 9, 12))
    for image, category in np.argwhere(labels == PRESENT):
        tokens[image, rng.choice(9, 3, replace=False)] += 3 * directions[category]
    return labels, tokens.astype(np.float32)


@pytest.fixture(scope="module")
def learned() -> tuple[HST, Labels, npt.NDArray[np.float32]]:
    """HST trained on half of the labels of 300 scenes."""
    truth, tokens = scenes(300, seed=0)
    hidden = hide_labels(truth, 0.5, "uniform", np.random.default_rng(1))
    torch.manual_seed(0)
    trained = build("hst", Dimensions(6, 12, 9, 12), {"features": 12, "hidden": 16})
    training = TrainingData(hidden, pooled=tokens.mean(axis=1), tokens=tokens)
    fit(trained, training, TrainConfig(epochs=20, batch_size=32, learning_rate=3e-3))
    assert isinstance(trained, HST)
    return trained, *scenes(200, seed=2)


def test_it_learns_from_half_of_the_labels(
    learned: tuple[HST, Labels, npt.NDArray[np.float32]],
) -> None:
    trained, truth, tokens = learned

    scores = predict(trained, TrainingData(truth, pooled=tokens.mean(axis=1), tokens=tokens))

    assert mean_average_precision(scores, truth) > 0.9  # by chance 0.25


def test_a_known_category_vouches_for_the_one_that_always_accompanies_it(
    learned: tuple[HST, Labels, npt.NDArray[np.float32]],
) -> None:
    trained, truth, tokens = learned
    shows = np.flatnonzero(truth[:, 0] == PRESENT)
    known = torch.zeros(len(shows), 6, dtype=torch.int8)
    known[:, 0] = PRESENT

    scores = trained.transfer(Features(tokens=torch.from_numpy(tokens[shows])), known)

    mean = scores.mean(dim=0)
    assert mean[0] == 0
    assert mean[1] > 0.7
    assert mean[2:].max() < 0.5


def test_thresholds_leave_their_start_for_the_data(
    learned: tuple[HST, Labels, npt.NDArray[np.float32]],
) -> None:
    trained, _, _ = learned

    moved = trained.ist_thresholds.values - trained.config.ist_threshold

    assert moved.abs().max() > 0.1
