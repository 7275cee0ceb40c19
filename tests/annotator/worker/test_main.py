"""Being a worker process, and doing one job here and now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from annotator.domain import Job, JobKind, JobState
from annotator.services.clock import utc_now
from annotator.store import jobs
from annotator.worker import do_job, is_worker_alive, work

ROOT = Path(__file__).resolve().parents[3]
EMBED, TRAIN = JobKind.EMBED, JobKind.TRAIN


def started(made, *options: str) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path; from annotator.worker import work;"
        "work(Path(sys.argv[1]), supervised='--supervised' in sys.argv)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(made.project.path), *options],
        stdin=subprocess.PIPE,
        cwd=ROOT,
    )
    while not workers(made):
        assert process.poll() is None, "the worker ended by itself"
    return process


def workers(made) -> list[jobs.WorkerBeat]:
    with made.store.reading() as tx:
        return jobs.workers(tx)


def latest(made, kind: JobKind = TRAIN) -> Job | None:
    with made.store.reading() as tx:
        return jobs.latest(tx, kind)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_worker_cleanly(made, number: signal.Signals) -> None:
    with started(made) as process:
        assert is_worker_alive(workers(made), utc_now())

        process.send_signal(number)

        assert process.wait(30) == 0
    assert workers(made) == []


def test_a_supervised_worker_ends_when_its_parent_is_gone(made) -> None:
    with started(made, "--supervised") as process:
        assert process.stdin is not None

        process.stdin.close()

        assert process.wait(30) == 0
    assert workers(made) == []


def test_an_idle_worker_steps_back_and_loads_no_torch(made) -> None:
    with started(made) as process:
        niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
        maps = Path(f"/proc/{process.pid}/maps")
        libraries = maps.read_text() if maps.exists() else ""
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    assert niceness == os.getpriority(os.PRIO_PROCESS, 0) + 5
    assert "libtorch" not in libraries


def test_once_does_what_is_queued_and_returns(made) -> None:
    with made.store.writing() as tx:
        jobs.enqueue(tx, TRAIN, {}, utc_now())
    before = os.getpriority(os.PRIO_PROCESS, 0)

    code = (
        "import sys; from pathlib import Path; from annotator.worker import work;"
        "print([j.state.value for j in work(Path(sys.argv[1]), once=True)])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(made.project.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "['failed']"
    job = latest(made)
    assert job is not None
    assert "No image could be embedded" in job.message
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_job_is_done_here_if_no_worker_is_alive(made) -> None:
    made.add_images(["a.png"])

    job = do_job(made.project.path, EMBED, {})

    assert (job.state, job.message) == (
        JobState.FAILED,
        f"1 image left out: the image folder {made.project.path / 'pictures'} is missing; "
        "connect its disk, or change 'main' under [roots] in project.toml.",
    )
    assert workers(made) == []


def test_pages_see_a_job_that_is_done_here_but_nobody_waits_for_its_process(made) -> None:
    made.add_images(["a.png"])
    pictures = made.project.path / "pictures"
    pictures.mkdir()
    (pictures / "a.png").write_bytes(b"not a picture")
    seen = []

    job = do_job(made.project.path, EMBED, {}, on_progress=lambda _: seen.append(workers(made)))

    assert job.message == "Embedded 0 images. 1 could not be read."
    assert [beat.info["inline"] for beat in seen[0]] == [True]
    assert not is_worker_alive(seen[0], utc_now())


def test_a_living_worker_is_left_to_do_the_job(made) -> None:
    with made.store.writing() as tx:
        jobs.beat(tx, "alive", {}, utc_now())

    job = do_job(made.project.path, TRAIN, {"method": "hst"})

    assert job.state is JobState.QUEUED


def test_a_job_that_waits_with_other_options_gives_way(made) -> None:
    with made.store.writing() as tx:
        jobs.beat(tx, "alive", {}, utc_now())
        first = jobs.enqueue(tx, TRAIN, {"reason": "50 new answers"}, utc_now())

    job = do_job(made.project.path, TRAIN, {"method": "hst"})
    again = do_job(made.project.path, TRAIN, {"method": "hst"})

    assert job.options == {"method": "hst"}
    assert again.id == job.id
    with made.store.reading() as tx:
        assert jobs.get(tx, first.id).state is JobState.CANCELLED


def test_a_job_that_another_process_is_doing_is_waited_for(made) -> None:
    with made.store.writing() as tx:
        jobs.enqueue(tx, EMBED, {}, utc_now())
        other = jobs.claim(tx, "other", [EMBED], utc_now())
    assert other is not None
    with made.store.writing() as tx:
        jobs.heartbeat(tx, other, {"stage": "embedding"}, utc_now())

    def finish(_: object) -> None:
        if latest(made, EMBED).state is JobState.RUNNING:
            with made.store.writing() as tx:
                jobs.finish(tx, other, JobState.DONE, "by the other", utc_now())

    job = do_job(made.project.path, EMBED, {}, on_progress=finish)

    assert (job.id, job.message) == (other.id, "by the other")


def test_a_worker_can_run_in_a_thread(made) -> None:
    ended: list[Job] = []
    thread = threading.Thread(target=lambda: ended.extend([do_job(made.project.path, EMBED, {})]))

    thread.start()
    thread.join(60)

    assert [job.state for job in ended] == [JobState.DONE]


def test_a_project_that_is_not_there_is_refused(tmp_path: Path) -> None:
    from annotator.errors import ProjectError

    with pytest.raises(ProjectError, match="annotator init"):
        work(tmp_path / "nowhere")
