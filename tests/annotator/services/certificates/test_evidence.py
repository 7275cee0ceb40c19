from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from annotator.arrays.certificates import FillBits
from annotator.domain import State
from annotator.services.certificates.evidence import Look, counted, looks, smallest
from annotator.store.certificates import Drawn

P, A, U = State.PRESENT, State.ABSENT, State.UNSURE
AT = datetime(2026, 1, 1, tzinfo=UTC)


def look(zone: str, *states: State, position: int = 0) -> Look:
    return Look(zone, position, (1, 1), states, waits=not states, last=None)


@pytest.mark.parametrize(
    ("zone", "states", "needs_look", "present", "said"),
    [
        ("absent", (A,), False, False, A),
        ("absent", (P,), True, True, None),
        ("absent", (P, P), False, True, P),
        ("absent", (P, A), True, True, None),
        ("absent", (P, A, A), False, False, A),
        ("absent", (P, A, P), False, True, P),
        ("absent", (P, U), False, True, None),
        ("absent", (U,), False, True, None),
        ("middle", (P,), True, False, None),
        ("middle", (P, P), False, True, P),
        ("middle", (U,), False, False, None),
        ("present", (P,), False, True, P),
        ("present", (A,), True, False, None),
        ("present", (A, P), True, False, None),
        ("present", (A, P, P), False, True, P),
        ("present", (U,), False, False, None),
    ],
)
def test_surprises_are_settled_by_a_majority_and_count_against_the_fill_until_then(
    zone: str, states: tuple[State, ...], needs_look: bool, present: bool, said: State | None
) -> None:
    one = look(zone, *states)

    assert (one.needs_look, one.present, one.said) == (needs_look, present, said)


def test_each_zone_counts_up_to_its_first_unanswered_pair() -> None:
    found = [
        look("absent", A, position=0),
        look("absent", position=1),
        look("absent", A, position=2),
        look("present", P, position=0),
        look("present", P, position=1),
    ]

    kept = [(x.zone, x.position) for x in counted(found)]

    assert kept == [("present", 0), ("present", 1), ("absent", 0)]


def test_further_looks_belong_to_the_pair_they_are_about() -> None:
    def drawn(number: int, purpose: str, state: State | None) -> Drawn:
        place: dict[str, Any] = {"zone": "absent", "position": 4, "image_id": 7, "category_id": 9}
        answered_at = None if state is None else AT
        return Drawn(id=number, purpose=purpose, state=state, answered_at=answered_at, **place)

    (one,) = looks([drawn(1, "bound", P), drawn(5, "again", A), drawn(8, "again", None)])

    assert (one.states, one.pair, one.waits, one.last) == ((P, A), (7, 9), True, AT)


def test_the_smallest_p_value_of_all_looks_is_kept() -> None:
    assert smallest({"a": 0.5, "b": 0.1}, {"a": 0.2, "c": 0.9}) == {"a": 0.2, "b": 0.1, "c": 0.9}


def test_two_bits_a_pair_say_what_is_filled_in() -> None:
    bits = FillBits.empty(5, 19)

    bits.mark(0, np.array([1, 1, 4], np.int32), np.array([0, 18, 9], np.int32))
    bits.mark(1, np.array([1], np.int32), np.array([8], np.int32))

    assert bits.row(1) == ([0, 18], [8])
    assert bits.row(99) == ([], [])
    assert (bits.has(4, 9), bits.has(4, 8), bits.has(9, 9), bits.has(1, 40)) == (
        True,
        False,
        False,
        False,
    )
    assert bits.rows(1, 3).sum(axis=(1, 2)).tolist() == [2, 1]
