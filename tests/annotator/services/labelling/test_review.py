"""Finding answered pairs, settling conflicts and telling the history of a pair."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from annotator.arrays import versions as version_files
from annotator.arrays.versions import Queue, VersionParameters
from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.labelling.review_filter import pair_tables
from annotator.store import annotators, answers, categories, pair_search
from annotator.store.tables import version as version_table
from annotator.wire.label import FlagRequest, ResolveFlagRequest
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.review import SearchRequest

CAT, DOG, BIRD = 1, 2, 3
Say = Callable[..., dict[str, Any]]
Pairs = list[tuple[int, int]]


@pytest.fixture
def say(services: Services) -> Say:
    """Return a way to answer about pairs, having seen their labels."""
    numbers = itertools.count()

    def say(
        who: str,
        pairs: tuple[int, int] | Pairs,
        state: str,
        source: str = "human",
        *,
        version: int | None = None,
        score: float | None = None,
    ) -> dict[str, Any]:
        pairs = pairs if isinstance(pairs, list) else [pairs]
        rows = services.review.rows(who, pairs)
        changes = [
            {"image": r["image"], "category": r["category"], "state": state, "source": source}
            | {"seen": r["answer"], "score": score}
            for r in rows
        ]
        data = {"op": f"say {next(numbers)}", "kind": "page", "version": version}
        return services.recording.save(who, SaveRequest(**(data | {"changes": changes})))

    return say


@pytest.fixture
def desk(services: Services, say: Say) -> Services:
    """Return a project in which Ann and Bob have answered in different ways."""
    say("ann", [(1, CAT), (2, CAT), (3, DOG)], "present", "accepted", version=3, score=0.83)
    say("bob", [(1, DOG), (4, BIRD)], "absent", "swept")
    say("bob", (2, CAT), "absent")
    say("ann", (5, CAT), "unsure", version=4)
    services.flags.add("bob", FlagRequest(image=6, note="two cats?"))
    return services


def publish(services: Services, probabilities: Any, *, ranked: tuple[int, ...] = ()) -> None:
    """Promote a version 1 that says these probabilities `(images, categories)`."""
    p = np.asarray(probabilities, np.float64)
    columns = p.shape[1]
    parameters = VersionParameters(
        method="hst",
        backbone="tiny",
        category_ordinals=tuple(range(columns)),
        slope=1.0,
        intercepts=(0.0,) * columns,
        thresholds=(0.0,) * columns,
        ranked_only=ranked,
    )
    version_files.write(
        version_files.folder(services.project, 1),
        parameters,
        np.log(p / (1 - p)).astype(np.float32),
        Queue(np.zeros(0, np.int32), np.full((columns, 1), -1, np.int32)),
        {},
        save_weights=lambda path: path.write_bytes(b""),
    )
    values = {"number": 1, "method": "hst", "backbone": "tiny", "ready": True, "promoted": True}
    with services.store.writing() as tx:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        tx.execute(sa.insert(version_table).values(**values, created_at=now))


def found(services: Services, **filters: Any) -> Pairs:
    rows = services.review.search("ann", SearchRequest(filters=filters))["pairs"]
    return [(row["image"], row["category"]) for row in rows]


def test_the_filters_offer_the_people_and_say_who_is_a_reviewer(desk: Services) -> None:
    with desk.store.writing() as tx:
        (_, bob) = annotators.every(tx)
        annotators.set_reviewer(tx, bob.id, True)

    start = desk.review.start("Bob")

    assert start["reviewer"] is True
    assert desk.review.start("ann")["reviewer"] is False
    assert [person["name"] for person in start["annotators"]] == ["ann", "bob"]
    assert start["flagged"] == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [(1, CAT), (1, DOG), (2, CAT), (3, DOG), (4, BIRD), (5, CAT)]),
        ({"category": CAT}, [(1, CAT), (2, CAT), (5, CAT)]),
        ({"state": "present"}, [(1, CAT), (3, DOG)]),
        ({"state": "absent"}, [(1, DOG), (4, BIRD)]),
        ({"state": "unsure"}, [(5, CAT)]),
        ({"state": "conflict"}, [(2, CAT)]),
        ({"show": "conflicts"}, [(2, CAT)]),
        ({"annotator": 1}, [(1, CAT), (2, CAT), (3, DOG), (5, CAT)]),
        ({"annotator": 2}, [(1, DOG), (2, CAT), (4, BIRD)]),
        ({"source": "swept"}, [(1, DOG), (4, BIRD)]),
        ({"version": 3}, [(1, CAT), (3, DOG)]),
        ({"version": 4}, [(5, CAT)]),
        ({"version": 0}, [(1, DOG), (2, CAT), (4, BIRD)]),
        ({"name": "3.PNG"}, [(4, BIRD)]),
        ({"name": "%"}, []),
        ({"category": CAT, "state": "present", "annotator": 1}, [(1, CAT)]),
        ({"category": 99}, []),
        ({"show": "flags"}, [(6, None)]),
        ({"show": "flags", "state": "present"}, []),
        ({"show": "errors"}, []),
    ],
    ids=str,
)
def test_each_filter_finds_its_pairs(
    desk: Services, filters: dict[str, Any], expected: Pairs
) -> None:
    assert found(desk, **filters) == expected


@pytest.mark.parametrize(
    ("filters", "after"),
    [
        ({"show": "everything"}, None),
        ({"state": "maybe"}, None),
        ({"source": "guessed"}, None),
        ({"category": "cat"}, None),
        ({}, [0, "x", 1]),
        ({}, []),
    ],
    ids=str,
)
def test_a_question_the_page_would_not_ask_is_refused(
    desk: Services, filters: dict[str, Any], after: list[Any] | None
) -> None:
    with pytest.raises(AnnotatorError, match="reload the page"):
        desk.review.search("ann", SearchRequest.read({"filters": filters, "after": after}))


def test_a_row_says_who_said_what_and_which_flags_are_up(desk: Services) -> None:
    desk.flags.add("ann", FlagRequest(image=2, note="blurred"))

    (row,) = desk.review.rows("ann", [(2, CAT)])

    assert row["conflict"] is True
    assert row["state"] is None
    assert [(o["by"], o["state"], o["mine"]) for o in row["opinions"]] == [
        ("ann", "present", True),
        ("bob", "absent", False),
    ]
    assert [flag["note"] for flag in row["flags"]] == ["blurred"]


def test_pages_follow_each_other_while_answers_come_in(desk: Services, say: Say) -> None:
    first = desk.review.search("ann", SearchRequest(filters={}, count=3))
    say("ann", (1, BIRD), "present")  # before the cursor: not in this list any more
    for who in ("ann", "bob"):
        say(who, (2, CAT), "cleared")  # the pair of the cursor itself leaves the list
    say("ann", (6, BIRD), "present")

    second = desk.review.search("ann", SearchRequest(filters={}, after=first["next"], count=60))

    assert [(r["image"], r["category"]) for r in first["pairs"]] == [(1, CAT), (1, DOG), (2, CAT)]
    rest = [(3, DOG), (4, BIRD), (5, CAT), (6, BIRD)]
    assert [(r["image"], r["category"]) for r in second["pairs"]] == rest
    assert second["next"] is None


def test_the_labels_that_the_model_contradicts_most_come_first(desk: Services) -> None:
    #            cat  dog  bird
    publish(
        desk,
        [
            [0.40, 0.95, 0.5],  # cat is present: 0.60 against it; dog is absent: 0.95
            [0.10, 0.50, 0.5],  # in conflict
            [0.50, 0.05, 0.5],  # dog is present: 0.95
            [0.50, 0.50, 0.7],  # bird is absent: 0.70
            [0.99, 0.50, 0.5],  # nobody can tell
            [0.50, 0.50, 0.5],
        ],
    )

    rows = desk.review.search("ann", SearchRequest(filters={"show": "errors"}))["pairs"]

    assert [(r["image"], r["category"], r["disagreement"]) for r in rows] == [
        (1, DOG, 0.95),
        (3, DOG, 0.95),
        (4, BIRD, 0.7),
        (1, CAT, 0.6),
    ]


def test_likely_errors_go_on_behind_a_cursor_among_equals(desk: Services) -> None:
    publish(desk, [[0.4, 0.95, 0.5], [0.5] * 3, [0.5, 0.05, 0.5], [0.5, 0.5, 0.7]])
    first = desk.review.search("ann", SearchRequest(filters={"show": "errors"}, count=1))

    second = desk.review.search(
        "ann", SearchRequest(filters={"show": "errors"}, after=first["next"], count=2)
    )

    assert [(r["image"], r["category"]) for r in second["pairs"]] == [(3, DOG), (4, BIRD)]
    assert second["total"] == 4


def test_what_is_only_ranked_counts_at_the_far_end_and_after_the_rest(
    desk: Services, say: Say
) -> None:
    say("ann", [(2, DOG), (6, DOG)], "absent")
    # Dogs are ranked: image 3 is last but labelled present, image 1 is first but absent.
    publish(
        desk,
        [[0.4, 0.9, 0.1], [0.5, 0.5, 0.1], [0.5, 0.1, 0.1]] + [[0.5, 0.6, 0.1]] * 3,
        ranked=(1,),
    )

    rows = desk.review.search("ann", SearchRequest(filters={"show": "errors"}))["pairs"]

    assert [(r["image"], r["category"], r["ranked"]) for r in rows] == [
        (1, CAT, False),
        (1, DOG, True),
        (3, DOG, True),
    ]
    assert [r["disagreement"] for r in rows] == [0.6, 0.5, 0.5]


def test_what_was_decided_in_review_is_no_likely_error_any_more(desk: Services, say: Say) -> None:
    publish(desk, [[0.1, 0.1, 0.1]] * 6)
    before = found(desk, show="errors")

    say("bob", (3, DOG), "present", "review")

    assert before == [(1, CAT), (3, DOG)]
    assert found(desk, show="errors") == [(1, CAT)]
    assert found(desk, show="errors", source="review") == [(3, DOG)]


def test_an_answer_in_review_settles_a_conflict(desk: Services, say: Say) -> None:
    say("carol", (2, CAT), "absent", "review")

    (row,) = desk.review.rows("carol", [(2, CAT)])

    assert (row["state"], row["conflict"], row["by"]) == ("absent", False, "carol")
    assert found(desk, show="conflicts") == []


def test_an_opinion_more_does_not_settle_a_conflict(desk: Services, say: Say) -> None:
    say("carol", (2, CAT), "absent")

    assert found(desk, show="conflicts") == [(2, CAT)]
    assert found(desk, show="conflicts", annotator=3) == [(2, CAT)]


def test_a_new_reviewer_changes_what_is_in_conflict(desk: Services) -> None:
    before = found(desk, show="conflicts")
    with desk.store.writing() as tx:
        annotators.set_reviewer(tx, 2, True)
        answers.recompute(tx)

    after = found(desk, show="conflicts")

    assert before == [(2, CAT)]
    assert after == []


def test_an_archived_category_is_not_listed(desk: Services) -> None:
    with desk.store.writing() as tx:
        categories.archive(tx, CAT, True)

    assert found(desk) == [(1, DOG), (3, DOG), (4, BIRD)]


def test_undo_takes_a_whole_bulk_back(desk: Services, say: Say) -> None:
    say("ann", [(1, DOG), (4, BIRD), (3, DOG)], "absent", "review")
    changed = found(desk, source="review")

    desk.recording.undo("ann", BackRequest(op="undo"))

    assert changed == [(1, DOG), (3, DOG), (4, BIRD)]
    assert found(desk, source="review") == []
    assert found(desk, source="accepted") == [(1, CAT), (3, DOG)]


def test_a_resolved_flag_leaves_the_list(desk: Services) -> None:
    (row,) = desk.review.search("ann", SearchRequest(filters={"show": "flags"}))["pairs"]

    desk.flags.resolve("ann", ResolveFlagRequest(flag=row["flags"][0]["id"]))

    assert row["flags"][0]["note"] == "two cats?"
    assert desk.review.search("ann", SearchRequest(filters={"show": "flags"}))["total"] == 0


def test_the_history_tells_every_answer_in_words(desk: Services, say: Say, clock: Any) -> None:
    say("bob", (1, CAT), "absent", "rejected", version=4, score=0.3)
    clock.forward(60)
    desk.recording.undo("bob", BackRequest(op="undo"))
    late = {"image": 1, "category": CAT, "state": "absent", "source": "human", "seen": None}
    desk.recording.save("eve", SaveRequest(op="late", kind="answer", changes=[late]))
    say("carol", (1, CAT), "present", "review")
    say("ann", (1, CAT), "unsure")

    told = desk.review.history(1, CAT)["answers"]

    assert [(a["text"], a["stands"]) for a in told] == [
        ("ann could not tell.", False),
        ("carol decided in review: present.", True),
        ("eve answered absent.", False),
        ("bob rejected the suggestion (30 %) of version 4.", False),
        ("ann accepted the suggestion (83 %) of version 3.", False),
    ]
    assert "too late" in told[2]["remark"]
    assert told[3]["remark"] == "bob undid this."
    assert told[3]["undone"] == clock.now.isoformat()
    assert told[4]["undone"] is None


@pytest.mark.parametrize(
    ("source", "state", "says"),
    [
        ("accepted_in_bulk", "present", "eve accepted the suggestion (91 %) of version 2 in bulk"),
        ("accepted_in_bulk", "absent", "eve confirmed “absent” in bulk. Version 2 said 91 %."),
        ("swept", "absent", "eve marked the rest absent."),
        ("human", "cleared", "eve cleared the answer."),
    ],
)
def test_a_history_says_how_an_answer_came_about(
    services: Services, say: Say, source: str, state: str, says: str
) -> None:
    say("eve", (1, CAT), state, source, version=2, score=0.91)

    (told,) = services.review.history(1, CAT)["answers"]

    assert told["text"].startswith(says)


def test_a_patched_table_equals_one_that_is_read_anew(services: Services, say: Say) -> None:
    tables, chance = pair_tables(), random.Random(7)
    for step in range(60):
        who = chance.choice(["ann", "bob", "carol"])
        if chance.random() < 0.2:
            services.recording.undo(who, BackRequest(op=f"undo {step}"))
        else:
            pairs = list({(chance.randint(1, 6), chance.randint(1, 3)) for _ in range(3)})
            state = chance.choice(["present", "absent", "unsure", "cleared"])
            say(who, pairs, state, chance.choice(["human", "review"]), version=step % 3 or None)
        with services.store.reading() as tx:
            patched, anew = tables.current(tx).rows, pair_search.every(tx)

        for name in ("key", "state", "source", "annotator", "version"):
            assert getattr(patched, name).tolist() == getattr(anew, name).tolist(), (step, name)
