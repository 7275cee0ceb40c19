from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from annotator.domain import OperationKind, Source, State
from annotator.errors import AnnotatorError
from annotator.store import Store, answers, categories, images

PRESENT, ABSENT, UNSURE, CLEARED = State.PRESENT, State.ABSENT, State.UNSURE, State.CLEARED
CAT, DOG, BIRD, FISH = 1, 2, 3, 4


def history(desk: Any, image: int = 1, category: int = CAT) -> list[answers.AnswerRecord]:
    with desk.store.reading() as tx:
        return answers.history(tx, image, category)


def counts(desk: Any, after_operation: int = 0) -> answers.AnswerCounts:
    with desk.store.reading() as tx:
        return answers.answer_counts(tx, after_operation=after_operation)


def test_an_answer_becomes_the_label_with_its_author_source_and_shown_score(desk: Any) -> None:
    receipt = desk.say("ann", (1, CAT, PRESENT), source=Source.ACCEPTED, score=0.9312)

    label = desk.label(1, CAT)
    assert receipt.labels == (label,)
    assert (label.state, label.source, label.score) == (PRESENT, Source.ACCEPTED, 0.9312)
    assert label.annotator_id == desk.people["ann"]
    assert label.conflict is False


def test_a_pair_that_nobody_answered_has_no_label_row(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    with desk.store.reading() as tx:
        found = answers.labels_of(tx, [1, 2, 999])

    assert {i: [x.category_id for x in rows] for i, rows in found.items()} == {1: [CAT]}


def test_labels_of_more_images_than_one_query_takes_are_all_found(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), (3, DOG, ABSENT), kind=OperationKind.PAGE)

    with desk.store.reading() as tx:
        found = answers.labels_of(tx, [1, *range(1000, 2200), 3])

    assert sorted(found) == [1, 3]


def test_a_retry_with_the_same_client_id_does_nothing_twice(desk: Any) -> None:
    operation = desk.operation("ann", (1, CAT, PRESENT), (1, DOG, ABSENT))
    first = desk.record(operation)

    again = desk.record(operation)

    assert (first.repeated, again.repeated) == (False, True)
    assert again.operation_id == first.operation_id
    assert again.labels == first.labels
    assert len(history(desk)) == 1


def test_a_retry_tells_how_the_pair_stands_now_and_not_how_it_stood_then(desk: Any) -> None:
    operation = desk.operation("ann", (1, CAT, PRESENT))
    desk.record(operation)
    desk.say("ann", (1, CAT, ABSENT))

    again = desk.record(operation)

    assert [x.state for x in again.labels] == [ABSENT]


def test_a_client_id_of_another_annotator_is_refused(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), op="mine")
    stolen = desk.operation("bob", (1, DOG, PRESENT), op="mine")

    with pytest.raises(AnnotatorError, match="under another name"):
        desk.record(stolen)

    assert desk.states() == {CAT: PRESENT}


def test_one_operation_may_name_a_pair_twice_and_its_last_word_counts(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), (1, CAT, ABSENT), kind=OperationKind.PAGE)

    assert desk.states() == {CAT: ABSENT}


def test_a_late_answer_is_kept_and_flagged_and_not_applied(desk: Any) -> None:
    looked_early = desk.operation("bob", (1, CAT, ABSENT), (1, DOG, ABSENT))
    desk.say("ann", (1, CAT, PRESENT))

    receipt = desk.record(looked_early)

    assert receipt.late == ((1, CAT),)
    assert desk.states() == {CAT: PRESENT, DOG: ABSENT}
    assert [(a.annotator, a.late) for a in history(desk)] == [("ann", False), ("bob", True)]


def test_a_retry_of_a_late_answer_says_again_that_it_was_late(desk: Any) -> None:
    looked_early = desk.operation("bob", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, PRESENT))
    desk.record(looked_early)

    assert desk.record(looked_early).late == ((1, CAT),)


def test_a_pair_named_twice_by_a_late_operation_is_late_once(desk: Any) -> None:
    twice = desk.operation("bob", (1, CAT, ABSENT), (1, CAT, PRESENT), kind=OperationKind.PAGE)
    desk.say("ann", (1, CAT, PRESENT))

    receipts = desk.record(twice), desk.record(twice)

    assert [r.late for r in receipts] == [((1, CAT),), ((1, CAT),)]


def test_the_same_persons_answer_from_another_tab_may_be_late_too(desk: Any) -> None:
    other_tab = desk.operation("ann", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, PRESENT))

    assert desk.record(other_tab).late == ((1, CAT),)
    assert desk.states() == {CAT: PRESENT}


def test_an_answer_to_a_label_that_was_cleared_meanwhile_is_late(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    looked_early = desk.operation("bob", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, CLEARED))

    assert desk.record(looked_early).late == ((1, CAT),)


def test_a_key_pressed_before_the_first_was_acknowledged_is_applied(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), op="first")

    receipt = desk.say("ann", (1, CAT, ABSENT), seen=None, after="first")

    assert receipt.late == ()
    assert desk.states() == {CAT: ABSENT}


