"""What to ask: every strategy on small views with numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.decision.acquisition import (
    STRATEGIES,
    Costs,
    View,
    entropy,
    fit_costs,
    image_worth,
    in_turns,
    spread,
    strategy,
    strategy_named,
)


def view(p: list[list[float]], **changes: object) -> View:
    probabilities = np.array(p)
    fields = {
        "probabilities": probabilities,
        "open": np.isfinite(probabilities),
        "present_counts": np.full(probabilities.shape[1], 100),
        "rng": np.random.default_rng(0),
    }
    return View(**{**fields, **changes})  # type: ignore[arg-type]


def order(name: str, p: list[float], **changes: object) -> list[int]:
    worth = strategy_named(name)(view([p], **changes))[0]
    return [int(i) for i in np.argsort(-worth, kind="stable")]


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_what_is_closed_or_unknown_to_the_model_is_worth_nothing(name: str) -> None:
    looked = view([[0.5, 0.5, np.nan]], open=np.array([[True, False, True]]))

    worth = strategy_named(name)(looked)

    assert worth[0, 0] > 0
    assert worth[0, 1] == 0
    assert worth[0, 2] == 0 or name == "random"  # chance needs no opinion


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_worth_lies_between_nothing_and_one_unless_it_tells_of_other_pairs(name: str) -> None:
    p = np.linspace(0, 1, 101)[None].tolist()

    worth = strategy_named(name)(view(p))

    assert worth.min() >= 0
    assert worth.max() <= 1.0001


def test_uncertainty_asks_the_coin_toss_first() -> None:
    assert order("uncertainty", [0.8, 0.45, 0.1, 0.01]) == [1, 0, 2, 3]


def test_likely_asks_what_is_there() -> None:
    assert order("likely", [0.2, 0.95, 0.5]) == [1, 2, 0]


def test_doubt_on_the_present_side_comes_before_doubt_on_the_absent_side() -> None:
    assert order("present_and_uncertain", [0.35, 0.65, 0.99, 0.02]) == [1, 0, 2, 3]


def test_a_rare_category_is_searched_for_present_pairs_nearest_the_boundary() -> None:
    rare = {"present_counts": np.array([3, 3, 3, 3])}

    assert order("present_first", [0.95, 0.55, 0.45, 0.1], **rare) == [1, 0, 2, 3]
    assert order("present_first", [0.95, 0.6, 0.45, 0.1])[0] == 2


def test_an_answer_that_tells_of_others_is_worth_more() -> None:
    correlation = np.eye(3)
    correlation[0, 1] = correlation[1, 0] = 0.8

    worth = strategy_named("information_gain")(view([[0.5, 0.5, 0.5]], correlation=correlation))

    gain = -np.log2(1 - 0.64) / 2
    assert worth[0] == pytest.approx([1 + gain, 1 + gain, 1])


def test_what_others_are_sure_of_gains_nothing() -> None:
    correlation = np.array([[1.0, 0.8], [0.8, 1.0]])

    worth = strategy_named("information_gain")(view([[0.5, 1.0]], correlation=correlation))

    assert worth[0].tolist() == [1, 0]


def test_random_depends_on_nothing_but_the_generator() -> None:
    one, two = (strategy_named("random")(view([[p] * 500])) for p in (0.01, 0.99))

    assert np.array_equal(one, two)


def test_an_image_with_several_good_questions_beats_one_with_a_single_one() -> None:
    pairs = np.array([[0.8, 0.0, 0.0], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]])

    worth = image_worth(pairs, Costs(switch=1.5, verify=1.0))

    assert worth == pytest.approx([0.8 / 2.5, 1.5 / 4.5, 0])


def test_spread_prefers_worth_and_avoids_copies() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    rng = np.random.default_rng(0)

    chosen = spread(np.array([1.0, 1.0, 0.9, 0.0]), vectors, 3, rng)

    assert len({0, 1} & set(chosen[:2].tolist())) == 1
    assert 2 in chosen[:2]
    assert 3 not in chosen


def test_spread_of_nothing_is_empty() -> None:
    assert len(spread(np.zeros(3), np.eye(3), 2, np.random.default_rng(0))) == 0


def test_costs_move_towards_recorded_times_as_these_pile_up() -> None:
    few = fit_costs({"verify": np.array([3.0, np.nan, -1.0])})
    many = fit_costs({"verify": np.full(2_000, 3.0)})

    assert 1.0 < few.verify < 1.2
    assert many.verify == pytest.approx(3.0, abs=0.05)
    assert many.switch == Costs().switch


def test_an_unknown_cost_and_an_unknown_strategy_are_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="known: verify, glance"):
        fit_costs({"coffee": np.ones(1)})
    with pytest.raises(ValueError, match="information_gain, likely"):
        strategy_named("psychic")
    with pytest.raises(ValueError, match="already"):
        strategy("random")(lambda looked: looked.probabilities)


def test_entropy_is_one_bit_at_a_coin_toss() -> None:
    assert entropy(np.array([0.5, 0.0, 1.0, 0.25])) == pytest.approx([1, 0, 0, 0.811278], abs=1e-5)


def test_groups_take_turns_within_a_window_and_keep_their_own_order() -> None:
    groups = np.array([1, 1, 1, 2, 3, 1, 1, 2, 2])

    assert in_turns(groups, 5).tolist() == [0, 3, 4, 1, 2, 5, 7, 6, 8]
    assert in_turns(groups, 1).tolist() == list(range(9))
    assert in_turns(groups[:0], 5).tolist() == []
