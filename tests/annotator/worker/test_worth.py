"""What is asked first: worth of pairs, the image order, and the order before any label."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.worker.diversity import diversity_order
from annotator.worker.worth import make_queue
from mlrpl.labels import ABSENT, PRESENT


def queue_of(scores: np.ndarray, labels: np.ndarray | None = None, **options: object):
    scores = np.asarray(scores, np.float32)
    if labels is None:
        labels = np.zeros(scores.shape, np.int8)
    arguments: dict = {
        "centres": np.zeros(scores.shape[1]),
        "slope": 1.0,
        "askable": np.ones(len(scores), bool),
        "seed": 0,
    }
    return make_queue(scores, labels, **{**arguments, **options})


def test_a_likely_pair_comes_before_a_toss_and_a_sure_absence_never() -> None:
    chances = np.array([1e-30, 0.1, 0.5, 0.7, 0.999, np.nan])
    scores = np.log(chances / (1 - chances)).astype(np.float32)[:, None]

    queue = make_queue(scores, np.zeros((6, 1), np.int8), np.zeros(1), 1.0, np.ones(6, bool), 0)

    assert queue.pairs[0].tolist() == [3, 2, 4, 1, 0, -1]


def test_another_strategy_orders_the_pairs_its_own_way() -> None:
    scores = np.array([[5.0], [0.0], [2.0]], np.float32)

    queue = make_queue(
        scores, np.zeros((3, 1), np.int8), np.zeros(1), 1.0, np.ones(3, bool), 0, strategy="likely"
    )

    assert queue.pairs.tolist() == [[0, 2, 1]]


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown strategy 'magic'"):
        make_queue(
            np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int8), np.zeros(1), 1.0,
            np.ones(1, bool), 0, strategy="magic",
        )  # fmt: skip


def test_scores_beyond_all_bounds_are_worth_nothing_or_are_sure() -> None:
    scores = np.array([[-1e30], [1e30]], np.float32)

    queue = make_queue(scores, np.zeros((2, 1), np.int8), np.zeros(1), 1e6, np.ones(2, bool), 0)

    assert queue.pairs.tolist() == [[1, -1]]


def test_images_with_more_likely_open_pairs_come_first() -> None:
    queue = queue_of([[-9, -9], [1, -9], [1, 1]])

    assert queue.images.tolist() == [2, 1, 0]


def test_what_is_known_is_not_asked_again() -> None:
    labels = np.array([[PRESENT, ABSENT], [PRESENT, 0]], np.int8)

    queue = queue_of([[1, 1], [1, 1]], labels)

    assert queue.images.tolist() == [1]
    assert queue.pairs.tolist() == [[-1, -1], [1, -1]]


def test_missing_images_are_not_asked_and_unscored_ones_come_last() -> None:
    queue = queue_of([[1.0], [np.nan], [-9.0], [2.0]], askable=np.array([True, True, True, False]))

    assert queue.images.tolist() == [0, 2, 1]


def test_a_tenth_of_the_order_is_drawn_at_random() -> None:
    scores = np.linspace(-9, 0, 200)[:, None]

    queue = queue_of(scores)

    by_worth = np.arange(200)[::-1]
    guided = np.delete(queue.images, np.s_[9::10])
    drawn = queue.images[9::10]
    assert sorted(queue.images.tolist()) == list(range(200))
    assert guided.tolist() == [i for i in by_worth.tolist() if i not in drawn]
    assert drawn.mean() < 150  # the guided ones of these places would average above 100 less
    assert sorted(drawn, reverse=True) != drawn.tolist()


def test_the_best_pairs_of_a_category_are_listed_best_first() -> None:
    queue = queue_of(np.array([[-3.0], [0.5], [-1.0], [np.nan]]))

    assert queue.pairs.tolist() == [[1, 2, 0, -1]]


def test_the_first_images_are_as_different_as_can_be() -> None:
    groups = np.repeat(np.eye(4, 128, dtype=np.float32), 5, axis=0)
    hashes = [f"{(i * 7919) % 20:02d}" for i in range(20)]

    order = diversity_order(groups, hashes, picked=4)

    assert {int(i) // 5 for i in order[:4]} == {0, 1, 2, 3}
    assert sorted(order.tolist()) == list(range(20))
    assert [hashes[i] for i in order[4:]] == sorted(hashes[i] for i in order[4:])


def test_the_diverse_order_depends_on_the_images_and_not_on_their_rows() -> None:
    search = np.random.default_rng(1).normal(size=(30, 128)).astype(np.float32)
    search /= np.linalg.norm(search, axis=1, keepdims=True)
    hashes = [f"{(i * 7919) % 31:02d}" for i in range(30)]
    shuffle = np.random.default_rng(2).permutation(30)

    order = diversity_order(search, hashes, picked=10)
    again = diversity_order(search[shuffle], [hashes[i] for i in shuffle], picked=10)

    assert shuffle[again].tolist() == order.tolist()


@pytest.mark.parametrize("count", [0, 1])
def test_no_image_and_one_image_have_an_order(count: int) -> None:
    search = np.eye(count, 128, dtype=np.float32)

    assert diversity_order(search, ["a"] * count).tolist() == list(range(count))
