from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from annotator.services.app import Services
from annotator.services.certificates.validity import standings
from annotator.settings import load_project
from annotator.store import Store, categories
from annotator.wire.recording import BackRequest, SaveRequest

CAT, DOG, BIRD = 1, 2, 3
FillIn = Callable[..., int]


def column(ordinal: int) -> list[tuple[int, int]]:
    return [(image, ordinal) for image in range(6)]


FILLED: dict[str, Any] = {
    "present": [*column(0), *column(1)],
    "absent": column(2),
    "may_be_wrong": 3,
    "precision": 0.7,
    "asked": [(0, 0), (0, 1)],
}
"""All cats and dogs are filled in as present, and all birds as absent. Ten of the twelve present
pairs were not asked blind; at most three of them are wrong, where three in ten are promised."""


@pytest.fixture
def applied(services: Services, fill_in: FillIn) -> Services:
    fill_in(**FILLED)
    return services


def say(services: Services, image: int, category: int, state: str) -> None:
    change = {"category": category, "state": state}
    operation = {"op": f"{image}-{category}-{state}", "kind": "answer", "image": image}
    services.recording.save("ann", SaveRequest(**operation, changes=[change]))


def standing(services: Services) -> dict[str, Any]:
    with services.store.reading() as tx:
        found = standings(tx, services.project, services.fills.active(tx))
    return found[1]


def test_a_fill_that_nobody_touched_keeps_its_promise(applied: Services) -> None:
    found = standing(applied)

    assert (found["holds"], found["present"]["left"]) == (True, 12)
    assert "holds: what it filled in" in found["sentence"]


def test_right_pairs_taken_out_make_the_promise_stale(applied: Services) -> None:
    say(applied, 2, CAT, "present")
    say(applied, 3, CAT, "present")
    before = standing(applied)

    say(applied, 4, CAT, "present")

    after = standing(applied)
    assert (before["holds"], before["present"]["left"]) == (True, 10)
    assert before["present"]["at_most_wrong"] == 3  # three of ten, as promised
    assert (after["holds"], after["present"]["left"]) == (False, 9)
    assert "about present pairs is stale: 3 pairs" in after["sentence"]
    assert (
        "at most 3 of the 9 left are wrong (33.3 %, promised at most 30.0 %)" in after["sentence"]
    )
    assert "roll it back and plan again" in after["sentence"]


def test_a_corrected_pair_takes_a_wrong_one_out_unless_it_was_asked_blind(
    applied: Services,
) -> None:
    for image in (2, 3, 4):
        say(applied, image, CAT, "present")

    say(applied, 5, DOG, "absent")
    corrected = standing(applied)["present"]
    say(applied, 1, DOG, "absent")
    asked_before = standing(applied)["present"]

    assert (corrected["corrected"], corrected["at_most_wrong"], corrected["left"]) == (1, 2, 8)
    assert corrected["holds"]
    assert (asked_before["corrected"], asked_before["at_most_wrong"]) == (2, 2)
    assert asked_before["left"] == 7


def test_answers_to_pairs_filled_in_as_absent_break_nothing(applied: Services) -> None:
    for image in range(1, 7):
        say(applied, image, BIRD, "present")

    found = standing(applied)

    assert (found["holds"], found["present"]["answered"]) == (True, 0)


def test_an_answer_taken_back_makes_the_promise_hold_again(applied: Services) -> None:
    for image in (2, 3, 4):
        say(applied, image, CAT, "present")
    stale = standing(applied)["holds"]

    applied.recording.undo("ann", BackRequest(op="u"))

    assert not stale
    assert standing(applied)["holds"]


def test_what_follows_from_an_answer_is_taken_out_too(
    services: Services, load_module: Callable[[Path], ModuleType]
) -> None:
    toml = services.project.path / "project.toml"
    toml.write_text(toml.read_text().replace("[hierarchy]", '[hierarchy]\ncat = ["dog"]'))
    other = Services(load_project(services.project.path), Store.open(services.project.database_url))
    load_module(Path(__file__).parents[1] / "filling.py").fill_in(other, **FILLED)

    say(other, 3, CAT, "present")  # so the dog of this image is present
    say(other, 4, DOG, "absent")  # so its cat is absent

    found = standing(other)["present"]
    other.close()
    assert (found["answered"], found["corrected"], found["left"]) == (4, 2, 8)


def test_pairs_of_a_changed_category_are_taken_out_as_if_all_were_right(
    applied: Services,
) -> None:
    with applied.store.writing() as tx:
        categories.edit(tx, DOG, description="Something else.")

    found = standing(applied)

    assert found["present"]["in_changed_categories"] == 6
    assert (found["present"]["left"], found["holds"]) == (6, False)
    assert "6 are in categories that were changed" in found["sentence"]


@pytest.mark.parametrize(
    "promise",
    [
        {"promise": "recall", "precision": None},
        {"promise": "f1", "recall": None, "precision": None, "f1": 0.9},
    ],
)
def test_no_answer_breaks_a_promise_of_recall_or_f1(
    services: Services, fill_in: FillIn, promise: dict[str, Any]
) -> None:
    fill_in(**{**FILLED, **promise})
    for image in range(1, 7):
        say(services, image, CAT, "absent")
        say(services, image, DOG, "present")
        say(services, image, BIRD, "present")

    found = standing(services)

    assert (found["holds"], found["present"]) == (True, None)
    assert "answers can only correct what it filled in" in found["sentence"]


def test_answers_and_hidden_fills_can_only_raise_recall_and_f1() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(40) < 0.4
    label = np.where(np.arange(40) < 24, 0, np.where(np.arange(40) >= 34, 1, truth))

    def scores(finished: np.ndarray) -> tuple[float, float]:
        right = (finished == 1) & truth
        return right.sum() / truth.sum(), 2 * right.sum() / ((finished == 1).sum() + truth.sum())

    before = scores(label)
    for _ in range(200):
        answered = rng.random(40) < rng.random()
        after = scores(np.where(answered, truth, label))
        assert after[0] >= before[0]
        assert after[1] >= before[1]
    assert before[1] < 0.95


def test_an_export_says_that_a_promise_is_stale(applied: Services, tmp_path: Path) -> None:
    for image in (2, 3, 4):
        say(applied, image, CAT, "present")

    (path,) = applied.transfer.export(tmp_path / "out", content="certified")

    info = json.loads(path.read_text())["info"]
    assert info["promises_hold"] is False
    assert "is stale" in info["certificates"][0]["promise"]["sentence"]
    assert "is stale" in applied.transfer.export_counts("certified")["note"]
    assert applied.transfer.export_counts("answered")["note"] == ""


def test_fills_of_removed_images_are_in_no_count_and_against_the_promise_until_they_are_back(
    services: Services, fill_in: FillIn, answer: Callable[..., None]
) -> None:
    answer("a", (2, 3, "present"))
    fill_in(present=[(0, 0), (1, 0), (2, 0), (3, 0)], absent=[(1, 1)], may_be_wrong=1)
    before = standing(services)["present"]
    assert services.progress.state()["filled"] == 5

    services.removed_images.remove(["1.png", "2.png"])

    found = standing(services)["present"]
    assert services.progress.state()["filled"] == 2
    assert (found["on_unused_images"], found["left"], found["at_most_wrong"]) == (2, 2, 1)
    with services.store.reading() as tx:
        assert services.fills.counts_by_state(tx) == {"present": 2, "absent": 0}
    services.removed_images.restore([], everything=True)
    assert standing(services)["present"] == before
    assert services.progress.state()["filled"] == 5
    assert services.progress.state()["answered"] == 1
