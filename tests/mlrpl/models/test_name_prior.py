"""Which ImageNet classes speak for a category's name."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.models.name_prior import class_affinities

ZEBRA, PIZZA, TABBY = 340, 963, 281


def test_a_class_of_the_same_name_speaks_loudest() -> None:
    found = class_affinities(["zebra", "Pizzas"])

    assert found.argmax(axis=1).tolist() == [ZEBRA, PIZZA]
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert (found >= 0).all()


def test_a_name_that_is_no_class_is_found_through_its_definition() -> None:
    found = class_affinities(["couch", "cat"])

    assert found[1, TABBY] > 5 * found[0, TABBY]
    assert found[0].max() > 0


def test_a_name_that_no_text_mentions_gets_nothing() -> None:
    assert (class_affinities(["qwrtz", "", "42"]) == 0).all()


def test_other_categories_change_nothing() -> None:
    alone, together = class_affinities(["zebra"]), class_affinities(["cow", "zebra"])

    assert np.array_equal(alone[0], together[1])
    assert class_affinities([]).shape == (0, 1000)
