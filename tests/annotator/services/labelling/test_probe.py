from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from scipy import stats

from annotator.errors import AnnotatorError, ImageError, NotFound
from annotator.services.app import Services
from annotator.services.labelling.probe import Probing
from annotator.settings import Probes, Project, changed
from annotator.store import annotators, answers, categories, images, probes
from annotator.store.tables import probe
from annotator.wire.probe import ProbeAnswerRequest, ProbeCardRequest, ProbeDueRequest
from annotator.wire.recording import BackRequest, SaveRequest

PAIRS = 18


def say(services: Services, image: int, category: int, state: str = "present", **more: Any) -> None:
    change = {"category": category, "state": state}
    operation = {"op": f"{image}-{category}-{state}", "kind": "answer", "image": image}
    services.recording.save("ann", SaveRequest(**operation, changes=[change], **more))


def decide(services: Services, number: int, who: str = "ann", first: int = 0) -> None:
    for step in range(first, first + number):
        change = {"category": 1 + step % 3, "state": "present" if step % 2 else "absent"}
        operation = {"op": f"{who}{step}", "kind": "answer", "image": 1 + step % 6}
        services.recording.save(who, SaveRequest(**operation, changes=[change]))


def answer(
    services: Services, question: dict[str, Any], state: str, *, card: str = "c", who: str = "ann"
) -> dict[str, Any]:
    said = {"probe": question["probe"], "card": card, "state": state, "ms": 900}
    return services.probing.answer(who, ProbeAnswerRequest(**said))


def rows(services: Services) -> list[Any]:
    with services.store.reading() as tx:
        return list(tx.execute(sa.select(probe).order_by(probe.c.id)))


def drawn(services: Services) -> list[tuple[int, int]]:
    return [(row.image_id, row.category_id) for row in rows(services)]


def with_share(services: Services, share: float) -> Probing:
    settings = changed(services.project.settings, {"probes": Probes(share=share)})
    project = Project(services.project.path, settings)
    return Probing(project, services.store, services.media)


def is_due(probing: Probing, who: str = "ann", after: int | None = None) -> bool:
    return probing.due(who, ProbeDueRequest(after=after))["due"]


def test_a_card_has_ten_questions_about_open_pairs_each_once(services: Services) -> None:
    say(services, 1, 1)
    say(services, 2, 3, "absent")

    card = services.probing.card("ann", "c")

    assert len(card["questions"]) == 10
    assert len(set(drawn(services))) == 10
    assert {(1, 1), (2, 3)}.isdisjoint(drawn(services))


def test_every_pair_is_drawn_at_most_once_over_all_cards(services: Services) -> None:
    sizes = [len(services.probing.card("ann", f"c{n}")["questions"]) for n in range(3)]

    assert sizes == [10, 8, 0]
    assert len(set(drawn(services))) == PAIRS


def test_the_rule_of_the_drawing_is_kept_with_each_probe(services: Services, clock: Any) -> None:
    say(services, 1, 1)
    say(services, 1, 2, "unsure")

    services.probing.card("ann", "c")
    services.probing.card("ann", "d")

    first, second = rows(services)[:10], rows(services)[10:]
    assert {row.inclusion_probability for row in first} == {10 / 17}
    assert {row.inclusion_probability for row in second} == {7 / 7}
    assert {(row.purpose, row.card, row.drawn_at) for row in first} == {("audit", "c", clock.now)}
    assert [row.position for row in first] == list(range(10))


def test_draws_are_uniform_over_the_open_pairs(services: Services) -> None:
    for image, category in ((1, 1), (1, 2), (3, 3)):
        say(services, image, category)
    chance = random.Random(20260101)
    times = 600
    hits: Counter[tuple[int, int]] = Counter()

    with services.store.writing() as tx:
        for _ in range(times):
            probes.draw(tx, 5, card="x", first=0, now=services.probing._clock(), chance=chance)
            hits.update((r.image_id, r.category_id) for r in tx.execute(sa.select(probe)))
            tx.execute(sa.delete(probe))

    assert len(hits) == PAIRS - 3
    # Draws of five exclude each other, which makes the counts a little more even than independent.
    assert stats.chisquare(list(hits.values())).pvalue > 0.001
    assert sum(hits.values()) == 5 * times


