"""Migrations: what they make, and what they make of databases from earlier days."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from annotator.domain import JobKind, JobState, Operation, OperationKind, Source, State
from annotator.services.certificates.rows import ChosenOptions
from annotator.store import (
    Store,
    annotators,
    answers,
    bookmarks,
    categories,
    certificates,
    image_use,
    images,
    imported_annotations,
    jobs,
    key_values,
    leases,
    steps,
    versions,
    visits,
)
from annotator.store.tables import attention_check, category_example, hotkey, metadata

OLD = Path(__file__).parent / "old"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def made_from(dump: Path, file: Path) -> str:
    """Return the URL of a database made from a dump."""
    raw = sqlite3.connect(file)
    raw.executescript(dump.read_text(encoding="utf-8"))
    raw.close()
    return f"sqlite:///{file}"


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Store]:
    """Return a store of revision 0001, opened by the program of today."""
    store = Store.open(made_from(OLD / "0001.sql", tmp_path / "labels.db"))
    yield store
    store.close()


def test_the_migrations_make_the_tables_that_the_code_expects(store: Store) -> None:
    with store.reading() as tx:
        differences = compare_metadata(MigrationContext.configure(tx), metadata)

    assert differences == []


def test_ids_that_must_not_be_reused_and_tables_without_row_ids_are_migrated_as_such(
    store: Store,
) -> None:
    with store.reading() as tx:
        rows = tx.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        sql = {name: text for name, text in rows if name in metadata.tables}

    for option, words in (("autoincrement", "AUTOINCREMENT"), ("with_rowid", "WITHOUT ROWID")):
        wanted = {
            name
            for name, table in metadata.tables.items()
            if table.dialect_options["sqlite"][option] is (option == "autoincrement")
        }
        assert {name for name, text in sql.items() if words in text} == wanted
        assert wanted


@pytest.mark.parametrize("dump", sorted(OLD.glob("*.sql")), ids=lambda path: path.stem)
def test_a_database_from_every_earlier_day_becomes_one_of_today(dump: Path, tmp_path: Path) -> None:
    store = Store.open(made_from(dump, tmp_path / "labels.db"))

    with store.writing() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
        assert answers.recompute(tx) + answers.recount(tx) == []
        assert tx.execute(sa.text("PRAGMA foreign_key_check")).all() == []
    store.close()


def test_every_revision_has_its_old_database() -> None:
    folder = Path(answers.__file__).parent / "migrations" / "versions"

    revisions = {path.name[:4] for path in folder.glob("[0-9]*.py")}

    assert revisions == {path.stem for path in OLD.glob("*.sql")}


def test_labels_and_history_of_the_first_revision_read_back(first: Store) -> None:
    with first.reading() as tx:
        labels = [x for rows in answers.labels_of(tx, [1, 2]).values() for x in rows]
        told = answers.history(tx, 1, 2)
        unsure = answers.unsure_of(tx, 1, [1, 2])

    found = {(x.image_id, x.category_id): (x.state, x.source, x.conflict) for x in labels}
    assert found == {
        (1, 1): (State.PRESENT, Source.ACCEPTED, False),
        (1, 2): (None, Source.HUMAN, True),
    }
    assert labels[0].score == 0.875
    assert [(a.annotator, a.state, a.late, a.cancelled) for a in told] == [
        ("ann", State.PRESENT, False, False),
        ("bob", State.ABSENT, False, False),
        ("bob", State.PRESENT, False, True),
    ]
    assert unsure == {2: [2]}


def test_the_labels_of_a_missing_image_of_the_first_revision_wait_for_its_file(
    first: Store,
) -> None:
    back = images.FoundImage("2.png", "2" * 64, 50, 30, "JPEG", 100, 1)

    with first.writing() as tx:
        (lost,) = image_use.answered_without_file(tx)
        images.add(tx, "pictures", [back], [])
        labels = answers.labels_of(tx, [2])[2]
        cat = categories.every(tx)[0]

    assert (lost.image.id, lost.answers) == (2, 1)
    assert [(x.category_id, x.state) for x in labels] == [(1, State.ABSENT)]
    assert (cat.present_count, cat.absent_count) == (1, 1)


def test_pictures_and_categories_of_the_first_revision_read_back(first: Store) -> None:
    with first.reading() as tx:
        cat, dog = categories.every(tx, archived=True)
        one, two = images.every(tx)
        paths = images.paths_of(tx)
        (broken,) = images.broken(tx)
        kept = imported_annotations.of_paths(tx)

    assert (cat.name, cat.aliases, cat.supercategory, cat.coco_id) == (
        "cat",
        ("kitten",),
        "animal",
        17,
    )
    assert (cat.present_count, cat.absent_count, cat.extra) == (1, 0, {"color": "red"})
    assert (dog.archived, dog.present_count) == (True, 0)
    assert (one.fold, one.known_count, two.missing) == (1, 1, True)
    assert [(p.path, p.coco_id) for p in paths[1]] == [("1.png", 139), ("copy/1.png", None)]
    assert (broken.path, broken.problem) == ("3.png", "not a picture")
    assert kept == [imported_annotations.ImportedAnnotation(1, 1, 5, {"bbox": [1, 2, 3, 4]})]


def test_people_visits_versions_and_jobs_of_the_first_revision_read_back(first: Store) -> None:
    with first.reading() as tx:
        people = [(a.name, a.reviewer) for a in annotators.every(tx)]
        shown = visits.shown(tx, 1)
        version = versions.promoted(tx)
        done = jobs.latest(tx, JobKind.TRAIN)
        held = leases.held(tx, "image", NOW)
        workers = jobs.workers(tx)
        value = key_values.get(tx, "coco.info")

    assert people == [("ann", False), ("bob", False), ("chief", True)]
    assert shown == [{0, 1}]
    assert version is not None
    assert (version.number, version.metrics, version.note) == (1, {"map": 0.5}, "the first")
    assert done is not None
    assert (done.state, done.options) == (JobState.DONE, {"method": "hst"})
    assert held == {2}
    assert [w.worker for w in workers] == ["desktop-1"]
    assert value == {"year": 2026}


def test_work_goes_on_in_a_database_of_the_first_revision(first: Store) -> None:
    with first.writing() as tx:
        receipt = answers.undo(tx, "new undo", 1, NOW)
        change = answers.history(tx, 1, 1)[-1]
        known = Operation(
            client_id="a-1",
            annotator_id=1,
            kind=OperationKind.ANSWER,
            changes=(),
            happened_at=NOW,
        )
        repeated = answers.record(tx, known, NOW)

    assert receipt is not None
    assert receipt.operation_id > 7
    assert change.annotator == "ann"
    assert repeated.repeated is True


def test_what_the_second_revision_added_reads_back(tmp_path: Path) -> None:
    store = Store.open(made_from(OLD / "0002.sql", tmp_path / "labels.db"))

    with store.reading() as tx:
        cat, dog = categories.every(tx, archived=True)
        keys = tx.execute(sa.select(hotkey.c.key)).scalars().all()
        checks = tx.execute(sa.select(attention_check.c.expected)).scalars().all()
        examples = tx.execute(sa.select(category_example)).all()

    assert (cat.description, cat.hotkey, cat.position) == ("a small lion", "c", 2)
    assert (dog.merged_into, dog.merged_after) == (1, 3)
    assert (keys, checks, examples) == (["k"], [0], [(1, 1)])
    store.close()


def test_bookmarks_of_the_sixth_revision_read_back(tmp_path: Path) -> None:
    store = Store.open(made_from(OLD / "0006.sql", tmp_path / "labels.db"))

    with store.reading() as tx:
        assert bookmarks.of(tx, 1) == [1]
    store.close()


ZONES = {
    "promise": {"max_error": 0.05, "max_lost": 0.1, "risk": 0.025, "over": "dataset", "known": 7},
    "size": 900,
    "cap_present": 300,
}


def test_certificates_with_zones_say_what_they_promise_as_those_of_today(tmp_path: Path) -> None:
    wishes = {"max_error": 0.1, "max_lost": 0.2, "confidence": 0.9, "over": None}
    done = {"present": 60, "absent": 0}
    said = {"present": {"at_most_wrong": 3}, "absent": None}
    plans = [
        {"fill": ZONES, "certified": {}, "applied": done, "statement": said},
        {"format": "fill-plan/1", "fill": ZONES, "certified": {"absent": 2}},
        {"format": "fill-pilot/1", "wishes": wishes, "pool": 900},
    ]
    url = made_from(OLD / "0006.sql", tmp_path / "labels.db")
    raw = sqlite3.connect(tmp_path / "labels.db")
    insert = "INSERT INTO certificate (version, state, plan, created_at) VALUES (1, 'open', ?, 0)"
    raw.executemany(insert, [(json.dumps(plan),) for plan in plans])
    raw.commit()
    raw.close()

    store = Store.open(url)

    with store.reading() as tx:
        first, second, pilot = certificates.every(tx)
    store.close()
    promise = first.plan["promise"]
    assert (promise["promise"], promise["recall"], promise["precision"]) == (
        "precision_recall",
        0.9,
        0.95,
    )
    assert (promise["confidence"], promise["over"], promise["known_present"]) == (
        0.975,
        "dataset",
        7,
    )
    assert first.plan["budget"] == {"present": 60, "may_be_wrong": 3, "drawn": 300}
    assert (first.plan["size"], first.is_frozen, first.is_earlier) == (900, True, True)
    assert second.plan["certified"] == {"absent": 2}
    assert "budget" not in second.plan
    assert (pilot.is_frozen, pilot.plan["pool"]) == (False, 900)
    options = pilot.plan["wishes"]
    assert (options["promise"], options["recall"], options["precision"], options["over"]) == (
        "precision_recall",
        0.8,
        0.9,
        "dataset",
    )
    assert options.keys() == ChosenOptions.__required_keys__


def test_steps_of_the_seventh_revision_read_back(tmp_path: Path) -> None:
    store = Store.open(made_from(OLD / "0007.sql", tmp_path / "labels.db"))

    with store.reading() as tx:
        assert [part.client_id for part in steps.parts_done(tx, 1)] == ["a-3", "a-2"]
        assert [part.client_id for part in steps.parts_done(tx, 2)] == ["b-1"]
    store.close()
