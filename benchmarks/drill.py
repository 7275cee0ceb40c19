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
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from drill_check import Act, Verdict, check
from drill_site import Site
from PIL import Image, ImageDraw
from store import commit, machine
from virtual_annotators import Manner, VirtualAnnotator

from annotator.services.project.creation import create_project

DELIVERY_SECONDS = 120.0
"""How long the queues may take to empty, beside the time of service."""


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
    site = Site(project, log)
    try:
        site.start()
        names = [f"Virtual {number + 1}" for number in range(options.annotators)]
        manner = Manner(options.pace, options.patience)
        people = [
            VirtualAnnotator(site.port, name, manner, seed=options.seed + 1 + number)
            for number, name in enumerate(names)
        ]
        strikes = _label(site, people, options)
    finally:
        site.stop()
    acts = [act for person in people for act in person.acts]
    return Outcome(
        acts,
        check(project / "labels.db", acts),
        late=sum(person.late for person in people),
        away=site.away,
        strikes=strikes,
        doctor=_doctor(project),
        versions=_versions(project),
    )


def _label(site: Site, people: list[VirtualAnnotator], options: argparse.Namespace) -> list[str]:
    """Let people work until all is delivered, and return what was done to the processes."""
    done: list[str] = []
    over = threading.Event()

    def is_enough() -> bool:
        return over.is_set() or site.served() > options.seconds

    with ThreadPoolExecutor(2 * len(people)) as pool:
        threads = [pool.submit(person.work, is_enough) for person in people]
        threads += [pool.submit(person.send, over.is_set) for person in people]
        try:
            for at, strike in _strikes(options):
                while (ahead := at - site.served()) > 0:
                    time.sleep(ahead)
                if _strike(site, strike, options):
                    done.append(strike)
            wait(threads, DELIVERY_SECONDS + options.seconds)
        finally:
            over.set()
        for thread in threads:
            thread.result()
    return done


def _strikes(options: argparse.Namespace) -> list[tuple[float, str]]:
    """Return what is done to the processes and when, in seconds of service."""
    rng = np.random.default_rng(options.seed)
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
