"""When the next version is trained, and what the page says about it."""

from __future__ import annotations

import pytest

from annotator.domain import JobKind, JobState, OperationKind, Source, State
from annotator.services.training.retraining import (
    FOLLOW,
    RETRY_SECONDS,
    Situation,
    due,
    explain,
    explain_first,
    situation,
    until_suggestions,
    waiting_for,
)
from annotator.settings import Retraining
from annotator.store import jobs, versions

DEFAULT = Retraining()


def later(**values: object) -> Situation:
    """Return a situation after a version that learned from 100 answers, 40 of them present."""
    base: dict = {
        "present_labels": 40,
        "trained_answers": 100,
        "trained_present": 40,
        "training_seconds": 30.0,
        "age_seconds": 3600.0,
    }
    return Situation(**{**base, **values})


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Situation(), None),
        (Situation(new_answers=49, new_present=9, present_labels=9), None),
        (Situation(new_answers=50, new_present=9, present_labels=9), "50 new answers"),
        (Situation(new_answers=10, new_present=10, present_labels=10), "10 new present answers"),
        (Situation(new_answers=90, new_present=0, present_labels=0), None),
        (Situation(new_answers=3, imported=True, present_labels=3), "labels were imported"),
        (later(new_answers=49, new_present=9, anything_new=True), None),
        (later(new_answers=50, anything_new=True), "50 new answers"),
        (later(new_answers=10, new_present=10, anything_new=True), "10 new present answers"),
        (later(new_answers=50, trained_answers=501), None),
        (later(new_answers=51, trained_answers=501), "51 new answers"),
        (later(new_answers=10, new_present=10, trained_present=101), None),
        (later(new_answers=500, age_seconds=59.0), None),
        (later(new_answers=500, age_seconds=60.0), "500 new answers"),
        (later(age_seconds=24 * 3600.0), None),
        (later(age_seconds=23.9 * 3600, anything_new=True), None),
        (
            later(age_seconds=24 * 3600.0, anything_new=True),
            "something is new, and the last version is 24 hours old",
        ),
        (later(later_features=200), "features of 200 more labelled images"),
        (later(later_features=1, age_seconds=59.0), None),
        (later(new_answers=500, under_way=True), None),
        (later(new_answers=500, rest_seconds=1.0), None),
    ],
)
def test_a_version_is_due_when_enough_is_new(now: Situation, expected: str | None) -> None:
    assert due(now, DEFAULT) == expected


def test_nothing_is_due_where_training_by_itself_is_off() -> None:
    now = later(new_answers=500, anything_new=True)

    assert due(now, Retraining(automatic=False)) is None
    assert "off" in explain(now, Retraining(automatic=False))


@pytest.mark.parametrize(
    ("now", "part"),
    [
        (Situation(), "once there is a present answer"),
        (
            Situation(new_answers=20, new_present=4, present_labels=4),
            "after 30 more answers or 6 more present ones",
        ),
        (later(new_answers=70, age_seconds=20.0), "starts in 40 s"),
        (later(new_answers=70), "due and starts as soon as a worker is free"),
        (later(rest_seconds=90.0), "automatically in 2 minutes"),
        (later(under_way=True), "being trained"),
    ],
)
def test_the_page_says_what_the_next_training_waits_for(now: Situation, part: str) -> None:
    assert part in explain(now, DEFAULT)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (
            Situation(),
            "10 more present answers until the first suggestions "
            "(or 50 answers of any kind; “rest absent” does not count).",
        ),
        (
            Situation(new_answers=49, new_present=9, present_labels=9),
            "1 more present answer until the first suggestions "
            "(or 1 answer of any kind; “rest absent” does not count).",
        ),
        (Situation(new_answers=70), "1 more present answer until the first suggestions."),
        (Situation(new_answers=50, present_labels=1), FOLLOW),
        (Situation(under_way=True), FOLLOW),
        (
            Situation(rest_seconds=90.0, present_labels=1),
            "The last training did not finish; it is retried automatically in 2 minutes, or now "
            "with the Train button.",
        ),
    ],
)
def test_people_who_label_learn_what_the_first_suggestions_wait_for(
    now: Situation, sentence: str
) -> None:
    assert explain_first(now, DEFAULT) == sentence


