"""Annotators, leases, visits, values and kept annotations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain import State
from annotator.errors import AnnotatorError
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    images,
    imported_annotations,
    key_values,
    leases,
    visits,
)
from annotator.store.imported_annotations import ImportedAnnotation
from annotator.store.moment import Moment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def look(tx: Transaction, name: str, who: int, image: int, shown: list[int]) -> None:
    visits.record(tx, name, who, image, shown, NOW, at(5))


def test_an_annotator_is_found_again_in_any_case_and_keeps_the_first_spelling(
    store: Store,
) -> None:
    with store.writing() as tx:
        first = annotators.named(tx, " Zoë ", NOW)
        again = annotators.named(tx, "ZOË", NOW)
        other = annotators.named(tx, "bob", NOW)

    assert (first.name, first.reviewer) == ("Zoë", False)
    assert again == first
    with store.reading() as tx:
        assert annotators.every(tx) == [first, other]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_name_that_is_empty_or_too_long_is_refused(store: Store, name: str) -> None:
    with pytest.raises(AnnotatorError, match="has 1 to 80 characters"), store.writing() as tx:
        annotators.named(tx, name, NOW)


def test_a_person_is_the_same_however_many_blanks_are_in_the_name(store: Store) -> None:
    with store.writing() as tx:
        first = annotators.named(tx, "Ann  Lee", NOW)
        again = annotators.named(tx, " Ann Lee", NOW)
        annotators.rename(tx, first.id, "Ann \t Li")
        renamed = annotators.named(tx, "Ann Li", NOW)

    assert first.name == "Ann Lee"
    assert again == first
    assert (renamed.id, renamed.name) == (first.id, "Ann Li")


def test_somebody_who_had_two_blanks_in_the_name_before_the_rule_keeps_it(store: Store) -> None:
    with store.writing() as tx:
        person = annotators.named(tx, "Ann", NOW)
        tx.exec_driver_sql("update annotator set name = 'Ann  Lee', folded = 'ann  lee'")
        found = annotators.named(tx, "Ann  Lee", NOW)

    assert (found.id, found.name) == (person.id, "Ann  Lee")


def test_a_lease_keeps_an_image_from_others_until_it_expires(store: Store) -> None:
    with store.writing() as tx:
        mine = leases.take(tx, "image", [3, 1, 2], "tab one", NOW, 60)
        theirs = leases.take(tx, "image", [1, 4], "tab two", at(59), 60)
        later = leases.take(tx, "image", [2, 1], "tab two", at(60), 60)

    assert (mine, theirs, later) == ([3, 1, 2], [4], [2, 1])


def test_a_lease_can_be_taken_again_by_its_holder_and_lasts_longer_then(store: Store) -> None:
    with store.writing() as tx:
        leases.take(tx, "image", [1], "tab one", NOW, 60)
        again = leases.take(tx, "image", [1, 1], "tab one", at(30), 60)

        assert again == [1]
        assert leases.held(tx, "image", at(89)) == {1}
        assert leases.held(tx, "image", at(90)) == set()


def test_held_tells_what_others_hold_of_one_kind(store: Store) -> None:
    with store.writing() as tx:
        leases.take(tx, "image", [1, 2], "tab one", NOW, 60)
        leases.take(tx, "image", [3], "tab two", NOW, 60)
        leases.take(tx, "page", [4], "tab two", NOW, 60)

        assert leases.held(tx, "image", NOW) == {1, 2, 3}
        assert leases.held(tx, "image", NOW, by_others_than="tab one") == {3}


def test_leases_that_have_expired_are_cleared_away_when_others_are_taken(store: Store) -> None:
    with store.writing() as tx:
        leases.take(tx, "image", [1, 2], "tab one", NOW, 60)
        leases.take(tx, "page", [1], "tab one", NOW, 60)
        leases.take(tx, "image", [3], "tab two", at(60), 60)

        assert leases.held(tx, "image", NOW) == {3}
        assert leases.held(tx, "page", NOW) == {1}


def test_leases_of_all_kinds_are_given_back_and_only_ones_own(store: Store) -> None:
    with store.writing() as tx:
        leases.take(tx, "image", [1, 2, 3], "tab one", NOW, 60)
        leases.take(tx, "grid:7", [1], "tab one", NOW, 60)
        leases.take(tx, "image", [4], "tab two", NOW, 60)

        leases.release(tx, "tab one")

        assert leases.held(tx, "image", NOW) == {4}
        assert leases.held(tx, "grid:7", NOW) == set()


def test_a_visit_keeps_which_categories_were_drawn(desk: Any) -> None:
    ann = desk.people["ann"]
    with desk.store.writing() as tx:
        look(tx, "v1", ann, 1, [0, 7, 8, 199])
        look(tx, "v2", ann, 1, [])
        look(tx, "v3", ann, 2, [3])

    with desk.store.reading() as tx:
        assert visits.shown(tx, 1) == [{0, 7, 8, 199}, set()]
        assert visits.visited(tx) == {1, 2}
        assert visits.visited_of(tx, [2, 3]) == {2}


def test_what_was_drawn_and_never_answered_was_left_unmarked(desk: Any) -> None:
    ann = desk.people["ann"]
    with desk.store.writing() as tx:
        look(tx, "first", ann, 1, [0, 1])
        look(tx, "again", ann, 1, [1, 2])
        look(tx, "other", ann, 3, [0])
    desk.say("ann", (1, 2, State.PRESENT), (3, 1, State.UNSURE), (2, 1, State.ABSENT))

    with desk.store.reading() as tx:
        rows, columns = visits.left_unmarked(tx)

    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (0, 2)]


def test_without_a_visit_nothing_was_left_unmarked(desk: Any) -> None:
    with desk.store.reading() as tx:
        rows, columns = visits.left_unmarked(tx)

    assert rows.shape == columns.shape == (0,)


def test_a_visit_sent_twice_is_one_visit(desk: Any) -> None:
    with desk.store.writing() as tx:
        look(tx, "v1", desk.people["ann"], 1, [2])
        look(tx, "v1", desk.people["ann"], 1, [2])

        assert visits.shown(tx, 1) == [{2}]


def test_the_last_images_are_ones_own_each_once_and_the_newest_at_the_end(desk: Any) -> None:
    ann, bob = desk.people["ann"], desk.people["bob"]
    with desk.store.writing() as tx:
        for number, (who, image) in enumerate([(ann, 1), (ann, 2), (bob, 3), (ann, 1)]):
            look(tx, f"v{number}", who, image, [])

        assert visits.last_images(tx, ann, 9) == [2, 1]
        assert visits.last_images(tx, ann, 1) == [1]
        assert visits.last_images(tx, bob, 9) == [3]


@pytest.mark.parametrize("value", [None, 0, "text", [1, {"a": None}], {"ü": 1.5}])
def test_a_value_comes_back_as_it_was_put(store: Store, value: object) -> None:
    with store.writing() as tx:
        key_values.put(tx, "key", "older")
        key_values.put(tx, "key", value)

        assert key_values.get(tx, "key") == value
        assert key_values.get(tx, "other") is None


def test_kept_annotations_of_a_path_and_category_are_replaced_by_newer_ones(desk: Any) -> None:
    first = [
        ImportedAnnotation(1, 1, 10, {"bbox": [0, 0, 1, 1]}),
        ImportedAnnotation(1, 1, 11, {"bbox": [0, 0, 2, 2]}),
        ImportedAnnotation(1, 2, 12, {}),
        ImportedAnnotation(2, 1, None, {"iscrowd": 1}),
    ]
    newer = [ImportedAnnotation(1, 1, 13, {"bbox": [5, 5, 1, 1]})]
    with desk.store.writing() as tx:
        imported_annotations.add(tx, first)

        assert imported_annotations.add(tx, newer) == 1
        assert imported_annotations.of_paths(tx) == [*first[2:], *newer]


def test_importing_the_same_annotations_again_keeps_them_once(desk: Any) -> None:
    boxes = [ImportedAnnotation(p, c, p * 10 + c, {}) for p in (1, 2, 3) for c in (1, 2)]
    with desk.store.writing() as tx:
        imported_annotations.add(tx, boxes)

        imported_annotations.add(tx, boxes)

        assert imported_annotations.of_paths(tx) == boxes


def test_appointing_a_reviewer_takes_effect_when_labels_are_recomputed(desk: Any) -> None:
    desk.say("ann", (1, 1, State.PRESENT))
    desk.say("bob", (1, 1, State.ABSENT))

    with desk.store.writing() as tx:
        annotators.set_reviewer(tx, desk.people["bob"], True)
        said = answers.recompute(tx)

    assert said == ["Image 1, category 1: the label was unknown, the answers say absent."]
    assert desk.label(1, 1).state is State.ABSENT
    with desk.store.reading() as tx:
        assert images.get(tx, 1).known_count == 1


@given(when=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones()))
def test_a_time_is_read_as_it_was_written_from_the_first_day_to_the_last(when: datetime) -> None:
    kept = Moment().process_bind_param(when, None)  # type: ignore[arg-type]

    assert Moment().process_result_value(kept, None) == when.astimezone(UTC)  # type: ignore[arg-type]


@given(kept=st.integers(-(2**63), 2**63 - 1))
def test_a_time_that_no_calendar_has_is_read_as_the_nearest_that_one_has(kept: int) -> None:
    read = Moment().process_result_value(kept, None)  # type: ignore[arg-type]

    assert read is not None
    assert read.tzinfo is UTC
