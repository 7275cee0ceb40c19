"""Ids that follow from what they are for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotator.formats.coco_ids import FIRST, whole_image_id

IDS = st.integers(-5, 2**20) | st.integers(-(2**63), 2**63 - 1)
PAIRS = st.tuples(IDS, IDS)


@given(st.lists(PAIRS, unique=True, max_size=30), st.sets(st.integers(FIRST, FIRST + 2**45)))
def test_every_pair_has_a_number_of_its_own_that_json_can_hold(
    pairs: list[tuple[int, int]], others: set[int]
) -> None:
    taken = set(others)
    numbers = [whole_image_id(*pair, taken) for pair in pairs]

    assert len(set(numbers)) == len(numbers)
    assert others.isdisjoint(numbers)
    assert all(FIRST <= number < 2**53 for number in numbers)


@given(PAIRS, st.lists(PAIRS, max_size=5))
def test_a_number_does_not_depend_on_the_pairs_beside_it(
    pair: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    taken: set[int] = set()
    for other in others:
        if other != pair:
            whole_image_id(*other, taken)

    assert whole_image_id(*pair, taken) == whole_image_id(*pair, set())


def test_a_number_that_an_imported_annotation_has_is_left_to_it() -> None:
    number = whole_image_id(7, 3, set())

    assert whole_image_id(7, 3, {number}) not in {number}
