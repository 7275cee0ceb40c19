"""What an hour would bring, and when the goal is reached, on forty-eight pairs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from annotator.services import stopping
from annotator.services.app import Services
from annotator.settings import Goal
from mlrpl.decision.acquisition import Costs

IMAGES, CATEGORIES = 6, 8
PAIRS = IMAGES * CATEGORIES
NUMBERS = itertools.count()

Row = dict[str, Any]


def say(
    services: Services, state: str, *pairs: tuple[int, int], kind: str = "answer", ms: int = 2000
) -> None:
    changes = [{"image": i, "category": c, "state": state} for i, c in pairs]
    operation = {"op": f"op {next(NUMBERS)}", "kind": kind, "ms": ms, "changes": changes}
    services.recording.save("ann", operation)


def say_all(services: Services, state: str, count: int, first: int = 0) -> None:
    cells = [(1 + n % IMAGES, 1 + n // IMAGES) for n in range(first, first + count)]
    say(services, state, *cells, kind="sweep")


def with_goal(services: Services, **goal: float) -> None:
    settings = services.project.settings
    services.project.settings = replace(settings, goal=Goal(**goal))


@pytest.fixture
def wide(services: Services) -> Services:
    """The small project with eight categories, 30 present pairs, and 18 open ones."""
    services.curation.add([f"more {n}" for n in range(CATEGORIES - 3)])
    say_all(services, "present", 30)
    return services


def test_too_few_present_answers_no_version_and_mere_rankings_are_told_in_a_sentence(
    services: Services, publish: Any
) -> None:
    few = services.stopping.report()
    services.curation.add([f"more {n}" for n in range(CATEGORIES - 3)])
    say_all(services, "present", 30)
    untrained = services.stopping.report()
    publish(np.zeros((IMAGES, CATEGORIES)), ranked=range(CATEGORIES))
    ranking = services.stopping.report()

    assert "30 pairs are known to be present; there are 0" in few["note"]
    assert "once there is a version" in untrained["note"]
    assert "only ranks" in ranking["note"]
    assert [row["now"] for row in (few, untrained, ranking)] == [None] * 3
    assert [row["coverage"] for row in (few, untrained)] == [0, 30 / PAIRS]


def test_the_expected_error_is_that_of_the_open_pairs_alone(wide: Services, publish: Any) -> None:
    scores = np.full((IMAGES, CATEGORIES), logit(0.5))  # answered ones do not matter
    scores[:, 5] = logit(0.9)
    scores[:, 6:] = logit(0.1)
    publish(scores)

    row = wide.stopping.report()

    assert (row["note"], row["open"], row["left_out"]) == ("", 18, 0)
    assert row["now"]["wrong_share"] == pytest.approx(6 * 0.1 / 36)
    assert row["now"]["lost_share"] == pytest.approx(12 * 0.1 / (30 + 6 * 0.9 + 12 * 0.1))
    assert row["now"]["open_error"] == pytest.approx(0.1)
    assert row["now"]["error"] == row["now"]["lost_share"]


def test_rankings_and_untaught_categories_are_left_out_and_counted(
    wide: Services, publish: Any
) -> None:
    publish(np.full((IMAGES, CATEGORIES), logit(0.1)), ranked=[6], untaught=[7])

    row = wide.stopping.report()

    assert row["left_out"] == 12
    assert row["now"]["lost"] == round(6 * 0.1)


def test_an_hour_takes_the_most_doubtful_pairs_first(
    wide: Services, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = np.full((IMAGES, CATEGORIES), logit(0.02))
    scores[:, 5] = logit(0.4)
    publish(scores)
    monkeypatch.setattr(stopping, "HOUR", 6 * Costs().verify)

    row = wide.stopping.report()

    assert row["later"]["pairs"] == 6
    assert row["later"]["coverage"] == pytest.approx(36 / PAIRS)
    assert row["later"]["open_error"] == pytest.approx(0.02)
    assert row["later"]["present"] == round(6 * 0.4)


def test_the_pace_is_drawn_from_single_answers_and_grids(wide: Services) -> None:
    for number in range(60):
        say(wide, "present", (1 + number % 6, 1), ms=3000)
    for _ in range(60):
        say(wide, "absent", *((i, 6) for i in range(1, 7)), kind="page", ms=6000)

    pace = wide.stopping.report()["pace"]

    drawn = 60 / 80
    assert pace["recorded"] == 120
    assert pace["single_seconds"] == pytest.approx(drawn * 3 + (1 - drawn) * Costs().verify)
    assert pace["grid_seconds"] == pytest.approx(drawn * 1 + (1 - drawn) * Costs().glance)
    assert pace["single_share"] == pytest.approx(3 / 9)
    assert pace["an_hour"] == pytest.approx(
        1200 / pace["single_seconds"] + 2400 / pace["grid_seconds"]
    )


def test_the_goal_is_reached_when_coverage_and_error_are(wide: Services, publish: Any) -> None:
    publish(np.full((IMAGES, CATEGORIES), logit(0.01)))

    far = wide.stopping.report()
    with_goal(wide, coverage=0.6, error=0.001)
    covered = wide.stopping.report()
    with_goal(wide, coverage=0.6, error=0.05)
    reached = wide.stopping.report()

    assert (far["covered"], far["reached"]) == (False, False)
    assert (covered["covered"], covered["reached"]) == (True, False)
    assert (reached["covered"], reached["reached"]) == (True, True)
    assert (reached["answers_needed"], covered["answers_needed"] > 0) == (0, True)


def test_with_every_pair_answered_the_goal_is_reached_without_a_version(wide: Services) -> None:
    say_all(wide, "absent", 18, first=30)

    row = wide.stopping.report()

    assert (row["open"], row["coverage"], row["reached"]) == (0, 1.0, True)


def test_blind_answers_correct_what_the_model_expects_of_itself(
    wide: Services, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(np.full((IMAGES, CATEGORIES), logit(0.1)))
    before = wide.stopping.report()
    for question in wide.probing.card("ann", "c")["questions"]:
        said = {"probe": question["probe"], "card": "c", "state": "present", "ms": 900}
        wide.probing.answer("ann", said)
    few = wide.stopping.report()
    monkeypatch.setattr(stopping, "ENOUGH_PROBES", 10)
    with_goal(wide, coverage=0.9)  # counts anew

    enough = wide.stopping.report()

    assert few["probes"] == {"answers": 10, "wrong": 10, "needed": 50, "used": False}
    assert few["now"] == before["now"]
    assert enough["probes"]["used"]
    factor = (10 + 1) / (10 * 0.1 + 1)
    assert enough["now"]["lost"] == round(factor * 18 * 0.1)


def test_a_blind_answer_about_a_pair_that_was_labelled_since_corrects_nothing(
    wide: Services, publish: Any
) -> None:
    publish(np.full((IMAGES, CATEGORIES), logit(0.1)))
    question = wide.probing.card("ann", "c")["questions"][0]
    said = {"probe": question["probe"], "card": "c", "state": "present", "ms": 900}
    wide.probing.answer("ann", said)
    before = wide.stopping.report()["probes"]["answers"]
    say_all(wide, "absent", 18, first=30)

    assert (before, wide.stopping.report()["probes"]["answers"]) == (1, 0)


def test_parts_of_the_images_give_the_same_as_all_at_once(
    wide: Services, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(np.random.default_rng(1).normal(size=(IMAGES, CATEGORIES)))
    whole = wide.stopping.report()
    monkeypatch.setattr(stopping, "CHUNK", 4)
    with_goal(wide, coverage=0.9)  # counts anew

    parts = wide.stopping.report()

    assert parts["now"] == whole["now"]


def test_images_that_came_after_the_version_are_left_out(wide: Services, publish: Any) -> None:
    publish(np.full((IMAGES - 2, CATEGORIES), logit(0.1)))

    assert wide.stopping.report()["left_out"] == 2 * 3


class SixFilled:
    """Everything of the last category but one is filled in as absent."""

    key = (1, frozenset[int]())

    def active(self, tx: Any) -> list[SixFilled]:  # noqa: ARG002 - as the real ones are called
        return [self]

    def counts_by_state(self, tx: Any) -> dict[str, int]:  # noqa: ARG002
        return {"present": 0, "absent": IMAGES}

    def rows(self, start: int, stop: int, columns: int) -> np.ndarray:
        found = np.zeros((stop - start, columns), dtype=bool)
        found[:, 6] = True
        return found


def test_what_is_filled_in_is_covered_and_expected_to_keep_its_promise(
    wide: Services, publish: Any
) -> None:
    publish(np.full((IMAGES, CATEGORIES), logit(0.1)))
    fills: Any = SixFilled()
    waiting = wide.progress._waiting
    stop = stopping.Stopping(wide.project, wide.store, wide.suggestions, waiting, fills)

    row = stop.report()

    assert (row["filled"], row["open"], row["left_out"]) == (6, 12, 0)
    assert row["coverage"] == pytest.approx(36 / PAIRS)
    assert row["now"]["lost"] == round(12 * 0.1)
