from __future__ import annotations

from typing import Any

import pytest

from annotator.domain import FOLDS, OperationKind, State
from annotator.errors import NotFound
from annotator.store import Store, categories, images
from annotator.store.images import Added, BrokenFile, FoundImage


def file(path: str, content: str = "a", *, modified: int = 1) -> FoundImage:
    return FoundImage(path, content * 64, 40, 30, "PNG", 100, modified)


def broken(path: str) -> BrokenFile:
    return BrokenFile(path, "not an image", 7, 1)


def add(store: Store, *found: FoundImage | BrokenFile, root: str = "pictures") -> Added:
    usable = [f for f in found if isinstance(f, FoundImage)]
    bad = [f for f in found if isinstance(f, BrokenFile)]
    with store.writing() as tx:
        return images.add(tx, root, usable, bad)


def missing(store: Store) -> list[bool]:
    with store.reading() as tx:
        return [image.missing for image in images.every(tx)]


def gone(store: Store, *paths: str, root: str = "pictures") -> int:
    with store.writing() as tx:
        return images.mark_missing(tx, root, paths)


def test_each_content_becomes_one_image_with_the_next_ordinal(store: Store) -> None:
    added = add(store, file("1.png", "a"), file("2.png", "b"))
    more = add(store, file("3.png", "c"))

    with store.reading() as tx:
        found = images.every(tx)
    assert added == Added(2, 2, 0, 0, 0)
    assert more == Added(1, 1, 0, 0, 0)
    assert [(i.ordinal, i.content_hash[0]) for i in found] == [(0, "a"), (1, "b"), (2, "c")]
    assert [i.fold for i in found] == [int(c * 16, 16) % FOLDS for c in "abc"]


def test_the_same_content_at_two_paths_is_one_image(store: Store) -> None:
    added = add(store, file("1.png"), file("copy/1.png"))

    with store.reading() as tx:
        paths = images.paths_of(tx)
    assert added == Added(1, 2, 1, 0, 0)
    assert {i: [p.path for p in rows] for i, rows in paths.items()} == {1: ["1.png", "copy/1.png"]}


def test_the_same_path_under_two_roots_is_two_paths(store: Store) -> None:
    add(store, file("1.png"))

    added = add(store, file("1.png"), root="archive")

    with store.reading() as tx:
        assert [p.root for p in images.paths_of(tx, [1])[1]] == ["archive", "pictures"]
        assert images.known_files(tx, "archive") == {"1.png": (100, 1)}
    assert added == Added(0, 1, 1, 0, 0)


def test_a_copy_is_counted_although_another_file_changed_in_the_same_scan(store: Store) -> None:
    add(store, file("1.png", "a"))

    added = add(store, file("1.png", "b", modified=2), file("2.png", "a"))

    assert added == Added(new_images=1, new_paths=1, duplicate_paths=1, changed=1, broken=0)


def test_adding_the_same_files_again_changes_nothing(store: Store) -> None:
    scan = file("1.png", "a"), file("2.png", "b"), broken("3.png")
    add(store, *scan)
    with store.reading() as tx:
        before = images.every(tx), images.every_path(tx)

    again = add(store, *scan)

    assert again == Added(0, 0, 0, 0, 1)
    with store.reading() as tx:
        assert (images.every(tx), images.every_path(tx)) == before


def test_a_changed_file_is_a_new_image_and_the_old_one_is_missing(store: Store) -> None:
    add(store, file("1.png", "a"))

    added = add(store, file("1.png", "b", modified=2))

    assert added == Added(1, 0, 0, 1, 0)
    assert missing(store) == [True, False]
    with store.reading() as tx:
        assert images.known_files(tx, "pictures") == {"1.png": (100, 2)}
        assert list(images.paths_of(tx)) == [2]


def test_a_changed_file_leaves_the_old_image_there_if_another_path_holds_it(store: Store) -> None:
    add(store, file("1.png", "a"), file("copy.png", "a"))

    add(store, file("1.png", "b", modified=2))

    assert missing(store) == [False, False]