def test_nothing_but_open_pairs_of_shown_categories_and_present_images_is_drawn(
    services: Services,
) -> None:
    say(services, 3, 2)
    with services.store.writing() as tx:
        categories.archive(tx, 2, True)
        images.mark_missing(tx, next(iter(services.project.settings.roots)), ["0.png", "5.png"])
    say(services, 2, 1)

    with services.store.reading() as tx:
        frame = probes.frame(tx)
    services.probing.card("ann", "c")

    assert frame.open == 4 * 2 - 1
    assert len(drawn(services)) == 7
    assert {c for _, c in drawn(services)} == {1, 3}
    with services.store.reading() as tx:
        assert all(not i.missing for i in images.many(tx, {i for i, _ in drawn(services)}).values())


def test_labels_of_missing_images_and_probed_pairs_are_counted_once(services: Services) -> None:
    services.probing.card("ann", "c")
    say(services, *drawn(services)[0])
    with services.store.writing() as tx:
        images.mark_missing(tx, next(iter(services.project.settings.roots)), ["0.png"])
        gone = 1
    left = [pair for pair in everything() if pair not in drawn(services) and pair[0] != gone]

    with services.store.reading() as tx:
        assert probes.frame(tx).open == len(left)


def everything() -> list[tuple[int, int]]:
    return [(image, category) for image in range(1, 7) for category in range(1, 4)]


def test_a_pair_in_which_people_disagree_is_open(services: Services) -> None:
    decide(services, 1)
    with services.store.reading() as tx:
        seen = answers.labels_of(tx, [1])[1][0].answer_id
    other = {"category": 1, "state": "present", "seen": seen}
    services.recording.save("bob", SaveRequest(op="b", kind="answer", image=1, changes=[other]))

    with services.store.reading() as tx:
        assert answers.labels_of(tx, [1])[1][0].conflict
        assert probes.frame(tx).open == PAIRS


def test_where_next_to_nothing_is_open_the_search_ends(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "MOST_TRIES", 1)
    for pair in everything()[1:]:
        say(services, *pair)
    service = Probing(services.project, services.store, services.media, chance=random.Random(3))

    card = service.card("ann", "c")

    assert len(card["questions"]) <= 1


def test_asking_for_the_same_card_again_gives_the_same_questions(services: Services) -> None:
    first = services.probing.card("ann", "c")
    answer(services, first["questions"][0], "present")

    again = services.probing.card("ann", "c")

    assert [q["probe"] for q in again["questions"]] == [q["probe"] for q in first["questions"]]
    assert [q["said"] for q in again["questions"]] == ["present"] + [None] * 9
    assert len(rows(services)) == 10


def test_questions_nobody_came_back_to_are_asked_again_after_the_lease(
    services: Services, clock: Any
) -> None:
    mine = services.probing.card("ann", "c")["questions"]
    answer(services, mine[0], "absent")

    at_once = services.probing.card("bob", "d")["questions"]
    clock.forward(601)
    later = services.probing.card("eve", "e")["questions"]

    assert {q["probe"] for q in at_once}.isdisjoint(q["probe"] for q in mine)
    assert {q["probe"] for q in mine[1:]} < {q["probe"] for q in later}


def test_a_card_that_is_left_is_asked_at_once_and_can_be_continued(services: Services) -> None:
    mine = services.probing.card("ann", "c")["questions"]
    answer(services, mine[0], "absent")

    services.probing.release("c")
    other = services.probing.card("bob", "d")["questions"]
    rest = services.probing.card("ann", "c")["questions"]

    open_on_mine = {q["probe"] for q in mine[1:]}
    assert open_on_mine <= {q["probe"] for q in other}
    assert [(q["probe"], q["said"]) for q in rest] == [(mine[0]["probe"], "absent")]


def test_what_nobody_else_was_asked_meanwhile_stays_on_a_card_that_is_left(
    services: Services,
) -> None:
    mine = services.probing.card("ann", "c")["questions"]

    services.probing.release("c")
    again = services.probing.card("ann", "c")["questions"]
    elsewhere = services.probing.card("bob", "d")["questions"]

    assert again == mine
    assert {q["probe"] for q in mine}.isdisjoint(q["probe"] for q in elsewhere)


