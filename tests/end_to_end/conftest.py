"""A real browser against a real server; without a browser these tests skip, loudly."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, TimeoutError, expect, sync_playwright

NAMES = (
    "chromium-headless-shell",  # the same without a desktop: half the computing for each page
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
FLAGS = [
    "--js-flags=--no-opt --no-maglev --single-threaded",  # pages live too short to be optimized for
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP label.example 127.0.0.1",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

expect.set_options(timeout=30_000)  # a busy machine takes its time


def find_browser() -> str | None:
    return os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once(statements_compiled_once: None) -> None: ...


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        reason = "no browser: install chromium or set CHROME=/path/to/chrome"
        if os.environ.get("CI") in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def fork_server() -> Iterator[Any]:
    """Return what starts commands without importing everything again; see `forking.py`."""
    path = Path(__file__).with_name("forking.py")
    spec = importlib.util.spec_from_file_location("forking", path)
    assert spec is not None
    assert spec.loader is not None
    forking = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(forking)
    made = forking.ForkServer()
    yield made
    made.close()


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_command(fork_server: Any) -> Run:
    """Return a function that runs `annotator` with some words in a process of its own."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = fork_server.start(
                *words, stdout=out.fileno(), stderr=err.fileno(), **environment
            ).wait(280)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, code, out.read(), err.read())

    return run


def start_anew(*words: str, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """Start `annotator` as users do, all imports included."""
    return subprocess.Popen(
        [sys.executable, "-m", "annotator", *words], stdout=stdout, stderr=stderr
    )


class Server:
    """`annotator serve` in a process of its own, on a port that stays the same over restarts."""

    def __init__(self, start_process: Callable[..., Any], command: tuple[str, ...]) -> None:
        self._start_process = start_process
        self.command = command
        self.port = 0
        self.process: Any = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        reading, writing = os.pipe()
        self._said = open(reading)  # noqa: PTH123, SIM115 - closed when the process has ended
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            self.process = self._start_process(
                *(*self.command, "--port", str(self.port)), stdout=writing, stderr=nowhere.fileno()
            )
        os.close(writing)
        line = self._said.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, f"the server said {line!r}"
        self.port = int(found[1])

    def kill(self) -> None:
        self.process.kill()
        self._wait(10)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 40) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self._wait(timeout)

    def _wait(self, timeout: float) -> int:
        try:
            return int(self.process.wait(timeout))
        finally:
            self.process.kill()
            self._said.close()


@pytest.fixture
def serve(fork_server: Any) -> Iterator[Callable[..., Server]]:
    yield from _servers(fork_server)


@pytest.fixture(scope="module")
def serve_once(fork_server: Any) -> Iterator[Callable[..., Server]]:
    """Serve a project that the tests of a module share."""
    yield from _servers(fork_server)


def _servers(fork_server: Any) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(
        project: Path,
        *options: str,
        command: tuple[str, ...] = (),
        anew: bool = False,
        commit_delay_ms: int = 0,
    ) -> Server:
        file = project / "project.toml"
        if file.exists():  # keys of a test come at once; they wait only where the test is about it
            text = re.sub(
                r"commit_delay_ms = \d+", f"commit_delay_ms = {commit_delay_ms}", file.read_text()
            )
            file.write_text(text)
        start_process = start_anew if anew else fork_server.start
        servers.append(Server(start_process, command or ("serve", str(project), *options)))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


SHOWN = """document.querySelector(
    'dialog[open], .an-none, .an-place:not(:empty), :is(.an-end, .an-problem):not([hidden])'
)"""
"""Label shows an image, or says why not: it takes no answer before."""


def is_blocked(said: str) -> bool:
    """Whether the browser says that it did not run or load something of ours."""
    return "Content Security Policy" in said


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts = []
    errors: list[str] = []

    def open_(url: str, *, name: str | None = "Ann", **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        if name is not None:
            context.add_cookies([{"name": "annotator_name", "value": name, "url": url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: is_blocked(said.text) and errors.append(said.text))
        page.goto(url)
        if name is not None and urlsplit(url).path in ("", "/"):
            with suppress(TimeoutError):  # some tests are about a page that shows no image
                page.wait_for_function(SHOWN, timeout=5000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def twelve_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twelve")
    for number in range(12):
        Image.new("RGB", (320, 240), (20 * number, 120, 200 - 10 * number)).save(
            folder / f"{number:02d}.png"
        )
    return folder


def pytest_terminal_summary(terminalreporter: object) -> None:
    if find_browser() is None:
        write = getattr(terminalreporter, "write_line")  # noqa: B009 - pytest has no public type
        write("!!! NO BROWSER FOUND: the browser tests were skipped; install chromium.", red=True)
