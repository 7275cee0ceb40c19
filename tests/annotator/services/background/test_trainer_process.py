"""A trainer that the system kills is started again, so often and no more, and says why."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotator.domain import JobKind
from annotator.services.app import Services
from annotator.services.background import trainer_process
from annotator.services.background.trainer_process import (
    STOPPED,
    TrainerProcess,
    forget_dead,
    trainer_command,
)
from annotator.store import jobs

PATIENT_SECONDS = 60.0
LIVES = "import sys; open(sys.argv[1], 'a').write('x'); sys.stdin.read()"
DIES = "import os, signal, sys; open(sys.argv[1], 'a').write('x'); "


Start = Callable[..., TrainerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that has a program supervised, which notes each of its lives in a file."""
    made: list[TrainerProcess] = []

    def start(program: str, **options: Any) -> TrainerProcess:
        command = [sys.executable, "-c", program, str(tmp_path / "lives")]
        made.append(TrainerProcess(command, pauses=(0.0, 0.0), **options))
        made[-1].start()
        return made[-1]

    yield start
    for process in made:
        process.stop()


def lives(tmp_path: Path) -> int:
    return len((tmp_path / "lives").read_text())


class Deaths:
    """Notes who died; a test waits for the next one."""

    def __init__(self) -> None:
        self.processes: list[int] = []
        self._new = threading.Semaphore(0)

    def __call__(self, process: int) -> None:
        self.processes.append(process)
        self._new.release()

    def wait(self, count: int = 1) -> None:
        for _ in range(count):
            assert self._new.acquire(timeout=PATIENT_SECONDS)


def ended(process: TrainerProcess) -> str:
    """Wait until nobody starts it again, and return what is said then."""
    process._thread.join(PATIENT_SECONDS)
    assert not process.situation().starting
    return process.situation().sentence


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "was killed (SIGKILL), perhaps for lack of memory",
        ),
        ("os.kill(os.getpid(), signal.SIGBUS)", "crashed (SIGBUS), perhaps because the disk is"),
        ("sys.exit(3)", "ended with exit code 3, 3 times in a row"),
    ],
)
def test_one_that_dies_at_once_is_started_again_so_often_and_the_reason_is_said(
    start: Start, tmp_path: Path, program: str, said: str
) -> None:
    process = start(DIES + program)

    sentence = ended(process)

    assert said in sentence
    assert "3 times in a row" in sentence
    assert "annotator work" in sentence
    assert lives(tmp_path) == 3


def test_one_that_lived_is_started_again_however_often(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_process, "SOUND_SECONDS", 0.0)
    deaths = Deaths()

    process = start(DIES + "os.kill(os.getpid(), signal.SIGKILL)", on_death=deaths)
    deaths.wait(5)
    process.stop()

    assert process.situation().starting
    assert lives(tmp_path) >= 5
    assert len(set(deaths.processes)) == len(deaths.processes)


def test_until_it_gives_a_sign_of_life_it_is_starting(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(LIVES)

    assert process.situation().starting
    assert process.situation().sentence == "The trainer is starting."
    monkeypatch.setattr(trainer_process, "STARTING_SECONDS", -1.0)
    assert process.situation().sentence == STOPPED


def test_one_that_was_told_to_leave_stays_away(start: Start, tmp_path: Path) -> None:
    assert ended(start(DIES + "sys.exit(0)")) == STOPPED
    assert lives(tmp_path) == 1


def test_stopping_starts_none_again(start: Start) -> None:
    deaths = Deaths()
    process = start(LIVES, on_death=deaths)

    process.stop()

    assert deaths.processes == []
    assert not process._thread.is_alive()


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    process = TrainerProcess([str(tmp_path / "nothing")])
    process.start()

    assert "cannot be started (No such file or directory)" in ended(process)
    process.stop()


def test_what_a_dead_trainer_was_doing_is_given_on_at_once(
    services: Services, clock: Callable[[], Any]
) -> None:
    host = socket.gethostname()
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, clock())
        jobs.beat(tx, "dead", {"pid": 7, "host": host}, clock())
        jobs.beat(tx, "other", {"pid": 7, "host": "elsewhere"}, clock())
        assert jobs.claim(tx, "dead", [JobKind.TRAIN], clock()) is not None

    forget_dead(services.store, 7)

    with services.store.writing() as tx:
        assert [beat.worker for beat in jobs.workers(tx)] == ["other"]
        taken = jobs.claim(tx, "next", [JobKind.TRAIN], clock())
    assert taken is not None
    assert taken.worker == "next"


@pytest.mark.slow
def test_a_real_trainer_comes_back(services: Services) -> None:
    deaths = Deaths()

    def on_death(process: int) -> None:
        forget_dead(services.store, process)
        deaths(process)

    def worker(but: int) -> int:
        for _ in range(int(PATIENT_SECONDS * 10)):
            with services.store.reading() as tx:
                found = [b.info["pid"] for b in jobs.workers(tx) if b.info["pid"] != but]
            if found:
                return int(found[0])
            threading.Event().wait(0.1)
        raise AssertionError("no trainer came")

    process = TrainerProcess(
        trainer_command(services.project.path, "cpu"), on_death=on_death, pauses=(0.0,)
    )
    process.start()
    try:
        first = worker(0)
        os.kill(first, signal.SIGKILL)
        deaths.wait()
        assert deaths.processes == [first]
        assert worker(first) != first
    finally:
        process.stop()
