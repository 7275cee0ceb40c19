from __future__ import annotations

from typing import Any

import pytest

from annotator.domain import State
from annotator.errors import AnnotatorError, NotFound, StoreError, TemporaryError
from annotator.services.app import Services
from annotator.services.commands import answer_by_name
from annotator.settings import Probes, Project, changed
from annotator.store import answers
from annotator.wire.probe import ProbeAnswerRequest, ProbeDueRequest
from annotator.wire.recording import SaveRequest
from annotator.wire.verify import PageRequest

CAT, DOG = 1, 2


def say(services: Services, who: str, state: str, seen: int | None) -> int | None:
    change = {"image": 1, "category": CAT, "state": state, "seen": seen}
    services.recording.save(who, SaveRequest(op=f"{who} {state}", kind="answer", changes=[change]))
    return label(services).answer_id


def label(services: Services) -> Any:
    with services.store.reading() as tx:
        return answers.labels_of(tx, [1])[1][0]


@pytest.fixture
def quarrel(services: Services) -> Services:
    """Return a project where Ann and Bob disagree about one pair."""
    seen = say(services, "Ann", "present", None)
    say(services, "Bob", "absent", seen)
    assert label(services).conflict
    return services


def test_a_reviewers_earlier_answers_settle_a_quarrel_at_once(quarrel: Services) -> None:
    seen: list[tuple[int, int]] = []
    ann = next(r["id"] for r in quarrel.people.rows() if r["name"] == "Ann")

    row = quarrel.people.set_reviewer(ann, True, lambda done, total: seen.append((done, total)))

    assert (row["pairs"], seen) == (1, [(1, 1)])
    assert label(quarrel).state == "present"
    assert [r["reviewer"] for r in quarrel.people.rows()] == [True, False]
    quarrel.people.set_reviewer(ann, False)
    assert label(quarrel).conflict
    with quarrel.store.writing() as tx:
        assert answers.recompute(tx) + answers.recount(tx) == []


def test_pairs_that_only_one_person_answered_are_not_looked_at(services: Services) -> None:
    say(services, "Ann", "present", None)

    assert services.people.set_reviewer(1, True)["pairs"] == 0


def test_a_person_gets_another_name_and_keeps_the_answers(quarrel: Services) -> None:
    said = quarrel.people.rename(1, " Anna ")

    assert said["message"].startswith("'Anna' is saved")
    assert [r["name"] for r in quarrel.people.rows()] == ["Anna", "Bob"]
    with quarrel.store.reading() as tx:
        assert [a.annotator for a in answers.history(tx, 1, CAT)] == ["Anna", "Bob"]


def test_a_name_that_is_taken_or_empty_or_of_nobody_is_refused(quarrel: Services) -> None:
    with pytest.raises(AnnotatorError, match="Somebody else is called 'Bob'"):
        quarrel.people.rename(1, "BOB")
    with pytest.raises(AnnotatorError, match="1 to 80 characters"):
        quarrel.people.rename(1, "  ")
    with pytest.raises(NotFound, match="no person with id 9"):
        quarrel.people.rename(9, "Eve")
    with pytest.raises(NotFound, match="no person with id 9"):
        quarrel.people.set_reviewer(9, True)

    quarrel.people.rename(1, "ANN")
    assert [r["name"] for r in quarrel.people.rows()] == ["ANN", "Bob"]


def test_an_old_name_stays_with_the_person_who_had_it(quarrel: Services) -> None:
    ann, bob = (r["id"] for r in quarrel.people.rows())
    quarrel.people.rename(ann, "Anna")
    change = {"image": 2, "category": CAT, "state": "present"}

    quarrel.recording.save("ann", SaveRequest(op="late", kind="answer", changes=[change]))
    start = quarrel.labelling.start("ann")

    assert [r["name"] for r in quarrel.people.rows()] == ["Anna", "Bob"]
    assert (start["annotator"], start["said"], start["former"]) == ("Anna", "ann", ["Ann"])
    with pytest.raises(AnnotatorError, match="was called 'Ann' before"):
        quarrel.people.rename(bob, "Ann")
    quarrel.people.rename(ann, "Ann")
    assert quarrel.labelling.start("Ann")["former"] == ["Anna"]


def test_an_operation_of_somebody_else_is_refused_and_not_asked_for_again(
    quarrel: Services,
) -> None:
    change = {"image": 2, "category": CAT, "state": "present"}
    quarrel.recording.save("Ann", SaveRequest(op="x", kind="answer", changes=[change]))

    with pytest.raises(AnnotatorError, match="under another name") as caught:
        quarrel.recording.save("Bob", SaveRequest(op="x", kind="answer", changes=[change]))

    assert not isinstance(caught.value, (StoreError, TemporaryError))


ACCENTED = "Jos\u00e9"


@pytest.fixture(params=["Jose\u0301", "JOS\u00c9", " jose\u0301 "], ids=["NFD", "case", "blanks"])
def spelled(request: pytest.FixtureRequest) -> str:
    """Return another spelling of `ACCENTED`, as another keyboard or file system gives it."""
    return str(request.param)


def test_one_person_in_several_spellings_is_one_person(services: Services, spelled: str) -> None:
    say(services, ACCENTED, "present", None)
    name = {"image": "0.png", "category": "cat"}

    say(services, spelled, "absent", label(services).answer_id)
    answer_by_name(services, **name, state=State.PRESENT, annotator=spelled)

    assert [row["name"] for row in services.people.rows()] == [ACCENTED]
    assert not label(services).conflict


def test_every_page_knows_a_person_by_any_spelling(services: Services, spelled: str) -> None:
    say(services, ACCENTED, "present", None)
    unsure = {"image": 1, "category": DOG, "state": "unsure"}
    services.recording.save(ACCENTED, SaveRequest(op="u", kind="answer", changes=[unsure]))
    dogs = PageRequest(tab="tab", category=DOG, mode="uncertain", count=10)

    (item,) = services.labelling.items(spelled, [1])
    (pair,) = services.review.rows(spelled, [(1, CAT)])
    asked = services.verification.page(spelled, dogs)["items"]

    assert services.labelling.start(spelled)["former"] == []
    assert (item["labels"][str(CAT)]["mine"], item["unsure"]) == (True, [DOG])
    assert pair["mine"]
    assert [row["mine"] for row in pair["opinions"]] == [True]
    assert 1 not in {row["id"] for row in asked}


def test_decisions_and_blind_answers_of_any_spelling_are_ones_own(
    services: Services, spelled: str
) -> None:
    settings = changed(services.project.settings, {"probes": Probes(share=0.5)})
    services.probing._project = Project(services.project.path, settings)
    for step in range(10):
        change = {
            "image": 1 + step % 6,
            "category": CAT,
            "state": "absent" if step % 2 else "present",
        }
        said = SaveRequest(op=f"{step}", kind="answer", changes=[change])
        services.recording.save(ACCENTED, said)
    due = services.probing.due(spelled, ProbeDueRequest())
    question = services.probing.card(ACCENTED, "c")["questions"][0]

    said_blind = ProbeAnswerRequest(probe=question["probe"], card="c", state="present")
    services.probing.answer(spelled, said_blind)
    again = services.probing.card(spelled, "c")["questions"]

    assert due["due"]
    assert next(q["said"] for q in again if q["probe"] == question["probe"]) == "present"
    assert [row["name"] for row in services.probing.report()["people"]] == [ACCENTED]
