"""A project served in processes of its own, which can be killed, stopped and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

LEAVING_SECONDS = 40.0
"""How long processes may take to end when they are asked to."""


class Site:
    """A project that is served with its trainer, on a port that stays the same."""

    def __init__(self, project: Path, log: IO[bytes]) -> None:
        self.port = 0
        self.away: list[float] = []
        """Seconds that the server was not there, each time."""
        self._project = project
        self._log = log
        self._service: tuple[float, float | None] = (0.0, None)
        """Seconds of service before, and since when the server is there; one value, as many threads
        read it."""
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
        self._service = (self._service[0], time.monotonic())

    def served(self) -> float:
        """Return for how many seconds the server has been there."""
        before, since = self._service
        return before + (0.0 if since is None else time.monotonic() - since)

    @contextmanager
    def _absence(self) -> Iterator[None]:
        begun = time.monotonic()
        self._service = (self.served(), None)
        yield
        self._service = (self._service[0], time.monotonic())
        self.away.append(time.monotonic() - begun)

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
            _kill(worker)
        command = [sys.executable, "-m", "annotator", "work", str(self._project), "--supervised"]
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log
        )
        self._own_workers.append(worker)
        return bool(found)

    def stop(self) -> None:
        """End everything that was started."""
        server = self._server
        if server is None:
            return
        if server.poll() is None:
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
            _kill(left)

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


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
