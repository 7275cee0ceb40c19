from __future__ import annotations

import hashlib
import itertools
from collections import Counter

import pytest

from annotator.domain import (
    FOLDS,
    HELD_OUT_FOLD,
    UNDOABLE,
    Judgement,
    OperationKind,
    PairLabel,
    Source,
    State,
    fold_of,
    merged_label,
    name_key,
    person_name,
    winning_label,
)
from annotator.errors import AnnotatorError

PRESENT, ABSENT, UNSURE, CLEARED = State.PRESENT, State.ABSENT, State.UNSURE, State.CLEARED
ANN, BOB, CHIEF = 1, 2, 3


def said(
    answer_id: int, who: int, state: State, source: Source = Source.HUMAN, *, reviewer: bool = False
) -> Judgement:
    return Judgement(answer_id, who, state, source, reviewer)


def label(*judgements: Judgement) -> PairLabel:
    return winning_label(7, 9, judgements)


def test_no_answer_is_no_label() -> None:
    assert label() == PairLabel(image_id=7, category_id=9, state=None)


@pytest.mark.parametrize("state", [PRESENT, ABSENT])
def test_one_answer_is_the_label(state: State) -> None:
    assert label(said(5, ANN, state, Source.ACCEPTED)) == PairLabel(
        image_id=7,
        category_id=9,
        state=state,
        answer_id=5,
        source=Source.ACCEPTED,
        annotator_id=ANN,
        conflict=False,
    )


def test_the_newest_answer_of_a_person_counts_in_whatever_order_they_come() -> None:
    answers = [said(1, ANN, PRESENT), said(2, ANN, ABSENT), said(3, ANN, PRESENT)]

    found = {label(*order) for order in itertools.permutations(answers)}

    assert [(x.state, x.answer_id) for x in found] == [(PRESENT, 3)]


@pytest.mark.parametrize("word", [UNSURE, CLEARED])
def test_unsure_and_cleared_withdraw_ones_own_earlier_answer(word: State) -> None:
    assert label(said(1, ANN, PRESENT), said(2, ANN, word)).answer_id is None
    assert label(said(1, ANN, PRESENT), said(2, BOB, word)).state is PRESENT
    assert label(said(1, ANN, word), said(2, ANN, PRESENT)).state is PRESENT


def test_people_who_agree_make_a_label_and_the_newest_of_them_is_named() -> None:
    found = label(said(1, ANN, PRESENT), said(2, BOB, PRESENT))

    assert (found.state, found.annotator_id, found.conflict) == (PRESENT, BOB, False)


def test_people_who_differ_leave_the_pair_unknown_and_in_conflict() -> None:
    found = label(said(1, ANN, PRESENT), said(2, BOB, ABSENT))

    assert (found.state, found.conflict, found.answer_id) == (None, True, 2)


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_reviewer_comes_before_everybody_else(newest_first: bool) -> None:
    order = (3, 1, 2) if newest_first else (1, 2, 3)

    found = label(
        said(order[0], CHIEF, ABSENT, reviewer=True),
        said(order[1], ANN, PRESENT),
        said(order[2], BOB, PRESENT),
    )

    assert (found.state, found.annotator_id, found.conflict) == (ABSENT, CHIEF, False)


def test_an_answer_from_the_review_page_is_a_review() -> None:
    found = label(said(1, ANN, ABSENT, Source.REVIEW), said(2, BOB, PRESENT))

    assert (found.state, found.source) == (ABSENT, Source.REVIEW)


def test_reviewers_who_differ_are_in_conflict_whatever_the_others_say() -> None:
    found = label(
        said(1, CHIEF, ABSENT, reviewer=True),
        said(2, BOB, PRESENT, Source.REVIEW),
        said(3, ANN, PRESENT),
    )

    assert (found.state, found.conflict) == (None, True)


def test_a_reviewer_who_is_unsure_leaves_it_to_the_others() -> None:
    found = label(
        said(1, ANN, PRESENT),
        said(2, CHIEF, ABSENT, reviewer=True),
        said(3, CHIEF, UNSURE, reviewer=True),
    )

    assert found.state is PRESENT


