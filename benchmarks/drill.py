"""The drill: people label while server and trainer are killed, and nothing may be lost or doubled.

    python benchmarks/drill.py [--annotators 4] [--seconds 60] [--pace 0.3] [--seed 0]
                               [--server-kills 5] [--worker-kills 4] [--stalls 0] [--patience 20]

Makes a project of drawn pictures, serves it with its trainer, and lets virtual annotators answer,
sweep, undo, redo, look and save pages of the grid (`virtual_annotators.py`). Meanwhile the server
and the trainer are killed with SIGKILL at random moments; the server starts again on the same port,
and the seconds that it takes to be there again do not count.
A stall stops the server with SIGSTOP for longer than a call is waited for, and lets it go on: calls
that were given up and repeated are then done as well. In the end everything that was acknowledged
must be in the database exactly once with exactly its answers (`drill_check.py`), labels and
counters must be what the answers give, and `annotator doctor` must agree. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from drill_check import Act, Verdict, check
from PIL import Image, ImageDraw
from store import commit, machine
from virtual_annotators import Manner, VirtualAnnotator

from annotator.services.creation import create_project

DELIVERY_SECONDS = 120.0
"""How long the queues may take to empty, beside the time of service."""
LEAVING_SECONDS = 40.0
"""How long processes may take to end when they are asked to."""


def make_project(folder: Path, images: int, categories: int, seed: int) -> Path:
    """Make a project of drawn pictures and return its directory."""
    rng = np.random.default_rng(seed)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for number in range(images):
        picture = Image.new("RGB", (96, 80), tuple(rng.integers(120, 255, 3).tolist()))
        draw = ImageDraw.Draw(picture)
        for _ in range(3):
            left, top, size = rng.integers(0, 60), rng.integers(0, 44), rng.integers(8, 36)
            colour = tuple(rng.integers(0, 255, 3).tolist())
            draw.ellipse([left, top, left + size, top + size], fill=colour)
        picture.save(pictures / f"{number:04d}.png")
    names = [f"thing {number}" for number in range(categories)]
    return create_project(folder / "project", pictures, names=names).project.path


class Site:
    """A project that is served with its trainer, on a port that stays the same."""

    def __init__(self, project: Path, log: IO[bytes]) -> None:
        self.port = 0
        self.away: list[float] = []
        """Seconds that the server was not there, each time."""
        self._project = project
        self._log = log
        self._served = 0.0
        self._since: float | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._own_workers: list[subprocess.Popen[bytes]] = []
        self._servers_workers: set[int] = set()

    def start(self) -> None:
        """Start the server, which starts its trainer, and wait until it answers."""
        command = [sys.executable, "-m", "annotator", "serve", str(self._project)]
        self._server = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.PIPE, stderr=self._log
        )
        assert self._server.stdout is not None
        line = self._server.stdout.readline().decode()
        if "http://" not in line:
            raise RuntimeError("the server did not start; its log says why")
        self.port = int(line.partition("http://")[2].split()[0].rpartition(":")[2])
        self._since = time.monotonic()

    def served(self) -> float:
        """Return for how many seconds the server has been there."""
        since = self._since
        return self._served + (0.0 if since is None else time.monotonic() - since)

    @contextmanager
    def _absence(self) -> Iterator[None]:
        begun = time.monotonic()
        self._served, self._since = self.served(), None
        yield
        self._since = time.monotonic()
        self.away.append(self._since - begun)

    def kill_server(self) -> None:
        """Kill the server and start it again."""
        server = self._running()
        self._remember_workers()
        with self._absence():
            server.kill()
            server.wait()
            assert server.stdout is not None
            server.stdout.close()
            self._let_workers_go()  # the new server brings one of its own
            self.start()

    def stall_server(self, seconds: float) -> None:
        """Stop the server as it is, and let it go on after some seconds."""
        server = self._running()
        with self._absence():
            server.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            server.send_signal(signal.SIGCONT)

    def kill_worker(self) -> bool:
        """Kill the trainer and start another, as nothing else does; whether there was one."""
        own = [worker.pid for worker in self._own_workers if _stays(worker)]
        found = own or self._remember_workers()
        for worker in found:
            os.kill(worker, signal.SIGKILL)
        command = [sys.executable, "-m", "annotator", "work", str(self._project), "--supervised"]
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log
        )
        self._own_workers.append(worker)
        return bool(found)

    def stop(self) -> None:
        """End everything that was started."""
        server = self._running()
        self._remember_workers()
        self._let_workers_go()
        server.terminate()
        for process in (server, *self._own_workers):
            try:
                process.wait(LEAVING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert server.stdout is not None
        server.stdout.close()
        deadline = time.monotonic() + LEAVING_SECONDS
        while any(map(_is_worker, self._servers_workers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for left in filter(_is_worker, self._servers_workers):
            os.kill(left, signal.SIGKILL)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._server is not None
        if self._server.poll() is not None:
            raise RuntimeError("the server has ended by itself; its log says why")
        return self._server

    def _remember_workers(self) -> list[int]:
        """Return the trainers that the server has started; they are ended with the drill."""
        command = ["ps", "-o", "pid=", "--ppid", str(self._running().pid)]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found = [int(word) for word in listed.split() if _is_worker(int(word))]
        self._servers_workers.update(found)
        return found

    def _let_workers_go(self) -> None:
        """End the trainers that were started here: they leave when their input closes."""
        for worker in self._own_workers:
            assert worker.stdin is not None
            worker.stdin.close()


def _stays(worker: subprocess.Popen[bytes]) -> bool:
    assert worker.stdin is not None
    return worker.poll() is None and not worker.stdin.closed


def _is_worker(process: int) -> bool:
    command = ["ps", "-o", "stat=,args=", "-p", str(process)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return " work " in said and not said.startswith("Z")


@dataclass
class Outcome:
    """What was done and what was found."""

    acts: list[Act]
    verdict: Verdict = field(default_factory=Verdict)
    late: int = 0
    away: list[float] = field(default_factory=list)
    """Seconds that the server was not there, each time."""
    strikes: list[str] = field(default_factory=list)
    """What was done to the processes: `server`, `worker` or `stall`."""
    doctor: list[str] = field(default_factory=list)
    """What `annotator doctor` found to be wrong."""
    versions: int = 0
    """Trained meanwhile."""
    tracebacks: int = 0
    """In the log of the server and its trainers."""

    @property
    def left(self) -> list[Act]:
        """Acts that were never confirmed although the server was there in the end."""
        return [act for act in self.acts if act.acknowledged is None]

    @property
    def refused(self) -> list[Act]:
        """Acts that the server would not have, though a page may send them."""
        return [act for act in self.acts if act.refused]

    @property
    def failed(self) -> bool:
        """Whether anything is not as it should be."""
        return bool(self.verdict.sentences or self.left or self.refused or self.doctor)


def drill(project: Path, options: argparse.Namespace, log: IO[bytes]) -> Outcome:
    """Let people work while things are killed, and return what became of it."""
    manner = Manner(options.pace, options.patience)
    rng = np.random.default_rng(options.seed)
    site = Site(project, log)
    site.start()
    names = [f"Virtual {number + 1}" for number in range(options.annotators)]
    people = [
        VirtualAnnotator(site.port, name, manner, seed=options.seed + 1 + number)
        for number, name in enumerate(names)
    ]
    outcome = Outcome([])
    over = threading.Event()
    with ThreadPoolExecutor(2 * len(people)) as pool:
        working = [pool.submit(p.work, lambda: site.served() > options.seconds) for p in people]
        sending = [pool.submit(p.send, over.is_set) for p in people]
        for at, strike in _strikes(options, rng):
            while (ahead := at - site.served()) > 0:
                time.sleep(ahead)
            outcome.strikes += [strike] if _strike(site, strike, options) else []
        wait([*working, *sending], DELIVERY_SECONDS + options.seconds)
        over.set()
        for thread in [*working, *sending]:
            thread.result()
    site.stop()
    outcome.acts = [act for person in people for act in person.acts]
    outcome.late = sum(person.late for person in people)
    outcome.away = site.away
    outcome.verdict = check(project / "labels.db", outcome.acts)
    outcome.doctor = _doctor(project)
    outcome.versions = _versions(project)
    return outcome


def _strikes(options: argparse.Namespace, rng: np.random.Generator) -> list[tuple[float, str]]:
    """Return what is done to the processes and when, in seconds of service."""
    counts = {
        "server": options.server_kills,
        "worker": options.worker_kills,
        "stall": options.stalls,
    }
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    return sorted((float(rng.uniform(0.05, 0.95)) * options.seconds, kind) for kind in kinds)


def _strike(site: Site, kind: str, options: argparse.Namespace) -> bool:
    if kind == "worker":
        return site.kill_worker()
    if kind == "server":
        site.kill_server()
    else:
        site.stall_server(1.5 * options.patience)
    return True


def _doctor(project: Path) -> list[str]:
    command = [sys.executable, "-m", "annotator", "doctor", str(project), "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    findings = json.loads(said.stdout)
    return [finding["sentence"] for finding in findings if finding["bad"]]


def _versions(project: Path) -> int:
    connection = sqlite3.connect(project / "labels.db")
    try:
        return int(connection.execute("SELECT count(*) FROM version WHERE ready").fetchone()[0])
    finally:
        connection.close()


def told(outcome: Outcome) -> str:
    """Return the outcome as lines of text."""
    acts, verdict = outcome.acts, outcome.verdict
    kept = [act for act in acts if act.acknowledged is not None]
    waits = [1000 * (act.acknowledged - act.done) for act in kept if act.acknowledged]
    calls = [1000 * act.call_seconds for act in kept]
    kinds = ("save", "undo", "redo", "visit")
    of_kind = ", ".join(f"{kind} {sum(a.call == kind for a in kept)}" for kind in kinds)
    lines = [
        f"acknowledged: {len(kept)} ({of_kind})",
        f"answers in them: {sum(len(act.said) for act in kept)}, late: {outcome.late}",
        f"lost: {len(verdict.lost)}",
        f"doubled: {len(verdict.doubled)}",
        f"otherwise wrong: {len(verdict.wrong)}",
        f"refused: {len(outcome.refused)}",
        f"never confirmed: {len(outcome.left)}",
        f"retries: {sum(act.tries - 1 for act in kept)}",
        f"recorded before a retry: {sum(act.repeated for act in kept)}",
        f"killed: server {outcome.strikes.count('server')} times, trainer "
        f"{outcome.strikes.count('worker')}; stalled: {outcome.strikes.count('stall')}",
        f"server away, seconds: {', '.join(f'{s:.1f}' for s in outcome.away) or 'never'}",
        f"call confirmed, ms: {_percentiles(calls)}",
        f"done to confirmed, kills included, ms: {_percentiles(waits)}",
        f"versions trained: {outcome.versions}; tracebacks in the log: {outcome.tracebacks}",
    ]
    wrong = [*verdict.sentences, *(f"doctor: {sentence}" for sentence in outcome.doctor)]
    wrong += [f"refused: {act.call} {act.op}: {act.refused}" for act in outcome.refused]
    wrong += [f"never confirmed: {act.call} {act.op}" for act in outcome.left]
    return "\n".join([*lines, *(f"!! {sentence}" for sentence in wrong[:50])])


def _percentiles(values: list[float]) -> str:
    if not values:
        return "none"
    half, most, all_ = np.percentile(values, [50, 95, 100])
    return f"p50 {half:.0f}, p95 {most:.0f}, max {all_:.0f}"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--annotators", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60, help="of service, without absences")
    parser.add_argument("--pace", type=float, default=0.3, help="seconds an act; 0: flat out")
    parser.add_argument("--server-kills", type=int, default=5)
    parser.add_argument("--worker-kills", type=int, default=4)
    parser.add_argument("--stalls", type=int, default=0, help="of the server, by SIGSTOP")
    parser.add_argument("--patience", type=float, default=20, help="seconds a call may take")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--categories", type=int, default=20)
    parser.add_argument(
        "--embed", action="store_true", help="embed before, so that versions are trained meanwhile"
    )
    parser.add_argument("--folder", type=Path, help="keep project and log here")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def run(folder: Path, options: argparse.Namespace) -> Outcome:
    """Make the project in a folder and drill on it."""
    project = make_project(folder, options.images, options.categories, options.seed)
    path = folder / "server.log"
    with path.open("wb") as log:
        if options.embed:
            command = [sys.executable, "-m", "annotator", "embed", str(project)]
            subprocess.run(command, stdout=log, stderr=log, check=True)
        outcome = drill(project, options, log)
    outcome.tracebacks = path.read_text(errors="replace").count("Traceback")
    return outcome


def main() -> None:
    """Drill and print; exit status 1 if anything is lost, doubled or otherwise wrong."""
    options = arguments()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        outcome = run(options.folder or Path(temporary), options)
    print(f"{machine()}; load {before:.1f} before, {os.getloadavg()[0]:.1f} after")
    print(
        f"commit {commit()}, seed {options.seed}, {options.annotators} annotators, "
        f"{options.seconds:.0f} s, pace {options.pace} s"
    )
    print(told(outcome))
    sys.exit(outcome.failed)


if __name__ == "__main__":
    main()
