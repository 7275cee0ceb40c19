"""The cached table of labels: what it counts, when it is made anew, and that nobody waits long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from annotator.errors import StoreUnavailable
from annotator.services.app import Services
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels, KnownLabelsCache
from annotator.wire.recording import SaveRequest

CAT, DOG, BIRD = 1, 2, 3
PATIENT = 30.0


def say(services: Services, op: str, image: int, **states: str) -> None:
    ids = {"cat": CAT, "dog": DOG, "bird": BIRD}
    changes = [{"category": ids[name], "state": state} for name, state in states.items()]
    data = {"op": op, "kind": "answer", "image": image, "changes": changes}
    services.recording.save("ann", SaveRequest(**data))


@pytest.fixture
def cache(services: Services, clock: Any) -> Iterator[KnownLabelsCache]:
    made = KnownLabelsCache(services.store, clock, seconds=60)
    yield made
    made.task.close()


def table(cache: KnownLabelsCache) -> KnownLabels:
    found = cache.current(PATIENT)
    assert found is not None
    return found


def settled(cache: KnownLabelsCache) -> KnownLabels:
    """Return the table after everything that was asked for has been counted."""
    table(cache)
    cache.task.settle()
    return table(cache)


def test_labels_are_counted_by_ordinal(services: Services, cache: KnownLabelsCache) -> None:
    say(services, "a", 1, cat="present", dog="present", bird="absent")
    say(services, "b", 2, cat="absent", dog="present")
    say(services, "c", 3, cat="present", dog="absent")
    say(services, "d", 4, cat="present", dog="unsure")

    found = table(cache)

    assert found.labels.tolist()[:4] == [[1, 1, -1], [-1, 1, 0], [1, -1, 0], [1, 0, 0]]
    assert found.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert found.share(0) == (3, 4)
    assert found.share(1) == (2, 3)
    assert found.share_with(1, PRESENT, 0) == (1, 2)
    assert found.share_with(1, ABSENT, 0) == (1, 1)
    assert found.share_with(2, ABSENT, 1) == (1, 1)
    assert found.share_with(2, PRESENT, 1) == (0, 0)
    assert found.state(0, 2) == ABSENT
    assert found.state(99, 0) == found.state(0, 99) == 0
    assert found.share(99) == found.share_with(99, PRESENT, 0) == (0, 0)


def test_pairs_in_conflict_are_unknown(services: Services, cache: KnownLabelsCache) -> None:
    say(services, "a", 1, cat="present")
    services.recording.save(
        "bob",
        SaveRequest(
            op="b",
            kind="answer",
            image=1,
            changes=[{"category": CAT, "state": "absent", "seen": 1}],
        ),
    )

    assert table(cache).state(0, 0) == 0


def test_the_table_stays_for_a_while_and_follows_what_was_answered(
    services: Services, cache: KnownLabelsCache, clock: Any
) -> None:
    say(services, "a", 1, cat="present")
    first = settled(cache)

    say(services, "b", 2, cat="present")
    soon = settled(cache)
    clock.forward(61)
    later = settled(cache)

    assert soon is first
    assert first.share(0) == (1, 1)
    assert later.share(0) == (2, 2)


def test_without_news_nothing_is_counted_again(
    services: Services, cache: KnownLabelsCache, clock: Any
) -> None:
    say(services, "a", 1, cat="present")
    first = settled(cache)

    clock.forward(61)
    second = settled(cache)

    assert second.labels is first.labels
    assert second.made_at == clock.now


def test_a_request_never_waits_for_a_count_but_for_the_first_one(
    services: Services, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(services, "a", 1, cat="present")
    gate = threading.Event()
    cache = KnownLabelsCache(services.store, clock, seconds=60)
    made = cache._made

    def slow(old: KnownLabels | None) -> KnownLabels:
        gate.wait(PATIENT)
        return made(old)

    monkeypatch.setattr(cache, "_made", slow)

    assert cache.current(0.01) is None
    gate.set()
    first = settled(cache)
    gate.clear()
    clock.forward(61)
    assert cache.current(PATIENT) is first
    gate.set()
    cache.task.close()


def test_a_store_that_cannot_be_read_is_asked_again(
    services: Services, cache: KnownLabelsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(services, "a", 1, cat="present")
    made = cache._made

    def broken(_old: KnownLabels | None) -> KnownLabels:
        raise StoreUnavailable("The database is locked.")

    monkeypatch.setattr(cache, "_made", broken)
    with pytest.raises(StoreUnavailable):
        cache.current(PATIENT)
    monkeypatch.setattr(cache, "_made", made)

    assert table(cache).share(0) == (1, 1)


def test_an_empty_project_has_an_empty_table(cache: KnownLabelsCache) -> None:
    found = table(cache)

    assert found.labels.shape == (6, 3)
    assert not np.any(found.labels)
