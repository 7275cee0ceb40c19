from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from annotator.errors import (
    AnnotatorError,
    StoreError,
    StoreMoved,
    StoreUnavailable,
    TemporaryError,
)
from annotator.store import Store, Transaction, key_values
from annotator.store.connection import HEAD
from annotator.store.upgrade import newest_revision


def put(store: Store, key: str, value: object) -> None:
    with store.writing() as tx:
        key_values.put(tx, key, value)


def get(store: Store, key: str) -> object:
    with store.reading() as tx:
        return key_values.get(tx, key)


def pragma(tx: Transaction, name: str) -> object:
    return tx.execute(sa.text(f"PRAGMA {name}")).scalar()


def put_and_delete(store: Store, database: Path) -> None:
    with store.writing() as tx:
        key_values.put(tx, "key", 1)
        database.unlink()


def fail_after_writing(store: Store) -> None:
    with store.writing() as tx:
        key_values.put(tx, "key", "half done")
        raise InterruptedError


def test_what_was_written_is_there_after_opening_again(url: str) -> None:
    first = Store.open(url)
    put(first, "key", [1, 2])
    first.close()

    second = Store.open(url)

    assert get(second, "key") == [1, 2]
    second.close()


def test_a_new_database_is_made_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "labels.db"

    store = Store.create(f"sqlite:///{file}")

    put(store, "key", 1)
    store.close()
    assert file.is_file()


def test_a_database_that_exists_is_not_made_again(database: Path, url: str) -> None:
    before = database.read_bytes()

    with pytest.raises(StoreError, match="already exists; open it or choose another"):
        Store.create(url)

    assert database.read_bytes() == before


def test_a_missing_database_is_named_with_the_cure(tmp_path: Path) -> None:
    file = tmp_path / "labels.db"

    with pytest.raises(
        StoreError, match=r"labels\.db is missing; restore a backup .* `annotator restore"
    ):
        Store.open(f"sqlite:///{file}")

    assert not file.exists()


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match=r"cannot be created .*choose another place"):
        Store.create(f"sqlite:///{tmp_path / 'file' / 'labels.db'}")


@pytest.mark.parametrize("text", [b"PK\x03\x04 not a database " * 40, b"GIF89a" * 400])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "labels.db"
    file.write_bytes(text)

    with pytest.raises(StoreError, match="is not a database or is damaged; restore a backup"):
        Store.open(f"sqlite:///{file}")

    assert file.read_bytes() == text


def test_an_empty_file_is_not_taken_for_a_project(tmp_path: Path) -> None:
    file = tmp_path / "labels.db"
    file.touch()

    with pytest.raises(StoreError, match="was not made by this program"):
        Store.open(f"sqlite:///{file}")


