from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from annotator.domain import Change, Operation, OperationKind, Source, State
from annotator.store import activity, answers, changes

PRESENT, ABSENT = State.PRESENT, State.ABSENT


def say(
    desk: Any,
    at: datetime,
    *said: tuple[int, int, State],
    who: str = "ann",
    ms: int | None = 2000,
    kind: OperationKind = OperationKind.ANSWER,
    expected: State | None = None,
    op: str | None = None,
) -> None:
    """Record an operation that happened, and arrived, at a moment."""
    source = Source.IMPORTED if kind is OperationKind.IMPORT else Source.HUMAN
    changes = tuple(
        Change(
            image_id=i,
            category_id=c,
            state=state,
            source=source,
            seen_answer_id=desk.label(i, c).answer_id,
            expected=expected,
        )
        for i, c, state in said
    )
    operation = Operation(
        client_id=op or f"say {next(desk.numbers)}",
        annotator_id=desk.people[who],
        kind=kind,
        changes=changes,
        happened_at=at,
        decision_ms=ms,
    )
    with desk.store.writing() as tx:
        answers.record(tx, operation, at)


@pytest.fixture
def start() -> datetime:
    return datetime.fromisoformat("2026-01-01T12:00:00+00:00")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_what_moved_since_an_operation_is_told_as_it_stands_now(desk: Any, start: datetime) -> None:
    say(desk, start, (1, 1, PRESENT), (2, 2, PRESENT))
    with desk.store.reading() as tx:
        before = activity.newest_operation(tx)
    say(desk, start, (3, 3, ABSENT))
    with desk.store.writing() as tx:
        answers.undo(tx, "u", desk.people["ann"], start)
        answers.undo(tx, "v", desk.people["ann"], start)

    with desk.store.reading() as tx:
        moved = changes.moved_since(tx, before, 10)
        too_many = changes.moved_since(tx, before, 1)

    assert moved is not None
    pairs = zip(moved.image, moved.category, moved.labelled, moved.known, strict=True)
    assert sorted(map(tuple, pairs)) == [
        (0, 0, False, False),
        (1, 1, False, False),
        (2, 2, False, False),
    ]
    assert too_many is None


def test_labels_are_told_in_parts_with_conflicts_among_them(desk: Any, start: datetime) -> None:
    say(desk, start, (1, 1, PRESENT), (2, 4, ABSENT), (3, 3, PRESENT))
    say(desk, start, (1, 1, ABSENT), who="bob")

    with desk.store.reading() as tx:
        parts = list(activity.each_label(tx, size=2))

    assert [len(p.image) for p in parts] == [2, 1]
    found = {
        (int(i), int(c)): bool(k)
        for p in parts
        for i, c, k in zip(p.image, p.category, p.known, strict=True)
    }
    assert found == {(0, 0): False, (1, 3): True, (2, 2): True}


def test_only_held_out_labels_are_told(desk: Any, start: datetime) -> None:
    say(desk, start, (1, 1, PRESENT), (2, 2, ABSENT))
    with desk.store.writing() as tx:
        tx.exec_driver_sql("update image set fold = case id when 2 then 0 else 1 end")

    with desk.store.reading() as tx:
        image, category, present = activity.held_out_labels(tx)

    assert (image.tolist(), category.tolist(), present.tolist()) == ([1], [1], [False])


def test_a_pair_counts_from_its_latest_answer_on(desk: Any, start: datetime) -> None:
    say(desk, start, (1, 1, PRESENT), (1, 2, ABSENT), kind=OperationKind.IMPORT, ms=None)
    say(desk, start + seconds(10), (2, 1, PRESENT))
    say(desk, start + seconds(20), (1, 1, ABSENT))
    say(desk, start + seconds(15), (2, 2, PRESENT))  # by a clock that was set back

    with desk.store.reading() as tx:
        grown = activity.growth(tx)

    assert grown.present[-1] == 2
    assert grown.absent[-1] == 2
    steps = dict(zip(grown.at, zip(grown.present, grown.absent, strict=True), strict=True))
    assert steps[start] == (0, 1)
    assert steps[start + seconds(10)] == (1, 1)
    assert steps[start + seconds(20)] == (2, 2)
    assert grown.at == sorted(grown.at)


def test_many_answers_are_told_in_few_moments(desk: Any, start: datetime) -> None:
    for number in range(12):
        say(desk, start + seconds(number), (1 + number % 3, 1 + number // 3, PRESENT))

    with desk.store.reading() as tx:
        grown = activity.growth(tx, steps=4)

    assert len(grown.at) <= 5
    assert grown.present[-1] == 12


def test_breaks_are_not_work(desk: Any, start: datetime) -> None:
    say(desk, start, (1, 1, PRESENT), ms=3000)
    say(desk, start + seconds(10), (1, 2, ABSENT), ms=9000)
    say(desk, start + seconds(3000), (1, 3, ABSENT), ms=500_000)  # an hour at the open page
    say(desk, start + seconds(3020), (1, 4, ABSENT), (2, 1, PRESENT), kind=OperationKind.PAGE)

    with desk.store.reading() as tx:
        (ann,) = activity.paces(tx)

    assert (ann.name, ann.decisions, ann.single_decisions) == ("ann", 4, 3)
    assert ann.active_seconds == 3 + 10 + 60 + 20
    assert ann.single_seconds == 3 + 10 + 60
    assert ann.median_seconds == pytest.approx(3.05)
    assert (ann.present, ann.absent) == (2, 3)


def test_imports_are_nobodys_work_and_what_was_taken_back_is_no_answer(
    desk: Any, start: datetime
) -> None:
    say(desk, start, (1, 1, PRESENT), who="chief", kind=OperationKind.IMPORT, ms=None)
    say(desk, start, (2, 1, PRESENT), who="bob")
    with desk.store.writing() as tx:
        answers.undo(tx, "u", desk.people["bob"], start)

    with desk.store.reading() as tx:
        people = activity.paces(tx)

    assert [(p.name, p.decisions, p.present) for p in people] == [("bob", 1, 0)]


def test_checks_are_held_against_the_labels_and_are_no_answers(desk: Any, start: datetime) -> None:
    say(desk, start, (1, 1, PRESENT), (1, 2, PRESENT), (2, 1, ABSENT), who="bob")
    say(desk, start, (1, 1, PRESENT), (1, 2, PRESENT), expected=PRESENT)
    say(desk, start, (2, 1, PRESENT), expected=ABSENT)

    with desk.store.reading() as tx:
        ann = next(pace for pace in activity.paces(tx) if pace.name == "ann")

    assert (ann.checks, ann.checks_agreed, ann.present) == (3, 2, 0)


def test_an_empty_project_has_no_activity(store: Any) -> None:
    with store.reading() as tx:
        assert activity.paces(tx) == []
        assert activity.growth(tx).at == []
        assert activity.shape(tx) == (0, 0)
        assert activity.newest_operation(tx) == 0
        assert activity.first_operation_at(tx) is None
        assert activity.visited_images(tx) == 0
