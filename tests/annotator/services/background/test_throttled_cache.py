from __future__ import annotations

import threading
from typing import Any

import pytest

from annotator.errors import NotReady
from annotator.services.background.throttled_cache import (
    AT_ONCE,
    QUICK,
    REST,
    Counted,
    ThrottledCache,
)

LARGE = AT_ONCE + 1


class Counter:
    """Counts how often it counts, and lets time pass meanwhile."""

    def __init__(self, takes: float) -> None:
        self.now, self.takes, self.times = 100.0, takes, 0

    def clock(self) -> float:
        return self.now

    def __call__(self) -> dict[str, Any]:
        self.now += self.takes
        self.times += 1
        return {"times": self.times}


@pytest.mark.parametrize("takes", [QUICK / 2, 4.0])
def test_while_nothing_changes_nothing_is_counted(takes: float) -> None:
    counter = Counter(takes)
    cache = ThrottledCache[dict[str, Any]](counter.clock)

    found = [cache.get("same", counter) for _ in range(3)]

    assert found == [{"times": 1}] * 3


def test_what_is_counted_quickly_is_never_outdated() -> None:
    counter = Counter(QUICK / 2)
    cache = ThrottledCache[dict[str, Any]](counter.clock)

    assert [cache.get(n, counter)["times"] for n in range(3)] == [1, 2, 3]


def test_what_takes_long_is_counted_anew_after_a_rest() -> None:
    counter = Counter(4.0)
    cache = ThrottledCache[dict[str, Any]](counter.clock)
    cache.get("one", counter)

    counter.now += 4.0 * REST - 1
    outdated = cache.get("two", counter)
    counter.now += 1
    anew = cache.get("two", counter)

    assert (outdated, anew) == ({"times": 1}, {"times": 2})


def test_nobody_waits_for_a_long_count_and_the_old_figure_stands_meanwhile() -> None:
    cache, may_end = ThrottledCache[dict[str, int]](head_start=0), threading.Event()

    def slowly(figure: int) -> dict[str, Any]:
        may_end.wait()
        return {"figure": figure}

    first = cache.latest("one", lambda: slowly(1), pairs=LARGE)
    again = cache.latest("one", lambda: slowly(2), pairs=LARGE)
    may_end.set()
    cache.task.settle()
    there = cache.latest("one", lambda: slowly(3), pairs=LARGE)
    may_end.clear()
    changed = cache.latest("two", lambda: slowly(4), pairs=LARGE)
    may_end.set()
    cache.task.settle()

    assert first == again == Counted(None, 0, outdated=True)
    assert there == Counted({"figure": 1}, 1, outdated=False)
    assert changed == Counted({"figure": 1}, 1, outdated=True)
    assert cache.latest("two", lambda: slowly(5), pairs=LARGE).figures == {"figure": 4}


def test_in_a_small_project_the_figure_is_there_at_once() -> None:
    found = ThrottledCache[dict[str, int]]().latest("one", lambda: {"figure": 1}, pairs=AT_ONCE)

    assert found == Counted({"figure": 1}, 1, outdated=False)


def test_why_a_count_in_a_thread_failed_is_said_once_and_it_is_tried_again() -> None:
    cache, may_end = ThrottledCache[dict[str, int]](head_start=0), threading.Event()

    def fail() -> dict[str, Any]:
        may_end.wait()
        raise NotReady("It is not ready.")

    cache.latest("same", fail, pairs=LARGE)
    may_end.set()
    cache.task.settle()
    with pytest.raises(NotReady, match="not ready"):
        cache.latest("same", lambda: {"figure": 1}, pairs=LARGE)
    cache.task.settle()

    assert cache.latest("same", fail, pairs=LARGE).figures == {"figure": 1}


def test_a_count_that_fails_is_tried_again() -> None:
    counter = Counter(1.0)
    cache = ThrottledCache[dict[str, Any]](counter.clock)

    def fail() -> dict[str, Any]:
        raise NotReady

    with pytest.raises(NotReady):
        cache.get("same", fail)

    assert cache.get("same", counter) == {"times": 1}
