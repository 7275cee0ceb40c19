"""A copy of a database file as it was at one moment, made while people go on writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from annotator.errors import StoreError, StoreUnavailable
from annotator.store.connection import RESTORE, Transaction

PAGES = 2048
"""Pages between two reports of progress."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def copy(
    tx: Transaction,
    path: Path,
    *,
    forget: Sequence[str] = (),
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Write all that a transaction sees into a new file, one that needs no second file beside it.

    Args:
        tx: A reading transaction of SQLite that has read something already: its moment is copied,
            and others may write meanwhile.
        path: The file, which must not exist.
        forget: Names of small facts (`key_values`) that are left out.
        on_progress: Called with pages done and pages in all.

    Raises:
        StoreError: If the database is damaged.
        StoreUnavailable: If the copy cannot be written.
    """
    source: Any = tx.connection.driver_connection
    with _sentences(path):
        with closing(sqlite3.connect(path)) as target:
            target.execute("PRAGMA synchronous = OFF")  # whoever keeps the copy syncs it
            source.backup(
                target,
                pages=PAGES,
                progress=lambda _, left, total: on_progress(total - left, total),
            )
        with _alone(path) as target:
            _refuse_damaged(target)
            target.executemany("DELETE FROM setting WHERE key = ?", [(key,) for key in forget])
            target.commit()


def check(path: Path) -> None:
    """Refuse a file that is no sound database.

    Raises:
        StoreError: If it is damaged.
        StoreUnavailable: If it cannot be read.
    """
    with _sentences(path), _alone(path) as database:
        _refuse_damaged(database)


@contextmanager
def _alone(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that nobody else has open, which may lie on a network disk for once."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = DELETE")
        yield database


def _refuse_damaged(database: sqlite3.Connection) -> None:
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {found}")


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        text = " ".join(str(error).split())
        if code & 0xFF in _DAMAGED:
            raise StoreError(
                f"The database is damaged ({text}); use an older backup: {RESTORE}."
            ) from error
        raise StoreUnavailable(
            f"The database cannot be copied to {path.parent} ({text}); free some space there or "
            "choose another place."
        ) from error