def test_a_missing_image_has_no_labels_until_its_file_is_back_with_all_its_answers(
    desk: Any,
) -> None:
    desk.say("ann", (1, 1, State.PRESENT), (2, 1, State.PRESENT), kind=OperationKind.ANSWER)

    gone(desk.store, "1.png")

    assert missing(desk.store) == [True, False, False]
    assert desk.label(1, 1).state is None
    with desk.store.reading() as tx:
        assert categories.every(tx)[0].present_count == 1
        assert images.count(tx) == 2
    add(desk.store, FoundImage("1.png", f"{1:064x}", 40, 30, "PNG", 100, 1))
    assert desk.label(1, 1).state is State.PRESENT
    with desk.store.reading() as tx:
        assert categories.every(tx)[0].present_count == 2


def test_a_file_that_is_gone_is_read_again_when_it_comes_back(store: Store) -> None:
    add(store, file("1.png", "a"), file("2.png", "b"))

    assert gone(store, "1.png", "never-seen.png") == 1

    assert missing(store) == [True, False]
    with store.reading() as tx:
        assert list(images.known_files(tx, "pictures")) == ["2.png"]
        assert list(images.paths_of(tx)) == [2]
        assert list(images.order(tx).items()) == [(1, 2)]
        assert images.ids_at(tx, [1, 0, 7]) == {1: 2}
    assert add(store, file("1.png", "a")) == Added(0, 0, 0, 0, 0)
    assert missing(store) == [False, False]


def test_a_broken_file_is_listed_with_its_reason_and_makes_no_image(store: Store) -> None:
    added = add(store, broken("1.png"))

    with store.reading() as tx:
        (listed,) = images.broken(tx)
        assert images.count(tx) == 0
        assert images.known_files(tx, "pictures") == {"1.png": (7, 1)}
    assert added == Added(0, 0, 0, 0, 1)
    assert (listed.path, listed.problem, listed.image_id) == ("1.png", "not an image", None)


def test_a_mended_file_becomes_an_image_and_is_no_longer_listed(store: Store) -> None:
    add(store, broken("1.png"))

    add(store, file("1.png", modified=2))

    assert missing(store) == [False]
    with store.reading() as tx:
        assert images.broken(tx) == []


def test_a_file_that_breaks_takes_its_image_away_until_it_is_mended(store: Store) -> None:
    add(store, file("1.png"))

    add(store, broken("1.png"))

    assert missing(store) == [True]
    add(store, file("1.png", modified=3))
    assert missing(store) == [False]
    with store.reading() as tx:
        assert images.count(tx) == 1


def test_a_broken_file_that_is_gone_is_no_longer_listed(store: Store) -> None:
    add(store, broken("1.png"))

    gone(store, "1.png")

    with store.reading() as tx:
        assert images.broken(tx) == []


def test_more_files_than_one_query_takes_are_all_added_and_marked(store: Store) -> None:
    many = [FoundImage(f"{n:05}.png", f"{n:064x}", 4, 3, "PNG", 10, n) for n in range(1300)]

    added = add(store, *many)

    assert added == Added(1300, 1300, 0, 0, 0)
    assert gone(store, *(f.path for f in many)) == 1300
    with store.reading() as tx:
        assert images.order(tx) == {}
        assert len(images.many(tx, range(1, 2000))) == 1300


def test_an_image_is_found_by_its_id_and_an_unknown_id_is_refused(store: Store) -> None:
    add(store, file("1.png"))

    with store.reading() as tx:
        image = images.get(tx, 1)
        assert images.many(tx, [1, 77]) == {1: image}
        with pytest.raises(NotFound, match="no image with id 77 in this project; reload"):
            images.get(tx, 77)
    assert (image.width, image.height, image.format, image.known_count) == (40, 30, "PNG", 0)


def test_a_path_keeps_its_coco_id_and_unknown_keys_when_its_file_changes(store: Store) -> None:
    add(store, file("1.png", "a"))
    with store.writing() as tx:
        images.set_coco(tx, [(1, 2**40, {"license": 3})])

    add(store, file("1.png", "b", modified=2))

    with store.reading() as tx:
        (path,) = images.every_path(tx)
    assert (path.coco_id, path.extra, path.image_id) == (2**40, {"license": 3}, 2)
