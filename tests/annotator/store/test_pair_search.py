"""Looking pairs up in a store of 100,000 labels: what is asked again and again uses an index."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from annotator.domain import State
from annotator.store import Store, Transaction, activity, answers, changes, flags, pair_search
from annotator.store.pair_search import CONFLICT, PRESENT, keys_of, pair_of
from annotator.store.tables import annotator, answer, category, image, image_path, label, operation

IMAGES, CATEGORIES, EACH = 2000, 100, 50
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def fill(tx: Transaction) -> None:
    """Write one answer and label for every other category of each image."""
    names = [f"category {c}" for c in range(1, CATEGORIES + 1)]
    rows = [{"ordinal": i, "name": n, "folded": n, "extra": {}} for i, n in enumerate(names)]
    tx.execute(sa.insert(category), rows)
    pictures = [
        {"ordinal": i, "content_hash": f"{i:064x}", "fold": 1}
        | {"width": 1, "height": 1, "format": "PNG"}
        for i in range(IMAGES)
    ]
    tx.execute(sa.insert(image), pictures)
    paths = [{"image_id": i + 1, "root": "r", "path": f"{i}.png"} for i in range(IMAGES)]
    tx.execute(sa.insert(image_path), paths)
    person = {"name": "ann", "folded": "ann", "created_at": NOW}
    tx.execute(sa.insert(annotator), [person, person | {"name": "bob", "folded": "bob"}])
    done = {"kind": "answer", "happened_at": NOW, "recorded_at": NOW}
    acts = [done | {"client_id": f"{i}", "annotator_id": 1 + i % 2} for i in range(IMAGES)]
    tx.execute(sa.insert(operation), acts)
    said = [
        {"operation_id": i + 1, "image_id": i + 1, "category_id": 1 + 2 * c, "state": c % 2}
        | {"source": c % 5}
        for i in range(IMAGES)
        for c in range(EACH)
    ]
    tx.execute(sa.insert(answer), said)
    labels = [
        {k: row[k] for k in ("image_id", "category_id", "state", "source")} | {"answer_id": n}
        for n, row in enumerate(said, start=1)
    ]
    tx.execute(sa.insert(label), labels)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store of 100,000 labels."""
    file: Path = tmp_path_factory.mktemp("big") / "labels.db"
    store = Store.create(f"sqlite:///{file}")
    with store.writing() as tx:
        fill(tx)
    yield store
    store.close()


def plan_of(tx: Transaction, act: Callable[[], Any]) -> list[str]:
    """Return how SQLite runs every query of an act."""
    asked: list[tuple[str, Any]] = []

    def hear(*about: Any) -> None:
        _, _, statement, values, *_ = about
        asked.append((statement, values))

    sa.event.listen(tx, "before_cursor_execute", hear)
    try:
        act()
    finally:
        sa.event.remove(tx, "before_cursor_execute", hear)
    return [
        row[3]
        for statement, values in asked
        for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    ]


@pytest.mark.parametrize(
    "act",
    [
        lambda tx: changes.touched_since(tx, IMAGES - 10, 5000),
        lambda tx: changes.moved_since(tx, IMAGES - 10, 5000),
        lambda tx: pair_search.some(tx, [(7, 1), (7, 2), (1900, 99)]),
        lambda tx: pair_search.opinions(tx, [(i, 1) for i in range(1, 61)]),
        lambda tx: pair_search.undone_at(tx, list(range(1, 61))),
        lambda tx: answers.history(tx, 7, 1),
        lambda tx: flags.of_images(tx, range(1, 61)),
        changes.moment,
    ],
    ids=["touched", "moved", "some", "opinions", "undone", "history", "flags", "moment"],
)
def test_what_every_page_asks_reads_no_whole_table(big: Store, act: Callable[..., Any]) -> None:
    with big.reading() as tx:
        plan = plan_of(tx, lambda: act(tx))

    assert plan
    large = ("answer", "label", "operation", "image", "image_path")
    assert [line for line in plan if line.split()[:2] in [["SCAN", t] for t in large]] == []


def test_all_pairs_come_in_the_order_of_their_keys(big: Store) -> None:
    with big.reading() as tx:
        rows = pair_search.every(tx)

    assert len(rows.key) == IMAGES * EACH
    assert (rows.key[1:] > rows.key[:-1]).all()
    place = rows.key.tolist().index(keys_of([(1001, 7)])[0])
    assert pair_of(rows.key[place]) == (1001, 7)
    assert (rows.state[place], rows.source[place], rows.annotator[place]) == (PRESENT, 3, 1)


def test_too_many_new_answers_are_not_looked_up_one_by_one(big: Store) -> None:
    with big.reading() as tx:
        few, many = changes.touched_since(tx, IMAGES - 2, 100), changes.touched_since(tx, 0, 100)

    assert few is not None
    assert {i for i, _ in few} >= {IMAGES - 1, IMAGES}
    assert many is None


def test_some_pairs_are_the_same_rows_as_among_all(big: Store) -> None:
    chance = random.Random(3)
    pairs = {(chance.randint(1, IMAGES), chance.randint(1, CATEGORIES)) for _ in range(300)}

    with big.reading() as tx:
        every, some = pair_search.every(tx), pair_search.some(tx, pairs)

    wanted = set(keys_of(pairs).tolist())
    assert some.key.tolist() == [key for key in every.key.tolist() if key in wanted]


def test_the_undone_answer_touches_its_pair_again(desk: Any) -> None:
    desk.say("ann", (1, 2, State.PRESENT))
    with desk.store.reading() as tx:
        before = activity.newest_operation(tx)
    desk.undo("ann")

    with desk.store.reading() as tx:
        touched = changes.touched_since(tx, before, 100)
        rows = pair_search.some(tx, [(1, 2)])

    assert touched == {(1, 2)}
    assert len(rows.key) == 0


def test_names_are_found_in_any_case_and_signs_are_no_wildcards(desk: Any) -> None:
    with desk.store.reading() as tx:
        found = [pair_search.images_named(tx, text).tolist() for text in ("2.PNG", "%", "png")]

    assert found == [[2], [], [1, 2, 3]]


def test_a_conflict_lists_both_people(desk: Any) -> None:
    desk.say("ann", (1, 2, State.PRESENT))
    desk.say("bob", (1, 2, State.ABSENT))

    with desk.store.reading() as tx:
        rows = pair_search.every(tx)
        (said,) = pair_search.opinions(tx, [(1, 2)]).values()

    assert rows.state.tolist() == [CONFLICT]
    assert [j.annotator_id for j in said] == [desk.people["ann"], desk.people["bob"]]
