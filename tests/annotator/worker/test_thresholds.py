"""Thresholds for an aim, found by the worker and left alone by the pages."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.domain import State
from annotator.services.knowledge.suggestions import as_wished
from annotator.settings import Suggestions
from annotator.worker.learner import take_snapshot
from annotator.worker.thresholds import wished
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.thresholds import SHRINKAGE, f1_threshold, precision_threshold

COUNT = 300
PLAIN = Calibration(1.0, np.zeros(2))
NOBODY = np.zeros(2, dtype=bool)


@pytest.fixture
def asked(made):
    """Return what is known after thirty present answers about the first of two categories."""
    ids = made.add_images(f"{i}.png" for i in range(COUNT))
    first, _ = made.add_categories("cat", "dog")
    made.answer((ids[i], first, State.PRESENT) for i in range(30))
    with made.store.reading() as tx:
        snapshot = take_snapshot(tx, COUNT)
    scores = np.random.default_rng(0).normal([-1, -3], 2, (COUNT, 2)).astype(np.float32)
    return snapshot, scores


def test_one_probability_is_that_of_the_settings(asked) -> None:
    found = wished(*asked, PLAIN, NOBODY, Suggestions(threshold=0.7))

    assert found.tolist() == [0.7, 0.7]


@pytest.mark.parametrize("aim", ["f1", "precision"])
def test_a_category_without_present_answers_gets_the_common_threshold(asked, aim: str) -> None:
    snapshot, scores = asked
    said = probabilities(scores, PLAIN)

    found = wished(snapshot, scores, PLAIN, NOBODY, Suggestions(aim=aim, precision=0.8))

    def best(values: np.ndarray) -> float:
        return f1_threshold(values) if aim == "f1" else precision_threshold(values, 0.8)

    common = best(np.concatenate([said[30:, 0], said[:, 1]]))
    assert found[1] == pytest.approx(common)
    weight = 30 / (30 + SHRINKAGE)
    assert found[0] == pytest.approx(weight * best(said[30:, 0]) + (1 - weight) * common)


def test_ranked_categories_take_no_part(asked) -> None:
    snapshot, scores = asked
    aim = Suggestions(aim="f1")
    other = scores.copy()
    other[:, 1] = 9

    found = wished(snapshot, scores, PLAIN, np.array([False, True]), aim)

    assert found[0] == wished(snapshot, other, PLAIN, np.array([False, True]), aim)[0]
    assert (wished(snapshot, scores, PLAIN, ~NOBODY, aim) == 0.5).all()


def test_pages_leave_the_thresholds_of_an_aim_and_set_those_of_a_probability() -> None:
    class Arrays:
        def at_threshold(self, probability: float) -> str:
            return f"at {probability}"

    arrays, wish = Arrays(), Suggestions(threshold=0.6)

    assert as_wished(arrays, wish) == "at 0.6"  # type: ignore[arg-type, comparison-overlap]
    for aim in ("f1", "precision"):
        assert as_wished(arrays, Suggestions(threshold=0.6, aim=aim)) is arrays  # type: ignore[arg-type, comparison-overlap]
