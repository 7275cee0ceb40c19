"""What one label says about others: derived, never stored, and no circle."""

from __future__ import annotations

import dataclasses

import pytest

from annotator.domain import Category, State
from annotator.errors import ProjectError
from annotator.services.app import Services
from annotator.services.catalogue.hierarchy import (
    Implication,
    consequences,
    implications,
    resolve,
)
from annotator.settings import Project, changed
from annotator.wire.recording import SaveRequest

ANIMAL, DOG, PUPPY, YOUNG = 1, 2, 3, 4
CATEGORIES = [
    Category(id=ANIMAL, ordinal=0, name="animal"),
    Category(id=DOG, ordinal=1, name="dog", aliases=("hound",)),
    Category(id=PUPPY, ordinal=2, name="puppy"),
    Category(id=YOUNG, ordinal=3, name="young"),
]
PARENTS = resolve({"dog": ["animal"], "puppy": ["Hound", "young"]}, CATEGORIES)
PRESENT, ABSENT = State.PRESENT, State.ABSENT


def test_ancestors_are_found_through_names_aliases_and_generations() -> None:
    assert dict(PARENTS) == {DOG: {ANIMAL}, PUPPY: {DOG, ANIMAL, YOUNG}}


def test_a_present_child_makes_all_its_ancestors_present() -> None:
    found = implications(PARENTS, {PUPPY: PRESENT})

    assert found.implied == {c: Implication(PRESENT, PUPPY) for c in (DOG, ANIMAL, YOUNG)}
    assert found.contradictions == []


def test_an_absent_parent_makes_its_descendants_absent() -> None:
    found = implications(PARENTS, {ANIMAL: ABSENT})

    assert found.implied == {c: Implication(ABSENT, ANIMAL) for c in (DOG, PUPPY)}


@pytest.mark.parametrize("labels", [{ANIMAL: PRESENT}, {PUPPY: ABSENT}, {}])
def test_nothing_follows_the_other_way_round(labels: dict[int, State | None]) -> None:
    assert implications(PARENTS, labels).implied == {}


@pytest.mark.parametrize("state", [PRESENT, ABSENT])
@pytest.mark.parametrize("category", [ANIMAL, DOG, PUPPY, YOUNG])
def test_the_browser_is_told_what_each_label_decides(category: int, state: State) -> None:
    told = consequences(PARENTS)[str(category)]

    decided = implications(PARENTS, {category: state}).implied

    assert {c: Implication(state, category) for c in told[state.value]} == decided


def test_what_somebody_said_is_never_implied() -> None:
    found = implications(PARENTS, {PUPPY: PRESENT, DOG: PRESENT, ANIMAL: None})

    assert found.implied == {YOUNG: Implication(PRESENT, PUPPY)}


def test_a_present_child_of_an_absent_parent_is_a_contradiction() -> None:
    found = implications(PARENTS, {PUPPY: PRESENT, ANIMAL: ABSENT})

    assert found.contradictions == [(PUPPY, ANIMAL)]
    assert found.implied == {YOUNG: Implication(PRESENT, PUPPY)}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            {"dog": ["mammal"]},
            r"\[hierarchy\] in project.toml names 'mammal', which is not a category",
        ),
        ({"wolf": ["animal"]}, "names 'wolf'"),
        ({"dog": ["puppy"], "puppy": ["dog"]}, "has a cycle: .* among 'dog', 'puppy'"),
        ({"dog": ["hound"]}, "has a cycle"),
    ],
)
def test_a_wrong_hierarchy_is_refused_in_a_sentence(
    names: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(ProjectError, match=sentence):
        resolve(names, CATEGORIES)


def test_implied_pairs_are_not_asked_and_not_stored(services: Services) -> None:
    services.project = _with(services.project, {"dog": ["cat"]})
    services = Services(services.project, services.store)
    change = {"category": 2, "state": "present", "source": "human"}
    services.recording.save("ann", SaveRequest(op="a", kind="answer", image=1, changes=[change]))

    (item,) = services.labelling.items("ann", [1])
    start = services.labelling.start("ann")

    assert item["ask"] == [3]
    assert list(item["labels"]) == ["2"]
    assert start["implies"] == {
        "2": {"present": [1], "absent": []},
        "1": {"present": [], "absent": [2]},
    }


def test_a_project_with_a_wrong_hierarchy_is_not_served(services: Services) -> None:
    wrong = Services(_with(services.project, {"cat": ["mammal"]}), services.store)

    with pytest.raises(ProjectError, match="'mammal', which is not a category"):
        wrong.labelling.check()
    services.labelling.check()


def _with(project: Project, hierarchy: dict[str, list[str]]) -> Project:
    return dataclasses.replace(
        project, settings=changed(project.settings, {"hierarchy": hierarchy})
    )