def test_a_key_that_waits_for_an_unknown_operation_is_judged_by_what_was_seen(desk: Any) -> None:
    fits = desk.operation("ann", (1, CAT, PRESENT), seen=None, after="lost")
    late = desk.operation("ann", (1, DOG, PRESENT), seen=77, after="lost")

    assert desk.record(fits).late == ()
    assert desk.record(late).late == ((1, DOG),)


def test_a_waiting_key_is_late_if_somebody_else_came_between(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), op="first")
    desk.say("bob", (1, CAT, PRESENT))

    receipt = desk.say("ann", (1, CAT, ABSENT), seen=None, after="first")

    assert receipt.late == ((1, CAT),)


def test_a_waiting_key_is_late_if_the_first_was_undone_from_another_tab(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), op="first")
    desk.undo("ann")

    receipt = desk.say("ann", (1, CAT, ABSENT), seen=None, after="first")

    assert receipt.late == ((1, CAT),)


def test_a_waiting_key_is_late_if_the_one_before_it_was_late(desk: Any) -> None:
    first = desk.operation("ann", (1, CAT, PRESENT), op="first")
    desk.say("bob", (1, CAT, PRESENT))
    desk.record(first)

    receipt = desk.say("ann", (1, CAT, ABSENT), seen=None, after="first")

    assert receipt.late == ((1, CAT),)
    assert desk.states() == {CAT: PRESENT}


def test_an_import_is_never_late(desk: Any) -> None:
    desk.say("ann", (1, CAT, CLEARED))
    desk.bring_in("bob", (1, CAT, ABSENT))

    receipt = desk.bring_in("ann", (1, CAT, ABSENT))

    assert receipt.late == ()
    assert [a.late for a in history(desk)] == [False, False, False]


