from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from annotator.domain import Job, JobKind, Version
from annotator.errors import NotFound
from annotator.store import Store, jobs, versions

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def job(store: Store) -> Job:
    """Return a claimed training job."""
    with store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, NOW)
        claimed = jobs.claim(tx, "one", [JobKind.TRAIN], NOW)
    assert claimed is not None
    return claimed


def reserve(store: Store, job: Job, last_operation: int = 7) -> int:
    with store.writing() as tx:
        return versions.reserve(
            tx,
            job,
            method="hst",
            backbone="efficientnet-lite0",
            trained_answers=50,
            trained_present=10,
            last_operation=last_operation,
            now=NOW,
        )


def publish(store: Store, job: Job, number: int, *, promote: bool = True, **more: Any) -> Version:
    values = {"metrics": {"map": 0.5}, "training_seconds": 2.5, "note": "first", "now": NOW} | more
    with store.writing() as tx:
        return versions.publish(tx, job, number, promote=promote, **values)


def numbers(store: Store) -> list[int]:
    with store.reading() as tx:
        return [v.number for v in versions.every(tx)]


def promoted(store: Store) -> int | None:
    with store.reading() as tx:
        version = versions.promoted(tx)
    return None if version is None else version.number


def test_a_reserved_version_does_not_exist_until_it_is_published(store: Store, job: Job) -> None:
    number = reserve(store, job)

    assert (number, numbers(store), promoted(store)) == (1, [], None)
    with store.reading() as tx, pytest.raises(NotFound, match="no version 1"):
        versions.get(tx, number)
    with pytest.raises(NotFound), store.writing() as tx:
        versions.promote(tx, number, "by hand", NOW)


def test_a_published_version_says_what_it_learned_from(store: Store, job: Job) -> None:
    published = publish(store, job, reserve(store, job))

    assert (published.number, published.ready, published.promoted) == (1, True, True)
    assert (published.trained_answers, published.trained_present) == (50, 10)
    assert (published.metrics, published.training_seconds) == ({"map": 0.5}, 2.5)
    assert (published.note, published.created_at) == ("first", NOW)
    with store.reading() as tx:
        assert versions.get(tx, 1) == published
        assert versions.last_operation_of(tx, 1) == 7
        assert versions.last_operation_of(tx, 99) == 0


def test_a_number_is_not_given_twice_although_the_first_was_never_published(
    store: Store, job: Job
) -> None:
    given = [reserve(store, job), reserve(store, job)]

    publish(store, job, given[1])

    assert given == [1, 2]
    assert numbers(store) == [2]


def test_one_version_is_promoted_at_a_time(store: Store, job: Job) -> None:
    for promote in (True, True, False):
        publish(store, job, reserve(store, job), promote=promote)

    assert promoted(store) == 2
    with store.reading() as tx:
        assert [v.promoted for v in versions.every(tx)] == [False, True, False]


def test_an_older_version_can_be_promoted_by_hand_with_a_note(store: Store, job: Job) -> None:
    for _ in range(2):
        publish(store, job, reserve(store, job))

    with store.writing() as tx:
        version = versions.promote(tx, 1, "promoted by ann", NOW)

    assert (version.promoted, version.note) == (True, "promoted by ann")
    assert promoted(store) == 1


def test_promoting_a_version_that_is_not_there_leaves_the_current_one(
    store: Store, job: Job
) -> None:
    publish(store, job, reserve(store, job))

    with pytest.raises(NotFound, match="`annotator versions` lists"), store.writing() as tx:
        versions.promote(tx, 9, "", NOW)

    assert promoted(store) == 1


def test_publishing_a_number_that_nobody_reserved_changes_nothing(store: Store, job: Job) -> None:
    publish(store, job, reserve(store, job))

    with pytest.raises(NotFound):
        publish(store, job, 5)

    assert promoted(store) == 1
