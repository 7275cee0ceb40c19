"""How far images are: done, partly known or untouched, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotator.services.app import Services
from annotator.settings import changed
from annotator.store import categories
from annotator.wire.recording import BackRequest

CAT, DOG, BIRD = 1, 2, 3
EVERY = (CAT, DOG, BIRD)

Answer = Callable[..., None]


def mark(services: Services, image: int, who: str = "Ann") -> tuple[str, bool]:
    (row,) = services.image_marks.of(who, [image])
    assert row["image"] == image
    return row["standing"], row["mine"]


@pytest.mark.parametrize(
    ("states", "standing"),
    [
        ((), "untouched"),
        (("present",), "partly"),
        (("absent", "absent"), "partly"),
        (("unsure",), "partly"),
        (("present", "absent", "absent"), "done"),
        (("present", "absent", "unsure"), "done"),
    ],
)
def test_an_image_is_done_when_nothing_of_it_is_open(
    states: tuple[str, ...], standing: str, services: Services, answer: Answer
) -> None:
    if states:
        answer("a", *((1, c, s) for c, s in zip(EVERY, states, strict=False)))

    assert mark(services, 1) == (standing, bool(states))
    assert mark(services, 2) == ("untouched", False)


def test_what_others_said_is_known_but_nobody_elses_work(
    services: Services, answer: Answer
) -> None:
    answer("a", *((1, c, "absent") for c in EVERY), who="Ann")
    answer("b", (2, CAT, "present"), who="Bob")
    answer("c", (2, DOG, "unsure"), (3, DOG, "unsure"), who="Ann")

    assert [mark(services, image, "Ann") for image in (1, 2, 3)] == [
        ("done", True), ("partly", True), ("partly", True),
    ]  # fmt: skip
    assert [mark(services, image, "Bob") for image in (1, 2, 3)] == [
        ("done", False), ("partly", True), ("untouched", False),
    ]  # fmt: skip
    assert mark(services, 2, "Cy") == ("partly", False)


def test_an_answer_that_is_taken_back_leaves_no_mark(services: Services, answer: Answer) -> None:
    answer("a", (1, CAT, "present"))
    services.recording.undo("Ann", BackRequest(op="b"))

    assert mark(services, 1) == ("untouched", False)


def test_only_categories_in_use_count(services: Services, answer: Answer) -> None:
    answer("a", (1, CAT, "present"), (1, DOG, "absent"), (2, BIRD, "present"))

    with services.store.writing() as tx:
        categories.archive(tx, BIRD, True)

    assert mark(services, 1) == ("done", True)
    assert mark(services, 2) == ("untouched", False)


def test_what_follows_from_an_answer_or_is_filled_in_is_not_open(
    services: Services, answer: Answer, fill_in: Callable[..., Any]
) -> None:
    settings = services.project.settings
    services.project.settings = changed(settings, {"hierarchy": {"dog": ["cat"]}})
    answer("a", (1, CAT, "absent"))  # and therefore no dog
    assert mark(services, 1) == ("partly", True)

    fill_in(absent=[(0, 2), (1, 0), (1, 1), (1, 2)])

    assert mark(services, 1) == ("done", True)
    assert mark(services, 2) == ("done", False)


def test_images_that_are_not_there_are_left_out(services: Services) -> None:
    assert services.image_marks.of("Ann", [99]) == []
