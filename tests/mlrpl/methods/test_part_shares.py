"""How much each of two classifiers speaks."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods.part_shares import MOST_JUDGES, START, chosen_share, judging, weighed


def truth(images: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((images, 6)) < 0.3, PRESENT, ABSENT).astype(np.int8)


def heard(labels: np.ndarray, skill: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=labels.shape)
    return (skill * labels + noise).astype(np.float32)


@pytest.mark.parametrize(("own", "other", "low", "high"), [(3, 0.2, 0.5, 0.9), (0.2, 3, 0, 0.3)])
def test_the_better_one_is_heard_more(own: float, other: float, low: float, high: float) -> None:
    labels = truth(400)

    share = chosen_share(heard(labels, own, 1), heard(labels, other, 2), labels)

    assert low <= share <= high


def test_of_shares_that_rank_equally_well_the_usual_one_is_taken() -> None:
    labels = truth(200)
    other = heard(labels, 1, 1)

    assert chosen_share(other + 4, other, labels) == pytest.approx(START)


def test_of_two_that_are_equally_good_few_judges_silence_neither() -> None:
    labels = truth(30)
    shares = [
        chosen_share(heard(labels, 1, seed), heard(labels, 1, seed + 50), labels)
        for seed in range(1, 9)
    ]

    assert min(shares) > 0.1
    assert max(shares) < 0.9


def test_nothing_known_moves_nothing() -> None:
    labels = np.full((20, 6), UNKNOWN, np.int8)

    assert chosen_share(heard(labels, 1, 1), heard(labels, 1, 2), labels) == START
    assert chosen_share(np.zeros((0, 6)), np.zeros((0, 6)), labels[:0]) == START


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_the_mean_has_one_scale_however_the_classifiers_differ(scale: float) -> None:
    labels = truth(400)
    other = heard(labels, 1, 2) - 4
    own = (scale * (heard(labels, 1, 1) + np.arange(6))).astype(np.float32)

    factors, offset = weighed((own, other), (own, other), labels)
    mean = factors[0] * own + factors[1] * other + offset

    np.testing.assert_allclose(mean.mean(axis=0), other.mean(axis=0), atol=1e-4)
    assert 0.7 < mean.std(axis=0).mean() / other.std(axis=0).mean() <= 1


def test_classifiers_that_say_nothing_yet_have_a_mean() -> None:
    labels = truth(40)
    nothing = np.zeros(labels.shape, np.float32)

    factors, offset = weighed((nothing, nothing), (nothing, nothing), labels)

    assert factors == (START, 1 - START)
    assert not offset.any()


def test_so_many_images_judge() -> None:
    labels = truth(MOST_JUDGES * 10 + 5_000)
    rows = np.arange(len(labels))

    assert len(judging(labels, rows)) == MOST_JUDGES
    assert len(judging(labels, rows[:500])) == 50
    assert not len(judging(labels, rows[:30]))
