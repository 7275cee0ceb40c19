"""What a person at a terminal sees: a bar while something takes its time, and lines of text."""

from __future__ import annotations

import getpass
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.services.message import counted

if TYPE_CHECKING:
    from annotator.services.app import Services


def opened(project: Path) -> closing[Services]:
    """Return a context with the services of a project, which are closed at its end."""
    from annotator.services.app import Services  # late: `--help` needs no database

    return closing(Services.open(project))


def login() -> str:
    """Return the name under which the user is logged in."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"


def show(row: Any, text: str, as_json: bool) -> None:
    """Print a result, for programs or for people."""
    shown = json.dumps(row, indent=1, ensure_ascii=False, default=str) if as_json else text
    print(shown, flush=True)  # so that a closed pipe is noticed here


JSON_SECONDS = 0.2
"""Time between two lines of progress for a program."""
QUIET_SECONDS = 5.0
"""What takes less long says nothing where stderr is no terminal, so that logs stay readable."""
LINE_SECONDS = 10.0
"""Time between two lines of progress in a log."""


@contextmanager
def progress_bar(title: str, *, lines: bool = False) -> Iterator[Callable[..., None]]:
    """Yield a function `(done, total, stage="")` that draws a bar on stderr.

    Where stderr is not a terminal, what takes long is a line now and then instead.

    Args:
        title: Of the bar.
        lines: Whether to write lines of JSON instead, for a program that shows them.
    """
    if lines:
        yield _progress_lines()
        return
    if not sys.stderr.isatty():
        with _Log(title) as log:
            yield log.take
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(done: int, total: int, stage: str = "") -> None:
            bar.update(task, completed=done, total=total, description=stage or title)

        yield show


class _Log:
    """Writes how far something is from a thread of its own: what is silent is told of, once."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._line = f"{title} ..."
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> _Log:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def take(self, done: int, total: int | None, stage: str = "") -> None:
        """Remember how far it is."""
        what = stage or self._title
        what = what[:1].upper() + what[1:]
        self._line = f"{what}: {done:,} of {total:,}" if total else f"{what} ..."

    def _run(self) -> None:
        wait, written = QUIET_SECONDS, ""
        while not self._ended.wait(wait):
            if self._line != written:
                written = self._line
                print(written, file=sys.stderr, flush=True)
            wait = LINE_SECONDS


def _progress_lines() -> Callable[..., None]:
    written = 0.0

    def write(done: int, total: int, stage: str = "") -> None:
        nonlocal written
        now = time.monotonic()
        if now - written >= JSON_SECONDS:
            written = now
            row = {"done": done, "total": total, "stage": stage}
            print(json.dumps(row), file=sys.stderr, flush=True)

    return write


def key_lines(row: Mapping[str, Any]) -> str:
    """Return a record as one line a field."""
    return "\n".join(f"{key.replace('_', ' ')}: {_shown(value)}" for key, value in row.items())


def suggestion_line(row: Mapping[str, Any]) -> str:
    """Return one line about a suggestion."""
    sure = f"{row['probability']:.0%}" if row["probability"] is not None else "most similar"
    return f"{row['image']}\t{row['category']}\t{sure}"


def validation_text(file: Path, result: Any) -> str:
    """Return what `validate` says: the problems, or what is in the file."""
    if result.problems:
        return "\n".join((*result.problems, *result.notes))
    valid = (
        f"{file} is valid: {counted(result.images, 'image')}, "
        f"{counted(result.categories, 'category', 'categories')}, "
        f"{counted(result.annotations, 'annotation')}, {counted(result.present, 'pair')} present, "
        f"{result.absent:,} absent"
    )
    return "\n".join((valid, *result.notes))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{count} {what}" for what, count in value.items()]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
