"""A certificate in a simulation: begun when it pays, and compared with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.services.app import Services
from annotator.simulate.actions import SimulatedAnnotator
from annotator.simulate.certifying import MAX_LOST, against_truth, answer_blindly, planned
from annotator.simulate.clock import Clock
from annotator.simulate.oracle import Oracle
from annotator.simulate.run import measured
from mlrpl.decision.acquisition import Costs


@pytest.fixture
def sit_down(oracle: Any, tmp_path: Path) -> Iterator[Any]:
    opened = []

    def sit(**options: Any) -> tuple[SimulatedAnnotator, np.ndarray]:
        truth = oracle.make_project(tmp_path, **options)
        services = Services.open(tmp_path / "project")
        opened.append(services)
        return SimulatedAnnotator(services, Oracle(truth), Clock(Costs()), 0), truth

    yield sit
    for services in opened:
        services.close()


def test_a_good_model_fills_in_what_its_certificate_allows(sit_down: Any) -> None:
    person, truth = sit_down()

    plan = planned(person)
    assert plan is not None
    for _ in answer_blindly(person, plan):
        pass

    said = against_truth(person, truth)
    assert said is not None
    assert said["absent"] > truth.size / 2
    assert said["lost"] <= MAX_LOST
    assert said["wrong"] <= 0.05
    assert person.clock.seconds == 2.5 * person.clock.decisions > 0
    assert measured(person, truth)["certificate"] == said


def test_a_model_that_knows_little_does_not_begin_one(sit_down: Any) -> None:
    person, truth = sit_down(margin=0.5)

    assert planned(person) is None
    assert against_truth(person, truth) is None
