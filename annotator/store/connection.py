"""Opening a project's database, and the two ways to use it: reading and writing."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import make_url

from annotator.errors import AnnotatorError, StoreError, StoreMoved, StoreUnavailable
from annotator.store.network_disks import network_file_system

Transaction: TypeAlias = sa.Connection
"""An open transaction; packages above only pass it on."""

BUSY_SECONDS = 10.0
"""How long a writer waits for another program before it gives up."""

POLL_SECONDS = 0.003
"""How often a waiting writer of SQLite looks. SQLite's own waiting rests up to 0.1 s between two
looks, and so never gets in beside a program that takes the next transaction at once."""

HEAD = "0009"
"""The newest revision of the tables; a test holds it equal to Alembic's."""

RESTORE = "restore a backup into a new folder with `annotator restore BACKUP NEW_PROJECT`"

_KNOWN: tuple[tuple[tuple[str, ...], type[AnnotatorError], str], ...] = (
    (
        ("locked", "busy", "queuepool"),
        StoreUnavailable,
        "The database {name} is locked by another program; close that program and try again.",
    ),
    (
        ("file is not a database", "malformed", "disk image"),
        StoreError,
        "The file {name} is not a database or is damaged; {restore}.",
    ),
    (
        ("disk is full", "disk i/o error"),
        StoreUnavailable,
        "The disk of the database {name} is full or failing; free some space and try again.",
    ),
    (
        ("readonly", "unable to open"),
        StoreUnavailable,
        "The database {name} cannot be written; check the permissions of its folder.",
    ),
)
"""Words of a driver's message, and what they mean to a person; the first that fits counts."""


class Store:
    """A project's database. Safe to use from many threads and several processes."""

    def __init__(self, engine: sa.Engine, name: str, path: Path | None = None) -> None:
        """Wrap an engine; `open` and `create` are the ways in."""
        self._engine = engine
        self._name = name
        self._path = path
        self._file = None if path is None else _device_and_inode(path)
        self._writer = engine.execution_options(annotator_begin="IMMEDIATE")
        self._write_lock = threading.Lock()

    @classmethod
    def create(cls, url: str) -> Store:
        """Make a new database.

        Raises:
            StoreError: If there is one already, or it cannot be made.
        """
        path = _file(url)
        if path is not None:
            _refuse_network_disk(path)
            _make_file(path)
        try:
            store = cls(_engine(url), shown(url), path)
            try:
                store._upgrade(None)
            except BaseException:
                store.close()
                raise
        except BaseException:
            if path is not None:
                path.unlink()  # ours: `_make_file` refuses one that was there
            raise
        return store

    @classmethod
    def open(cls, url: str, busy_seconds: float = BUSY_SECONDS) -> Store:
        """Open an existing database and bring its tables up to date.

        Args:
            url: SQLAlchemy URL.
            busy_seconds: How long a writer of SQLite waits for another program.

        Raises:
            StoreError: If it is missing, damaged, made by a newer program, or SQLite on a network
                disk.
            StoreUnavailable: If it is locked or cannot be written.
        """
        path = _file(url)
        if path is not None:
            _refuse_network_disk(path)
            if not path.is_file():
                raise StoreError(
                    f"The database {path} is missing; {RESTORE}, or create the project again with "
                    "`annotator init`."
                )
        store = cls(_engine(url, busy_seconds), shown(url), path)
        try:
            revision = store._revision()
            if revision != HEAD:
                store._upgrade(revision)
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Give a consistent view of the database; never waits for a writer.

        Raises:
            StoreMoved: If the file is not where it was when it was opened.
        """
        self.refuse_moved()
        with self._sentences(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Give the one write transaction; committed and durable when the block ends.

        Nothing that takes long (training, decoding, network) belongs into the block.

        Raises:
            StoreUnavailable: If another program holds the database for too long, or the disk is
                full.
            StoreMoved: If the file is not where it was when it was opened, before the block or
                after it; whoever asked for the change must not take it for kept.
        """
        self.refuse_moved()
        with (
            self._sentences(),
            self._write_lock,
            self._writer.connect() as connection,
            connection.begin(),
        ):
            yield connection
        self.refuse_moved()

    def file_identity(self) -> str | None:
        """Return what tells this file from its copies; None where the database is no file.

        It stays when the file is moved on its disk, and is another one for every copy.
        """
        if self._path is None:
            return None
        # The number of the disk survives a restart of the machine, that of the device may not.
        disk = os.statvfs(self._path).f_fsid if hasattr(os, "statvfs") else 0
        status = self._path.stat()
        return f"{disk or status.st_dev:x}:{status.st_ino:x}"

    def refuse_moved(self) -> None:
        """Compare the file at the path with the one that was opened.

        An open file can be written to after it was deleted, and all of that is lost.

        Raises:
            StoreMoved: If they are not the same.
        """
        if self._path is None or _device_and_inode(self._path) == self._file:
            return
        found = "another file is there now" if self._path.exists() else "nothing is there now"
        raise StoreMoved(
            f"The database {self._name} was moved or deleted while it was in use ({found}); "
            "bring it back, or stop this program and start it where the project is."
        )

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _revision(self) -> str | None:
        with self.reading() as tx:
            if not sa.inspect(tx).has_table("alembic_version"):
                raise StoreError(
                    f"The database {self._name} is empty or was not made by this program; check "
                    f"`database` in project.toml, or {RESTORE}."
                )
            found = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)

    def _upgrade(self, revision: str | None) -> None:
        from annotator.store.upgrade import UnknownRevision, upgrade  # late: alembic is slow

        try:
            with self.writing() as tx:
                upgrade(tx)
        except UnknownRevision:
            raise StoreError(
                f"The database {self._name} was made by a newer program (revision {revision}); "
                "upgrade this one."
            ) from None

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (exc.DatabaseError, exc.TimeoutError) as error:
            explained = _explained(error, self._name, is_file=self._path is not None)
            if explained is None:
                raise  # a mistake in this program, which should be loud
            raise explained from error


