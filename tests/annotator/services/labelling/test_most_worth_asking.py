"""The ten digits go to what is likely there, and two of them at most to what is looked for."""

from __future__ import annotations

import pytest

from annotator.domain import Category
from annotator.services.knowledge.suggestions import NOTHING, ImageSuggestions
from annotator.services.labelling.most_worth_asking import asked_by, chances_of, most_worth_asking

LOOKED_AT = 200


def known(ordinal: int, present: int, absent: int | None = None) -> Category:
    counts = {"present_count": present, "absent_count": LOOKED_AT - present}
    counts |= {} if absent is None else {"absent_count": absent}
    return Category(id=ordinal + 1, ordinal=ordinal, name=f"c{ordinal}", **counts)


def opinion(bars: dict[int, float], ranked: tuple[int, ...] = ()) -> ImageSuggestions:
    return ImageSuggestions(bars, frozenset(ranked), frozenset())


def asked(every: list[Category], said: ImageSuggestions) -> list[int]:
    return [c.ordinal for c in most_worth_asking(every, said, chances_of(every, said))]


def test_a_rare_category_at_the_top_of_its_ranking_is_less_likely_than_an_even_chance() -> None:
    every = [known(0, 2), known(1, 100)]

    chances = chances_of(every, opinion({0: 1.0, 1: 0.5}, ranked=(0,)))

    share, density = 2.5 / 205, 0.2 + 0.8 * 8
    assert chances[1] == pytest.approx(density * share / (density * share + 1 - share))
    assert chances[1] < 0.1
    assert chances[2] == 0.5


def test_a_frequent_category_in_the_middle_of_its_ranking_is_less_likely_than_at_its_top() -> None:
    every = [known(0, 60)]

    middle, top = (chances_of(every, opinion({0: at}, ranked=(0,)))[1] for at in (0.5, 1.0))

    assert middle < 60 / LOOKED_AT < top


def test_what_is_found_often_keeps_its_digit_on_an_image_unlike_the_others() -> None:
    often = [known(n, 60) for n in range(10)]
    once = [known(10 + n, 1) for n in range(5)]
    places = {n: 0.1 for n in range(10)} | {10 + n: 0.89 for n in range(5)}

    ten = asked(often + once, opinion(places, ranked=tuple(range(15))))

    assert ten == list(range(10))


def test_what_is_likely_comes_first_and_a_ranking_does_not_crowd_it_out() -> None:
    every = [known(n, 1) for n in range(12)] + [known(12 + n, 80) for n in range(10)]
    bars = {n: 0.99 for n in range(12)} | {12 + n: 0.5 - n / 50 for n in range(10)}

    ten = asked(every, opinion(bars, ranked=tuple(range(12))))

    assert ten[:8] == list(range(12, 20))
    assert len([n for n in ten if n < 12]) == 2


def test_only_rare_categories_that_the_image_is_much_like_are_looked_for() -> None:
    likely = [known(n, 80) for n in range(10)]
    bars = {n: 0.9 - n / 100 for n in range(10)}
    others = {10: 0.95, 11: 0.8, 12: 0.99}

    def ten(*more: Category) -> list[int]:
        return asked([*likely, *more], opinion(bars | others, ranked=(10, 11, 12)))

    assert ten(known(10, 3)) == [*range(9), 10]
    assert ten(known(11, 3)) == list(range(10))  # others are as much like it
    assert ten(known(12, 30)) == list(range(10))  # found often enough
    assert ten(known(10, 3), known(12, 3)) == [*range(8), 12, 10]


def test_before_any_answer_the_order_is_that_of_the_project() -> None:
    every = [known(n, 0, 0) for n in (5, 3, 9, 1)]

    assert asked(every, NOTHING) == [5, 3, 9, 1]
    assert asked_by(None, every, NOTHING) == "order"


@pytest.mark.parametrize(
    ("version", "bars", "present", "says"),
    [
        (3, {0: 0.5}, 4, "version"),
        (None, {0: 0.5}, 4, "likeness"),
        (None, {}, 4, "counts"),
        (3, {}, 4, "counts"),  # an image that is newer than the version
        (None, {}, 0, "order"),
    ],
)
def test_the_page_can_say_what_the_ten_were_chosen_by(
    version: int | None, bars: dict[int, float], present: int, says: str
) -> None:
    assert asked_by(version, [known(0, present)], opinion(bars)) == says


def test_categories_that_are_answered_leave_their_digits_to_others() -> None:
    every = [known(n, 50) for n in range(12)]
    said = opinion({n: 0.9 - n / 100 for n in range(12)})

    assert [c.ordinal for c in most_worth_asking(every[2:], said, chances_of(every, said))] == list(
        range(2, 12)
    )
