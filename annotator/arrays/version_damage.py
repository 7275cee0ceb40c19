"""What is wrong with the files of a version, and what can be made again from the others."""

from __future__ import annotations

from pathlib import Path

from annotator.arrays import checksums
from annotator.arrays.error_correlation import ERRORS
from annotator.arrays.evidence import WHERE
from annotator.arrays.held_out import OUT_OF_FOLD
from annotator.arrays.versions import (
    ARRAY_FILES,
    CONFIG,
    READY,
    WEIGHTS,
    delete_arrays,
    read,
    read_parameters,
)
from annotator.errors import NotFound, ProjectError
from annotator.settings import write_atomically

NEEDED = (CONFIG, WEIGHTS)
"""Files without which a version is lost; all others are marks, or follow from these."""


def damaged_files(path: Path) -> list[str]:
    """Return the names of a version's files that are missing, unreadable or not what was written.

    Args:
        path: The version's folder. Arrays that were pruned are not missed.
    """
    wrong = [name for name in (READY, *NEEDED) if not (path / name).exists()]
    wrong += [name for name in checksums.changed(path) if name not in wrong]
    there = [name for name in ARRAY_FILES if (path / name).exists()]
    if there:
        wrong += [name for name in ARRAY_FILES if name not in there and name not in wrong]
    if wrong:
        return wrong
    for step, name in ((read_parameters, CONFIG), (read, ARRAY_FILES[-1])):
        try:
            step(path)
        except NotFound:
            pass
        except ProjectError:
            return [name]
    return []


def mend(path: Path, wrong: list[str]) -> bool:
    """Mark a version as complete again and delete what its weights can make again.

    Args:
        path: The version's folder.
        wrong: From `damaged_files`.

    Returns:
        Whether the version can be used; False if what it is made from is lost.
    """
    if not set(NEEDED).isdisjoint(wrong):
        return False
    if not set(ARRAY_FILES).isdisjoint(wrong):
        delete_arrays(path)
    beside = [name for name in wrong if name in (ERRORS, WHERE, OUT_OF_FOLD)]
    checksums.forget(path, beside)
    for name in beside:
        (path / name).unlink(missing_ok=True)
    if READY in wrong:
        write_atomically(path / READY, b"")
    others = [name for name in wrong if name not in (READY, *ARRAY_FILES, *beside)]
    checksums.forget(path, others)  # such as metrics.json, which the database holds as well
    return True