def test_an_answer_to_a_card_that_went_to_somebody_else_counts_once(
    services: Services, clock: Any
) -> None:
    mine = services.probing.card("ann", "c")["questions"]
    clock.forward(601)
    services.probing.card("bob", "d")

    first = answer(services, mine[3], "present", card="c", who="ann")
    second = answer(services, mine[3], "absent", card="d", who="bob")

    assert (first["late"], second["late"]) == (False, True)
    kept = next(row for row in rows(services) if row.id == mine[3]["probe"])
    assert (kept.state, kept.annotator_id) == (1, 1)


def test_a_question_whose_picture_cannot_be_read_waits_until_it_can(
    services: Services, clock: Any, pictures: Path
) -> None:
    mine = services.probing.card("ann", "c")["questions"]
    broken = mine[0]["image"]
    (pictures / f"{broken - 1}.png").rename(pictures / "away")
    clock.forward(601)

    asked = services.probing.card("bob", "d")["questions"]
    with pytest.raises(ImageError, match="missing"):
        answer(services, mine[0], "present")
    told = services.probing.card("ann", "c2")
    (pictures / "away").rename(pictures / f"{broken - 1}.png")
    clock.forward(601)
    back = services.probing.card("eve", "e")["questions"]

    assert mine[0]["probe"] not in [q["probe"] for q in asked]
    assert all(q["problem"] is None or q["image"] == broken for q in told["questions"])
    assert mine[0]["probe"] in [q["probe"] for q in back]


def test_nothing_on_a_card_tells_what_anybody_thinks(services: Services) -> None:
    say(services, 1, 1)
    with services.store.writing() as tx:
        categories.edit(tx, 1, supercategory="animal", description="Has whiskers.")
        categories.set_examples(tx, 1, [1])

    card = services.probing.card("ann", "c")

    assert set(card) == {"card", "questions"}
    for question in card["questions"]:
        assert set(question) == {
            "probe", "image", "width", "height", "category", "said", "problem"
        }  # fmt: skip
        assert set(question["category"]) == {"name", "description", "supercategory", "examples"}
        assert question["said"] is None
    about = [q["category"] for q in card["questions"] if q["category"]["name"] == "cat"]
    assert all(c["examples"] == [1] and c["description"] == "Has whiskers." for c in about)
    assert not any(word in json.dumps(card) for word in ("score", "suggest", "label", "state"))


def test_the_picture_in_question_is_no_example_of_its_category(services: Services) -> None:
    card = services.probing.card("ann", "c")
    question = next(q for q in card["questions"])
    category = next(r.category_id for r in rows(services) if r.id == question["probe"])
    say(services, question["image"], category)
    with services.store.writing() as tx:
        categories.set_examples(tx, category, [question["image"]])

    again = services.probing.card("ann", "c")["questions"][0]

    assert again["category"]["examples"] == []


def test_an_answer_is_no_label_and_trains_nothing(services: Services) -> None:
    questions = services.probing.card("ann", "c")["questions"]

    for question in questions:
        answer(services, question, "present")

    with services.store.reading() as tx:
        assert len(answers.label_table(tx).image) == 0
        assert answers.answer_counts(tx).answers == 0
        assert sum(c.present_count for c in categories.every(tx)) == 0
        assert images.many(tx, [questions[0]["image"]])[questions[0]["image"]].known_count == 0
    item = services.labelling.items("ann", [questions[0]["image"]])[0]
    assert (item["labels"], item["unsure"]) == ({}, [])
    counts = services.transfer.export_counts("answered")
    assert (counts["present"], counts["absent"]) == (0, 0)
    assert services.recording.undo("ann", BackRequest(op="u"))["nothing"]


def test_the_same_answer_again_changes_nothing(services: Services, clock: Any) -> None:
    question = services.probing.card("ann", "c")["questions"][0]
    answer(services, question, "unsure")
    before = rows(services)[0]
    clock.forward(5000)

    again = answer(services, question, "unsure")

    assert again["late"] is False
    assert rows(services)[0] == before
    assert (before.state, before.decision_ms, before.annotator_id) == (2, 900, 1)


