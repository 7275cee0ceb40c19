"""The project's own method: what it learns in closed form from which labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mlrpl import checkpoint
from mlrpl.data import Dimensions, Features
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels
from mlrpl.methods import build
from mlrpl.methods.kernel_ridge import KernelRidge, KernelRidgeConfig
from mlrpl.metrics import average_precision, mean_average_precision
from mlrpl.training import EpochReport, TrainConfig, TrainingData, fit, predict

SIZES = Dimensions(categories=4, pooled=24, positions=4, token=6)
BOTH_SIGNS, PRESENT_ONLY, ABSENT_ONLY, NOTHING = range(4)


def clusters(rows: int = 300, seed: int = 0):
    """Return features in which each of four categories has a direction of its own, and truth."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).standard_normal((4, 24))
    token_directions = np.random.default_rng(98).standard_normal((4, 6))
    present = rng.random((rows, 4)) < 0.3
    pooled = rng.standard_normal((rows, 24)) * 0.7 + present @ directions
    tokens = rng.standard_normal((rows, 4, 6)) + (present @ token_directions)[:, None]
    labels = np.where(present, PRESENT, ABSENT).astype(np.int8)
    return pooled.astype(np.float32), tokens.astype(np.float16), labels


def data(labels: np.ndarray, rows: int = 300, seed: int = 0, **more) -> TrainingData:
    pooled, tokens, _ = clusters(rows, seed)
    return TrainingData(labels, pooled=pooled, tokens=tokens, **more)


def partly_known(truth: np.ndarray) -> np.ndarray:
    labels = truth.copy()
    labels[40:] = UNKNOWN
    labels[:, PRESENT_ONLY] = np.where(truth[:, PRESENT_ONLY] == PRESENT, PRESENT, UNKNOWN)
    labels[150:, PRESENT_ONLY] = UNKNOWN
    labels[:, ABSENT_ONLY] = np.where(labels[:, ABSENT_ONLY] == PRESENT, UNKNOWN, labels[:, 2])
    labels[:, NOTHING] = UNKNOWN
    return labels


def trained(training: TrainingData, **options) -> KernelRidge:
    method = build("kernel_ridge", SIZES, options)
    fit(method, training, method.default_training())
    assert isinstance(method, KernelRidge)
    return method


def held_out() -> tuple[TrainingData, np.ndarray]:
    truth = clusters(400, seed=1)[2]
    return data(truth, 400, seed=1), truth


def test_it_learns_from_both_signs_and_from_present_answers_alone() -> None:
    new, truth = held_out()

    scores = predict(trained(data(partly_known(clusters()[2]))), new)

    precision = average_precision(scores, truth)
    assert precision[BOTH_SIGNS] > 0.8
    assert precision[PRESENT_ONLY] > 0.8


def test_a_category_without_a_present_answer_scores_zero_and_says_so() -> None:
    method = trained(data(partly_known(clusters()[2])))

    scores = predict(method, held_out()[0])

    assert (scores[:, [ABSENT_ONLY, NOTHING]] == 0).all()
    assert method.has_positive.tolist() == [True, True, False, False]
    assert not method.zero_shot_categories().any()


@pytest.mark.parametrize("present", [1, 2])
def test_one_or_two_present_answers_rank_better_than_chance(present) -> None:
    truth = clusters()[2]
    labels = truth.copy()
    for column in range(4):
        labels[np.flatnonzero(truth[:, column] == PRESENT)[present:], column] = UNKNOWN
    new, expected = held_out()

    precision = average_precision(predict(trained(data(labels)), new), expected)

    assert precision.mean() > 0.45


def test_the_refit_teaches_from_unlabelled_pictures_until_many_labels_are_known() -> None:
    truth = clusters()[2]
    few = hide_labels(truth, 0.05, "uniform", np.random.default_rng(1))
    new, expected = held_out()

    with_it, without = (
        mean_average_precision(predict(trained(data(few), soft_weight=w), new), expected)
        for w in (0.3, 0.0)
    )
    dropped, left_out = (predict(trained(data(truth), soft_weight=w), new) for w in (0.3, 0.0))

    assert with_it > without
    assert (dropped == left_out).all()


