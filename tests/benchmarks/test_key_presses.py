"""How keys and seconds of a session are counted."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from annotator.services.app import Services
from annotator.services.project.creation import create_project

NAMES = ["cat", "catfish", "dog", "hot dog", "house", "tree"]
LETTERS = {1: 3, 2: 4, 3: 1, 4: 3, 5: 2, 6: 1}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import key_presses

    return key_presses


@pytest.mark.parametrize(
    ("name", "count"),
    [("cat", 1), ("catfish", 4), ("dog", 1), ("hot dog", 1), ("house", 3), ("tree", 1)],
)
def test_as_few_letters_are_typed_as_tell_a_name_from_those_before_it(
    keys: ModuleType, name: str, count: int
) -> None:
    assert keys.letters_for(name, NAMES) == count


def test_a_name_that_no_letters_single_out_costs_an_arrow_key(keys: ModuleType) -> None:
    assert keys.letters_for("cat", ["catfish", "cat"]) == 4


def test_a_likely_name_takes_a_digit_or_one_letter_and_initials_take_two(keys: ModuleType) -> None:
    shown = {"ask": [1], "likely": [1, *range(11, 18), 3]}
    names = {1: "cat", 3: "dog", 4: "hot dog", 2: "door"} | {n: f"x{n}" for n in range(11, 18)}

    letters = keys.letters_here(
        shown, {1: 3, 2: 1, 3: 3, 4: 3} | dict.fromkeys(range(11, 18), 2), names
    )

    assert {n: letters[n] for n in (2, 3, 4, 11)} == {2: 2, 3: 1, 4: 2, 11: 0}


def item(suggested: list[int], ranked: list[int] | None = None) -> dict[str, list[int]]:
    return {"ask": [1, 2, 3, 4], "suggested": suggested, "ranked": ranked or []}


@pytest.mark.parametrize(
    ("suggested", "present", "count", "before"),
    [
        ([], [], 1, 1),
        ([1], [1], 1, 1 + 1),
        ([1, 2, 3], [1, 2, 3], 1, 1 + 1),
        ([1, 2, 3, 4], [1, 2, 3], 1 + 1, 1 + 1 + 1),
        ([1, 2, 3, 4], [1, 2], 2 + 1, 2 + 1),
        ([1, 2, 3, 4], [], 2 + 1, 1),  # X takes the rest, and again what is marked
        ([1, 2, 3], [1, 2, 3, 4], 1 + 1, 1 + 1 + 1),
        ([], [5], (1 + 2 + 1) + 1, 1 + (2 + 1) + 1 + 1),
        ([], [5, 6], (1 + 2 + 1) + (1 + 1 + 1) + 1, 1 + (2 + 1) + (1 + 1) + 1 + 1),
    ],
    ids=[
        *("nothing", "one", "all right", "one wrong", "two wrong", "all wrong", "one missed"),
        *("not listed", "two not listed"),
    ],
)
def test_an_image_takes_the_fewest_keys_and_answers_every_category(
    keys: ModuleType, suggested: list[int], present: list[int], count: int, before: int
) -> None:
    work = keys.label_image(item(suggested), present, LETTERS, keys.Seconds())
    old = keys.label_image_accepting(item(suggested), present, LETTERS, keys.Seconds())

    assert (work.keys, work.pairs) == (count, len(LETTERS))
    assert (old.keys, old.pairs) == (before, len(LETTERS))


def test_what_is_only_ranked_is_not_accepted_with_the_others(keys: ModuleType) -> None:
    shown = item([1, 2, 3], ranked=[1, 2])

    there = keys.label_image(shown, [1, 2, 3], LETTERS, keys.Seconds())
    not_there = keys.label_image(shown, [3], LETTERS, keys.Seconds())

    assert (there.keys, there.pairs) == (2 + 1, len(LETTERS))
    assert (not_there.keys, not_there.pairs) == (1, len(LETTERS))


def test_digits_pay_where_what_is_present_has_one(keys: ModuleType) -> None:
    both = keys.Digits(10, 2, 3) + keys.Digits(10, 3, 3)

    assert str(both) == ("digits: 5 of 20 present (25%), with them 5 of 6 present pairs (83%)")


def test_seconds_add_up(keys: ModuleType) -> None:
    cost = keys.Seconds(decision=1, glance=10, corrected=100, typed=1000, switch=10_000)

    accepted = keys.label_image_accepting(item([1, 2, 3]), [1, 2, 3, 5], LETTERS, cost)
    at_once = keys.label_image(item([1, 2, 3]), [1, 2, 3, 5], LETTERS, cost)
    ticked = keys.tick_image([1, 5], LETTERS, cost, rest_absent=False)
    page = keys.grid_page([keys.GridItem("present", True), keys.GridItem("present", False)], cost)

    assert accepted.seconds == (1 + 3 * 10) + 1000 + (1 + 10_000)
    assert at_once.seconds == 3 * 10 + 1000 + (1 + 10_000)
    assert ticked.seconds == 2 * 1000 + 10_000
    assert page.seconds == 10_000 + 2 * 10 + 100


def test_ticking_answers_what_is_there_unless_the_rest_is_absent(keys: ModuleType) -> None:
    some = keys.tick_image([1, 5], LETTERS, keys.Seconds(), rest_absent=False)
    all_of_it = keys.tick_image([1, 5], LETTERS, keys.Seconds(), rest_absent=True)

    assert (some.keys, some.pairs) == (3 + 1 + 2 + 1 + 1, 2)
    assert (all_of_it.keys, all_of_it.pairs) == (8, 6)


def grid(keys: ModuleType, guesses: str, truth: str) -> list[object]:
    """Return items of `+` present, `-` absent and, among the guesses, `.` none."""
    names = {"+": "present", "-": "absent", ".": None}
    return [keys.GridItem(names[g], t == "+") for g, t in zip(guesses, truth, strict=True)]


@pytest.mark.parametrize(
    ("guesses", "truth", "count"),
    [
        ("++++", "++++", 1),
        ("++++", "-+++", 1 + 1),
        ("++++", "+++-", 2 + 1),  # the code of its row and place
        ("++++", "---+", 1 + 2 + 1),  # all absent, then the code of one
        ("." * 10, "-" * 10, 1 + 1),
        ("." * 10, "+" + "-" * 9, 1 + 1 + 1),
        ("+" * 10, "+" * 9 + "-", 2 + 1),
    ],
    ids=["right", "first", "last", "mostly wrong", "no guess", "one found", "a row below"],
)
def test_a_grid_takes_the_way_to_what_is_wrong_and_enter(
    keys: ModuleType, guesses: str, truth: str, count: int
) -> None:
    assert keys.grid_keys(grid(keys, guesses, truth)) == count


def test_the_services_say_what_is_listed(keys: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (40, 30)).save(folder / "0.png")
    names = [f"{letter} thing" for letter in "abcdefghijkl"]
    services = Services.open(create_project(tmp_path / "p", folder, names=names).project.path)
    replay = keys.Replay(services, [1], {1: {1, 12}}, dict.fromkeys(range(1, 13), 1))

    work = list(replay.label(keys.Seconds()))

    services.close()
    assert [w.keys for w in work] == [1 + (1 + 1 + 1) + 1]  # digit, name, next image
    assert str(replay.digits()).startswith("digits: 1 of 10 present (10%)")


def test_the_pages_of_a_category_go_through_the_images_that_are_open(
    keys: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(50):
        Image.new("RGB", (40 + number, 30)).save(folder / f"{number}.png")
    services = Services.open(create_project(tmp_path / "p", folder, names=["cat"]).project.path)
    images = list(range(1, 51))
    replay = keys.Replay(services, images, {n: {1} if n == 45 else set() for n in images}, {1: 1})

    ((first, second),) = replay.pages(keys.Seconds())

    services.close()
    assert (first[0].keys, first[0].pairs, first[1]) == (1 + 1, 40, False)
    assert (second[0].keys, second[0].pairs, second[1]) == (1 + 2 + 1, 10, True)