def test_an_answer_can_be_corrected_while_the_card_is_on_the_screen(
    services: Services, clock: Any
) -> None:
    questions = services.probing.card("ann", "c")["questions"]
    answer(services, questions[0], "present")
    clock.forward(500)
    answer(services, questions[1], "present")
    clock.forward(500)
    answer(services, questions[0], "absent")
    clock.forward(601)

    with pytest.raises(AnnotatorError, match="first answer is kept"):
        answer(services, questions[0], "present")
    with pytest.raises(AnnotatorError, match="first answer is kept"):
        answer(services, questions[1], "absent", card="another")

    assert [row.state for row in rows(services)[:2]] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"state": "cleared"}, AnnotatorError),
        ({"state": None}, AnnotatorError),
        ({"probe": "1"}, AnnotatorError),
        ({"probe": 999}, NotFound),
        ({"ms": "fast"}, AnnotatorError),
    ],
)
def test_what_no_page_sends_is_refused(
    services: Services, changes: dict[str, Any], error: type[AnnotatorError]
) -> None:
    services.probing.card("ann", "c")
    said = {"probe": 1, "card": "c", "state": "present", "ms": 1, **changes}

    with pytest.raises(error):
        services.probing.answer("ann", ProbeAnswerRequest.read(said))

    assert rows(services)[0].state is None


@pytest.mark.parametrize("card", ["", "x" * 65])
def test_a_card_needs_an_id(card: str) -> None:
    with pytest.raises(AnnotatorError, match="reload"):
        ProbeCardRequest.read({"card": card})


def test_a_card_is_due_after_190_decisions_and_not_again_at_once(
    services: Services, clock: Any
) -> None:
    decide(services, 189)
    before = is_due(services.probing)
    decide(services, 1, first=189)
    after = is_due(services.probing, "Ann ")
    clock.forward(1)
    answer(services, services.probing.card("ann", "c")["questions"][0], "present")
    clock.forward(1)
    done = is_due(services.probing)
    often = with_share(services, 0.2)
    at_once = is_due(often)
    decide(services, 40, first=1000)

    assert (before, after, done) == (False, True, False)
    assert (at_once, is_due(often)) == (False, True)
    assert not is_due(often, "bob")


def test_a_card_that_was_put_off_waits_for_as_many_decisions_as_a_new_one(
    services: Services,
) -> None:
    probing = with_share(services, 0.2)
    decide(services, 40)
    due = probing.due("ann", ProbeDueRequest())
    decide(services, 39, first=40)
    soon = is_due(probing, after=due["newest"])
    decide(services, 1, first=79)

    assert (due["due"], soon, is_due(probing, after=due["newest"])) == (True, False, True)


def test_only_decisions_by_hand_that_stand_bring_a_card_nearer(services: Services) -> None:
    changes = [{"category": c, "state": "present", "source": "accepted_in_bulk"} for c in (1, 2, 3)]
    operation = {"op": "all", "kind": "accept_all", "image": 1, "changes": changes}
    services.recording.save("ann", SaveRequest(**operation))
    swept = [{"category": c, "state": "absent", "source": "swept"} for c in (1, 2)]
    services.recording.save("ann", SaveRequest(op="s", kind="sweep", image=2, changes=swept))
    page = [
        {"image": 3, "category": 1, "state": "present", "source": "human"},
        {"image": 4, "category": 1, "state": "present", "source": "accepted_in_bulk"},
    ]
    services.recording.save("ann", SaveRequest(op="p", kind="page", changes=page))
    say(services, 5, 1, "unsure")
    say(services, 5, 2, "present")
    services.recording.undo("ann", BackRequest(op="u"))

    with services.store.reading() as tx:
        me = annotators.every(tx)[0].id
        assert probes.decisions_since_probe(tx, me, newest=100) == 2


def test_a_share_of_none_switches_the_cards_off_and_the_page_still_asks(
    services: Services,
) -> None:
    decide(services, 40)
    off = with_share(services, 0)

    assert not is_due(off)
    assert off.report()["every"] is None
    assert is_due(with_share(services, 0.2))
    assert len(off.card("ann", "c")["questions"]) == 10


def test_the_report_says_who_answered_how_many_and_nothing_else(services: Services) -> None:
    questions = services.probing.card("ann", "c")["questions"]
    answer(services, questions[0], "present")
    answer(services, questions[1], "unsure", who="bob")
    answer(services, questions[2], "absent", who="bob")

    assert services.probing.report() == {
        "answered": 3,
        "waiting": 7,
        "people": [{"name": "bob", "answered": 2}, {"name": "ann", "answered": 1}],
        "every": 190,
    }
