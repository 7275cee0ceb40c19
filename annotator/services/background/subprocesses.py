"""Runs a command in a process of its own, because it takes long or much memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from annotator.errors import AnnotatorError, TemporaryError
from annotator.settings import Project

LONGEST_SECONDS = 600.0
"""After this long a plan is given up."""

Progress = Callable[[int, int, str], None]
"""Called with how much is done, how much there is, and what is being done."""


def nobody(done: int, total: int, stage: str) -> None:
    """Tell nobody."""


def plan_in_subprocess(project: Project, options: Mapping[str, object], *, start: bool) -> Any:
    """Return what `annotator certify PROJECT plan` says, and begin with `start`.

    Args:
        project: Whose open pairs.
        options: Values of the options by name, with underscores; None leaves one out, True stands
            alone.
        start: Whether to begin.

    Raises:
        AnnotatorError: If the command refuses or takes too long; with its sentence.
    """
    arguments = ["certify", str(project.path), "plan", "--json"]
    for name, value in options.items():
        if value is not None:
            arguments.append(f"--{name.replace('_', '-')}")
            arguments += [] if value is True else [str(value)]
    if start:
        arguments.append("--start")
    return run_in_subprocess(
        arguments,
        failed="The plan failed. The server log has the details.",
        longest_seconds=LONGEST_SECONDS,
        late="The plan took too long; make it with `annotator certify PROJECT plan` instead.",
    )


def run_in_subprocess(
    arguments: list[str],
    *,
    failed: str,
    longest_seconds: float | None = None,
    late: str = "",
    on_progress: Progress = nobody,
) -> Any:
    """Run `annotator` with some arguments and return the JSON that it prints.

    Args:
        arguments: With `--json`, and for `on_progress` with `--progress-lines`.
        failed: What to say if the command fails without a sentence.
        longest_seconds: After this long it is ended; None lets it go on.
        late: What to say then.
        on_progress: Called as the command goes on.

    Raises:
        AnnotatorError: If the command refuses or takes too long; with its sentence.
    """
    command = [sys.executable, "-m", "annotator", *arguments]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        subprocess.Popen(
            command, stdout=out, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process,
    ):
        assert process.stderr is not None  # a pipe
        timer = threading.Timer(longest_seconds or threading.TIMEOUT_MAX, process.kill)
        timer.daemon = True
        timer.start()
        said = _followed(process.stderr, on_progress) or failed
        code = process.wait()
        if not timer.is_alive():
            raise AnnotatorError(late)
        timer.cancel()
        if code:
            temporary = code == TemporaryError.exit_status
            raise (TemporaryError if temporary else AnnotatorError)(said)
        out.seek(0)
        return json.load(out)


def _followed(lines: IO[str], on_progress: Progress) -> str:
    """Pass progress on until a command ends, and return the last thing it said beside that."""
    said = ""
    for line in lines:
        try:
            row = json.loads(line)
            on_progress(row["done"], row["total"], row["stage"])
        except (ValueError, TypeError, KeyError):
            said = line.strip() or said
    return said
