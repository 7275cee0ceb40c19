"""The worker's loop: one claim at a time, clean ends, takeovers, and what it finds to do."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from annotator.domain import Job, JobKind, JobState, State
from annotator.errors import LeaseLost, NotReady, StoreMoved
from annotator.settings import Retraining, changed
from annotator.store import images, jobs
from annotator.worker.job_control import Control, Dropped
from annotator.worker.loop import Worker

EMBED, TRAIN = JobKind.EMBED, JobKind.TRAIN


def worker(made, **runners: Callable) -> Worker:
    def nothing(_project, _control, _device):
        return "nothing to do"

    kinds = {kind: runners.get(kind.value, nothing) for kind in JobKind}
    return Worker(
        made.project,
        made.store,
        runners=kinds,
        clock=made.clock,
        poll_seconds=0.01,
        heartbeat_seconds=0.01,
    )


def enqueue(made, kind: JobKind = TRAIN, **options: object) -> Job:
    with made.store.writing() as tx:
        return jobs.enqueue(tx, kind, options, made.clock())


def latest(made, kind: JobKind = TRAIN) -> Job:
    with made.store.reading() as tx:
        job = jobs.latest(tx, kind)
    assert job is not None
    return job


def wait_for(stop: threading.Event) -> None:
    assert stop.wait(30)


def test_a_queued_job_is_run_with_its_options_and_its_message_is_kept(made) -> None:
    seen = []

    def train(project, control, device):
        seen.append((project.path, dict(control.job.options), device))
        return "trained"

    enqueue(made, method="hst")

    ended = worker(made, train=train).run_once()

    assert [j.state for j in ended] == [JobState.DONE]
    assert latest(made).message == "trained"
    assert seen == [(made.project.path, {"method": "hst"}, "auto")]


def test_training_goes_before_embedding(made) -> None:
    order: list[str] = []
    enqueue(made, EMBED)
    enqueue(made, TRAIN)

    worker(
        made,
        train=lambda *_: order.append("train") or "",
        embed=lambda *_: order.append("embed") or "",
    ).run_once()

    assert order == ["train", "embed"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NotReady("Nothing to learn from yet."), "Nothing to learn from yet."),
        (
            ZeroDivisionError("by\nzero"),
            "Something unexpected went wrong (ZeroDivisionError: by zero); "
            "the worker's log has the details.",
        ),
    ],
)
def test_a_failing_job_is_told_in_one_sentence_and_the_loop_goes_on(
    made, error: Exception, message: str
) -> None:
    def train(_project, _control, _device):
        raise error

    enqueue(made, TRAIN)
    enqueue(made, EMBED)

    ended = worker(made, train=train).run_once()

    assert [(j.kind, j.state) for j in ended] == [
        (TRAIN, JobState.FAILED),
        (EMBED, JobState.DONE),
    ]
    assert ended[0].message == message


def test_progress_reaches_the_store_while_the_job_runs(made) -> None:
    seen = []

    def train(_project, control, _device):
        control.report("learning", 3, 60, loss=0.5, epoch=3, epochs=20)
        while not seen:
            with made.store.reading() as tx:
                progress = jobs.get(tx, control.job.id).progress
            if progress:
                seen.append(dict(progress))
        return ""

    enqueue(made)

    worker(made, train=train).run_once()

    assert seen == [
        {"stage": "learning", "done": 3, "total": 60, "loss": 0.5, "epoch": 3, "epochs": 20}
    ]


def test_a_cancelled_job_ends_at_its_next_check(made) -> None:
    def train(_project, control, _device):
        with made.store.writing() as tx:
            jobs.request_cancel(tx, control.job.id)
        while True:
            control.check()

    enqueue(made)

    ended = worker(made, train=train).run_once()

    assert [j.state for j in ended] == [JobState.CANCELLED]


def test_a_worker_that_has_to_stop_puts_its_job_back_and_signs_off(made) -> None:
    busy = threading.Event()

    def train(_project, control, _device):
        busy.set()
        while not control.should_stop():
            pass
        control.check()

    enqueue(made)
    one = worker(made, train=train)
    thread = threading.Thread(target=one.run)
    thread.start()
    wait_for(busy)
    with made.store.reading() as tx:
        present = [beat.worker for beat in jobs.workers(tx)]

    one.stopping.set()
    thread.join(30)

    assert present == [one.name]
    assert latest(made).state is JobState.QUEUED
    with made.store.reading() as tx:
        assert jobs.workers(tx) == []
    assert [j.state for j in worker(made).run_once()] == [JobState.DONE]


def test_a_silent_workers_job_is_taken_over_and_its_own_report_comes_to_nothing(made) -> None:
    enqueue(made)
    with made.store.writing() as tx:
        dead = jobs.claim(tx, "dead", [TRAIN], made.clock())
    assert dead is not None
    assert worker(made).run_once() == []
    made.clock.forward(61)

    ended = worker(made, train=lambda *_: "by the second").run_once()

    assert [(j.id, j.state) for j in ended] == [(dead.id, JobState.DONE)]
    zombie = Control(made.store, dead, clock=made.clock)
    zombie.heartbeat()
    assert zombie.should_stop()
    with pytest.raises(LeaseLost):
        zombie.check()
    assert latest(made).message == "by the second"


def test_a_heartbeat_that_runs_into_something_unexpected_goes_on(made) -> None:
    beats, enough = [], threading.Event()

    def beat() -> None:
        beats.append(len(beats))
        if len(beats) > 2:
            enough.set()
        raise ZeroDivisionError("by zero")

    with made.store.writing() as tx:
        jobs.enqueue(tx, TRAIN, {}, made.clock())
        job = jobs.claim(tx, "me", [TRAIN], made.clock())
    assert job is not None

    with Control(made.store, job, clock=made.clock, beat=beat, heartbeat_seconds=0.01):
        wait_for(enough)

    assert len(beats) > 2


def test_a_zombies_end_is_not_written_over_the_second_workers(made) -> None:
    def slow(_project, _control, _device):
        made.clock.forward(61)
        worker(made, train=lambda *_: "by the second").run_job(TRAIN)
        return "by the zombie"

    enqueue(made)
    zombie = Worker(
        made.project,
        made.store,
        runners={TRAIN: slow, EMBED: slow},
        clock=made.clock,
        heartbeat_seconds=60,
    )

    zombie.run_job(TRAIN)

    assert latest(made).message == "by the second"


def test_pictures_without_features_are_embedded_by_themselves(made) -> None:
    made.add_images(["a.png"])

    ended = worker(made, embed=lambda _project, *_: made.add_features(np.ones((1, 4)))).run_once()

    assert [j.kind for j in ended] == [EMBED]
    assert latest(made, EMBED).options == {
        "reason": "images without features", "images": 1, "listed": 1
    }  # fmt: skip
    assert worker(made).run_once() == []


def test_an_image_that_comes_while_another_goes_is_embedded(made) -> None:
    made.add_images(["a.png", "b.png"])
    made.add_features(np.ones((2, 4)))
    made.add_images(["c.png"])
    assert [j.kind for j in worker(made).run_once()] == [EMBED]  # c has no features still
    with made.store.writing() as tx:
        images.strike_off(tx, "main", ["a.png"])
        images.mark_missing_images(tx)
    made.add_images(["d.png"])

    assert [j.kind for j in worker(made).run_once()] == [EMBED]
    assert worker(made).run_once() == []


def test_a_picture_that_cannot_be_embedded_is_not_tried_in_a_circle(made) -> None:
    made.add_images(["a.png", "b.png"])
    files = made.add_features(np.ones((1, 4)))
    assert [j.kind for j in worker(made).run_once()] == [EMBED]  # and not for ever

    files.write_failed({1: "not an image"})
    made.add_images(["a.png", "b.png", "c.png"])

    assert [j.kind for j in worker(made).run_once()] == [EMBED]
    files.write_failed({1: "not an image", 2: "not an image"})
    assert worker(made).run_once() == []


def test_a_job_that_failed_rests_before_it_is_tried_again(made) -> None:
    made.add_images(["a.png"])
    tries = []

    def embed(_project, _control, _device):
        tries.append(made.clock())
        raise NotReady("no")

    worker(made, embed=embed).run_once()
    worker(made, embed=embed).run_once()
    made.clock.forward(601)
    worker(made, embed=embed).run_once()

    assert len(tries) == 2


def test_a_due_version_waits_for_the_first_features(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = made.add_images(f"{i}.png" for i in range(12))
    made.answer([(i, dog, State.PRESENT) for i in ids.values()])
    done = []

    def embed(_project, _control, _device):
        made.add_features(np.ones((12, 4)))
        return ""

    def train(_project, control, _device):
        done.append(control.job.options)
        raise NotReady("enough for a test")

    ended = worker(made, embed=embed, train=train).run_once()

    assert [j.kind for j in ended] == [EMBED, TRAIN]
    assert done == [{"reason": "12 new present answers"}]


def test_embedding_gives_way_to_a_training_that_is_due(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = made.add_images(f"{i}.png" for i in range(12))
    order = []

    def embed(_project, control, _device):
        order.append("embed")
        if len(order) == 1:
            made.add_features(np.ones((11, 4)))
            assert not control.give_way()
            made.answer([(i, dog, State.PRESENT) for i in ids.values()])
            assert control.give_way()
            control.requeue()
        else:
            assert not control.give_way()
        return ""

    def train(_project, _control, _device):
        order.append("train")
        raise NotReady("enough for a test")

    enqueue(made, EMBED)
    one = worker(made, embed=embed, train=train)
    for _ in range(3):
        one._look_for_work()

    assert order == ["embed", "train", "embed"]


def test_settings_are_read_anew_before_each_job(made) -> None:
    seen = []
    one = worker(made, train=lambda project, *_: seen.append(project.settings.method) or "")
    enqueue(made)
    one.run_once()

    made.change(changed(made.project.settings, {"method": "hst", "retraining": Retraining()}))
    enqueue(made)
    one.run_once()
    (made.project.path / "project.toml").write_text("half edi")
    enqueue(made)
    one.run_once()

    assert seen == ["kernel_ridge", "hst", "hst"]


def test_a_worker_stops_when_the_project_is_moved_away(made) -> None:
    away = made.project.path.with_name("away")

    def train(project, _control, _device):
        project.path.rename(away)
        return "trained"

    enqueue(made)

    with pytest.raises(StoreMoved, match="moved or deleted while it was in use"):
        worker(made, train=train).run()

    assert not made.project.path.exists()
    away.rename(made.project.path)  # so that the fixture finds what it closes


def test_a_problem_is_logged_when_it_comes_up_not_every_time(
    made, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["damaged", "damaged", "damaged", "", "damaged", "other", "other"])
    waiting = worker(made)

    def look() -> bool:
        problem = next(said, None)
        if problem is None:
            waiting.stopping.set()
        elif problem:
            raise NotReady(problem)
        return True

    monkeypatch.setattr(waiting, "_look_for_work", look)
    waiting.run()

    warned = [r.getMessage() for r in caplog.records if "will retry" in r.getMessage()]
    assert [w.split(": ")[1] for w in warned] == ["damaged", "damaged", "other"]


def test_a_refusal_is_logged_by_the_loop_only_whoever_asks_for_one_job_says_it(
    made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def refuse(*_: object) -> str:
        raise NotReady("Nothing to learn from yet.")

    enqueue(made)
    (ended,) = worker(made, train=refuse).run_once()
    assert (ended.message, caplog.messages) == ("Nothing to learn from yet.", [])

    enqueue(made)
    looping = worker(made, train=refuse)
    assert looping._look_for_work() is True

    assert [m.partition(" failed: ")[2] for m in caplog.messages] == ["Nothing to learn from yet."]


def test_a_challenger_gives_way_to_a_training_and_is_taken_up_again(made) -> None:
    order: list[str] = []

    def challenge(_project, control, _device):
        order.append("challenge")
        if order.count("challenge") == 1:
            enqueue(made, TRAIN)
            while not control.should_stop():
                control.check()
            control.check()
        one.stopping.set()
        return "compared"

    def train(_project, _control, _device):
        order.append("train")
        return "trained"

    enqueue(made, JobKind.CHALLENGE, challenger="hst", base=1, known=1)
    one = worker(made, challenge=challenge, train=train)
    one.run()

    assert order == ["challenge", "train", "challenge"]
    assert latest(made, JobKind.CHALLENGE).state is JobState.DONE


def test_a_worker_that_does_one_job_gives_way_to_nothing(made) -> None:
    def challenge(_project, control, _device):
        enqueue(made, TRAIN)
        control.heartbeat()
        control.check()
        return "compared"

    enqueue(made, JobKind.CHALLENGE, challenger="hst", base=1, known=1)

    ended = worker(made, challenge=challenge).run_job(JobKind.CHALLENGE)

    assert ended is not None
    assert ended.message == "compared"


@pytest.mark.parametrize("kind", [JobKind.MAP, JobKind.CHALLENGE])
def test_a_worker_that_ends_when_nothing_is_left_starts_nothing_that_nobody_waits_for(
    made, kind: JobKind
) -> None:
    enqueue(made, kind, challenger="hst", base=1, known=1)

    assert worker(made).run_once() == []
    assert latest(made, kind).state is JobState.QUEUED


def test_a_map_goes_before_a_challenger_and_gives_way_to_a_training(made) -> None:
    order: list[str] = []

    def compare(_project, control, _device):
        order.append("map")
        if len(order) == 1:
            enqueue(made, TRAIN)
            while not control.should_stop():
                pass
            control.check()
        return "compared"

    def challenge(*_):
        order.append("challenge")
        one.stopping.set()
        return ""

    enqueue(made, JobKind.CHALLENGE, challenger="hst", base=1, known=1)
    enqueue(made, JobKind.MAP)
    one = worker(
        made, map=compare, challenge=challenge, train=lambda *_: order.append("train") or ""
    )
    one.run()

    assert order == ["map", "train", "map", "challenge"]


def test_a_challenger_without_a_point_ends_with_its_reason(made) -> None:
    def challenge(_project, _control, _device):
        one.stopping.set()
        raise Dropped("Dropped: version 3 knows more.")

    enqueue(made, JobKind.CHALLENGE, challenger="hst", base=1, known=1)
    one = worker(made, challenge=challenge)
    one.run()

    ended = latest(made, JobKind.CHALLENGE)
    assert (ended.state, ended.message) == (JobState.CANCELLED, "Dropped: version 3 knows more.")
