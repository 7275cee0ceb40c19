"""Work in a thread of its own: one piece at a time, and what becomes of a failure."""

from __future__ import annotations

import logging
import threading

import pytest

from annotator.errors import NotReady
from annotator.services.background.background_task import BackgroundTask

PATIENCE = 30.0


def test_while_work_is_running_no_other_begins() -> None:
    task, may_end = BackgroundTask[str]("counting"), threading.Event()

    def first() -> str:
        may_end.wait(PATIENCE)
        return "first"

    one, two = task.start(first), task.start(lambda: "second")
    may_end.set()
    task.settle()

    assert (one.result(PATIENCE), two.result(PATIENCE)) == ("first", "first")
    assert task.start(lambda: "third").result(PATIENCE) == "third"


def test_a_failure_is_logged_and_the_next_start_works(caplog: pytest.LogCaptureFixture) -> None:
    task = BackgroundTask[int]("counting")

    def fail() -> int:
        raise NotReady("It is not ready.")

    with caplog.at_level(logging.WARNING), pytest.raises(NotReady):
        task.start(fail).result(PATIENCE)

    assert "counting failed: It is not ready." in caplog.text
    assert "Traceback" not in caplog.text
    assert task.start(lambda: 7).result(PATIENCE) == 7


def test_a_mistake_of_the_program_is_logged_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = BackgroundTask[float]("counting")

    task.start(lambda: 1 / 0)
    task.settle()

    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text


def test_who_closes_waits_for_running_work_and_lets_none_begin() -> None:
    task, done = BackgroundTask[None]("counting", head_start=PATIENCE), threading.Event()

    task.start(done.set)
    task.close()
    task.start(done.set)
    task.settle()

    assert not done.is_set()