def test_what_the_first_suggestions_wait_for_is_what_the_training_waits_for() -> None:
    """Whatever is answered, a step before the training is due the sentence names that step."""
    for answers in range(51):
        for present in range(min(answers, 10) + 1):
            now = Situation(new_answers=answers, new_present=present, present_labels=present)
            said = explain_first(now, DEFAULT)
            more = Situation(
                new_answers=answers + 1, new_present=present + 1, present_labels=present + 1
            )

            assert (said == FOLLOW) == (due(now, DEFAULT) is not None)
            if said.startswith("1 more present answer "):
                assert due(more, DEFAULT) is not None


def test_where_training_by_itself_is_off_the_page_says_where_to_start_it() -> None:
    assert "Train page" in explain_first(Situation(present_labels=9), Retraining(automatic=False))


def test_nothing_is_waited_for_once_there_is_a_version(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = made.add_images(["0.png", "1.png"])
    with made.store.reading() as tx:
        before = until_suggestions(tx, DEFAULT, made.clock())
    made.answer([(ids[0], dog, State.PRESENT)])
    made.answer([(ids[1], dog, State.ABSENT)], source=Source.SWEPT, kind=OperationKind.SWEEP)
    with made.store.reading() as tx:
        meanwhile = until_suggestions(tx, DEFAULT, made.clock())
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, made.clock())
        job = jobs.claim(tx, "w", [JobKind.TRAIN], made.clock())
        assert job is not None
        number = versions.reserve(
            tx, job, method="m", backbone="b", trained_answers=1, trained_present=1,
            last_operation=1, now=made.clock(),
        )  # fmt: skip
        versions.publish(
            tx, job, number, metrics={}, training_seconds=1, promote=True, note="",
            now=made.clock(),
        )  # fmt: skip
    with made.store.reading() as tx:
        after = until_suggestions(tx, DEFAULT, made.clock())

    assert before.startswith("10 more present answers")
    assert "(or 49 answers of any kind" in meanwhile
    assert after == ""


def test_the_situation_counts_what_people_did_since_the_last_version(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = made.add_images(f"{i}.png" for i in range(20))
    made.answer([(ids[0], dog, State.PRESENT), (ids[1], dog, State.ABSENT)])
    with made.store.writing() as tx:
        job = jobs.enqueue(tx, JobKind.TRAIN, {}, made.clock())
        job = jobs.claim(tx, "w", [JobKind.TRAIN], made.clock())
        assert job is not None
        number = versions.reserve(
            tx,
            job,
            method="m",
            backbone="b",
            trained_answers=2,
            trained_present=1,
            last_operation=1,
            now=made.clock(),
        )
        versions.publish(
            tx, job, number, metrics={}, training_seconds=5.0, promote=True, note="",
            now=made.clock(),
        )  # fmt: skip
        jobs.finish(tx, job, JobState.FAILED, "no", made.clock())
    made.answer([(ids[2], dog, State.PRESENT)])
    made.answer(
        [(ids[i], dog, State.ABSENT) for i in range(3, 20)],
        source=Source.SWEPT,
        kind=OperationKind.SWEEP,
    )
    made.clock.forward(100)

    with made.store.reading() as tx:
        now = situation(tx, made.clock())
        sentence = waiting_for(tx, DEFAULT, made.clock())

    assert now == Situation(
        new_answers=1,
        new_present=1,
        anything_new=True,
        present_labels=2,
        imported=False,
        trained_answers=2,
        trained_present=1,
        training_seconds=5.0,
        age_seconds=100.0,
        under_way=False,
        rest_seconds=RETRY_SECONDS - 100,
    )
    assert "did not finish" in sentence


def test_an_import_alone_calls_for_a_first_version(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = made.add_images(["a.png", "b.png"])
    made.answer([(ids[0], dog, State.PRESENT)], source=Source.IMPORTED, kind=OperationKind.IMPORT)

    with made.store.reading() as tx:
        now = situation(tx, made.clock())

    assert due(now, DEFAULT) == "labels were imported"