def test_the_database_of_another_program_is_refused_and_keeps_its_tables(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    raw = sqlite3.connect(file)
    raw.execute("CREATE TABLE bookmarks (url TEXT)")
    raw.commit()

    with pytest.raises(StoreError, match="not made by this program; check `database` in"):
        Store.open(f"sqlite:///{file}")

    tables = raw.execute("SELECT name FROM sqlite_master").fetchall()
    raw.close()
    assert tables == [("bookmarks",)]


def test_a_database_made_by_a_newer_program_is_refused(database: Path, url: str) -> None:
    raw = sqlite3.connect(database)
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()

    with pytest.raises(StoreError, match=r"a newer program \(revision 9999\); upgrade this one"):
        Store.open(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match=r"must be a file; check `database` in project\.toml"):
        Store.create(url)


@pytest.mark.parametrize("url", ["://labels", "parchment://here/labels", "no url"])
def test_a_url_that_makes_no_sense_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(StoreError, match=r"database URL in project\.toml cannot be used"):
        Store.open(url)


def test_the_known_head_is_the_newest_migration() -> None:
    assert newest_revision() == HEAD


def test_every_connection_is_durable_and_checks_its_links(store: Store) -> None:
    with store.reading() as one, store.reading() as two:
        for tx in (one, two):
            assert pragma(tx, "journal_mode") == "wal"
            assert pragma(tx, "synchronous") == 2  # FULL
            assert pragma(tx, "foreign_keys") == 1
            assert pragma(tx, "busy_timeout") == 10_000


def test_a_row_that_points_nowhere_is_refused(store: Store) -> None:
    statement = "INSERT INTO category_alias (category_id, name, folded) VALUES (9, 'a', 'a')"

    with pytest.raises(sa.exc.IntegrityError), store.writing() as tx:
        tx.execute(sa.text(statement))


def test_a_writer_that_fails_leaves_nothing(store: Store) -> None:
    put(store, "key", "before")

    with pytest.raises(InterruptedError):
        fail_after_writing(store)

    assert get(store, "key") == "before"
    put(store, "key", "after")
    assert get(store, "key") == "after"


def test_a_reader_sees_the_last_commit_while_somebody_writes(url: str, store: Store) -> None:
    put(store, "key", "before")
    reader = Store.open(url, busy_seconds=0)

    with store.writing() as tx:
        key_values.put(tx, "key", "after")
        seen_by_another_process = get(reader, "key")
        seen_by_another_thread = get(store, "key")

    assert (seen_by_another_process, seen_by_another_thread) == ("before", "before")
    assert get(reader, "key") == "after"
    reader.close()


def test_a_reader_keeps_one_view_while_others_commit(store: Store) -> None:
    put(store, "key", 1)

    with store.reading() as tx:
        first = key_values.get(tx, "key")
        put(store, "key", 2)
        second = key_values.get(tx, "key")

    assert (first, second) == (1, 1)


def add_one(store: Store, times: int) -> None:
    for _ in range(times):
        with store.writing() as tx:
            key_values.put(tx, "key", int(key_values.get(tx, "key") or 0) + 1)


@pytest.mark.parametrize("apart", [True, False], ids=["two stores", "one store"])
def test_writers_wait_for_each_other_and_no_change_is_lost(
    url: str, store: Store, apart: bool
) -> None:
    second = Store.open(url) if apart else store
    threads = [threading.Thread(target=add_one, args=(s, 20)) for s in (store, second, store)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert get(store, "key") == 60
    second.close()


def test_a_database_that_another_program_holds_is_said_to_be_locked(
    database: Path, url: str
) -> None:
    raw = sqlite3.connect(database, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")

    store = Store.open(url, busy_seconds=0.05)

    with pytest.raises(StoreUnavailable, match="is locked by another program; close that program"):
        put(store, "key", 1)
    assert get(store, "key") is None
    raw.execute("ROLLBACK")
    raw.close()
    put(store, "key", 2)
    assert get(store, "key") == 2
    store.close()


@pytest.mark.parametrize(
    ("text", "kind", "cure"),
    [
        ("database is locked", StoreUnavailable, "close that program and try again"),
        ("database table is locked: label", StoreUnavailable, "close that program and try again"),
        ("database or disk is full", StoreUnavailable, "free some space and try again"),
        ("disk I/O error", StoreUnavailable, "free some space and try again"),
        ("attempt to write a readonly database", StoreUnavailable, "check the permissions"),
        ("unable to open database file", StoreUnavailable, "check the permissions"),
        ("database disk image is malformed", StoreError, "annotator restore"),
        ("file is not a database", StoreError, "annotator restore"),
        ("no such table: label", StoreError, "annotator restore"),
    ],
)
def test_what_passes_has_another_type_than_what_never_does(
    url: str, text: str, kind: type[AnnotatorError], cure: str
) -> None:
    store = Store.open(url)

    with pytest.raises(AnnotatorError, match=cure) as caught, store.reading():
        raise exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError(text))

    assert type(caught.value) is kind
    assert isinstance(caught.value, TemporaryError) is (kind is StoreUnavailable)
    store.close()


def test_a_server_that_does_not_answer_may_answer_later() -> None:
    store = Store(sa.create_engine("sqlite://"), "postgresql://ann@server/labels")

    with pytest.raises(StoreUnavailable, match=r"cannot be used \(no route"), store.reading():
        raise exc.OperationalError("SELECT 1", {}, OSError("no route to host"))

    store.close()


def test_a_damaged_page_is_said_to_be_damage(database: Path, url: str) -> None:
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    database.write_bytes(bytes(content))

    with pytest.raises(StoreError, match="is damaged; restore a backup"):
        Store.open(url)


def test_a_change_in_a_deleted_database_is_never_acknowledged(database: Path, url: str) -> None:
    store = Store.open(url)
    database.unlink()

    with pytest.raises(StoreMoved, match="while it was in use"):
        put(store, "key", 1)
    with pytest.raises(StoreMoved):
        get(store, "key")

    assert not database.exists()
    store.close()


def test_a_change_during_which_the_database_was_deleted_is_not_acknowledged(
    database: Path, url: str
) -> None:
    store = Store.open(url)

    with pytest.raises(StoreMoved):
        put_and_delete(store, database)

    store.close()


def test_a_database_that_was_moved_away_is_used_again_when_it_is_back(
    database: Path, url: str
) -> None:
    store = Store.open(url)
    away = database.parent.with_name("away")
    database.parent.rename(away)
    with pytest.raises(StoreMoved):
        put(store, "key", 1)

    away.rename(database.parent)
    put(store, "key", 2)

    assert get(store, "key") == 2
    store.close()


def test_another_file_in_the_place_of_the_database_is_not_written_to(
    database: Path, url: str
) -> None:
    store = Store.open(url)
    copy = database.read_bytes()
    database.rename(database.with_name("old.db"))
    database.write_bytes(copy)

    with pytest.raises(StoreMoved, match="another file is there now"):
        put(store, "key", 1)

    assert database.read_bytes() == copy
    store.close()


def test_a_connection_more_never_makes_a_deleted_database_again(database: Path, url: str) -> None:
    store = Store.open(url)
    store._engine.dispose()  # so that the next connection is a new one
    database.unlink()

    with pytest.raises(sa.exc.OperationalError):
        store._engine.connect()

    assert not database.exists()
    store.close()


def test_a_path_with_signs_that_mean_something_in_an_address_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "50% done #1 & ä" / "labels.db"
    store = Store.create(f"sqlite:///{file}")

    put(store, "key", 1)

    assert get(store, "key") == 1
    assert file.is_file()
    store.close()


def test_a_moved_database_is_the_same_file_and_a_copy_is_another(database: Path, url: str) -> None:
    first = Store.open(url)
    identity = first.file_identity()
    first.close()
    moved = database.rename(database.with_name("moved.db"))
    copy = database.with_name("copy.db")
    copy.write_bytes(moved.read_bytes())

    stores = [Store.open(f"sqlite:///{file}") for file in (moved, copy)]

    assert stores[0].file_identity() == identity
    assert stores[1].file_identity() != identity
    for store in stores:
        store.close()