def test_an_imported_label_counts_until_a_person_answers() -> None:
    imported = said(2, BOB, ABSENT, Source.IMPORTED)

    assert label(imported).state is ABSENT
    assert label(said(1, ANN, PRESENT), imported).state is PRESENT


def test_a_persons_own_import_is_not_their_answer() -> None:
    answers = (said(1, ANN, ABSENT, Source.IMPORTED), said(2, ANN, PRESENT), said(3, ANN, CLEARED))

    assert label(*answers[:2]).state is PRESENT
    assert label(*answers).state is ABSENT


def test_two_files_that_differ_are_in_conflict() -> None:
    found = label(said(1, ANN, PRESENT, Source.IMPORTED), said(2, BOB, ABSENT, Source.IMPORTED))

    assert (found.state, found.conflict) == (None, True)


def test_the_fold_depends_on_the_content_alone_and_folds_are_of_one_size() -> None:
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(5000)]

    folds = Counter(map(fold_of, hashes))

    assert sorted(folds) == list(range(FOLDS))
    assert HELD_OUT_FOLD in folds
    assert max(folds.values()) < 1.25 * min(folds.values())
    assert [fold_of(h) for h in hashes[:3]] == [int(h[:16], 16) % 10 for h in hashes[:3]]


def test_undo_takes_back_what_a_person_did_and_neither_imports_nor_itself() -> None:
    never = {OperationKind.IMPORT, OperationKind.UNDO, OperationKind.REDO}

    assert set(OperationKind) - UNDOABLE == never


@pytest.mark.parametrize(
    ("own", "merged", "expected"),
    [
        ("present", ["absent"], "present"),
        ("absent", ["present"], "present"),
        ("absent", ["absent"], "absent"),
        ("absent", ["unknown"], "unknown"),
        ("unknown", ["absent", "absent"], "unknown"),
        ("absent", ["absent", "conflict"], "conflict"),
        ("conflict", ["unknown"], "conflict"),
        ("conflict", ["present"], "present"),
        ("present", [], "present"),
    ],
)
def test_merged_labels_are_a_three_valued_or(own: str, merged: list[str], expected: str) -> None:
    found = merged_label(labelled(1, own, 10), [labelled(2, x, 5) for x in merged])

    assert (found.category_id, step(found)) == (1, expected)
    assert (found.answer_id is None) == (expected == "unknown")


def test_of_merged_labels_that_agree_the_newest_answer_decides() -> None:
    older, newer = labelled(1, "present", 3), labelled(2, "present", 7)

    assert merged_label(older, [newer]).answer_id == 7
    assert merged_label(newer, [older]).answer_id == 7
    assert merged_label(older, [newer]).category_id == 1


def labelled(category_id: int, what: str, answer_id: int) -> PairLabel:
    if what == "unknown":
        return PairLabel(image_id=1, category_id=category_id, state=None)
    return PairLabel(
        image_id=1,
        category_id=category_id,
        state=None if what == "conflict" else State(what),
        answer_id=answer_id,
        source=Source.HUMAN,
        annotator_id=1,
        conflict=what == "conflict",
    )


def step(label: PairLabel) -> str:
    if label.state is not None:
        return label.state.value
    return "conflict" if label.conflict else "unknown"


@pytest.mark.parametrize(
    "other", ["Caf\u00e9", "Cafe\u0301", "CAF\u00c9", "CAFE\u0301", " caf\u00e9\t"]
)
def test_a_name_is_the_same_in_any_case_encoding_and_between_blanks(other: str) -> None:
    assert name_key(other) == name_key("caf\u00e9")


@pytest.mark.parametrize("name", ["Zo\u00eb", "\u0645\u06cc\u200c\u0646\u0627", "a" * 80])
def test_a_name_in_any_script_is_kept(name: str) -> None:
    assert person_name(f"  {name} ") == name


@pytest.mark.parametrize("name", ["", " \t", "a" * 81, "a\x00b", "a\u202eb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(AnnotatorError, match="A person's name has"):
        person_name(name)


def test_names_that_differ_in_a_letter_or_an_accent_are_two() -> None:
    assert len({name_key(name) for name in ("Cafe", "Caf\u00e9", "Caff\u00e9", "Ca fe")}) == 4
    assert name_key("Stra\u00dfe") == name_key("STRASSE")
