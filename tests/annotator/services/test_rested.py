from __future__ import annotations

from typing import Any

import pytest

from annotator.errors import NotReady
from annotator.services.rested import QUICK, REST, Rested


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
    rested = Rested(counter.clock)

    found = [rested.get("same", counter) for _ in range(3)]

    assert found == [{"times": 1}] * 3


def test_what_is_counted_quickly_is_never_behind() -> None:
    counter = Counter(QUICK / 2)
    rested = Rested(counter.clock)

    assert [rested.get(n, counter)["times"] for n in range(3)] == [1, 2, 3]


def test_what_takes_long_is_counted_anew_after_a_rest() -> None:
    counter = Counter(4.0)
    rested = Rested(counter.clock)
    rested.get("one", counter)

    counter.now += 4.0 * REST - 1
    behind = rested.get("two", counter)
    counter.now += 1
    anew = rested.get("two", counter)

    assert (behind, anew) == ({"times": 1}, {"times": 2})


def test_a_count_that_fails_is_tried_again() -> None:
    counter = Counter(1.0)
    rested = Rested(counter.clock)

    def fail() -> dict[str, Any]:
        raise NotReady

    with pytest.raises(NotReady):
        rested.get("same", fail)

    assert rested.get("same", counter) == {"times": 1}
