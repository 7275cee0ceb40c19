"""A real browser against a real server; without a browser these tests skip, loudly."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

expect.set_options(timeout=15_000)


def find_browser() -> str | None:
    return os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)


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


class Server:
    """`annotator serve` in a process of its own, on a port that stays the same over restarts."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.port = 0
        self.process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "annotator", *self.command),
                *("--port", str(self.port)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, f"the server said {line!r}"
        self.port = int(found[1])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._wait(10)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 40) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self._wait(timeout)

    def _wait(self, timeout: float) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        try:
            return self.process.wait(timeout)
        finally:
            self.process.kill()
            self.process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    yield from _servers()


@pytest.fixture(scope="module")
def serve_once() -> Iterator[Callable[..., Server]]:
    """Serve a project that the tests of a module share."""
    yield from _servers()


def _servers() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(project: Path, *options: str, command: tuple[str, ...] = ()) -> Server:
        servers.append(Server(*(command or ("serve", str(project), *options))))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


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
