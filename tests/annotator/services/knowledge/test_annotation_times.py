"""Costs of a project's own people, from the times that were recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotator.services.knowledge.annotation_times import QUICKEST, cost_row, costs_from
from annotator.store.decision_times import DecisionTimes
from mlrpl.decision.acquisition import Costs

NONE = DecisionTimes(
    first=np.array([]),
    further=np.array([]),
    first_named=np.array([]),
    further_named=np.array([]),
    page=np.array([]),
    page_touched=np.array([], np.int64),
    page_left=np.array([], np.int64),
)


def test_a_look_at_an_image_is_what_its_first_answer_takes_longer() -> None:
    times = replace(NONE, first=np.full(5000, 6.0), further=np.full(5000, 2.0))

    costs = costs_from(times)

    assert costs.verify == pytest.approx(2, abs=0.02)
    assert costs.switch == pytest.approx(4, abs=0.05)
    assert (costs.name, costs.glance) == (Costs().name, Costs().glance)


def test_a_glance_is_what_a_page_takes_without_the_page_and_the_flips() -> None:
    pages = 5000
    times = replace(
        NONE,
        page=np.full(pages, 1.5 + 3 * 1.0 + 40 * 0.7),
        page_touched=np.full(pages, 3),
        page_left=np.full(pages, 37),
    )

    assert costs_from(times).glance == pytest.approx(0.7, abs=0.01)


def test_a_name_costs_what_people_take_to_find_one_without_the_look_at_the_image() -> None:
    times = replace(
        NONE,
        first=np.full(5000, 3.0),
        further=np.full(5000, 1.0),
        first_named=np.full(2000, 4.5),
        further_named=np.full(3000, 2.5),
    )

    costs = costs_from(times)

    assert costs.name == pytest.approx(2.5, abs=0.02)
    assert costs_from(replace(times, further_named=np.array([]))).name == pytest.approx(
        2.5, abs=0.05
    )


def test_one_phone_call_changes_little_and_nothing_takes_no_time() -> None:
    times = replace(NONE, further=np.array([1.0, 1.0, 1.0, 900.0]))
    fast = replace(NONE, first=np.full(5000, 0.1), further=np.full(5000, 1.0))

    assert costs_from(times).verify == pytest.approx(1.0)
    assert costs_from(fast).switch == pytest.approx(QUICKEST, abs=0.01)


def test_a_version_tells_its_costs_and_how_many_times_they_come_from() -> None:
    times = replace(NONE, further=np.ones(7))

    row = cost_row(times, costs_from(times))

    assert row["recorded"] == {"verify": 7, "switch": 0, "name": 0, "glance": 0}
    assert set(row) == {*vars(Costs()), "recorded"}
