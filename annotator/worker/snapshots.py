"""Taking a snapshot of the labels when no import has brought half of its own."""

from __future__ import annotations

import time
from collections.abc import Collection

from annotator.services.background import running_import
from annotator.settings import Project
from annotator.store import staged_imports
from annotator.worker.job_control import Control
from annotator.worker.learner import Snapshot, take_snapshot

POLL_SECONDS = 0.5


def complete_snapshot(
    project: Project, control: Control, rows: int, *, ordinals: Collection[int] | None = None
) -> Snapshot:
    """Return what people have said, as soon as no import is being applied.

    Args:
        project: Of the job.
        control: Of the job.
        rows: Images that there is room for in the features.
        ordinals: Categories to have as columns; None means all that are not archived.

    Raises:
        LeaseLost: If another worker has taken the job over meanwhile.
    """
    while True:
        with control.store.reading() as tx:
            about = staged_imports.running(tx)
            if about is None or not about.applying:
                return take_snapshot(tx, rows, ordinals=ordinals)
        control.report("waiting for an import")
        running_import.settle(project, control.store)
        control.check()
        time.sleep(POLL_SECONDS)
