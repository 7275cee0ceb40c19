"""A certificate in a simulation: begun in time, proven, applied, finished, and true."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.services.app import Services
from annotator.simulate import certifying
from annotator.simulate.actions import SimulatedAnnotator
from annotator.simulate.certifying import against_truth, begun, finish, planned, prove
from annotator.simulate.clock import Clock, Seconds
from annotator.simulate.oracle import Oracle
from annotator.simulate.run import measured
from annotator.simulate.wishes import Wish
from mlrpl.decision.acquisition import Costs
from mlrpl.labels import UNKNOWN


@pytest.fixture
def sit_down(oracle: Any, tmp_path: Path) -> Iterator[Any]:
    opened = []

    def sit(wish: Wish, **options: Any) -> tuple[SimulatedAnnotator, np.ndarray]:
        truth = oracle.make_project(tmp_path, **options)
        services = Services.open(tmp_path / "project")
        opened.append(services)
        return SimulatedAnnotator(services, Oracle(truth), Clock(Costs()), 0, wish), truth

    yield sit
    for services in opened:
        services.close()


def to_the_end(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.slow
def test_a_good_model_keeps_what_its_certificate_promises(sit_down: Any) -> None:
    person, truth = sit_down(Wish(promise="f1", f1=0.9))

    applied = to_the_end(prove(person, planned(person, start=True)))

    said = against_truth(person, truth)
    assert applied
    assert said is not None
    assert said["absent"] > truth.size / 2
    assert said["present"] > 0
    assert said["probes"] == person.clock.decisions
    assert person.clock.seconds == 2.5 * said["probes"] > 0
    assert measured(person, truth)["certificate"] == said
    present, absent = certifying.filled(person)
    for _ in itertools.islice(finish(person), 4):
        pass
    answered = person.labels != UNKNOWN
    assert answered.sum() > 10
    assert not (answered & (present | absent)).any()
    completed = np.where(present | absent, present, truth)  # what is left is answered
    assert 2 * (completed & truth).sum() / (completed.sum() + truth.sum()) >= 0.9


def test_a_model_that_knows_little_does_not_begin_one(sit_down: Any) -> None:
    person, truth = sit_down(Wish(), margin=0.5)

    assert begun(person) is None
    assert person.begun is None
    assert against_truth(person, truth) is None


@pytest.mark.parametrize(
    ("outside", "left", "pays"),
    [(0, 1000, True), (0, 1001, False), (400, 600, True), (400, 601, False)],
)
def test_it_begins_where_at_most_a_twentieth_is_left_to_people(
    sit_down: Any, monkeypatch: pytest.MonkeyPatch, outside: int, left: int, pays: bool
) -> None:
    person, truth = sit_down(Wish())
    person.clock.spend(Seconds(keys=40), 1)

    def plan(_: SimulatedAnnotator, *, start: bool = False) -> dict[str, Any]:
        assert pays or not start
        return {
            "refused": "", "chosen": {"left": left, "questions": 300},
            "pool": truth.size - outside, "question_seconds": 2.5, "pair_seconds": 0.6,
        }  # fmt: skip

    monkeypatch.setattr(certifying, "planned", plan)

    assert (begun(person) is not None) == pays
    assert person.begun == (40 if pays else None)
    assert person.forecast == pytest.approx(40 + 2.5 * 300 + 0.6 * (left + outside))
