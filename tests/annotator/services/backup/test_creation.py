"""A backup is one moment of a project, whatever goes on meanwhile, and it is there or it is not."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import sqlalchemy as sa

from annotator.arrays import predictions
from annotator.arrays import versions as version_files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_damage import damaged_files
from annotator.errors import AnnotatorError, ProjectError, StoreError
from annotator.services.app import Services
from annotator.services.backup import partial
from annotator.services.backup.archive import Archive
from annotator.services.backup.creation import Backup, back_up
from annotator.services.backup.restoring import restore
from annotator.settings import changed, save_project
from annotator.store import Store, answers, snapshot

ROOT = Path(__file__).resolve().parents[4]


def labels(store: Store) -> list[tuple[int, ...]]:
    with store.reading() as tx:
        table = answers.label_table(tx)
        return sorted(
            zip(*(getattr(table, f.name) for f in dataclasses.fields(table)), strict=True)
        )


def restored_labels(path: Path) -> list[tuple[int, ...]]:
    with closing(Services.open(path)) as services:
        with services.store.writing() as tx:
            assert answers.recompute(tx) + answers.recount(tx) == []
        return labels(services.store)


def test_it_is_a_plain_zip_that_sha256sum_checks(backup: Backup, tmp_path: Path) -> None:
    with ZipFile(backup.file) as zip_file:
        assert zip_file.testzip() is None
        zip_file.extractall(tmp_path / "unpacked")

    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    subprocess.run(command, cwd=tmp_path / "unpacked", check=True, capture_output=True)
    (tmp_path / "unpacked" / "labels.db").unlink()
    assert subprocess.run(command, cwd=tmp_path / "unpacked", capture_output=True).returncode


def test_it_holds_no_picture_and_features_only_if_wanted(full: Services, tmp_path: Path) -> None:
    (full.project.path / "thumbnails").mkdir()
    (full.project.path / "thumbnails" / "1.jpg").write_bytes(b"small")
    full.project.kept_maps_path.mkdir()
    (full.project.kept_maps_path / "maps").write_bytes(b"made again")
    predictions.write(full.project, np.zeros((2, 2)))

    both = [
        back_up(full.project, full.store, tmp_path / f"{wanted}.zip", features=wanted).file
        for wanted in (True, False)
    ]

    names = [set(ZipFile(file).namelist()) for file in both]
    assert names[0] - names[1] == {n for n in names[0] if n.startswith("features/")} != set()
    assert {n.split("/")[0] for n in names[1]} == {
        *("project.toml", "labels.db", "versions", "predictions", "backup.json", "SHA256SUMS"),
    }


def test_answers_given_meanwhile_wait_for_the_next_one(
    full: Services, tmp_path: Path, answer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "PAGES", 5)
    before, told = labels(full.store), []

    def on_progress(done: int, _: int, stage: str) -> None:
        if stage == "Copying the database":
            told.append(done)
            answer(f"op-{len(told)}-meanwhile", (1 + len(told) % 6, 3, "present"))

    made = back_up(full.project, full.store, tmp_path / "b.zip", on_progress=on_progress)

    assert len(told) > 3
    assert told == sorted(set(told)), "copying began again"
    assert restored_labels(restore(made.file, tmp_path / "copy").project) == before
    assert len(labels(full.store)) == len(before) + 6


def test_images_embedded_meanwhile_are_whole_or_not_in_it(
    full: Services,
    features: FeatureFiles,
    tmp_path: Path,
    load_module: Callable[..., object],
) -> None:
    embed = load_module(Path(__file__).with_name("conftest.py")).embed  # type: ignore[attr-defined]
    told = 0

    def on_progress(_: int, __: int, stage: str) -> None:
        nonlocal told
        told += stage == "Writing the backup"
        if told == 5:  # the first files of the features are read
            features.grow(400)
            embed(features, [4, 5, *range(300, 400)])

    made = back_up(full.project, full.store, tmp_path / "b.zip", on_progress=on_progress)
    copy = restore(made.file, tmp_path / "copy").project

    found = FeatureFiles.open(copy / full.project.features_path.relative_to(full.project.path))
    assert told > 5
    assert found is not None
    assert found.damaged_files() == []
    assert list(found.damaged_rows()) == []
    assert set(found.done_rows) in ({0, 1, 2, 3}, set(features.done_rows))


@pytest.mark.parametrize("at", [2, 3, 6, 10])
@pytest.mark.parametrize("change", ["pruned", "scored anew", "gone"])
def test_a_version_that_changes_meanwhile_is_sound(
    full: Services, tmp_path: Path, six_scores: np.ndarray, at: int, change: str
) -> None:
    folder, told = version_files.folder(full.project, 1), 0

    def on_progress(*_: object) -> None:
        nonlocal told
        told += 1
        if told == at and change == "pruned":
            version_files.delete_arrays(folder)
        elif told == at and change == "scored anew":
            queue = version_files.read(folder).queue
            version_files.write_arrays(folder, six_scores[:5] + 1, queue)
        elif told == at:
            folder.rename(folder.with_name("away"))

    made = back_up(full.project, full.store, tmp_path / "b.zip", on_progress=on_progress)
    copy = restore(made.file, tmp_path / "copy").project

    found = copy / folder.relative_to(full.project.path)
    assert damaged_files(found) == [] or (change == "gone" and not found.exists())
    assert made.damaged == ()


def test_what_is_damaged_in_the_project_is_named(full: Services, tmp_path: Path) -> None:
    scores = version_files.folder(full.project, 1) / "scores.npy"
    scores.write_bytes(bytes(len(scores.read_bytes())))

    made = back_up(full.project, full.store, tmp_path / "b.zip")

    assert made.damaged == ("versions/0001/scores.npy",)
    assert "doctor" in made.text()
    restore(made.file, tmp_path / "copy")


def test_a_damaged_database_is_refused_and_leaves_nothing(full: Services, tmp_path: Path) -> None:
    path = full.project.path
    full.store.close()
    with closing(sqlite3.connect(path / "labels.db")) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'answer'"
        (page,) = database.execute(query).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (path / "labels.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(os.urandom(size))
    (tmp_path / "to").mkdir()

    with (
        closing(Store.open(full.project.database_url)) as store,
        pytest.raises(AnnotatorError) as e,
    ):
        back_up(full.project, store, tmp_path / "to" / "b.zip")

    assert "restore" in str(e.value)
    assert list((tmp_path / "to").iterdir()) == []


def test_a_database_that_lies_elsewhere_comes_home(full: Services, tmp_path: Path) -> None:
    before = labels(full.store)
    full.store.close()
    elsewhere = tmp_path / "elsewhere" / "other.sqlite"
    elsewhere.parent.mkdir()
    (full.project.path / "labels.db").rename(elsewhere)
    full.project.settings = changed(full.project.settings, {"database": str(elsewhere)})
    save_project(full.project)

    with closing(Services.open(full.project.path)) as services:
        made = back_up(services.project, services.store, tmp_path / "b.zip")
    copy = restore(made.file, tmp_path / "copy").project
    elsewhere.unlink()

    assert restored_labels(copy) == before


def test_a_database_on_a_server_is_for_the_tools_of_the_server(
    full: Services, tmp_path: Path
) -> None:
    store = Store(sa.create_engine("sqlite://"), "postgresql://server/labels")

    with pytest.raises(ProjectError, match="pg_dump"):
        back_up(full.project, store, tmp_path / "b.zip")

    store.close()


def test_a_target_that_is_taken_is_refused(full: Services, backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    content = backup.file.read_bytes()

    for name, more, word in [
        ("backup.zip", {}, "exists already"),
        ("notes.txt", {}, "is a file"),
        ("new.zip", {"keep": 3}, "folder"),
        ("notes.txt/b.zip", {}, "cannot be written"),
        ("n" * 300 + ".zip", {}, "cannot be written"),
    ]:
        with pytest.raises(ProjectError, match=word):
            back_up(full.project, full.store, tmp_path / name, **more)

    assert backup.file.read_bytes() == content
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_old_ones_of_this_project_alone_make_room(
    full: Services, backup: Backup, tmp_path: Path
) -> None:
    folder = tmp_path / "dated"
    other = restore(backup.file, tmp_path / "other" / full.project.path.name).project
    with closing(Services.open(other)) as services:
        theirs = back_up(services.project, services.store, folder).file
    made = [back_up(full.project, full.store, folder).file for _ in range(2)]
    damaged = back_up(full.project, full.store, folder).file
    damaged.write_bytes(damaged.read_bytes()[:-30])
    foreign = folder / f"{full.project.path.name}-2020-01-01T00-00-00Z.zip"
    foreign.write_bytes(b"mine")

    newest = back_up(full.project, full.store, folder, keep=2)

    assert newest.deleted == (made[0],)
    assert set(folder.iterdir()) == {theirs, made[1], damaged, foreign, newest.file}


STOP = """
import os, signal, sys, resource
from pathlib import Path
from annotator.__main__ import main
from annotator.services.backup import creation, restoring
what, limit, *words = sys.argv[1:]
if what == "kill":
    told = 0
    def counted(report, total, stage, real=creation.counted):
        add = real(report, total, stage)
        def count(more):
            global told
            told += 1
            if told == int(limit):
                os.kill(os.getpid(), signal.SIGKILL)
            add(more)
        return count
    creation.counted = restoring.counted = counted
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
sys.argv = ["annotator", *words]
main()
"""


def stopped(what: str, limit: int, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STOP, what, str(limit), *map(str, words)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("limit", [20_000, 290_000])
def test_a_full_disk_leaves_no_backup_and_one_sentence(
    full: Services, tmp_path: Path, limit: int
) -> None:
    (version_files.folder(full.project, 1) / "weights.safetensors").write_bytes(os.urandom(300_000))
    (tmp_path / "to").mkdir()

    ended = stopped("full", limit, "backup", full.project.path, tmp_path / "to" / "b.zip")

    assert ended.returncode in (1, 75)
    assert ended.stderr.count("\n") == 1
    assert "free some space" in ended.stderr
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.slow
def test_a_full_disk_restores_nothing_and_says_one_sentence(backup: Backup, tmp_path: Path) -> None:
    ended = stopped("full", 20_000, "restore", backup.file, tmp_path / "to" / "copy")

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "free some space" in ended.stderr
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("at", [3, 25])
def test_killed_half_way_there_is_no_backup_and_the_next_one_clears_up(
    full: Services, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "to"
    folder.mkdir()

    ended = stopped("kill", at, "backup", full.project.path, folder)

    assert ended.returncode == -9
    assert list(folder.iterdir()) != []
    assert list(folder.glob("*.zip")) == []
    monkeypatch.setattr(partial, "FRESH_SECONDS", 0.0)
    made = back_up(full.project, full.store, folder)
    assert list(folder.iterdir()) == [made.file]
    with Archive.opened(made.file) as archive:
        archive.verify(lambda _: None)


@pytest.mark.slow
def test_killed_half_way_there_is_no_project(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "to" / "copy"

    ended = stopped("kill", 8, "restore", backup.file, target)

    assert ended.returncode == -9
    assert not target.exists()
    monkeypatch.setattr(partial, "FRESH_SECONDS", 0.0)
    restore(backup.file, target)
    assert list(target.parent.iterdir()) == [target]


def test_a_backup_in_progress_is_left_alone(
    full: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "FRESH_SECONDS", 0.0)
    inner: list[Path] = []

    def on_progress(*_: object) -> None:
        if not inner:
            inner.append(tmp_path / "inner.zip")
            back_up(full.project, full.store, inner[0])

    made = back_up(full.project, full.store, tmp_path / "outer.zip", on_progress=on_progress)

    assert made.file.exists()
    assert inner[0].exists()


def test_what_a_bad_disk_gives_back_is_no_backup(full: Services, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()

    def on_progress(_: int, __: int, stage: str) -> None:
        if stage == "Checking the backup":
            (written,) = (tmp_path / "to").glob(".*/archive")
            with written.open("r+b") as file:
                file.seek(written.stat().st_size // 2)
                file.write(os.urandom(20))

    with pytest.raises(ProjectError, match="check that disk"):
        back_up(full.project, full.store, tmp_path / "to" / "b.zip", on_progress=on_progress)

    assert list((tmp_path / "to").iterdir()) == []


def test_a_snapshot_of_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(os.urandom(5000))

    with pytest.raises(StoreError, match="annotator restore"):
        snapshot.check(tmp_path / "x.db")