def test_people_who_differ_put_the_pair_in_conflict_and_both_answers_are_kept(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    desk.say("bob", (1, CAT, ABSENT))

    label = desk.label(1, CAT)
    assert (label.state, label.conflict) == (None, True)
    assert [a.state for a in history(desk)] == [PRESENT, ABSENT]


def test_a_conflict_ends_when_one_of_them_gives_way(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("bob", (1, CAT, ABSENT))

    desk.say("ann", (1, CAT, ABSENT))

    assert desk.states() == {CAT: ABSENT}
    assert desk.label(1, CAT).conflict is False


def test_a_reviewer_settles_a_conflict(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("bob", (1, CAT, ABSENT))

    desk.say("chief", (1, CAT, PRESENT))

    assert desk.states() == {CAT: PRESENT}


def test_an_answer_after_a_review_is_kept_and_changes_nothing(desk: Any) -> None:
    desk.say("chief", (1, CAT, PRESENT))

    receipt = desk.say("ann", (1, CAT, ABSENT))

    assert receipt.late == ()
    assert desk.states() == {CAT: PRESENT}


def test_an_answer_from_the_review_page_counts_as_a_review_whoever_gave_it(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    desk.say("bob", (1, CAT, ABSENT), source=Source.REVIEW)

    assert desk.states() == {CAT: ABSENT}


def test_a_person_comes_before_an_imported_file_and_no_conflict_arises(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    desk.bring_in("bob", (1, CAT, ABSENT))

    label = desk.label(1, CAT)
    assert (label.state, label.source, label.conflict) == (PRESENT, Source.HUMAN, False)


def test_withdrawing_an_answer_brings_the_imported_one_back(desk: Any) -> None:
    desk.bring_in("ann", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, PRESENT))

    desk.say("ann", (1, CAT, CLEARED))

    assert desk.label(1, CAT).source is Source.IMPORTED
    assert desk.states() == {CAT: ABSENT}


def test_a_newer_import_in_the_same_name_replaces_the_older(desk: Any) -> None:
    desk.bring_in("ann", (1, CAT, ABSENT))

    desk.bring_in("ann", (1, CAT, PRESENT))

    assert desk.states() == {CAT: PRESENT}


@pytest.mark.parametrize("word", [UNSURE, CLEARED])
def test_unsure_and_cleared_withdraw_the_earlier_answer(desk: Any, word: State) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    receipt = desk.say("ann", (1, CAT, word))

    assert [x.answer_id for x in receipt.labels] == [None]
    assert desk.label(1, CAT).answer_id is None


def test_unsure_withdraws_ones_own_answer_only(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    desk.say("bob", (1, CAT, UNSURE))

    assert desk.states() == {CAT: PRESENT}


def test_unsure_is_remembered_for_the_person_who_said_it_until_they_know(desk: Any) -> None:
    desk.say("ann", (1, CAT, UNSURE), (1, DOG, UNSURE), (2, CAT, UNSURE))
    desk.say("bob", (1, BIRD, UNSURE))
    desk.say("ann", (1, DOG, PRESENT))

    with desk.store.reading() as tx:
        ann = answers.unsure_of(tx, desk.people["ann"], [1, 2, 3])
        bob = answers.unsure_of(tx, desk.people["bob"], [1, 2, 3])

    assert ann == {1: [CAT], 2: [CAT]}
    assert bob == {1: [BIRD]}


def test_a_file_that_came_in_meanwhile_makes_nobody_late(desk: Any) -> None:
    looked_early = desk.operation("bob", (1, CAT, ABSENT))
    desk.bring_in("ann", (1, CAT, PRESENT))

    receipt = desk.record(looked_early)

    assert receipt.late == ()
    assert receipt.labels[0].state is ABSENT


def test_history_tells_everything_that_was_said_oldest_first(desk: Any) -> None:
    looked_early = desk.operation("bob", (1, CAT, ABSENT))
    desk.bring_in("bob", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, PRESENT), source=Source.REJECTED)
    desk.record(looked_early)
    desk.undo("ann")

    told = history(desk)

    assert [(a.annotator, a.state, a.source, a.late, a.cancelled) for a in told] == [
        ("bob", ABSENT, Source.IMPORTED, False, False),
        ("ann", PRESENT, Source.REJECTED, False, True),
        ("bob", ABSENT, Source.HUMAN, True, False),
    ]
    assert [a.answer_id for a in told] == sorted(a.answer_id for a in told)
    assert all(a.at.tzinfo is not None for a in told)


def test_policy_counts_leave_out_sweeps_withdrawals_late_and_undone_answers(desk: Any) -> None:
    looked_early = desk.operation("bob", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("ann", (1, DOG, ABSENT))
    desk.say("ann", (1, BIRD, ABSENT), source=Source.SWEPT, kind=OperationKind.SWEEP)
    desk.say("ann", (2, CAT, UNSURE))
    desk.record(looked_early)
    desk.say("bob", (3, CAT, PRESENT))
    desk.undo("bob")

    found = counts(desk)

    assert (found.answers, found.present) == (2, 1)


def test_policy_counts_start_after_an_operation(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    middle = counts(desk).last_operation
    desk.say("ann", (1, DOG, PRESENT))
    last = desk.say("ann", (1, BIRD, ABSENT)).operation_id

    found = counts(desk, after_operation=middle)

    assert (found.answers, found.present, found.last_operation) == (2, 1, last)


def test_policy_counts_of_an_empty_project_are_zero(desk: Any) -> None:
    assert counts(desk) == answers.AnswerCounts(answers=0, present=0, last_operation=0)


def test_the_label_table_speaks_in_ordinals_and_flags_conflicts(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("ann", (3, FISH, ABSENT), source=Source.SWEPT, kind=OperationKind.SWEEP)
    desk.say("ann", (2, DOG, PRESENT))
    desk.say("bob", (2, DOG, ABSENT))

    with desk.store.reading() as tx:
        table = answers.label_table(tx)

    order = np.argsort(table.image)
    assert table.image[order].tolist() == [0, 1, 2]
    assert table.category[order].tolist() == [0, 1, 3]
    assert table.present[order].tolist()[::2] == [True, False]
    assert table.conflict[order].tolist() == [False, True, False]
    sources = [list(Source)[code] for code in table.source[order]]
    assert sources == [Source.HUMAN, Source.HUMAN, Source.SWEPT]
    kinds = [a.dtype for a in (table.image, table.category, table.present, table.source)]
    assert kinds == [np.int32, np.int32, np.bool_, np.int8]


def test_the_label_table_of_an_empty_project_has_no_rows(store: Store) -> None:
    with store.reading() as tx:
        table = answers.label_table(tx)

    assert [len(a) for a in (table.image, table.present, table.source, table.conflict)] == [0] * 4


def test_counters_follow_every_change_of_a_label(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT), (2, CAT, PRESENT), (1, DOG, ABSENT), kind=OperationKind.PAGE)
    desk.say("bob", (2, CAT, ABSENT))
    desk.say("ann", (1, DOG, UNSURE))

    with desk.store.reading() as tx:
        cat, dog, *_ = categories.every(tx)
        known = [i.known_count for i in images.every(tx)]

    assert (cat.present_count, cat.absent_count) == (1, 0)
    assert (dog.present_count, dog.absent_count) == (0, 0)
    assert known == [1, 0, 0]


def test_an_operation_over_very_many_categories_leaves_the_others_as_they_are(desk: Any) -> None:
    with desk.store.writing() as tx:
        more = categories.add(tx, [categories.NewCategory(f"kind {n}") for n in range(20)])
    ids = [c.id for c in more]
    desk.say("ann", (1, CAT, PRESENT), (1, ids[0], PRESENT))

    swept = desk.say(
        "bob", *((1, c, ABSENT) for c in ids), source=Source.SWEPT, kind=OperationKind.SWEEP
    )

    assert [x.conflict for x in swept.labels] == [True] + [False] * 19
    assert desk.states() == {CAT: PRESENT, ids[0]: None, **dict.fromkeys(ids[1:], ABSENT)}
    desk.undo("bob")
    assert desk.states() == {CAT: PRESENT, ids[0]: PRESENT}
