"""Taking a snapshot of the labels: when no import has brought half of its own, or as one was."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from annotator.domain import Version
from annotator.services.background import running_import
from annotator.settings import Project
from annotator.store import Transaction, changes, images, staged_imports, versions
from annotator.worker.job_control import Control, Dropped
from annotator.worker.learner import Snapshot, take_snapshot
from mlrpl.labels import UNKNOWN

POLL_SECONDS = 0.5

MOST_LATER = 20_000
"""Most answers that may be younger than a version whose snapshot is taken again."""


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


def snapshot_of(project: Project, control: Control, rows: int, version: Version) -> Snapshot:
    """Return what was known when a version took its snapshot, as far as it still stands.

    What was said since about a pair makes it unknown.

    Args:
        project: Of the job.
        control: Of the job.
        rows: Images that there is room for in the features.
        version: The one that another method is compared with.

    Raises:
        Dropped: If so much was said since that the comparison is worth nothing.
        LeaseLost: If another worker has taken the job over meanwhile.
    """
    snapshot = complete_snapshot(project, control, rows)
    with control.store.reading() as tx:
        last = versions.last_operation_of(tx, version.number)
        later = changes.touched_since(tx, last, MOST_LATER)
        if later is None:
            raise Dropped(f"Dropped: many answers are newer than version {version.number}.")
        place = _places(tx, snapshot, later)
    labels = snapshot.labels.copy()
    labels[place] = UNKNOWN
    return replace(
        snapshot,
        labels=labels,
        answers=version.trained_answers,
        present=version.trained_present,
        last_operation=last,
    )


def _places(
    tx: Transaction, snapshot: Snapshot, pairs: Collection[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """Return rows and columns of pairs of image and category ids."""
    rows = {image.id: image.ordinal for image in images.every(tx)}
    columns = {category.id: j for j, category in enumerate(snapshot.categories)}
    there = [
        (rows[image], columns[category])
        for image, category in pairs
        if rows.get(image, len(snapshot.labels)) < len(snapshot.labels) and category in columns
    ]
    return [row for row, _ in there], [column for _, column in there]
