"""What the Train page and `annotator status` say about the challengers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from annotator.domain import Job, JobKind, JobState
from annotator.services.app import Services
from annotator.services.training.race import ChallengerRow, RaceReport
from annotator.settings import changed
from annotator.store import jobs, versions


@pytest.fixture
def race(services: Services) -> Services:
    """A project of the method auto with a first version."""
    settings = services.project.settings
    services.project.settings = changed(settings, {"method": "auto"})
    now = services.training._clock()
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "test", [JobKind.TRAIN], now)
        assert job is not None
        number = versions.reserve(
            tx, job, method="kernel_ridge", backbone="b", trained_answers=0, trained_present=0,
            last_operation=0, now=now,
        )  # fmt: skip
        versions.publish(
            tx, job, number, metrics={"known_pairs": 1000, "labelled_images": 200},
            training_seconds=4.0, promote=True, note="", now=now,
        )  # fmt: skip
        jobs.finish(tx, job, JobState.DONE, "", now)
    return services


def begun(services: Services, name: str = "hst", stage: str = "") -> Job:
    now = services.training._clock()
    options = {"challenger": name, "base": 1, "known": 1000, "method": name}
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.CHALLENGE, options, now)
        job = jobs.claim(tx, "test", [JobKind.CHALLENGE], now)
        assert job is not None
        jobs.heartbeat(tx, job, {"stage": stage, "done": 1, "total": 4}, now)
    return job


def ended(services: Services, state: JobState = JobState.DONE, **result: Any) -> None:
    job = begun(services)
    with services.store.writing() as tx:
        at = services.training._clock() + timedelta(seconds=70)
        jobs.finish(tx, job, state, "It broke.", at, result=result or None)


def rows(report: RaceReport) -> dict[str, ChallengerRow]:
    return {row["name"]: row for row in report["rows"]}


def test_without_the_method_auto_a_sentence_says_how_to_switch_it_on(services: Services) -> None:
    report = services.training.race()

    assert (report["on"], report["rows"]) == (False, [])
    assert report["says"].startswith("Off, as the method is kernel_ridge. With the method auto")


def test_the_one_that_is_due_is_next(race: Services) -> None:
    report = race.training.race()

    assert report["says"] == "hst is next, once the trainer has nothing else to do."
    assert [row["state"] for row in report["rows"]] == ["next", "waiting", "waiting"]


def test_the_one_that_learns_says_how_far_it_is_and_how_long_it_may_take(race: Services) -> None:
    job = begun(race, stage="learning")

    learning = race.training.race()
    with race.store.writing() as tx:
        jobs.requeue(tx, job, race.training._clock())
    waiting = race.training.race()

    assert learning["says"].startswith(
        "hst learns from the answers of version 1 (learning, 25%), for "
    )
    assert "of at most 7 minutes" in learning["says"]
    assert rows(learning)["hst"]["state"] == "learning"
    assert waiting["says"] == "hst begins again as soon as nothing else is to be done."
    assert rows(waiting)["hst"]["state"] == "next"


def test_what_was_measured_stays_beside_what_it_waits_for(race: Services) -> None:
    each = [{"ordinal": 1, "gain": 0.2, "low": 0.1, "high": 0.3}, {"ordinal": 99, "gain": 0.0}]
    ended(
        race, outcome="worse", note="hst is worse.", against=1, gain=-0.02, low=-0.03, high=-0.01,
        pairs=500, seconds=70.0, categories=each,
    )  # fmt: skip

    plain, full = race.training.race(), race.training.race(by_category=True)

    row = rows(plain)["hst"]
    assert row["says"] == "Again at 2,000 labels; there are 1,000."
    assert row["last"] is not None
    assert (row["last"]["gain"], row["last"]["against"], row["last"]["pairs"]) == (-0.02, 1, 500)
    assert row["last"]["categories"] == []
    last = rows(full)["hst"]["last"]
    assert last is not None
    assert [(c["name"], c["gain"]) for c in last["categories"]] == [("dog", 0.2)]
    assert plain["says"] == "sarb is next, once the trainer has nothing else to do."


@pytest.mark.parametrize(
    ("state", "expected"), [(JobState.FAILED, "failed"), (JobState.CANCELLED, None)]
)
def test_one_that_failed_says_why_and_one_that_was_dropped_nothing(
    race: Services, state: JobState, expected: str | None
) -> None:
    ended(race, state)

    last = rows(race.training.race())["hst"]["last"]

    assert (last and last["outcome"]) == expected
    assert (last and last["note"]) == (expected and "It broke.")


def test_the_stop_button_stops_a_challenger(race: Services) -> None:
    job = begun(race)

    said = race.training.cancel()["message"]

    assert said == "The challenge job will stop shortly."
    with race.store.reading() as tx:
        assert jobs.get(tx, job.id).cancel_requested


def test_the_status_line_calls_nobody_busy_while_a_challenger_learns(race: Services) -> None:
    before = race.progress.state()["trainer"]
    begun(race)

    assert race.progress.state()["trainer"] == before
