"""What a training learns from never holds half of an import."""

from __future__ import annotations

import threading

import pytest
from filelock import FileLock

from annotator.domain import JobKind, State
from annotator.services.background import running_import
from annotator.store import jobs, staged_imports
from annotator.worker import snapshots
from annotator.worker.job_control import Control, Stopped
from annotator.worker.snapshots import complete_snapshot


@pytest.fixture
def control(made) -> Control:
    made.add_categories("cat")
    ids = made.add_images(["a", "b"])
    made.answer([(ids[0], 1, State.PRESENT)])
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, made.clock())
        job = jobs.claim(tx, "worker", [JobKind.TRAIN], made.clock())
    assert job is not None
    return Control(made.store, job, clock=made.clock, stopping=threading.Event())


def importing(made, *, applying: bool) -> None:
    with made.store.writing() as tx:
        staged_imports.note(tx, staged_imports.Running(file="labels.json", applying=applying))


def test_a_training_waits_while_an_import_is_applied(made, control: Control, monkeypatch) -> None:
    importing(made, applying=True)
    monkeypatch.setattr(snapshots.time, "sleep", lambda _: control._stopping.set())
    said: list[str] = []
    control._on_progress = lambda progress: said.append(progress["stage"])

    with FileLock(made.project.path / running_import.LOCK_FILE), pytest.raises(Stopped):
        complete_snapshot(made.project, control, 2)

    assert said == ["waiting for an import", "waiting for an import"]


def test_a_training_goes_on_when_the_import_is_done(made, control: Control, monkeypatch) -> None:
    importing(made, applying=True)
    lock = FileLock(made.project.path / running_import.LOCK_FILE)
    lock.acquire()
    monkeypatch.setattr(snapshots.time, "sleep", lambda _: lock.release())

    snapshot = complete_snapshot(made.project, control, 2)

    assert (snapshot.labels == [[1], [0]]).all()
    with made.store.reading() as tx:
        assert staged_imports.running(tx) is None


def test_what_is_staged_out_of_sight_keeps_no_training_waiting(made, control: Control) -> None:
    importing(made, applying=False)

    with FileLock(made.project.path / running_import.LOCK_FILE):
        snapshot = complete_snapshot(made.project, control, 2)

    assert snapshot.answers == 1
