"""What is asked first: worth of pairs, the image order, and the order before any label."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.worker.acquisition_scores import CANDIDATES, make_queue
from annotator.worker.diversity import diversity_order
from mlrpl.decision.acquisition import STRATEGIES, Costs, View
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


def test_an_image_is_worth_less_the_longer_a_look_at_a_new_one_takes() -> None:
    one, two = [3.0, -9.0, -9.0], [-1.0, -1.0, -1.0]  # a good question, and three middling ones

    quick = queue_of([one, two], costs=Costs(switch=0.01))
    slow = queue_of([one, two], costs=Costs(switch=9.0))

    assert quick.images.tolist() == [0, 1]
    assert slow.images.tolist() == [1, 0]


def test_copies_do_not_come_one_after_the_other() -> None:
    scenes, copies = 40, 15
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(scenes, 128)), copies, axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = np.repeat(np.linspace(0.3, 0.0, scenes), copies)[:, None]

    alike = queue_of(scores)
    unlike = queue_of(scores, vectors=vectors)

    scene = np.arange(scenes * copies) // copies
    assert len(set(scene[alike.images[:8]])) <= 2
    assert len(set(scene[unlike.images[:8]])) >= 6
    assert sorted(unlike.images.tolist()) == list(range(scenes * copies))


def test_images_about_different_categories_take_turns() -> None:
    scores = np.full((40, 2), -9.0)
    scores[:20, 0] = 0.5
    scores[20:, 1] = 0.4  # worth a little less, so that all of them would come after

    order = queue_of(scores).images

    guided = np.delete(order, np.s_[9::10])
    leading = (guided >= 20)[:20]
    assert abs(leading.mean() - 0.5) < 0.2
    assert (leading[1:] != leading[:-1]).mean() > 0.8


def test_what_tells_of_other_categories_comes_first_where_errors_go_together() -> None:
    scores = np.array([[0.5, -9.0, -9.0], [0.5, 0.4, -9.0], [0.5, -9.0, 0.4]])
    correlation = np.eye(3)
    correlation[0, 1] = correlation[1, 0] = 0.9

    alone = queue_of(scores, strategy="information_gain")
    together = queue_of(scores, strategy="information_gain", correlation=correlation)

    assert together.pairs[0].tolist()[0] == together.images[0] == 1
    assert alone.pairs[0].tolist() == [0, 1, 2]


def test_the_correlation_is_looked_at_for_the_best_images_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = CANDIDATES + 50
    scores = np.full((count, 2), 0.0)
    scores[:50] = -6.0
    asked: list[int] = []

    def watched(view: View) -> np.ndarray:
        if view.correlation is not None:
            asked.append(len(view.open))
        return STRATEGIES["uncertainty"](view)

    monkeypatch.setitem(STRATEGIES, "information_gain", watched)

    queue_of(scores, strategy="information_gain", correlation=np.eye(2))

    assert sum(asked) == CANDIDATES
    assert max(asked) < 100