def shown(url: str) -> str:
    """Return a database's name for people: its file, or its URL without the password.

    >>> shown("postgresql://ann:secret@server/labels")
    'postgresql://ann:***@server/labels'
    """
    path = _file(url)
    return make_url(url).render_as_string() if path is None else str(path)


def _device_and_inode(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - on the way of every key press
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _explained(error: Exception, name: str, *, is_file: bool) -> AnnotatorError | None:
    text = " ".join(str(getattr(error, "orig", error)).split())
    for words, kind, sentence in _KNOWN:
        if any(word in text.lower() for word in words):
            return kind(sentence.format(name=name, restore=RESTORE))
    if not isinstance(error, exc.OperationalError):
        return None
    # Of a file it is a table that is not there; of a server, mostly that it does not answer.
    unknown = StoreError if is_file else StoreUnavailable
    return unknown(
        f"The database {name} cannot be used ({text}); check it with `annotator doctor`, or "
        f"{RESTORE}."
    )


def _file(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise StoreError(f"The database URL in project.toml cannot be used: {error}.") from None
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("A project's database must be a file; check `database` in project.toml.")
    return Path(parsed.database)


def _make_file(path: Path) -> None:
    """Make an empty file and its folder; of several programs that try, one succeeds."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder of the database {path} cannot be created ({error.strerror}); choose "
            "another place."
        ) from None
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        raise StoreError(
            f"The database {path} already exists; open it or choose another."
        ) from None
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be created ({error.strerror}); choose another place."
        ) from None


def _refuse_network_disk(path: Path) -> None:
    kind = network_file_system(path)
    if kind is not None:
        raise StoreError(
            f"The database {path} lies on a network disk ({kind}), where SQLite loses data; "
            "move the project to a local disk."
        )


def _engine(url: str, busy_seconds: float = BUSY_SECONDS) -> sa.Engine:
    try:
        if make_url(url).get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_size=20, max_overflow=40)
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"The database URL in project.toml cannot be used: {error}.") from None
    # A connection more must never make the file again after it was deleted.
    parsed = make_url(url)
    file = Path(parsed.database or "").absolute().as_uri()
    existing = parsed.set(database=file, query={**parsed.query, "mode": "rw", "uri": "true"})
    engine = sa.create_engine(existing, pool_size=20, max_overflow=40)
    event.listen(engine, "connect", partial(_on_connect, busy_seconds))
    event.listen(engine, "begin", partial(_on_begin, busy_seconds))
    return engine


def _on_connect(busy_seconds: float, connection: Any, record: object) -> None:
    del record
    connection.isolation_level = None  # transactions are opened by `_on_begin`
    execute: Callable[[str], Any] = connection.execute
    execute(_busy_timeout(busy_seconds))
    execute("PRAGMA foreign_keys = ON")
    execute("PRAGMA journal_mode = WAL")
    execute("PRAGMA synchronous = FULL")


def _on_begin(busy_seconds: float, connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get("annotator_begin", "DEFERRED")
    if mode != "IMMEDIATE":
        connection.exec_driver_sql(f"BEGIN {mode}")
        return
    connection.exec_driver_sql(_busy_timeout(0))
    try:
        _begin_writing(connection, time.monotonic() + busy_seconds)
    finally:
        connection.exec_driver_sql(_busy_timeout(busy_seconds))


def _begin_writing(connection: sa.Connection, until: float) -> None:
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except exc.OperationalError as error:
            code = getattr(error.orig, "sqlite_errorcode", None)
            if code is None or code & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        else:
            return
        time.sleep(POLL_SECONDS)


def _busy_timeout(seconds: float) -> str:
    return f"PRAGMA busy_timeout = {round(seconds * 1000)}"
