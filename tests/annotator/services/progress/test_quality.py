"""How far people agree, on a small project with two and three annotators."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from annotator.services import commands
from annotator.services.app import Services
from annotator.services.progress.agreement import overlaps
from annotator.services.progress.quality import anchoring_row, overlap_row
from annotator.settings import Goal, changed
from annotator.store import annotators, quality, repeated_questions
from annotator.store.quality import BANDS
from annotator.wire.probe import ProbeAnswerRequest
from annotator.wire.recording import BackRequest, SaveRequest

IMAGES, CATEGORIES = 6, 3
SURE = 3.0


NUMBERS = itertools.count()


def say(services: Services, who: str, *pairs: tuple[int, int, str], **more: Any) -> None:
    """Answer pairs in one operation."""
    changes = [{"image": i, "category": c, "state": s, **more} for i, c, s in pairs]
    operation = {"op": f"say {next(NUMBERS)}", "kind": "page", "ms": 1000, "changes": changes}
    services.recording.save(who, SaveRequest(**operation))


def answer_card(services: Services, who: str, card: str, state: str) -> list[dict[str, Any]]:
    questions = services.probing.card(who, card)["questions"]
    for question in questions:
        services.probing.answer(
            who, ProbeAnswerRequest(probe=question["probe"], card=card, state=state, ms=900)
        )
    return list(questions)


def person(report: dict[str, Any], name: str) -> dict[str, tuple[int, int]]:
    row = next(r for r in report["annotators"] if r["name"] == name)
    keys = ("others", "blind", "checks", "own")
    return {key: (row[key]["compared"], row[key]["agreed"]) for key in keys}


def test_nobody_one_person_and_no_overlap_are_each_told_in_a_sentence(services: Services) -> None:
    empty = services.quality.report()
    say(services, "ann", (1, 1, "present"))
    one = services.quality.report()
    say(services, "bob", (2, 1, "present"))
    apart = services.quality.report()

    assert "Nobody has answered" in empty["note"]
    assert "All answers are from one person" in one["note"]
    assert "2 people have answered, but no pair twice" in apart["note"]
    assert [r["overall"] for r in (empty, one, apart)] == [None] * 3


def test_a_project_without_categories_has_nothing_to_agree_on(services: Services) -> None:
    for category in (1, 2, 3):
        services.curation.archive(category, archived=True)

    assert "no category" in services.quality.report()["note"]


def test_agreement_of_two_people_by_hand(services: Services) -> None:
    say(services, "ann", *((i, 1, "present" if i < 4 else "absent") for i in range(1, 7)))
    say(services, "bob", *((i, 1, "present" if i < 3 else "absent") for i in range(1, 7)))
    say(services, "ann", (1, 2, "present"))

    row = services.quality.report()["categories"]

    assert [r["name"] for r in row] == ["cat"]
    assert (row[0]["pairs"], row[0]["agreed"], row[0]["people"]) == (6, 5, 2)
    assert row[0]["independent"] == 0
    assert row[0]["kappa"] == pytest.approx((5 / 6 - 1 / 2) / (1 - 1 / 2))
    # Of 12 answers 5 say present; one pair of 6 is apart, which counts twice.
    assert row[0]["alpha"] == pytest.approx(1 - 11 * 2 / (2 * 5 * 7))
    assert row[0]["alpha_low"] is None


def test_three_people_have_an_alpha_and_no_kappa(services: Services) -> None:
    for who, state in (("ann", "present"), ("bob", "present"), ("eve", "absent")):
        say(services, who, (1, 1, state), (2, 1, "absent"))

    report = services.quality.report()

    assert report["overall"]["people"] == 3
    assert report["overall"]["kappa"] is None
    assert report["overall"]["alpha"] is not None
    assert person(report, "ann")["others"] == (4, 3)
    assert person(report, "eve")["others"] == (4, 2)


def test_what_was_taken_back_unsure_imported_or_reviewed_is_no_opinion(services: Services) -> None:
    say(services, "ann", (1, 1, "present"), (2, 1, "present"), (3, 1, "present"))
    say(services, "bob", (1, 1, "absent"))
    services.recording.undo("bob", BackRequest(op="undone"))
    say(services, "bob", (2, 1, "unsure"))
    say(services, "bob", (3, 1, "absent"), source="review")

    assert "no pair twice" in services.quality.report()["note"]


def test_the_newest_answer_of_a_person_counts(services: Services) -> None:
    say(services, "ann", (1, 1, "absent"))
    say(services, "bob", (1, 1, "present"))
    say(services, "ann", (1, 1, "present"))

    assert services.quality.report()["overall"]["agreed"] == 1


def test_twenty_pairs_in_common_get_an_interval(services: Services) -> None:
    for category in (1, 2, 3):
        state = ["present" if i < 4 else "absent" for i in range(6)]
        say(services, "ann", *((i + 1, category, s) for i, s in enumerate(state)))
        say(services, "bob", *((i + 1, category, s) for i, s in enumerate(state[::-1])))
    services.curation.add(["fish"])
    few = services.quality.report()["overall"]
    say(services, "ann", (1, 4, "present"), (2, 4, "absent"))
    say(services, "bob", (1, 4, "present"), (2, 4, "absent"))

    enough = services.quality.report()["overall"]

    assert (few["pairs"], few["alpha_low"]) == (18, None)
    assert enough["pairs"] == 20
    assert -1 <= enough["alpha_low"] < enough["alpha"] < enough["alpha_high"] <= 1
    assert enough == services.quality.report()["overall"]


def test_a_blind_answer_stands_beside_labels_of_others_unseen(services: Services) -> None:
    questions = answer_card(services, "ann", "c", "present")
    pairs = [(q["image"], {"cat": 1, "dog": 2, "bird": 3}[q["category"]["name"]])
             for q in questions]  # fmt: skip
    say(services, "bob", *((i, c, "present") for i, c in pairs[:6]))
    say(services, "bob", *((i, c, "absent") for i, c in pairs[6:8]))
    say(services, "ann", (*pairs[9], "absent"))

    report = services.quality.report()

    assert report["overall"]["pairs"] == report["overall"]["independent"] == 8
    assert report["overall"]["agreed"] == 6
    assert person(report, "ann") == {
        "others": (8, 6), "blind": (8, 6), "checks": (0, 0), "own": (1, 0)
    }  # fmt: skip
    assert person(report, "bob")["blind"] == (0, 0)


def test_one_blind_question_in_ten_is_asked_a_second_person_unseen(services: Services) -> None:
    asked = answer_card(services, "ann", "c", "present")
    other = answer_card(services, "bob", "d", "absent")
    third = services.probing.card("bob", "e")["questions"]

    shared = [q for q in other if (q["image"], q["category"]["name"])
              in {(a["image"], a["category"]["name"]) for a in asked}]  # fmt: skip
    report = services.quality.report()
    assert len(other) == 9  # 8 pairs were left, and one is asked again
    assert len(shared) == 1
    assert len({(q["image"], q["category"]["name"]) for q in third} & {
        (q["image"], q["category"]["name"]) for q in other}) == 0  # fmt: skip
    assert report["overall"]["pairs"] == report["overall"]["independent"] == 1
    assert report["overall"]["agreed"] == 0


def test_a_second_asking_that_was_left_lying_goes_to_somebody_who_was_not_the_first(
    services: Services, clock: Any
) -> None:
    answer_card(services, "ann", "c", "present")
    second = services.probing.card("bob", "d")["questions"]
    with services.store.reading() as tx:
        lying = {p.id for p in _waiting_for(tx, "bob")}
    clock.forward(601)
    mine = {q["probe"] for q in services.probing.card("ann", "e")["questions"]}
    clock.forward(601)
    eves = {q["probe"] for q in services.probing.card("eve", "f")["questions"]}

    assert len(lying & {q["probe"] for q in second}) == 1
    assert lying.isdisjoint(mine)
    assert lying <= eves


def _waiting_for(tx: Any, who: str) -> Any:
    me = next(a.id for a in annotators.every(tx) if a.name == who)
    return repeated_questions.waiting(tx, me, without=(), limit=10)


def test_attention_checks_are_counted_by_person(services: Services) -> None:
    say(services, "bob", (1, 1, "present"), (2, 1, "absent"))
    say(services, "ann", (1, 1, "present"), expected="present")
    say(services, "ann", (2, 1, "present"), expected="absent")

    report = services.quality.report()

    assert person(report, "ann")["checks"] == (2, 1)
    assert report["overall"] is None


def test_shown_scores_and_blind_answers_are_compared_with_the_model(
    services: Services, publish: Any
) -> None:
    publish(np.full((IMAGES, CATEGORIES), SURE))
    answer_card(services, "ann", "c", "present")
    with services.store.reading() as tx:
        closed = {(i, c) for i, c in zip(*_open_of_probes(tx), strict=True)}
    free = [(i, c) for i in range(1, 7) for c in (1, 2, 3) if (i, c) not in closed]
    say(services, "bob", (*free[0], "present"), score=0.97, source="accepted")
    say(services, "bob", (*free[1], "absent"), score=0.97, source="rejected")
    say(services, "bob", (*free[2], "present"), score=0.97, source="accepted_in_bulk")
    say(services, "bob", (*free[3], "present"), score=0.97, expected="absent")

    row = services.quality.report()["anchoring"]

    assert (row["blind"], row["shown"]) == (10, 2)
    assert row["difference"] is None
    with services.store.reading() as tx:
        assert quality.shown_agreement(tx)[9].tolist() == [2, 1]


def _open_of_probes(tx: Any) -> tuple[list[int], list[int]]:
    found = quality.blind_opinions(tx)
    return found.image.tolist(), found.category.tolist()


def test_with_enough_answers_of_both_kinds_following_gets_a_figure() -> None:
    shown, blind = np.zeros((BANDS, 2), np.int64), np.zeros((BANDS, 2), np.int64)
    shown[8], blind[8] = (1000, 960), (400, 340)

    row = anchoring_row(shown, blind)

    assert row["needed"] < 100
    assert row["difference"] == pytest.approx(0.11)
    assert row["low"] < row["difference"] < row["high"]
    assert anchoring_row(shown, blind // 10)["difference"] is None


def test_a_changed_answer_is_counted_at_once(services: Services) -> None:
    say(services, "ann", (1, 1, "present"))
    say(services, "bob", (1, 1, "present"))
    before = services.quality.report()["overall"]["agreed"]
    say(services, "bob", (1, 1, "absent"))

    assert (before, services.quality.report()["overall"]["agreed"]) == (1, 0)


def test_pairs_of_several_categories_are_taken_together() -> None:
    opinions = quality.Opinions(
        np.array([1, 1, 2, 2]), np.array([1, 1, 2, 2]), np.array([1, 2, 1, 3]),
        np.array([True, True, True, False]),
    )  # fmt: skip
    nothing = opinions.of(np.zeros(4, bool))
    row = overlap_row(list(overlaps(opinions, nothing).values()))

    assert (row["pairs"], row["agreed"], row["people"], row["kappa"]) == (2, 1, 3, None)


def test_the_status_tells_programs_and_people_how_good_the_labels_are(services: Services) -> None:
    alone = commands.status_text(commands.status(services))
    say(services, "ann", (1, 1, "present"), (2, 1, "absent"))
    say(services, "bob", (1, 1, "present"), (2, 1, "present"))

    row = commands.status(services)

    assert "Nobody has answered yet" in alone
    assert "30 pairs are known to be present" in alone
    assert row["quality"]["overall"]["pairs"] == 2
    assert row["goal"]["goal"] == {"coverage": 1.0, "error": 0.05}
    assert "people agree on 1 of 2 pairs they have in common" in commands.status_text(row)
    assert json.loads(json.dumps(row, default=str))["quality"]["overall"]["agreed"] == 1


def test_the_status_tells_what_is_expected_and_that_the_goal_is_reached(
    services: Services, publish: Any
) -> None:
    services.curation.add([f"more {n}" for n in range(7)])
    cells = [(image, category) for category in range(1, 7) for image in range(1, 7)]
    say(services, "ann", *((*cell, "present") for cell in cells[:30]))
    publish(np.full((IMAGES, 10), -SURE))
    far = commands.status_text(commands.status(services))
    settings = services.project.settings
    services.project.settings = changed(settings, {"goal": Goal(coverage=0.5, error=0.2)})

    assert "if the model decided the open pairs, 0.0% of those called present" in far
    assert "the goal is reached" in commands.status_text(commands.status(services))
