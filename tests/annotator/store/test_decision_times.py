"""How long people took: what counts as a first look, a further answer, a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from annotator.domain import OperationKind, Source, State
from annotator.store import answers
from annotator.store.decision_times import decision_times

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
PRESENT, ABSENT = State.PRESENT, State.ABSENT


def say(
    desk: Any,
    image: int,
    category: int,
    ms: int | None,
    *,
    who: str = "ann",
    state: State = PRESENT,
    source: Source = Source.HUMAN,
    kind: OperationKind = OperationKind.ANSWER,
) -> None:
    operation = desk.operation(who, (image, category, state), source=source, kind=kind, seen=None)
    with desk.store.writing() as tx:
        answers.record(tx, replace(operation, decision_ms=ms), NOW)


def test_the_first_answer_about_an_image_has_the_look_at_it(desk: Any) -> None:
    say(desk, 1, 1, 9000)  # what came before it is not known
    say(desk, 1, 2, 1000)
    say(desk, 2, 1, 4000)
    say(desk, 1, 1, 7000, who="bob")  # another person, at another image
    say(desk, 2, 2, 1500)

    with desk.store.reading() as tx:
        times = decision_times(tx)

    assert times.further.tolist() == [1.0, 1.5]
    assert times.first.tolist() == [4.0]


def test_a_category_found_by_its_name_is_timed_apart(desk: Any) -> None:
    named = OperationKind.NAMED
    say(desk, 1, 1, 1000)
    say(desk, 1, 2, 5000, kind=named)
    say(desk, 2, 1, 7000, kind=named)
    say(desk, 2, 2, 1500)

    with desk.store.reading() as tx:
        times = decision_times(tx)

    assert times.further_named.tolist() == [5.0]
    assert times.first_named.tolist() == [7.0]
    assert times.further.tolist() == [1.5]
    assert len(times.first) == 0


def test_what_has_no_time_or_was_taken_back_or_was_review_does_not_count(desk: Any) -> None:
    say(desk, 1, 1, 1000)
    say(desk, 1, 2, None)
    say(desk, 1, 3, 2000, source=Source.REVIEW)
    say(desk, 1, 4, 3000)
    with desk.store.writing() as tx:
        answers.undo(tx, "back", desk.people["ann"], NOW)

    with desk.store.reading() as tx:
        times = decision_times(tx)

    assert len(times.further) == len(times.first) == 0


def test_a_page_tells_what_was_touched_and_what_was_left(desk: Any) -> None:
    page = desk.operation(
        "ann", (1, 1, PRESENT), (2, 1, PRESENT), (3, 1, ABSENT), kind=OperationKind.PAGE, seen=None
    )
    left = tuple(replace(c, source=Source.ACCEPTED_IN_BULK) for c in page.changes[:2])
    preselected = replace(page, changes=(*left, page.changes[2]), decision_ms=6000)
    blank = desk.operation("ann", (1, 2, PRESENT), kind=OperationKind.PAGE, seen=None)
    with desk.store.writing() as tx:
        answers.record(tx, preselected, NOW)
        answers.record(tx, replace(blank, decision_ms=3000), NOW)

    with desk.store.reading() as tx:
        times = decision_times(tx)

    assert times.page.tolist() == [6.0]
    assert (times.page_touched.tolist(), times.page_left.tolist()) == ([1], [2])


def test_nothing_recorded_gives_empty_columns(desk: Any) -> None:
    with desk.store.reading() as tx:
        times = decision_times(tx)

    assert [len(column) for column in vars(times).values()] == [0] * 7
