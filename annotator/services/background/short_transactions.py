"""Long work on the database in short transactions, between which others get their answers in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from annotator.store import Store, Transaction

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called with how much is done, and how much there is."""


def nobody(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a transaction takes, and how long others have the database afterwards."""

    seconds: float
    pause_seconds: float


SHARED = Pace(seconds=0.05, pause_seconds=0.01)
"""Beside people who answer. A writer that waits looks every `connection.POLL_SECONDS`."""

ALONE = Pace(seconds=1.0, pause_seconds=0.0)
"""In a project that nobody else has opened."""

FIRST, LARGEST = 250, 50_000
"""How many things the first transaction does, and how many any does at most. None does fewer than
the first: a transaction costs something in itself, which many small ones would pay again and again.
"""


def in_steps(
    store: Store,
    work: Callable[[Transaction, int], int],
    *,
    total: int | None = None,
    pace: Pace = SHARED,
    on_done: Callable[[int], None] = lambda _: None,
) -> None:
    """Do a piece of work after the other, each in a transaction of its own.

    Args:
        store: Of the project.
        work: Does so many things at most and returns how many it did, 0 if none was left.
        total: How many things there are, where that is known.
        pace: How long a transaction may take; the number of things follows from the ones before.
        on_done: Called after each transaction with how many things are done.
    """
    size, finished = FIRST, 0
    while finished != total:
        with store.writing() as tx:
            began = time.perf_counter()
            done = work(tx, size)
        took = time.perf_counter() - began
        if not done:
            return
        finished += done
        on_done(finished)
        fitting = int(done * pace.seconds / max(took, 1e-6))
        size = max(FIRST, min(fitting, 2 * size, LARGEST))
        if finished != total:
            time.sleep(pace.pause_seconds)


def for_all(
    store: Store,
    things: Sequence[T],
    work: Callable[[Transaction, Sequence[T]], None],
    *,
    pace: Pace = SHARED,
    on_progress: Progress = nobody,
) -> None:
    """Do some work for every thing of a sequence, a part of them in each transaction.

    Args:
        store: Of the project.
        things: What is worked on, in this order.
        work: Called with a part of them.
        pace: How long a transaction may take.
        on_progress: Called after each.
    """
    start = 0

    def part(tx: Transaction, size: int) -> int:
        chosen = things[start : start + size]
        work(tx, chosen)
        return len(chosen)

    def tell(done: int) -> None:
        nonlocal start
        start = done
        on_progress(done, len(things))

    in_steps(store, part, total=len(things), pace=pace, on_done=tell)
