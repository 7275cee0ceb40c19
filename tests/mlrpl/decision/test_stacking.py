from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mlrpl.decision.calibration import fit_calibration, probabilities
from mlrpl.decision.prior_shift import expected_calibration_error
from mlrpl.decision.stacking import (
    BEFORE,
    Answers,
    Stack,
    cross_fitted,
    fit_stack,
    heard,
    normal_scores,
)
from mlrpl.metrics import average_precision

IMAGES, CATEGORIES, UNKNOWN_ONES = 1200, 16, 4
"""The last categories have no answer."""


def scored(truth: np.ndarray, auc: float, rng: np.random.Generator) -> np.ndarray:
    """Return scores whose area under the curve is `auc` in every category."""
    return truth * np.sqrt(2) * norm.ppf(auc) + rng.normal(size=truth.shape)


class World:
    """A model of AUC 0.8 and answers to a twentieth of the pairs."""

    def __init__(self, known: float = 0.05) -> None:
        self.rng = np.random.default_rng(0)
        often = self.rng.uniform(0.05, 0.3, CATEGORIES)
        self.truth = self.rng.random((IMAGES, CATEGORIES)) < often
        is_known = self.rng.random(self.truth.shape) < known
        is_known[:, -UNKNOWN_ONES:] = False
        signs = np.where(self.truth, 1, -1)
        self.known = np.where(is_known, signs, 0).astype(np.int8)
        self.everything = signs.astype(np.int8)
        self.scores = (1.5 * scored(self.truth, 0.8, self.rng) - 3).astype(np.float32)
        self.groups = np.arange(IMAGES) % 3

    def weighed(self, *predictors: np.ndarray) -> tuple[np.ndarray, np.ndarray, Stack]:
        """Return fair scores, scores of all pairs, and the stack."""
        columns = range(CATEGORIES)
        each = [np.stack([normal_scores(p[:, c]) for c in columns], axis=1) for p in predictors]
        evidence = np.stack(each)
        fair, stack = cross_fitted(self.scores, evidence, self.known, self.groups)
        return fair, stack.combined(self.scores, evidence), stack

    def precision(self, scores: np.ndarray) -> tuple[float, float]:
        """Return the mean average precision of categories with answers and of those without."""
        each = average_precision(scores, self.everything)
        return float(each[:-UNKNOWN_ONES].mean()), float(each[-UNKNOWN_ONES:].mean())

    def calibration_error(self, fair: np.ndarray, scores: np.ndarray) -> float:
        rows, columns = np.nonzero(self.known)
        labels = self.known[rows, columns]
        fitted = fit_calibration(fair[rows, columns], columns, labels, CATEGORIES)
        asked = self.known[:, :-UNKNOWN_ONES] == 0
        said = probabilities(scores, fitted)[:, :-UNKNOWN_ONES][asked]
        return expected_calibration_error(said, self.truth[:, :-UNKNOWN_ONES][asked])


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def bad_ones(world: World) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "random": rng.normal(size=world.truth.shape),
        "inverted": -scored(world.truth, 0.85, rng),
        "constant": np.full(world.truth.shape, 0.7),
        "silent": np.full(world.truth.shape, np.nan),
        "of other images": np.roll(scored(world.truth, 0.95, rng), 1, axis=0),
    }


@pytest.mark.parametrize("kind", ["random", "inverted", "constant", "silent", "of other images"])
def test_a_bad_predictor_costs_no_more_than_noise(world: World, kind: str) -> None:
    before = world.precision(world.scores)
    error = world.calibration_error(world.scores, world.scores)

    fair, scores, stack = world.weighed(bad_ones(world)[kind])

    after = world.precision(scores)
    assert stack.common[0] == 0
    assert after[0] > before[0] - 0.005
    assert after[1] == before[1]
    assert world.calibration_error(fair, scores) < error + 0.01


def test_the_better_a_predictor_the_more_it_lifts_with_answers_and_without(world: World) -> None:
    rng = np.random.default_rng(2)
    found = [world.precision(world.scores)]
    error = world.calibration_error(world.scores, world.scores)

    for auc in (0.7, 0.85, 0.95):
        fair, scores, _ = world.weighed(scored(world.truth, auc, rng))
        found.append(world.precision(scores))
        assert world.calibration_error(fair, scores) < error + 0.01

    gains = np.diff(np.array(found), axis=0)
    assert (gains > 0.02).all()
    assert (np.array(found[-1]) - found[0] > 0.3).all()


