"""Who asks for a picture gets it next; what comes later is prepared meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from annotator.errors import ImageError
from annotator.services.catalogue.resizing import MOST_AHEAD, Reducer

PATIENCE = 10


class Workshop:
    """Makes pictures when the test lets it, and remembers which and by whom."""

    def __init__(self) -> None:
        self.made: list[tuple[int, int]] = []
        self.in_hand: Counter[int] = Counter()
        self.most_at_once = 0
        self.held: set[int] = set()
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()

    def __call__(self, image_id: int, width: int) -> Path:
        self.made.append((image_id, width))
        self.in_hand[image_id] += 1
        self.most_at_once = max(self.most_at_once, self.in_hand[image_id])
        self.begun.release()
        if image_id in self.held:
            assert self.let_go.wait(PATIENCE)
        self.in_hand[image_id] -= 1
        if image_id == 13:
            raise ImageError("is damaged")
        return Path(f"{width}/{image_id}")


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def reducer(workshop: Workshop) -> Iterator[Reducer]:
    made = Reducer(workshop, threads=2)
    yield made
    workshop.let_go.set()
    made.close()


def wait_until(reached: Callable[[], bool]) -> None:
    for _ in range(1000 * PATIENCE):
        if reached():
            return
        threading.Event().wait(0.001)
    pytest.fail("it never came")


def test_whoever_asks_gets_the_file_or_the_reason(reducer: Reducer) -> None:
    assert reducer.get(1, 256) == Path("256/1")
    with pytest.raises(ImageError, match="is damaged"):
        reducer.get(13, 256)


@pytest.mark.parametrize("prepared", [[], [1]], ids=["asked", "prepared"])
def test_several_who_ask_at_once_get_one_picture(
    reducer: Reducer, workshop: Workshop, prepared: list[int]
) -> None:
    workshop.held = {1}
    reducer.prepare(prepared, 256)
    asking = threading.Barrier(4)

    def ask() -> Path:
        asking.wait(PATIENCE)
        return reducer.get(1, 256)

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask) for _ in range(3)]
        asking.wait(PATIENCE)
        assert workshop.begun.acquire(timeout=PATIENCE)
        threading.Event().wait(0.05)  # for the others to arrive; that one is late fails nothing
        workshop.let_go.set()
        found = {future.result(PATIENCE) for future in waiting}

    assert found == {Path("256/1")}
    assert workshop.most_at_once == 1


def test_nobody_stands_behind_what_is_only_prepared(reducer: Reducer, workshop: Workshop) -> None:
    workshop.held = {1}
    reducer.prepare([1, 2, 3], 1280)
    assert workshop.begun.acquire(timeout=PATIENCE)

    asked = reducer.get(3, 1280)

    assert asked == Path("1280/3")
    assert workshop.made == [(1, 1280), (3, 1280)]
    workshop.let_go.set()
    wait_until(lambda: len(workshop.made) == 3)
    assert workshop.made[-1] == (2, 1280)  # and not the third again


def test_what_cannot_be_prepared_stops_nothing_and_is_said_to_who_asks(
    reducer: Reducer, workshop: Workshop
) -> None:
    reducer.prepare([13, 2], 1280)

    wait_until(lambda: (2, 1280) in workshop.made)
    with pytest.raises(ImageError, match="is damaged"):
        reducer.get(13, 1280)


def test_the_list_of_what_is_prepared_has_an_end(reducer: Reducer, workshop: Workshop) -> None:
    workshop.held = {1}
    reducer.prepare(range(1, 2 * MOST_AHEAD), 256)
    reducer.prepare(range(1, 2 * MOST_AHEAD), 256)

    workshop.let_go.set()
    wait_until(lambda: len(workshop.made) == MOST_AHEAD)
    reducer.close()

    assert [image for image, _ in workshop.made] == list(range(1, MOST_AHEAD + 1))


def test_closing_forgets_what_was_only_to_be_prepared(workshop: Workshop) -> None:
    reducer = Reducer(workshop, threads=1)
    workshop.held = {1}
    reducer.prepare([1, 2, 3], 256)
    assert workshop.begun.acquire(timeout=PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(reducer.close)
        wait_until(lambda: refuses(reducer))
        workshop.let_go.set()
        closing.result(PATIENCE)

    assert workshop.made == [(1, 256)]


def refuses(reducer: Reducer) -> bool:
    try:
        reducer.prepare([4], 256)
    except RuntimeError:
        return True
    return False
