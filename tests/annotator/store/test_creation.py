from __future__ import annotations

import sqlite3
import threading
from datetime import datetime
from pathlib import Path

import pytest

from annotator.errors import StoreError, StoreUnavailable
from annotator.store import Store, annotators, key_values
from annotator.store.connection import shown


def try_to_create(url: str, made: list[Store], refused: list[str]) -> None:
    try:
        made.append(Store.create(url))
    except StoreError as error:
        refused.append(str(error))


def test_of_several_programs_that_make_one_database_a_single_one_succeeds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'labels.db'}"
    made: list[Store] = []
    refused: list[str] = []
    threads = [threading.Thread(target=try_to_create, args=(url, made, refused)) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert len(refused) == 3
    assert all("already exists" in sentence for sentence in refused)
    made[0].close()


def test_a_database_that_cannot_be_finished_is_not_left_behind(tmp_path: Path) -> None:
    file = tmp_path / "labels.db"
    in_the_way = Path(f"{file}-wal")
    in_the_way.mkdir()  # SQLite cannot write its log

    with pytest.raises(StoreUnavailable):
        Store.create(f"sqlite:///{file}")

    assert not file.exists()
    in_the_way.rmdir()
    Store.create(f"sqlite:///{file}").close()


def test_a_database_server_is_named_without_its_password() -> None:
    name = shown("postgresql://ann:secret@server/labels")

    assert name == "postgresql://ann:***@server/labels"


def test_a_time_without_a_zone_is_refused_instead_of_guessed(store: Store) -> None:
    naive = datetime(2026, 1, 1)

    with pytest.raises(Exception, match="time zone"), store.writing() as tx:
        annotators.named(tx, "ann", naive)


def test_a_table_that_is_gone_is_told_in_a_sentence(database: Path, url: str) -> None:
    raw = sqlite3.connect(database)
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("DROP TABLE setting")
    raw.commit()
    raw.close()
    store = Store.open(url)

    with (
        pytest.raises(StoreError, match=r"cannot be used \(no such table: setting\); check it"),
        store.reading() as tx,
    ):
        key_values.get(tx, "key")

    store.close()
