"""Images like the examples come first, and those like what lacks it come last."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.decision.retrieval import HALF_AWAY, likeness, prototype


def test_without_a_present_example_there_is_no_prototype() -> None:
    assert prototype(np.zeros((0, 3)), np.eye(3)) is None


def test_one_example_is_its_own_prototype() -> None:
    assert prototype(np.array([[0.6, 0.8, 0.0]])) == pytest.approx([0.6, 0.8, 0.0])


def test_absent_examples_take_away_what_both_share_by_as_much_as_there_are() -> None:
    present, one, many = (
        np.array([[0.6, 0.8]]),
        np.array([[1.0, 0.0]]),
        np.tile([1.0, 0.0], (90, 1)),
    )

    plain, little, much = prototype(present), prototype(present, one), prototype(present, many)

    assert plain is not None
    assert little is not None
    assert much is not None
    assert plain[0] > little[0] > 0 > much[0]
    expected = np.array([0.6 - 1 / (1 + HALF_AWAY), 0.8])
    assert little == pytest.approx(expected / np.linalg.norm(expected))
    assert np.linalg.norm(much) == pytest.approx(1)


def test_examples_that_cancel_out_give_no_prototype() -> None:
    assert prototype(np.array([[1.0, 0.0], [-1.0, 0.0]])) is None


def test_likeness_is_one_product_whatever_the_number_of_prototypes() -> None:
    search = np.random.default_rng(0).normal(size=(9_000, 4)).astype(np.float32)

    both = likeness(search, np.eye(4)[:, :2])

    assert both.shape == (9_000, 2)
    assert both[:, 1] == pytest.approx(search[:, 1])
    assert likeness(search, np.eye(4)[1]) == pytest.approx(search[:, 1])
    assert likeness(search[:0], np.eye(4)[1]).shape == (0,)