def test_unknown_pairs_are_weak_negatives_only_where_absent_answers_are_missing() -> None:
    labels = partly_known(clusters()[2])
    method = KernelRidge(SIZES, KernelRidgeConfig(unknown_weight=0.4))

    known = method._known(data(labels))

    unknown = torch.from_numpy(labels == UNKNOWN)
    each = [known.weights[unknown[:, c], c].unique().tolist() for c in range(4)]
    assert known.lacks_absent.tolist() == [False, True, False, False]
    assert each[PRESENT_ONLY] == pytest.approx([0.4])
    assert 0.03 < each[BOTH_SIGNS][0] < 0.2
    assert each[ABSENT_ONLY] == each[NOTHING] == [0.0]


def test_a_trace_of_weight_makes_up_for_the_absent_answers_of_a_category_with_few() -> None:
    method = KernelRidge(SIZES, KernelRidgeConfig())
    present, absent = torch.tensor([5, 60, 5, 5]), torch.tensor([5, 60, 55, 0])

    weights = method._unknown_weights(present, absent, torch.full((4,), 2000))

    assert 45 / 2000 / 2 < weights[0].item() < 45 / 2000 * 2
    assert weights[1:].tolist() == pytest.approx([0.0, 0.0, 0.3])


def test_an_unknown_pair_that_is_likely_present_is_no_negative_in_the_refit() -> None:
    method = KernelRidge(SIZES, KernelRidgeConfig(kappa=2.0))
    known = method._known(data(partly_known(clusters()[2])))
    logits = torch.full((300, 4), -1.0)

    soft = method._softened(known, logits)

    likely = torch.sigmoid(logits)[0, 0].item()
    assert soft.targets[known.open[:, PRESENT_ONLY], PRESENT_ONLY].unique().tolist() == (
        pytest.approx([2 * likely])
    )
    assert soft.targets[299, BOTH_SIGNS].item() == pytest.approx(likely)
    assert torch.equal(soft.targets[~known.open], known.targets[~known.open])


def test_shown_pairs_help_to_tell_what_is_absent() -> None:
    truth = clusters()[2]
    labels = np.where(truth == PRESENT, PRESENT, UNKNOWN).astype(np.int8)
    labels[100:] = UNKNOWN
    new, expected = held_out()

    scores = predict(trained(data(labels, shown=np.arange(300)[:, None] < [[100] * 4])), new)

    assert mean_average_precision(scores, expected) > 0.8


def test_a_label_of_weight_zero_is_as_good_as_unknown() -> None:
    truth = clusters()[2]
    weights = np.ones(truth.shape, np.float32)
    weights[100:] = 0.0
    wrong = truth.copy()
    wrong[100:] *= -1
    new, expected = held_out()

    scores = predict(trained(data(wrong, weights=weights), soft_weight=0.0), new)

    assert mean_average_precision(scores, expected) > 0.8


def test_landmarks_give_nearly_the_exact_scores() -> None:
    labels = partly_known(clusters()[2])
    new, _ = held_out()

    exact, spanned = (
        trained(data(labels), ridge=0.5, soft_weight=0.0, exact_rows=rows, landmarks=300)
        for rows in (300, 299)
    )

    correlation = np.corrcoef(predict(exact, new)[:, 0], predict(spanned, new)[:, 0])[0, 1]
    assert correlation > 0.999
    assert trained(data(labels), exact_rows=100, landmarks=50).landmarks.shape == (50, 48)


@pytest.mark.parametrize("exact_rows", [300, 100])
def test_it_scores_the_same_after_a_round_trip_and_after_a_second_fit(exact_rows, tmp_path) -> None:
    training = data(partly_known(clusters()[2]))
    method = trained(training, exact_rows=exact_rows, landmarks=40)
    scores = predict(method, training)

    checkpoint.save(tmp_path / "w.safetensors", method, "kernel_ridge", SIZES)
    fit(method, training, method.default_training())

    assert (predict(checkpoint.load(tmp_path / "w.safetensors"), training) == scores).all()
    assert (predict(method, training) == scores).all()


