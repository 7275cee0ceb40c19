"""The trainer as a process beside the pages: started again when the system kills it."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.errors import AnnotatorError
from annotator.store import Store, jobs

log = logging.getLogger("annotator.serve")

STOP_SECONDS = 20.0
"""How long a trainer may take to put its job back before it is ended."""

PAUSES = (1.0, 2.0, 5.0, 15.0)
"""Seconds before it is started again, after the first, second, ... end in a row."""

SOUND_SECONDS = 30.0
"""An end after a longer life begins the row anew."""

STARTING_SECONDS = 60.0
"""After so long without a sign of life a trainer is no longer believed to be starting."""

STOPPED = "The trainer has stopped; you can go on labelling. Start it with: annotator work PROJECT"

NONE = "No trainer is running; you can go on labelling. Start it with: annotator work PROJECT"
"""Where this program has started none."""

_CURE = (
    "; you can go on labelling. See the log of the server, then start it with: annotator work "
    "PROJECT"
)

_LIKELY = {
    signal.SIGKILL: ", perhaps for lack of memory",
    signal.SIGBUS: ", perhaps because the disk is full",
}


@dataclass(frozen=True)
class Situation:
    """What is known of a trainer that gives no sign of life."""

    starting: bool
    sentence: str


class TrainerProcess:
    """A child process that ends when this process does, and is started again when it is killed."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        on_death: Callable[[int], None] = lambda _: None,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Set it up; nothing happens before `start`.

        Args:
            command: See `trainer_command`; it leaves when its standard input closes.
            environment: Of the process; None takes that of this one.
            on_death: Called with the number of a process that ended unasked.
            pauses: See `PAUSES`.
        """
        self._command = list(command)
        self._environment = environment
        self._on_death = on_death
        self._pauses = pauses
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._starting = "The trainer is starting."
        self._end = ""
        """Why it does not run and is not going to."""
        self._thread = threading.Thread(target=self._watch, name="trainer", daemon=True)

    def start(self) -> None:
        """Start the process and watch over it."""
        self._thread.start()

    def situation(self) -> Situation:
        """Return what to say of it while it gives no sign of life."""
        if self._end:
            return Situation(False, self._end)
        if self._started_at and time.monotonic() - self._started_at > STARTING_SECONDS:
            return Situation(False, STOPPED)
        return Situation(True, self._starting)

    def stop(self) -> None:
        """Ask the process to stop, and end it if it does not."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        in_a_row = 0
        while (process := self._spawn()) is not None:
            code = process.wait()
            if process.stdin is not None:
                process.stdin.close()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - self._started_at
            self._on_death(process.pid)
            in_a_row = in_a_row + 1 if lived < SOUND_SECONDS else 1
            if code == 0 or in_a_row > len(self._pauses):
                self._end = _end(code, in_a_row)
                log.error("%s", self._end)
                return
            self._started_at = 0.0  # it has as long as it needs, from when it is started
            self._starting = f"The trainer {reason(code)}; it is being started again."
            log.warning("%s", self._starting)
            self._stopping.wait(self._pauses[in_a_row - 1])

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            self._started_at = time.monotonic()
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C reaches the web app alone, which then stops it
                )
            except OSError as error:
                self._end = f"The trainer cannot be started ({error.strerror}){_CURE}"
                log.exception("the trainer cannot be started")
                return None
            return self._process


def trainer_command(project: Path, device: str) -> list[str]:
    """Return how the trainer of a project is started, so that it leaves with its parent."""
    work = (sys.executable, "-m", "annotator", "work", str(project))
    return [*work, "--device", device, "--supervised"]


def forget_dead(store: Store, process: int) -> None:
    """Give the jobs of a trainer that is dead to the next one at once, instead of in a minute.

    Args:
        store: Of the project.
        process: Its number, on this machine.
    """
    here = {"pid": process, "host": socket.gethostname()}
    try:
        with store.writing() as tx:
            for beat in jobs.workers(tx):
                if here.items() <= beat.info.items():
                    jobs.bury(tx, beat.worker)
    except AnnotatorError as error:
        log.warning("The jobs of the dead trainer wait for a minute: %s", error)


def reason(code: int) -> str:
    """Return why a process ended, from its exit status.

    >>> reason(-9)
    'was killed (SIGKILL), perhaps for lack of memory'
    >>> reason(3)
    'ended with exit code 3'
    """
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        number = signal.Signals(-code)
    except ValueError:
        return f"was ended by signal {-code}"
    verb = "was killed" if number in (signal.SIGKILL, signal.SIGTERM) else "crashed"
    return f"{verb} ({number.name}){_LIKELY.get(number, '')}"


def _end(code: int, in_a_row: int) -> str:
    if code == 0:
        return STOPPED
    times = f", {in_a_row} times in a row" if in_a_row > 1 else ""
    return f"The trainer {reason(code)}{times}{_CURE}"
