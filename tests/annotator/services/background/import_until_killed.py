"""Imports a label file in steps of two, and ends itself like kill -9 after some of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from annotator.services.app import Services
from annotator.services.background import short_transactions


def import_until_killed(project: Path, file: Path, stage: str, count: int) -> None:
    """Import a file into a project until so many steps of a stage are done."""
    left = count
    short_transactions.FIRST = short_transactions.LARGEST = 2

    def perhaps_die(done: int, total: int, now: str) -> None:
        del done, total
        nonlocal left
        left -= now == stage
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    Services.open(project).transfer.import_file(file, annotator="bob", on_progress=perhaps_die)
