from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from annotator.domain import Job, JobKind, JobState
from annotator.errors import LeaseLost, NotFound
from annotator.store import Store, jobs, versions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRAIN, EMBED = JobKind.TRAIN, JobKind.EMBED


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def write(store: Store, act: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    with store.writing() as tx:
        return act(tx, *arguments, **more)


def read(store: Store, act: Callable[..., Any], *arguments: Any) -> Any:
    with store.reading() as tx:
        return act(tx, *arguments)


@pytest.fixture
def other(url: str) -> Iterator[Store]:
    """Return a second store on the same database, as another process has it."""
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def claimed(store: Store) -> Job:
    """Return a training job that worker `one` began at the start."""
    write(store, jobs.enqueue, TRAIN, {"method": "hst"}, NOW)
    job: Job = write(store, jobs.claim, "one", [TRAIN], NOW)
    return job


def test_a_queued_job_waits_with_its_options(store: Store) -> None:
    job = write(store, jobs.enqueue, TRAIN, {"method": "hst"}, NOW)

    assert (job.state, job.options, job.created_at) == (JobState.QUEUED, {"method": "hst"}, NOW)
    assert (job.token, job.worker, job.started_at) == (None, None, None)


def test_a_second_job_of_a_kind_is_not_queued_while_one_waits_or_runs(store: Store) -> None:
    first = write(store, jobs.enqueue, TRAIN, {}, NOW)
    waiting = write(store, jobs.enqueue, TRAIN, {"method": "hst"}, NOW)
    write(store, jobs.claim, "one", [TRAIN], NOW)

    running = write(store, jobs.enqueue, TRAIN, {}, NOW)

    assert [waiting.id, running.id] == [first.id, first.id]
    assert running.state is JobState.RUNNING
    assert write(store, jobs.enqueue, EMBED, {}, NOW).id != first.id


def test_a_job_can_be_queued_again_when_the_last_one_has_ended(store: Store, claimed: Job) -> None:
    write(store, jobs.finish, claimed, JobState.DONE, "version 1", at(9))

    again = write(store, jobs.enqueue, TRAIN, {}, at(10))

    assert again.id > claimed.id
    assert read(store, jobs.latest, TRAIN).id == again.id
    assert [j.id for j in read(store, jobs.recent, 9)] == [again.id, claimed.id]


def test_a_job_is_claimed_once_by_two_processes(store: Store, other: Store) -> None:
    write(store, jobs.enqueue, TRAIN, {}, NOW)

    first = write(store, jobs.claim, "one", [TRAIN], NOW)
    second = write(other, jobs.claim, "two", [TRAIN], NOW)

    assert (first.state, first.worker, first.started_at) == (JobState.RUNNING, "one", NOW)
    assert first.token
    assert second is None


def test_a_worker_takes_the_oldest_job_of_the_kinds_it_does(store: Store) -> None:
    write(store, jobs.enqueue, TRAIN, {}, NOW)
    write(store, jobs.enqueue, EMBED, {}, NOW)

    picked = [write(store, jobs.claim, "one", kinds, NOW) for kinds in ([EMBED], [EMBED, TRAIN])]

    assert [job.kind for job in picked] == [EMBED, TRAIN]


def test_a_heartbeat_keeps_a_job_and_shows_its_progress(store: Store, claimed: Job) -> None:
    cancel = write(store, jobs.heartbeat, claimed, {"done": 3, "total": 9}, at(50))

    job = read(store, jobs.get, claimed.id)
    assert cancel is False
    assert (job.progress, job.heartbeat_at) == ({"done": 3, "total": 9}, at(50))
    assert write(store, jobs.claim, "two", [TRAIN], at(109)) is None


def test_a_silent_workers_job_is_taken_over_with_a_new_token(other: Store, claimed: Job) -> None:
    early = write(other, jobs.claim, "two", [TRAIN], at(60))
    taken = write(other, jobs.claim, "two", [TRAIN], at(61))

    assert early is None
    assert (taken.id, taken.worker) == (claimed.id, "two")
    assert taken.token != claimed.token


@pytest.mark.parametrize(
    "act",
    [
        lambda tx, job: jobs.heartbeat(tx, job, {}, at(62)),
        lambda tx, job: jobs.finish(tx, job, JobState.DONE, "", at(62)),
        lambda tx, job: jobs.requeue(tx, job, at(62)),
        lambda tx, job: jobs.check(tx, job),
        lambda tx, job: versions.publish(
            tx, job, 1, metrics={}, training_seconds=1, promote=True, note="", now=at(62)
        ),
        lambda tx, job: versions.reserve(
            tx,
            job,
            method="hst",
            backbone="b",
            trained_answers=1,
            trained_present=1,
            last_operation=1,
            now=at(62),
        ),
    ],
    ids=["heartbeat", "finish", "requeue", "check", "publish", "reserve"],
)
def test_a_worker_that_was_thought_dead_can_do_nothing_more(
    store: Store, claimed: Job, act: Callable[..., Any]
) -> None:
    taken = write(store, jobs.claim, "two", [TRAIN], at(61))

    with pytest.raises(LeaseLost, match=f"Job {claimed.id} was taken over"):
        write(store, act, claimed)

    job = read(store, jobs.get, claimed.id)
    assert (job.state, job.token) == (JobState.RUNNING, taken.token)


def test_a_job_that_kills_its_workers_ends_after_the_third(store: Store, claimed: Job) -> None:
    taken = [
        write(store, jobs.claim, f"worker {n}", [TRAIN], at(100 * n), stale_seconds=60)
        for n in range(1, 6)
    ]

    job = read(store, jobs.get, claimed.id)
    assert [t and t.lost_workers for t in taken] == [1, 2, None, None, None]
    assert (job.state, job.lost_workers, job.finished_at) == (JobState.FAILED, 3, at(300))
    assert job.message.startswith("The trainer was killed 3 times")


def test_a_job_that_is_put_back_in_order_is_never_given_up(store: Store, claimed: Job) -> None:
    job = claimed
    for n in range(1, 10):
        write(store, jobs.requeue, job, at(100 * n))
        job = write(store, jobs.claim, "one", [TRAIN], at(100 * n + 90))

    assert (job.state, job.lost_workers) == (JobState.RUNNING, 0)


def test_a_finished_job_keeps_its_message_and_cannot_be_finished_again(
    store: Store, claimed: Job
) -> None:
    write(store, jobs.finish, claimed, JobState.FAILED, "out of memory", at(5))

    job = read(store, jobs.get, claimed.id)
    assert (job.state, job.message, job.finished_at) == (JobState.FAILED, "out of memory", at(5))
    assert job.token is None
    with pytest.raises(LeaseLost):
        write(store, jobs.finish, claimed, JobState.DONE, "", at(6))


def test_a_job_put_back_is_claimed_by_the_next_worker(store: Store, claimed: Job) -> None:
    write(store, jobs.requeue, claimed, at(5))

    again = write(store, jobs.claim, "two", [TRAIN], at(5))

    assert (again.id, again.worker, again.options) == (claimed.id, "two", {"method": "hst"})


def test_a_queued_job_is_cancelled_at_once(store: Store) -> None:
    queued = write(store, jobs.enqueue, TRAIN, {}, NOW)

    cancelled = write(store, jobs.request_cancel, queued.id, at(1))

    assert (cancelled.state, cancelled.finished_at) == (JobState.CANCELLED, at(1))
    assert write(store, jobs.claim, "one", [TRAIN], at(2)) is None


def test_a_running_job_hears_of_the_cancel_with_its_next_heartbeat(
    store: Store, claimed: Job
) -> None:
    asked = write(store, jobs.request_cancel, claimed.id)

    assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
    assert write(store, jobs.heartbeat, claimed, {}, at(1)) is True


def test_a_job_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no job 5"):
        read(store, jobs.get, 5)
    with pytest.raises(NotFound, match="no job 5"):
        write(store, jobs.request_cancel, 5)

    assert read(store, jobs.latest, TRAIN) is None


def test_workers_are_there_from_their_first_beat_until_they_leave(store: Store) -> None:
    write(store, jobs.beat, "one", {"device": "cpu"}, NOW)
    write(store, jobs.beat, "two", {}, NOW)
    write(store, jobs.beat, "one", {"device": "cuda"}, at(5))
    write(store, jobs.leave, "two")

    there = read(store, jobs.workers)

    assert there == [jobs.WorkerBeat("one", {"device": "cuda"}, at(5))]
