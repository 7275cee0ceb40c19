"""An import that stops nobody: staged out of sight, then applied in short transactions.

An import that is broken off is taken back; only where all its answers are in already, and nothing
but ids and boxes is left, it is finished instead. Whether its program is alive is told by a lock on
a file, which is free as soon as that program is gone; whoever opens the project then takes the
import back or finishes it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout

from annotator.errors import ProjectBusy, ProjectError
from annotator.services.background.short_transactions import SHARED, Pace, in_steps
from annotator.services.background.subprocesses import Progress, nobody
from annotator.services.clock import utc_now
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    categories,
    import_rollback,
    staged_imports,
)

log = logging.getLogger("annotator.services")

LOCK_FILE = "import.lock"
"""Locked in the project directory by the program that imports."""


def refuse_running(tx: Transaction) -> None:
    """Return if no import is running, half of which would be seen.

    Raises:
        ProjectBusy: If one is.
    """
    about = staged_imports.running(tx)
    if about is not None:
        raise ProjectBusy(
            f"The labels of {about.file} are being imported; wait until that is done and try again."
        )


@dataclass
class Ending:
    """How an import ended that was broken off."""

    finished: bool = False
    """Whether all of it is in the project; else nothing is."""


@contextmanager
def importing(project: Project, store: Store, file: str) -> Iterator[Ending]:
    """Be the one import of a project; what an earlier one left is taken back or finished first.

    So is this one, if the block ends early; what is yielded then says which.

    Raises:
        ProjectBusy: If another import is running.
    """
    with _locked(project) as ours:
        if not ours:
            with store.reading() as tx:
                refuse_running(tx)
            raise ProjectBusy("Another import has just started or ended; try again.")
        _settle(store)
        with store.writing() as tx:
            staged_imports.note(tx, staged_imports.Running(file=file))
        ending = Ending()
        try:
            yield ending
        finally:  # finds nothing to do, unless something went wrong
            ending.finished = _settle(store)


def settle(project: Project, store: Store) -> bool:
    """Take back or finish an import whose program is gone; return whether one is running.

    It is one look at the database where nothing is to be done.
    """
    with store.reading() as tx:
        if staged_imports.running(tx) is None:
            return False
    with _locked(project) as ours:
        if ours:
            _settle(store)
    return not ours


def finish(store: Store, pace: Pace = SHARED, on_progress: Progress = nobody) -> int:
    """Apply what is left of an import that was started; return how many answers were recorded."""
    with store.reading() as tx:
        about, total = staged_imports.running(tx), staged_imports.left(tx)
    assert about is not None  # `start` has left its note
    applier = staged_imports.Applier(about)
    in_steps(
        store,
        applier.part,
        total=total,
        pace=pace,
        on_done=lambda done: on_progress(done, total, "Applying labels"),
    )
    with store.writing() as tx:
        categories.take_coco_ids(tx, about.category_ids)
        staged_imports.note(tx, None)
    return applier.applied


def _settle(store: Store) -> bool:
    """Take back or finish what was broken off; return whether it was finished."""
    with store.writing() as tx:
        about = staged_imports.running(tx)
        if about is None:
            return False
        is_back = import_rollback.is_wanted(tx, about)
        if is_back and not about.taking_back:
            import_rollback.begin(tx, about, utc_now())
    if about.applying and not is_back:
        log.warning(
            "The import of %s was interrupted at its end; it is being completed.", about.file
        )
        finish(store)
        return True
    if is_back:
        log.warning("The import of %s was interrupted; it is being rolled back.", about.file)
        in_steps(store, import_rollback.TakingBack(about).part)
    in_steps(store, staged_imports.clear)
    with store.writing() as tx:
        staged_imports.note(tx, None)
    return False


@contextmanager
def _locked(project: Project) -> Iterator[bool]:
    """Yield whether this program is the one that may import now."""
    lock = FileLock(project.path / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise ProjectError(
            f"The file {project.path / LOCK_FILE} cannot be locked ({error.strerror}); check the "
            "permissions of its folder."
        ) from None
    try:
        yield True
    finally:
        lock.release()
