"""Images that lose their files, are saved again, removed and brought back: nothing is lost."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import (
    Judgement,
    PairLabel,
    State,
    fold_of,
    winning_label,
)
from annotator.store import (
    Store,
    Transaction,
    answers,
    categories,
    image_use,
    images,
    imported_annotations,
    saved_again,
)
from annotator.store.images import FoundImage
from annotator.store.tables import SOURCE_OF, STATE_OF, annotator, answer, image, operation

PRESENT, ABSENT = State.PRESENT, State.ABSENT


def found(path: str, content: int, *, size: int = 100, width: int = 40) -> FoundImage:
    return FoundImage(path, f"{content:064x}", width, 30, "JPEG", size, content)


def saved(store: Store, *files: FoundImage) -> None:
    """Take in what a scan found."""
    with store.writing() as tx:
        images.add(tx, "pictures", files, [])


def lost(store: Store, *paths: str) -> None:
    with store.writing() as tx:
        images.mark_missing(tx, "pictures", paths)


def linked(store: Store, copy: int, original: int) -> bool:
    with store.writing() as tx:
        return image_use.link(tx, copy, original)


def unlinked(store: Store, copy: int) -> None:
    with store.writing() as tx:
        image_use.unlink(tx, copy)


def removed(store: Store, image_id: int, removed: bool = True) -> None:
    with store.writing() as tx:
        image_use.set_removed(tx, [image_id], removed)


def in_use(store: Store) -> list[int]:
    with store.reading() as tx:
        assert images.count(tx) == len(images.order(tx))
        unused = set(image_use.unused_ordinals(tx).tolist())
        assert unused == {i.ordinal for i in images.every(tx) if not i.in_use}
        return list(images.order(tx).values())


def test_a_removed_image_is_in_no_count_and_a_scan_does_not_bring_it_back(desk: Any) -> None:
    desk.say("ann", (1, 1, PRESENT), (2, 1, ABSENT))

    removed(desk.store, 1)
    saved(desk.store, FoundImage("1.png", f"{1:064x}", 40, 30, "PNG", 10, 5))

    assert in_use(desk.store) == [2, 3]
    with desk.store.reading() as tx:
        cat = categories.every(tx)[0]
        assert (cat.present_count, cat.absent_count) == (0, 1)
        assert images.named_like(tx, "1.png", 5) == []
        (row,) = image_use.removed(tx)
    assert (row.image.id, row.path and row.path.path, row.answers) == (1, "1.png", 1)
    removed(desk.store, 1, False)
    assert in_use(desk.store) == [1, 2, 3]
    assert desk.states(1) == {1: PRESENT}


def test_a_replaced_file_leaves_an_image_that_is_known_by_its_last_name(desk: Any) -> None:
    desk.say("ann", (1, 1, PRESENT), (1, 2, ABSENT), (2, 1, ABSENT))

    saved(desk.store, found("1.png", 9))
    lost(desk.store, "3.png")

    with desk.store.reading() as tx:
        (row,) = image_use.answered_without_file(tx)
        names = image_use.last_paths(tx, [1, 2, 3, 4])
    assert (row.image.id, row.answers) == (1, 2)
    assert {i: path.path for i, path in names.items()} == {
        1: "1.png", 2: "2.png", 3: "3.png", 4: "1.png"
    }  # fmt: skip


def test_an_image_saved_again_keeps_id_fold_and_answers_and_takes_the_new_size(desk: Any) -> None:
    desk.say("ann", (1, 1, PRESENT))
    saved(desk.store, found("1.png", 9, width=20))
    desk.say("bob", (4, 2, ABSENT))

    assert linked(desk.store, 4, 1)

    assert in_use(desk.store) == [1, 2, 3]
    assert desk.states(1) == {1: PRESENT, 2: ABSENT}
    with desk.store.reading() as tx:
        one = images.get(tx, 1)
        told = answers.history(tx, 1, 2)
        assert image_use.answered_without_file(tx) == []
        assert [p.path for p in images.paths_of(tx)[1]] == ["1.png"]
    assert (one.ordinal, one.width, one.fold) == (0, 20, fold_of(f"{1:064x}"))
    assert [record.annotator for record in told] == ["bob"]


def test_contradicting_answers_of_both_files_are_a_conflict_and_come_apart_again(
    desk: Any,
) -> None:
    desk.say("ann", (1, 1, PRESENT))
    saved(desk.store, found("1.png", 9))
    desk.say("bob", (4, 1, ABSENT))

    assert linked(desk.store, 4, 1)
    assert desk.label(1, 1).conflict
    unlinked(desk.store, 4)

    assert in_use(desk.store) == [2, 3, 4]
    assert desk.states(4) == {1: ABSENT}
    saved(desk.store, FoundImage("1.png", f"{1:064x}", 40, 30, "PNG", 10, 7))
    assert desk.states(1) == {1: PRESENT}


def test_an_undone_answer_about_the_new_file_goes_from_the_joined_image(desk: Any) -> None:
    desk.say("ann", (1, 1, PRESENT))
    saved(desk.store, found("1.png", 9))
    desk.say("bob", (4, 2, ABSENT))
    linked(desk.store, 4, 1)

    desk.undo("bob")

    assert desk.states(1) == {1: PRESENT}


def test_the_next_scan_of_a_joined_file_changes_nothing(desk: Any) -> None:
    desk.say("ann", (1, 1, PRESENT))
    saved(desk.store, found("1.png", 9))
    linked(desk.store, 4, 1)

    saved(desk.store, found("1.png", 9), found("copy/1.png", 9))

    assert in_use(desk.store) == [1, 2, 3]
    with desk.store.reading() as tx:
        assert [p.path for p in images.paths_of(tx)[1]] == ["1.png", "copy/1.png"]


def test_a_file_under_another_name_takes_over_boxes_and_ids_and_gives_them_back(desk: Any) -> None:
    box = imported_annotations.ImportedAnnotation(1, 1, 5, {"bbox": [1, 2, 3, 4]})
    desk.say("ann", (1, 1, PRESENT))
    with desk.store.writing() as tx:
        images.set_coco(tx, [(1, 77, {"license": 1})])
        imported_annotations.add(tx, [box])
    lost(desk.store, "1.png")
    saved(desk.store, found("new.jpg", 9))

    linked(desk.store, 4, 1)

    with desk.store.reading() as tx:
        (path,) = images.paths_of(tx)[1]
        boxes = [b.path_id for b in imported_annotations.of_paths(tx)]
    assert (path.path, path.coco_id, path.extra, boxes) == (
        "new.jpg", 77, {"license": 1}, [path.id]
    )  # fmt: skip
    unlinked(desk.store, 4)
    with desk.store.reading() as tx:
        (path,) = images.paths_of(tx)[4]
        old = image_use.last_paths(tx, [1])[1]
        boxes = [b.path_id for b in imported_annotations.of_paths(tx)]
    assert (path.path, path.coco_id) == ("new.jpg", None)
    assert (old.path, old.coco_id, boxes) == ("1.png", 77, [old.id])


def test_only_an_image_in_use_can_be_one_without_a_file(desk: Any) -> None:
    saved(desk.store, found("1.png", 9))

    assert not linked(desk.store, 2, 3)
    assert not linked(desk.store, 1, 4)
    assert linked(desk.store, 4, 1)
    assert not linked(desk.store, 4, 1)


def test_labels_imported_for_joined_and_removed_images_count_where_they_should(desk: Any) -> None:
    saved(desk.store, found("1.png", 9))
    desk.say("bob", (4, 1, PRESENT))
    linked(desk.store, 4, 1)
    removed(desk.store, 2)

    desk.bring_in("ann", (1, 1, ABSENT), (1, 2, ABSENT), (2, 1, PRESENT))

    assert desk.states(1) == {1: PRESENT, 2: ABSENT}
    assert desk.label(2, 1).state is None
    removed(desk.store, 2, False)
    assert desk.states(2) == {1: PRESENT}


Step = tuple[str, int, int]

KINDS = ("say", "say", "absent", "import", "undo", "lose", "come", "change", "remove", "restore")
KINDS += ("link", "unlink")

steps = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(1, 5), st.integers(1, 2)), max_size=14
)


@pytest.fixture(scope="module")
def desk_of(load_module: Any) -> Any:
    module: ModuleType = load_module(Path(__file__).with_name("conftest.py"))
    return module.Desk


def do(desk: Any, step: Step, contents: dict[int, int]) -> None:
    """Do one step; `contents` is what lies at each of three paths."""
    what, i, c = step
    with desk.store.reading() as tx:
        there = images.many(tx, [i])
    if what in {"lose", "come", "change"}:
        files_change(desk.store, what, 1 + i % 3, contents)
    elif what in {"link", "unlink"}:
        links_change(desk.store, what, i)
    elif what == "undo":
        desk.undo("ann")
    elif what in {"remove", "restore"} and there:
        removed(desk.store, i, what == "remove")
    elif what == "import" and there:
        desk.bring_in("bob", (i, c, PRESENT))
    elif there:
        desk.say("ann" if c == 1 else "bob", (i, c, PRESENT if what == "say" else ABSENT))


def files_change(store: Store, what: str, path: int, contents: dict[int, int]) -> None:
    if what == "lose":
        lost(store, f"{path}.png")
        return
    contents[path] += 10 * (what == "change")
    saved(store, found(f"{path}.png", contents[path]))


def links_change(store: Store, what: str, image_id: int) -> None:
    with store.reading() as tx:
        originals = [e for e in image_use.answered_without_file(tx) if e.image.id != image_id]
        copies = saved_again.copies(tx, range(1, 20))
    if what == "unlink" and copies:
        unlinked(store, min(copies))
    elif what == "link" and originals:
        linked(store, image_id, originals[0].image.id)


def expected(tx: Transaction) -> dict[tuple[int, int], PairLabel]:
    """Return the labels by a plain reading of all answers."""
    originals = dict(
        tuple(row)
        for row in tx.execute(sa.select(image.c.id, image.c.same_as))
        if row.same_as is not None
    )
    used = {i.id for i in images.every(tx) if i.in_use}
    query = (
        sa.select(answer, operation.c.annotator_id, annotator.c.reviewer)
        .join(operation, operation.c.id == answer.c.operation_id)
        .join(annotator, annotator.c.id == operation.c.annotator_id)
        .where(operation.c.cancelled.is_(False), answer.c.late.is_(False))
    )
    said: dict[tuple[int, int], list[Judgement]] = defaultdict(list)
    for row in tx.execute(query):
        judgement = Judgement(
            row.id, row.annotator_id, STATE_OF[row.state], SOURCE_OF[row.source], row.reviewer
        )
        said[originals.get(row.image_id, row.image_id), row.category_id].append(judgement)
    labels = {pair: winning_label(*pair, each) for pair, each in said.items() if pair[0] in used}
    return {pair: each for pair, each in labels.items() if each.answer_id is not None}


@settings(deadline=None, max_examples=60)
@given(steps)
def test_labels_and_counters_follow_whatever_becomes_of_the_files(
    empty_database: Path, desk_of: Any, taken: list[Step]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{shutil.copy(empty_database, Path(folder) / 'labels.db')}")
        desk, contents, number = desk_of(store), {1: 1, 2: 2, 3: 3}, 0
        for step in taken:
            do(desk, step, contents)
            with store.writing() as tx:
                kept = tx.execute(sa.select(sa.func.count()).select_from(answer)).scalar_one()
                rows = answers.labels_of(tx, range(1, 20)).values()
                labels = {(x.image_id, x.category_id): x for each in rows for x in each}
                told = {
                    pair: (x.state, x.answer_id, x.conflict, x.source) for pair, x in labels.items()
                }
                assert told == {
                    pair: (x.state, x.answer_id, x.conflict, x.source)
                    for pair, x in expected(tx).items()
                }
                assert answers.recompute(tx) + answers.recount(tx) == []
                assert kept >= number
                number = kept
            in_use(store)
        store.close()
