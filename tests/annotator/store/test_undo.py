from __future__ import annotations

from typing import Any

import pytest

from annotator.domain import OperationKind, Source, State
from annotator.errors import AnnotatorError

PRESENT, ABSENT = State.PRESENT, State.ABSENT
CAT, DOG, BIRD, FISH = 1, 2, 3, 4


def test_undo_takes_back_the_newest_answer_and_the_one_before_it_stands_again(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("ann", (1, CAT, ABSENT))

    receipt = desk.undo("ann")

    assert [x.state for x in receipt.labels] == [PRESENT]
    assert desk.states() == {CAT: PRESENT}


def test_undo_of_an_accept_all_restores_every_pair(desk: Any) -> None:
    desk.say("ann", (1, CAT, ABSENT))
    bulk, kind = Source.ACCEPTED_IN_BULK, OperationKind.ACCEPT_ALL
    desk.say("ann", *((1, c, PRESENT) for c in (CAT, DOG, BIRD, FISH)), source=bulk, kind=kind)

    receipt = desk.undo("ann")

    assert {x.category_id: x.state for x in receipt.labels} == {
        CAT: ABSENT,
        DOG: None,
        BIRD: None,
        FISH: None,
    }
    assert desk.states() == {CAT: ABSENT}


@pytest.mark.parametrize("kind", [OperationKind.SWEEP, OperationKind.PAGE])
def test_a_sweep_and_a_page_are_each_taken_back_as_one(desk: Any, kind: OperationKind) -> None:
    desk.say("ann", (3, CAT, PRESENT))
    desk.say("ann", (1, DOG, ABSENT), (2, DOG, ABSENT), kind=kind)

    receipt = desk.undo("ann")

    assert [(x.image_id, x.state) for x in receipt.labels] == [(1, None), (2, None)]
    assert desk.states(3) == {CAT: PRESENT}


def test_undo_goes_back_step_by_step_and_then_says_there_is_nothing(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("ann", (1, DOG, PRESENT))

    touched = [desk.undo("ann").labels[0].category_id for _ in range(2)]

    assert touched == [DOG, CAT]
    assert desk.undo("ann") is None


def test_undo_leaves_the_work_of_others_alone(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("bob", (1, DOG, PRESENT))

    desk.undo("ann")

    assert desk.states() == {DOG: PRESENT}
    assert desk.undo("ann") is None


def test_an_import_is_not_undone(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.bring_in("ann", (1, DOG, PRESENT))

    desk.undo("ann")

    assert desk.states() == {DOG: PRESENT}
    assert desk.undo("ann") is None


def test_redo_brings_back_what_undo_took_in_the_same_order(desk: Any) -> None:
    for category in (CAT, DOG, BIRD):
        desk.say("ann", (1, category, PRESENT))
    for _ in range(3):
        desk.undo("ann")

    touched = [desk.redo("ann").labels[0].category_id for _ in range(3)]

    assert touched == [CAT, DOG, BIRD]
    assert desk.states() == {CAT: PRESENT, DOG: PRESENT, BIRD: PRESENT}
    assert desk.redo("ann") is None


def test_redo_without_an_undo_is_nothing(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    assert desk.redo("ann") is None


def test_a_new_operation_empties_redo(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.undo("ann")
    desk.say("ann", (1, DOG, PRESENT))

    assert desk.redo("ann") is None
    assert desk.states() == {DOG: PRESENT}


def test_what_was_emptied_from_redo_does_not_come_back_by_a_later_undo(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.undo("ann")
    desk.say("ann", (1, DOG, PRESENT))
    desk.undo("ann")

    touched = desk.redo("ann").labels[0].category_id

    assert touched == DOG
    assert desk.redo("ann") is None


def test_the_work_of_others_does_not_empty_redo(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.undo("ann")
    desk.say("bob", (1, DOG, PRESENT))

    desk.redo("ann")

    assert desk.states() == {CAT: PRESENT, DOG: PRESENT}


def test_a_redone_operation_can_be_undone_and_redone_again(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))

    for _ in range(3):
        desk.undo("ann")
        assert desk.label(1, CAT).state is None
        desk.redo("ann")
        assert desk.label(1, CAT).state is PRESENT


def test_a_retry_of_undo_takes_nothing_else_back(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("ann", (1, DOG, PRESENT))
    first = desk.undo("ann", "back")

    again = desk.undo("ann", "back")

    assert (first.repeated, again.repeated) == (False, True)
    assert again.labels == first.labels
    assert desk.states() == {CAT: PRESENT}


def test_a_retry_of_redo_brings_nothing_else_back(desk: Any) -> None:
    for category in (CAT, DOG):
        desk.say("ann", (1, category, PRESENT))
    for _ in range(2):
        desk.undo("ann")
    desk.redo("ann", "forth")

    again = desk.redo("ann", "forth")

    assert again.repeated is True
    assert desk.states() == {CAT: PRESENT}


@pytest.mark.parametrize("which", ["undo", "redo"])
def test_an_undo_under_the_client_id_of_another_annotator_is_refused(desk: Any, which: str) -> None:
    desk.say("ann", (1, CAT, PRESENT), op="mine")

    with pytest.raises(AnnotatorError, match="under another name"):
        getattr(desk, which)("bob", "mine")


def test_undo_of_a_late_answer_changes_no_label(desk: Any) -> None:
    looked_early = desk.operation("bob", (1, CAT, ABSENT))
    desk.say("ann", (1, CAT, PRESENT))
    desk.record(looked_early)

    receipt = desk.undo("bob")

    assert [x.state for x in receipt.labels] == [PRESENT]
    assert desk.states() == {CAT: PRESENT}


def test_undo_ends_a_conflict_and_redo_brings_it_back(desk: Any) -> None:
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("bob", (1, CAT, ABSENT))

    desk.undo("bob")

    assert desk.label(1, CAT).state is PRESENT
    desk.redo("bob")
    assert desk.label(1, CAT).conflict is True