def test_a_good_predictor_speaks_beside_a_bad_one(world: World) -> None:
    rng = np.random.default_rng(3)
    good = scored(world.truth, 0.9, rng)

    _, alone, _ = world.weighed(good)
    _, beside, stack = world.weighed(bad_ones(world)["inverted"], good)

    assert stack.common[0] == 0
    assert stack.common[1] > 1
    assert world.precision(beside)[0] > world.precision(alone)[0] - 0.01


def test_only_the_order_of_a_predictor_counts(world: World) -> None:
    probability = 1 / (1 + np.exp(-scored(world.truth, 0.85, np.random.default_rng(4))))

    plain = world.weighed(probability)[2]
    percent = world.weighed(100 * probability**3 - 7)[2]

    np.testing.assert_allclose(plain.weights, percent.weights, atol=1e-4)


def test_a_predictor_that_is_good_for_some_categories_is_followed_there() -> None:
    world, rng = World(known=0.3), np.random.default_rng(5)
    half = np.where(
        np.arange(CATEGORIES) % 2, scored(world.truth, 0.9, rng), -scored(world.truth, 0.9, rng)
    )

    weights = world.weighed(half)[2].weights[0, :-UNKNOWN_ONES]

    assert (weights[1::2] > 0.4).all()
    assert (weights[::2] < 0.1).all()


def test_without_a_weight_scores_stay_as_they_are_and_silence_moves_nothing() -> None:
    nothing = Stack(0.5, np.zeros(1), np.zeros((1, 2)), np.zeros(1))
    some = Stack(2.0, np.array([1.0]), np.array([[1.0, 0.0]]), np.array([20.0]))
    scores = np.array([[1.0, 2.0], [np.nan, 4.0]], np.float32)
    evidence = np.array([[[np.nan, 1.0], [3.0, 1.0]]])

    np.testing.assert_array_equal(nothing.combined(scores, evidence), scores)
    np.testing.assert_array_equal(some.combined(scores, evidence), [[2, 4], [np.nan, 8]])


def test_before_there_is_enough_to_measure_a_predictor_orders_what_nothing_else_does() -> None:
    stack = Stack(1.0, np.array([0.0, 0.0]), np.zeros((2, 1)), np.array([3.0, 99.0]))

    np.testing.assert_array_equal(stack.beforehand, [BEFORE, 0.0])


def test_the_gradient_is_that_of_the_cost() -> None:
    from scipy.optimize import check_grad

    from mlrpl.decision.stacking import _Problem

    rng = np.random.default_rng(6)
    answers = Answers(
        scores=rng.normal(size=40),
        evidence=rng.normal(size=(2, 40)),
        columns=rng.integers(0, 3, 40),
        present=rng.random(40) < 0.4,
        weights=rng.random(40),
    )
    problem, point, doubt = _Problem(answers, 3), rng.random(2 + 3 + 2 * 4), np.array([0.5, 2.0])

    off = check_grad(lambda p: problem(p, doubt)[0], lambda p: problem(p, doubt)[1], point)

    assert off < 1e-4


def test_answers_of_one_sign_or_none_give_no_weight() -> None:
    one_sign = Answers(
        scores=np.zeros(2),
        evidence=np.ones((1, 2)),
        columns=np.zeros(2, np.int64),
        present=np.ones(2, dtype=bool),
    )

    assert not fit_stack(one_sign, 1).weights.any()
    with pytest.raises(ValueError, match="one length"):
        fit_stack(
            Answers(
                scores=np.zeros(2),
                evidence=np.ones((1, 3)),
                columns=np.zeros(2, np.int64),
                present=np.ones(2, dtype=bool),
            ),
            1,
        )


def test_equal_numbers_say_nothing_and_silence_is_heard_as_nothing() -> None:
    assert normal_scores(np.array([5.0, 5.0, np.nan])).tolist()[:2] == [0.0, 0.0]
    assert np.isnan(normal_scores(np.array([np.nan]))).all()
    assert heard(np.array([np.nan, 1.0])).tolist() == [0.0, 1.0]
