"""Imports a label file in steps of two, and ends itself like kill -9 after some of them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from annotator.services.app import Services
from annotator.services.background import short_transactions

project, file, stage, count = sys.argv[1:]
left = int(count)
short_transactions.FIRST = short_transactions.LARGEST = 2


def perhaps_die(done: int, total: int, now: str) -> None:
    del done, total
    global left
    left -= now == stage
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


Services.open(Path(project)).transfer.import_file(
    Path(file), annotator="bob", on_progress=perhaps_die
)
