"""Which answered pairs a page of the grid asks again, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from annotator.services.app import Services
from annotator.services.labelling.attention_checks import FORGOTTEN
from annotator.store import annotators, attention_checks
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.review import Filters, SearchRequest
from annotator.wire.verify import PageRequest, SavePageRequest

CAT, IMAGES = 1, 60
KNOWN = range(41, 61)
"""Images about which somebody answers."""
FLIPPED = {"present": "absent", "absent": "present"}


def page(services: Services, mode: str = "confirm", who: str = "ann", **fields: Any) -> Any:
    data = {"category": CAT, "mode": mode, "count": 40, "tab": who} | fields
    return services.verification.page(who, PageRequest.read(data))


def checks(found: Any) -> list[int]:
    return [item["id"] for item in found["items"] if item["answer"] is not None]


def commit(
    services: Services, shown: Any, *, flipped: Sequence[int] = (), who: str = "ann", op: str = "a"
) -> Any:
    """Save a page as the browser does: as it stands, but for what was flipped."""
    changes = [
        {
            "image": item["id"],
            "state": FLIPPED[item["guess"]] if item["id"] in flipped else item["guess"],
            "source": "human" if item["id"] in flipped else "accepted_in_bulk",
            "seen": item["answer"],
        }
        for item in shown["items"]
    ]
    about = {k: shown[k] for k in ("category", "mode", "version")}
    return services.verification.save(who, SavePageRequest(**about, op=op, changes=changes))


def say(services: Services, who: str, *image_ids: int, state: str, source: str = "human") -> None:
    for image in image_ids:
        change = {"category": CAT, "state": state, "source": source}
        change["seen"] = label(services, image)["answer"]
        data = {"kind": "answer", "image": image, "changes": [change]}
        services.recording.save(who, SaveRequest(op=f"{who}{image}{state}", **data))


def label(services: Services, image: int) -> Any:
    (item,) = services.labelling.items("nobody", [image])
    return item["labels"].get(str(CAT), {"state": None, "answer": None})


def in_review(services: Services) -> list[int]:
    wanted = SearchRequest(filters=Filters(show="checks"))
    return [row["image"] for row in services.review.search("ann", wanted)["pairs"]]


@pytest.fixture
def likely(many: Services, publish_cats: Any) -> Services:
    """The model finds a cat in every image; nobody has answered anything."""
    publish_cats(many, [2.0] * IMAGES)
    return many


def test_a_page_asks_again_what_people_know_and_nothing_gives_it_away(likely: Services) -> None:
    say(likely, "bob", *KNOWN, state="absent")

    found = page(likely)

    assert len(checks(found)) == 2
    assert set(checks(found)) <= set(KNOWN)
    assert {(item["guess"], item["score"]) for item in found["items"]} == {("present", None)}
    assert len({item["id"] for item in found["items"]}) == 40


def test_the_unlikely_are_swept_with_known_cats_among_them(
    many: Services, publish_cats: Any
) -> None:
    publish_cats(many, [-2.0] * IMAGES)
    say(many, "bob", 41, 42, state="absent")
    say(many, "bob", 43, state="present")

    found = page(many, "sweep")

    assert checks(found) == [43]
    assert {item["guess"] for item in found["items"]} == {"absent"}


@pytest.mark.parametrize("fields", [{"count": 12}, {"mode": "uncertain"}, {"mode": "sweep"}])
def test_short_pages_and_those_that_preset_the_same_have_no_check(
    likely: Services, fields: Any
) -> None:
    say(likely, "bob", *KNOWN, state="absent")

    assert checks(page(likely, **fields)) == []


def test_what_only_the_model_is_sure_of_is_no_check(many: Services, publish_cats: Any) -> None:
    publish_cats(many, [*[2.0] * 40, *[-9.0] * 20])

    found = page(many)

    assert checks(found) == []
    assert {item["id"] for item in found["items"]} == set(range(1, 41))


def test_what_nobody_looked_at_or_somebody_doubts_is_no_check(likely: Services) -> None:
    say(likely, "bob", 41, state="absent", source="swept")
    say(likely, "bob", 42, state="absent", source="accepted_in_bulk")
    say(likely, "bob", 43, 44, 45, state="absent")
    say(likely, "eve", 43, state="unsure")
    say(likely, "eve", 44, state="present")
    say(likely, "chief", 44, state="absent", source="review")

    assert checks(page(likely)) == [45]


def test_ones_own_answers_are_asked_again_once_they_are_old_and_others_first(
    likely: Services, clock: Any
) -> None:
    say(likely, "ann", 41, 42, 43, state="absent")
    just_now = checks(page(likely))
    clock.forward((FORGOTTEN + timedelta(seconds=1)).total_seconds())
    old = checks(page(likely))
    say(likely, "bob", 44, state="absent")
    beside_others = checks(page(likely))

    assert just_now == []
    assert len(old) == 2
    assert set(old) < {41, 42, 43}
    assert 44 in beside_others


def test_what_is_answered_as_before_changes_no_label_and_is_not_asked_again(
    likely: Services,
) -> None:
    say(likely, "bob", 41, 42, state="absent")
    shown = page(likely)

    saved = commit(likely, shown, flipped=[41, 42, 1])
    retried = commit(likely, shown, flipped=[41, 42, 1])

    assert saved["agreement"] == {"checks": 2, "agreed": 2, "most": 50}
    assert saved["late"] == retried["late"] == []
    assert [label(likely, i)["by"] for i in (1, 41, 42)] == ["ann", "bob", "bob"]
    assert checks(page(likely)) == []
    assert in_review(likely) == []
    assert likely.quality.report()["overall"] is None  # a check is no second opinion


def test_a_slip_keeps_the_label_and_goes_to_review(likely: Services) -> None:
    say(likely, "bob", 41, state="absent")
    shown = page(likely)

    saved = commit(likely, shown)

    assert saved["agreement"] == {"checks": 1, "agreed": 0, "most": 50}
    assert saved["late"] == []
    assert label(likely, 41)["state"] == "absent"
    assert not label(likely, 41)["conflict"]
    assert in_review(likely) == [41]
    told = likely.review.history(41, CAT)["answers"]
    assert [(row["text"], row["stands"]) for row in told] == [
        ("ann answered present when asked again.", False),
        ("bob answered absent.", True),
    ]


def test_ones_own_slip_does_not_change_ones_answer_either(likely: Services, clock: Any) -> None:
    say(likely, "ann", 41, state="absent")
    clock.forward(3600)

    commit(likely, page(likely))

    assert label(likely, 41)["state"] == "absent"
    assert in_review(likely) == [41]


@pytest.mark.parametrize(("decision", "agreed"), [("absent", 0), ("present", 1)])
def test_whoever_decides_what_differs_decides_about_the_check_too(
    likely: Services, decision: str, agreed: int
) -> None:
    say(likely, "bob", 41, state="absent")
    commit(likely, page(likely))

    say(likely, "chief", 41, state=decision, source="review")

    assert in_review(likely) == []
    assert likely.verification.agreement("ann")["agreed"] == agreed
    with likely.store.reading() as tx:
        assert attention_checks.agreed(tx) == {annotators.id_of(tx, "ann"): (1, agreed)}


def test_a_page_that_is_undone_and_saved_again_is_checked_again(likely: Services) -> None:
    say(likely, "bob", 41, state="absent")
    shown = page(likely)
    commit(likely, shown)
    likely.recording.undo("ann", BackRequest(op="u"))
    undone = likely.verification.agreement("ann")["checks"]

    saved = commit(likely, shown, flipped=[41], op="b")

    assert undone == 0
    assert saved["agreement"] == {"checks": 1, "agreed": 1, "most": 50}
    assert label(likely, 41)["by"] == "bob"


def test_a_page_shown_before_a_restart_and_a_new_version_is_still_checked(
    likely: Services, publish_cats: Any
) -> None:
    say(likely, "bob", 41, state="absent")
    shown = page(likely)
    publish_cats(likely, [-2.0] * IMAGES)
    again = Services.open(likely.project.path)

    saved = commit(again, shown, flipped=[41])
    again.close()

    assert saved["agreement"]["checks"] == 1


def test_what_the_model_was_sure_of_in_the_past_counts_no_more(many: Services) -> None:
    change = {"category": CAT, "state": "present", "expected": "absent"}
    data = {"op": "old", "kind": "page", "image": 1, "changes": [change]}
    many.recording.save("ann", SaveRequest(**data))
    with many.store.writing() as tx:
        tx.execute(attention_checks.answer.update().values(late=False))

    assert many.verification.agreement("ann")["checks"] == 0


def test_pairs_are_looked_for_from_any_image_on(likely: Services) -> None:
    say(likely, "bob", 41, 50, state="absent")
    with likely.store.reading() as tx:
        now = likely.recording._clock()
        found = [
            attention_checks.known_pairs(
                tx, CAT, attention_checks.State.ABSENT, 0, start=start, before=now
            )
            for start in (1, 45, 60)
        ]

    assert [[known.image_id for known in each] for each in found] == [[41, 50], [50, 41], [41, 50]]


def test_a_check_may_stand_anywhere_on_the_page(likely: Services) -> None:
    say(likely, "bob", *KNOWN, state="absent")
    likely.verification._rng = np.random.default_rng(3)
    places = set()
    for tab in range(8):
        found = page(likely, hold=False, tab=str(tab))
        places |= {place for place, item in enumerate(found["items"]) if item["answer"]}

    assert len(places) > 8
