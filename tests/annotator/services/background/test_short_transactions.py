"""Long work in short transactions: its parts, and that others get in between."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from annotator.errors import StoreUnavailable
from annotator.services.app import Services
from annotator.services.background import short_transactions
from annotator.services.background.short_transactions import ALONE, for_all, in_steps
from annotator.store import Store, Transaction, key_values


def test_everything_is_done_once_and_in_order(services: Services) -> None:
    seen: list[int] = []
    told: list[tuple[int, int]] = []

    for_all(
        services.store,
        range(1000),
        lambda _, part: seen.extend(part),
        pace=ALONE,
        on_progress=lambda done, total: told.append((done, total)),
    )

    assert seen == list(range(1000))
    assert told[0] == (short_transactions.FIRST, 1000)
    assert told[-1] == (1000, 1000)


def test_a_part_is_as_large_as_its_time_allows(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, cost = 0.0, 0.00001
    sizes: list[int] = []
    monkeypatch.setattr(short_transactions, "FIRST", 100)
    monkeypatch.setattr(short_transactions.time, "perf_counter", lambda: now)
    monkeypatch.setattr(short_transactions.time, "sleep", lambda _: None)

    def work(_: Transaction, part: range) -> None:
        nonlocal now, cost
        now += cost * len(part)
        sizes.append(len(part))
        if len(sizes) == 4:
            cost *= 20  # something else keeps the machine busy

    for_all(services.store, range(4000), work)

    assert sizes[:5] == [100, 200, 400, 800, 1600]
    assert set(sizes[5:-1]) == {250}


def test_what_fails_in_the_middle_keeps_the_parts_before_it(services: Services) -> None:
    def work(tx: Transaction, part: range) -> None:
        key_values.put(tx, "last", part[-1])
        if part[-1] > 500:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        for_all(services.store, range(1000), work, pace=ALONE)

    with services.store.reading() as tx:
        assert key_values.get(tx, "last") == short_transactions.FIRST - 1


@pytest.mark.parametrize("same_process", [True, False])
def test_a_writer_gets_in_between_two_steps_of_bulk_work(
    services: Services, same_process: bool
) -> None:
    # Another store on the same database has a lock of its own, as another process would.
    other = services.store if same_process else Store.open(services.project.database_url)
    begun, written = threading.Event(), threading.Event()

    def answer() -> None:
        begun.wait()
        with other.writing() as tx:
            key_values.put(tx, "answer", True)
        written.set()

    thread = threading.Thread(target=answer)
    thread.start()
    parts = 0

    def work(tx: Transaction, _: int) -> int:
        nonlocal parts
        key_values.put(tx, "part", parts)
        begun.set()
        threading.Event().wait(0.02)  # holds the lock as an import does
        parts += 1
        return 0 if written.is_set() or parts == 200 else 1

    in_steps(services.store, work)
    thread.join()

    assert written.is_set()
    assert parts < 200
    if not same_process:
        other.close()


def test_a_waiting_writer_still_gives_up_with_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'labels.db'}"
    first, second = Store.create(url), Store.open(url, busy_seconds=0.05)

    sentence = pytest.raises(StoreUnavailable, match="locked by another program; close")
    with first.writing(), sentence, second.writing():
        raise AssertionError("two programs write at once")

    with second.writing() as tx:
        key_values.put(tx, "answer", True)
        timeout = tx.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert timeout == 50
    first.close()
    second.close()
