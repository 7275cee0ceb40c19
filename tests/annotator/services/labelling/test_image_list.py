"""All images as a list: found by what is known of them, and answered many at once."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from annotator.arrays import likeness
from annotator.arrays.features import FeatureFiles
from annotator.errors import AnnotatorError, NotFound
from annotator.services.app import Services
from annotator.settings import changed
from annotator.store import categories, image_use
from annotator.wire.image_list import BulkRequest, ListRequest, ListRowsRequest
from annotator.wire.label import BookmarkRequest, FlagRequest
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest

CAT, DOG, BIRD = 1, 2, 3
Say = Callable[..., None]
Find = Callable[..., list[int]]


@pytest.fixture
def say(services: Services) -> Say:
    numbers = itertools.count()

    def say(who: str, image: int, state: str, *ids: int) -> None:
        rows = services.review.rows(who, [(image, c) for c in ids])
        about = {"state": state, "image": image}
        changes = [about | {"category": r["category"], "seen": r["answer"]} for r in rows]
        operation = {"op": f"say {next(numbers)}", "kind": "page", "changes": changes}
        services.recording.save(who, SaveRequest(**operation))

    return say


@pytest.fixture
def find(services: Services) -> Find:
    def find(text: str = "", sort: str = "", who: str = "ann") -> list[int]:
        found = services.image_list.listed(who, ListRequest(filter=text, sort=sort))
        return np.frombuffer(base64.b64decode(found["ids"]), "<u4").tolist()

    return find


@pytest.fixture
def desk(services: Services, say: Say) -> Services:
    """Return a project of six images: one is done, one in conflict, three are partly known."""
    say("ann", 1, "present", CAT)
    say("ann", 1, "absent", DOG, BIRD)
    say("ann", 2, "present", CAT, DOG)
    say("bob", 3, "present", CAT)
    say("ann", 3, "absent", CAT)
    say("bob", 4, "unsure", BIRD)
    services.flags.add("bob", FlagRequest(image=6, note="two cats?"))
    for who, image in (("ann", 5), ("bob", 4)):
        services.bookmarks.set(who, BookmarkRequest(image=image))
    return services


@pytest.fixture
def embed(services: Services) -> Callable[..., FeatureFiles]:
    """Return what gives the first images features at some angles, in degrees, of a plane."""

    def embed(angles: list[float]) -> FeatureFiles:
        turned, rows = np.radians(angles), len(angles)
        files = FeatureFiles.create(
            services.project.features_path, backbone="fake", pooled_dim=2, rows=rows
        )
        search = np.zeros((rows, 128), np.float32)
        search[:, 0], search[:, 1] = np.cos(turned), np.sin(turned)
        files.write(np.arange(rows), search[:, :2], np.zeros((rows, 0, 0)), search)
        return files

    return embed


FOUND = {
    "": [1, 2, 3, 4, 5, 6],
    "present:cat": [1, 2],
    "present:CAT,dog": [1, 2],
    "-present:cat": [3, 4, 5, 6],
    "present:cat absent:dog": [1],
    "absent:*": [1],
    "unknown:bird": [2, 3, 5, 6],
    "unsure:bird": [4],
    "conflict:cat": [3],
    "conflict:*": [3],
    "labels:0": [3, 4, 5, 6],
    "labels:>=2": [1, 2],
    "positives:2": [2],
    "by:ann": [1, 2, 3],
    "by:bob": [3, 4],
    "by:me": [1, 2, 3],
    "is:done": [1],
    "is:partly": [2, 3],
    "is:untouched": [4, 5, 6],
    "mine:untouched": [4, 5, 6],
    "mine:done": [1],
    "is:flagged": [6],
    "is:bookmarked": [5],
    "answered:1h": [1, 2, 3],
    "answered:<2025-01-01": [],
    "0.png": [1],
    "name:.PNG -3.png": [1, 2, 3, 5, 6],
    "width:40..42": [1, 2, 3],
    "megapixels:<0.001": [],
    "id:2..3,6": [2, 3, 6],
    "suggested:*": [],
}
"""What each filter finds on the desk, asked by Ann."""


def test_images_are_found_by_what_is_known_of_them(desk: Services, find: Find) -> None:
    del desk
    assert {text: find(text) for text in FOUND} == FOUND


def test_done_means_the_same_in_the_status_the_list_and_the_marks(
    services: Services, find: Find, fill_in: Callable[..., int]
) -> None:
    numbers = np.random.default_rng(5)
    states = ("present", "absent", "unsure", "cleared")
    wished = {"dog": ["bird"]}
    services.project.settings = changed(services.project.settings, {"hierarchy": wished})
    fill_in(absent=[(0, 0), (4, 2)])
    services.removed_images.remove(["5.png"])

    def say(number: int) -> None:
        about = {"image": int(numbers.integers(1, 6)), "category": int(numbers.integers(1, 4))}
        rows = services.review.rows("x", [(about["image"], about["category"])])
        state = states[numbers.choice(4, p=(0.2, 0.3, 0.4, 0.1))]
        change = about | {"state": state, "seen": rows[0]["answer"]}
        request = SaveRequest(op=f"say {number}", kind="answer", changes=[change])
        services.recording.save(("ann", "bob")[number % 2], request)

    seen = set()
    for number in range(60):
        say(number)
        if number % 3:
            continue
        who = ("ann", "bob")[number % 2]
        marks = services.image_marks.of(who, range(1, 6))
        rows = services.image_list.rows(who, ListRowsRequest(ids=range(1, 6)))["rows"]
        done = [mark["image"] for mark in marks if mark["standing"] == "done"]

        assert services.progress.state(who)["images_done"] == len(done)
        assert find("is:done", who=who) == done
        assert [(row["standing"], row["mine"]) for row in rows] == [
            (mark["standing"], mark["mine"]) for mark in marks
        ]
        seen.add(len(done))
    assert len(seen) > 2


def test_everybody_whose_answer_stands_is_found(desk: Services, find: Find, say: Say) -> None:
    assert find("by:bob") == [3, 4]  # the first look; the rest follows the answers

    say("bob", 1, "present", CAT)  # agrees with Ann and is the newest
    say("ann", 4, "absent", BIRD)  # Bob cannot tell
    say("bob", 5, "present", CAT)
    say("ann", 5, "present", CAT)
    say("bob", 5, "cleared", CAT)
    say("bob", 2, "absent", CAT)
    desk.recording.undo("bob", BackRequest(op="back"))
    followed = find("by:ann"), find("by:bob")
    request = ListRowsRequest(ids=(1, 4, 5))
    names = [row["by"] for row in desk.image_list.rows("ann", request)["rows"]]
    desk.curation.merge(BIRD, DOG)
    say("cleo", 4, "absent", DOG)
    merged = find("by:bob"), find("by:cleo")
    desk.curation.archive(CAT, True)

    assert followed == ([1, 2, 3, 4, 5], [1, 3, 4])
    assert names == [["ann", "bob"], ["ann", "bob"], ["ann"]]
    assert merged == ([1, 3, 4], [4])
    assert find("by:bob") == [4]
    fresh = Services.open(desk.project.path)
    images = np.frombuffer(
        base64.b64decode(fresh.image_list.listed("x", ListRequest(filter="by:ann"))["ids"]), "<u4"
    )
    fresh.close()
    assert images.tolist() == find("by:ann") == [1, 2, 4]
    assert find("by:me", who="newcomer") == []


def test_an_answer_moves_an_image_at_once(desk: Services, find: Find, say: Say) -> None:
    assert find("unknown:bird is:partly") == [2, 3]

    say("ann", 2, "absent", BIRD)

    assert find("unknown:bird is:partly") == [3]
    assert find("is:done") == [1, 2]
    desk.recording.undo("ann", BackRequest(op="back"))
    assert find("is:done") == [1]


def test_who_cannot_tell_has_nothing_left_to_do(find: Find, say: Say) -> None:
    say("ann", 1, "unsure", BIRD)
    say("ann", 1, "absent", CAT, DOG)

    assert find("mine:done") == [1]
    assert find("mine:done", who="bob") == []
    assert find("is:done") == [1]
    assert find("is:done", who="bob") == []


SORTED = {
    "": [1, 2, 3, 4, 5, 6],
    "-file": [6, 5, 4, 3, 2, 1],
    "name": [1, 2, 3, 4, 5, 6],
    "-name": [6, 5, 4, 3, 2, 1],
    "labels": [1, 2, 3, 4, 5, 6],
    "-labels": [3, 4, 5, 6, 2, 1],
    "positives": [2, 1, 3, 4, 5, 6],
    "size": [6, 5, 4, 3, 2, 1],
}


def test_images_are_sorted(desk: Services, find: Find) -> None:
    del desk
    assert {sort: find(sort=sort) for sort in SORTED} == SORTED


def test_what_looks_like_some_images_comes_first(
    desk: Services, find: Find, embed: Callable[..., Any]
) -> None:
    with pytest.raises(AnnotatorError, match="not been read by the trainer"):
        find(sort="like:1")
    embed([0, 80, 10, 70, 45])  # the sixth has none

    assert find(sort="like:1") == [1, 3, 5, 4, 2, 6]
    assert find("-id:1", "-like:1") == [2, 4, 5, 3, 6]
    assert find("-id:2,4", "like:2,4") == [5, 3, 1, 6]
    assert find("-id:1..3", "like:1..3") == [5, 4, 6]
    assert find("present:cat", "like:3,6") == [1, 2]
    with pytest.raises(AnnotatorError, match="not been read by the trainer"):
        find(sort="like:6")
    with pytest.raises(NotFound, match="no image 99"):
        find(sort="like:99")
    with pytest.raises(AnnotatorError, match="is no number"):
        find(sort="like:cat")
    within = PageRequest(category=DOG, mode="like", within="-id:3", sort="like:3,5")
    page = desk.verification.page("ann", within)
    assert [item["id"] for item in page["items"]] == [5, 4]  # the others have an answer


def test_near_duplicates_stand_together(
    desk: Services, find: Find, embed: Callable[..., Any]
) -> None:
    with pytest.raises(AnnotatorError, match="not been looked for"):
        find("is:duplicate")
    files = embed([0, 10, 20, 30, 40])
    groups = np.array([0, 1, 0, -1, 1], np.int32)
    likeness.write(files.path, likeness.GROUPS, likeness.Comparison(groups, groups > -2))

    assert find("is:duplicate", "duplicates") == [1, 3, 2, 5]
    assert find("-is:duplicate") == [4, 6]
    assert find("duplicates:5,6") == [2, 5]
    rows = desk.image_list.rows("ann", ListRowsRequest(ids=(1, 4, 5, 6)))["rows"]
    assert [row["group"] for row in rows] == [0, None, 1, None]
    with desk.store.writing() as tx:
        image_use.set_removed(tx, [5], removed=True)
    assert find("is:duplicate", "duplicates") == [1, 3]


def test_the_newest_label_comes_first(desk: Services, find: Find, say: Say, clock: Any) -> None:
    del desk
    clock.forward(60)
    say("bob", 5, "absent", CAT)

    assert find(sort="newest")[0] == 5


def test_names_that_are_not_there_are_refused_with_those_that_are(find: Find) -> None:
    with pytest.raises(NotFound, match="did you mean 'cat'"):
        find("present:cats")
    with pytest.raises(NotFound, match="Nobody is called"):
        find("by:zoe")
    with pytest.raises(AnnotatorError, match="no filter"):
        find("colour:red")


def test_images_out_of_use_and_archived_categories_count_for_nothing(
    desk: Services, find: Find
) -> None:
    with desk.store.writing() as tx:
        image_use.set_removed(tx, [1], removed=True)
        categories.archive(tx, DOG, archived=True)

    assert find() == [2, 3, 4, 5, 6]
    assert find("positives:1") == [2]
    with pytest.raises(NotFound, match="No category"):
        find("present:dog")


def test_what_the_hierarchy_implies_is_not_open(desk: Services, find: Find) -> None:
    settings = desk.project.settings.model_copy(update={"hierarchy": {"cat": ["bird"]}})
    changed = Services(desk.project.__class__(desk.project.path, settings), desk.store)
    found = changed.image_list.listed("ann", ListRequest(filter="is:done"))

    assert np.frombuffer(base64.b64decode(found["ids"]), "<u4").tolist() == [1, 2]
    assert find("is:done") == [1]


def test_suggestions_and_doubt(desk: Services, find: Find, publish: Callable[..., Any]) -> None:
    logits = np.array([[0, 0, 3], [0, 0, 3], [0, 0, 0.1], [0, 0, -3], [0, 0, 0.4], [0, 0, -3]])
    publish(logits)
    del desk

    assert find("suggested:bird") == [2, 3, 5]
    assert find("uncertain:bird") == [3, 5]
    assert find(sort="score:bird") == [1, 2, 5, 3, 4, 6]
    assert find("uncertain:bird", sort="doubt:bird") == [3, 5]
    assert find("-doubt:0") == find("doubt:>0")


def test_a_row_says_what_is_known(desk: Services) -> None:
    request = ListRowsRequest(ids=(2, 6, 99), category=DOG)

    rows = desk.image_list.rows("ann", request)["rows"]

    assert [row["id"] for row in rows] == [2, 6]
    assert rows[0]["present"] == [CAT, DOG]
    assert (rows[0]["standing"], rows[0]["mine"], rows[0]["open"]) == ("partly", True, 1)
    assert (rows[0]["state"], rows[0]["by"]) == ("present", ["ann"])
    assert (rows[1]["standing"], rows[1]["state"]) == ("untouched", "unknown")
    assert rows[1]["flags"] == ["two cats?"]
    assert rows[1]["answered"] is None


def test_a_plan_says_what_an_answer_to_many_would_change(desk: Services, say: Say) -> None:
    say("bob", 5, "absent", CAT)
    everything = tuple(range(1, 7))

    plan = desk.image_list.plan("ann", BulkRequest(category=CAT, state="present", ids=everything))

    assert (plan["same"], plan["fresh"], plan["changed"], plan["disputed"]) == (2, 2, 0, 2)
    assert plan["images"] == [3, 4, 5, 6]
    assert set(plan["seen"]) == {"3", "5"}


def test_only_own_answers_are_removed(desk: Services, say: Say) -> None:
    say("bob", 5, "absent", CAT)
    request = BulkRequest(category=CAT, state="cleared", ids=tuple(range(1, 7)))

    assert desk.image_list.plan("ann", request)["images"] == [1, 2, 3]
    assert desk.image_list.plan("bob", request)["images"] == [3, 5]
    assert desk.image_list.plan("zoe", request)["images"] == []


def test_what_was_planned_is_saved_and_taken_back_as_one(desk: Services, find: Find) -> None:
    plan = desk.image_list.plan(
        "ann", BulkRequest(category=DOG, state="absent", ids=tuple(range(1, 7)))
    )
    changes = [
        {"image": i, "category": DOG, "state": "absent", "source": "swept"}
        | {"seen": plan["seen"].get(str(i))}
        for i in plan["images"]
    ]
    said = desk.recording.save("ann", SaveRequest(op="bulk", kind="page", changes=changes))

    assert said["late"] == []
    assert find("absent:dog") == [1, 2, 3, 4, 5, 6]
    desk.recording.undo("ann", BackRequest(op="back"))
    assert find("absent:dog") == [1]
    assert find("present:dog") == [2]


def test_the_pages_of_a_category_come_from_a_selection_only(desk: Services) -> None:
    page = desk.verification.page("ann", PageRequest(category=DOG, mode="like", within="id:4..6"))

    assert sorted(item["id"] for item in page["items"]) == [4, 5, 6]


def test_the_next_images_come_from_a_selection_and_are_leased(desk: Services) -> None:
    assert desk.labelling.next_images("ann", "a", count=2, among=[6, 99, 4, 2])["images"] == [6, 4]
    assert desk.labelling.next_images("bob", "b", count=2, among=[6, 4, 2])["images"] == [2]
    assert desk.labelling.next_images("bob", "b", count=2, among=[6, 4])["images"] == [6, 4]


def test_marks_are_those_of_the_label_page(desk: Services) -> None:
    ids = tuple(range(1, 7))
    for who in ("ann", "bob", "zoe"):
        rows = desk.image_list.rows(who, ListRowsRequest(ids=ids))["rows"]
        marks = desk.image_marks.of(who, ids)

        assert [(r["id"], r["standing"], r["mine"]) for r in rows] == [
            (m["image"], m["standing"], m["mine"]) for m in marks
        ]