@pytest.mark.parametrize("state", [PRESENT, ABSENT, UNKNOWN])
def test_one_image_and_one_category_give_a_finite_score(state) -> None:
    one = TrainingData(np.full((1, 1), state, np.int8), pooled=np.ones((1, 5), np.float32))
    method = build("kernel_ridge", Dimensions(1, 5))

    fit(method, one, method.default_training())

    assert np.isfinite(predict(method, one)).all()


@pytest.mark.parametrize("state", [PRESENT, ABSENT, UNKNOWN])
def test_labels_of_one_state_give_finite_scores(state) -> None:
    training = data(np.full((300, 4), state, np.int8))

    assert np.isfinite(predict(trained(training), training)).all()


def test_everything_known_is_fitted_without_a_refit() -> None:
    new, truth = held_out()

    scores = predict(trained(data(clusters()[2])), new)

    assert mean_average_precision(scores, truth) > 0.9


def test_features_that_are_no_numbers_are_refused() -> None:
    training = data(partly_known(clusters()[2]))
    assert training.pooled is not None
    training.pooled[7, 3] = np.nan

    with pytest.raises(ValueError, match="pooled features hold values"):
        trained(training)


def test_it_says_what_it_reads_and_how_it_is_trained() -> None:
    method = build("kernel_ridge", SIZES)
    labels = np.ones((1, 4), np.int8)
    batch = data(labels, 1).batch(np.arange(1))

    with pytest.raises(ValueError, match="give `pooled`"):
        method(Features())
    with pytest.raises(ValueError, match="give `tokens`"):
        method.prepare(TrainingData(labels, pooled=np.ones((1, 24), np.float32)))
    with pytest.raises(TypeError, match="has no losses"):
        method.losses(batch, 0, 0.0)


def test_a_stopped_training_leaves_all_scores_zero_and_progress_is_told() -> None:
    training = data(partly_known(clusters()[2]))
    method = trained(training)
    told: list[EpochReport] = []
    stopped = iter([False] * 3 + [True] * 1000)

    fit(method, training, TrainConfig(), on_epoch_end=told.append, should_stop=stopped.__next__)

    assert (predict(method, training) == 0).all()
    assert told[-1].epoch + 1 < told[-1].epochs
    fit(method, training, TrainConfig(), on_epoch_end=told.append)
    assert told[-1].epoch + 1 == told[-1].epochs


def test_a_name_ranks_pictures_before_the_first_present_answer() -> None:
    from mlrpl.models.backbones import load_backbone

    classifier = load_backbone("efficientnet-lite0").classifier
    assert classifier is not None
    zebra, pizza = 340, 963
    pooled = 3 * torch.cat([classifier[0][[zebra]], classifier[0][[pizza]]]).numpy().repeat(20, 0)
    labels = np.zeros((40, 3), np.int8)
    labels[20, 2] = PRESENT
    training = TrainingData(labels, pooled=pooled)
    method = build(
        "kernel_ridge",
        Dimensions(3, 1280),
        category_names=["zebra", "qwrtz", "pizza"],
        backbone="efficientnet-lite0",
    )

    fit(method, training, method.default_training())
    scores = predict(method, training)

    assert method.zero_shot_categories().tolist() == [True, False, True]
    assert scores[:20, 0].min() > scores[20:, 0].max()
    assert (scores[:, 1] == 0).all()


def test_names_can_be_left_out_and_features_of_another_length_leave_them_out() -> None:
    for dimensions, options in ((Dimensions(1, 1280), {"names": False}), (Dimensions(1, 9), {})):
        method = build(
            "kernel_ridge",
            dimensions,
            options,
            category_names=["zebra"],
            backbone="efficientnet-lite0",
        )
        pooled = np.random.default_rng(0).random((4, dimensions.pooled), np.float32)
        method.prepare(TrainingData(np.zeros((4, 1), np.int8), pooled=pooled))

        assert not method.zero_shot_categories().any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"power": 0.0},
        {"width": 0.0},
        {"ridge": -1.0},
        {"region_share": -0.1},
        {"kappa": 0.5},
    ],
)
def test_nonsense_is_refused_by_name(wrong) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        KernelRidgeConfig(**wrong)
