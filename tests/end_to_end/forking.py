"""Starts commands of the program without importing everything again for each.

One process builds a web app once and then waits; for every command it forks, and the copy becomes
`python -m annotator ...` in every way that a test can see: its own process and session, its own
standard streams, environment and exit status, killed and signalled as any other.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
LONGEST_REQUEST = 1 << 20


class Command:
    """A command that runs: the part of `subprocess.Popen` that tests need."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told.makefile("r")
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._read()
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Return the exit status once it has ended, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: If it is still running after so many seconds.
        """
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"command {self.pid}", timeout)
            self._read()
        assert self.returncode is not None
        return self.returncode

    def _read(self) -> None:
        self.returncode = int(self._told.readline())
        self._told.close()

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that forks; it ends with this object, or with the process that made it."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                pass_fds=[theirs.fileno()],
            )

    def start(self, *words: str, stdout: int, stderr: int, **environment: str) -> Command:
        """Start `annotator` with some words, and with some variables of the environment changed."""
        request = {
            "words": words,
            "folder": str(Path.cwd()),
            "environment": {**os.environ, **environment},
        }
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                descriptors = [theirs.fileno(), stdout, stderr]
                socket.send_fds(self._requests, [json.dumps(request).encode() + b"\n"], descriptors)
            return Command(ours)

    def close(self) -> None:
        """End the process."""
        self._requests.close()
        self._process.wait(30)


def _minded(told: socket.socket) -> None:
    """Fork into the command, which returns, and a process that tells its number and its end."""
    child = os.fork()
    if not child:
        return

    def end_with_the_tests() -> None:
        with contextlib.suppress(ProcessLookupError):
            if not told.recv(1):  # nobody is there any more who would end it
                os.kill(child, signal.SIGKILL)

    told.sendall(f"{child}\n".encode())
    threading.Thread(target=end_with_the_tests, daemon=True).start()
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):
        told.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _wait_for_requests(requests: socket.socket) -> list[str]:
    """Fork for every request, and return its words in the copy."""
    minders: set[int] = set()
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 3)
        while text and not text.endswith(b"\n"):
            text += requests.recv(LONGEST_REQUEST)
        if not text:
            os._exit(0)
        if minder := os.fork():
            for descriptor in descriptors:
                os.close(descriptor)
            minders = {one for one in minders | {minder} if os.waitpid(one, os.WNOHANG)[0] == 0}
            continue
        requests.close()
        with socket.socket(fileno=descriptors[0]) as told:
            _minded(told)
        os.setsid()
        for place, descriptor in enumerate(descriptors[1:], start=1):
            os.dup2(descriptor, place)
            os.close(descriptor)
        request = json.loads(text)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        return list(request["words"])


def _import_everything() -> None:
    """Import what a server needs, also what it imports only while it starts."""
    import uvicorn.loops.asyncio
    import uvicorn.protocols.http.h11_impl  # noqa: F401
    from PIL import Image

    import annotator.cli
    import annotator.ui.server  # noqa: F401
    from annotator.services.app import Services
    from annotator.services.project.creation import create_project
    from annotator.ui.app import build_app
    from annotator.ui.web.files import WebFiles

    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as stack:
        Image.new("RGB", (8, 8)).save(Path(made) / "one.png")
        project = create_project(Path(made) / "project", Path(made), names=["one"]).project
        services = Services.open(project.path)
        stack.callback(services.close)
        files = WebFiles(0)
        stack.callback(files.close)
        build_app(services, port=1, files=files)


def _be_the_fork_server() -> NoReturn:
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        _import_everything()
        # A thread would not be there after a fork, and a lock that it holds would stay locked.
        assert threading.active_count() == 1, threading.enumerate()
        gc.collect()
        gc.freeze()  # what is imported stays, so that looking through it again is of no use
        words = _wait_for_requests(requests)
    sys.argv = ["annotator", *words]
    status = 0
    try:
        runpy.run_module("annotator", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        status = end.code
    # What Python does when it ends, without freeing all objects, a quarter of a second each time.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _be_the_fork_server()
