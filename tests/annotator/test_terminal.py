"""What is said while something takes its time and nobody watches a terminal."""

from __future__ import annotations

import io
import threading
from contextlib import redirect_stderr
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from annotator import terminal
from annotator.cli import app


class Watched(io.StringIO):
    """A stream that is no terminal and says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def flush(self) -> None:
        self.written.set()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(terminal, "LINE_SECONDS", 3600.0)
    return Watched()


def test_a_log_gets_a_line_from_what_takes_long(
    log: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "QUIET_SECONDS", 0.01)

    with redirect_stderr(log), terminal.progress_bar("Reading images"):
        assert log.written.wait(60)  # though nothing has been reported yet

    assert log.getvalue() == "Reading images ...\n"


def test_the_line_says_how_far_it_is_and_at_what(
    log: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "QUIET_SECONDS", 0.5)

    with redirect_stderr(log), terminal.progress_bar("Train") as on_progress:
        on_progress(1200, 5000, "loading the network")
        assert log.written.wait(60)

    assert log.getvalue() == "Loading the network: 1,200 of 5,000\n"


def test_a_line_is_written_again_only_when_something_has_changed() -> None:
    log, said = terminal._Log("Embed"), io.StringIO()

    class Ticks(threading.Event):
        """Each wait is one tick of the log, before which one more thing has been reported."""

        left: ClassVar = [(5, 6), (6, 6), (6, 6), (6, 6)]

        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            if self.left:
                log.take(*self.left.pop(0))
                return False
            return True

    log._ended = Ticks()
    with redirect_stderr(said):
        log._run()

    assert said.getvalue() == "Embed: 5 of 6\nEmbed: 6 of 6\n"


def test_serve_says_at_once_what_it_opens(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["serve", str(tmp_path / "none")])

    assert result.stderr.splitlines()[0] == f"Opening {tmp_path / 'none'} ..."
    assert result.exception is not None


def test_what_is_soon_done_says_nothing(log: Watched) -> None:
    with redirect_stderr(log), terminal.progress_bar("Reading images") as on_progress:
        on_progress(3, 3)

    assert log.getvalue() == ""


def test_a_program_gets_lines_of_its_own(log: Watched) -> None:
    with redirect_stderr(log), terminal.progress_bar("Reading images", lines=True) as on_progress:
        on_progress(1, 3, "reading")

    assert log.getvalue() == '{"done": 1, "total": 3, "stage": "reading"}\n'
