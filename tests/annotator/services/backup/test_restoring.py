"""A project from a backup is whole, another one than the first, and never lands on something."""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.arrays.features import FeatureFiles
from annotator.errors import AnnotatorError, FormatError, ProjectError
from annotator.services.app import Services
from annotator.services.backup.creation import Backup, back_up
from annotator.services.backup.restoring import restore
from annotator.services.doctor import examine
from annotator.settings import changed, load_project, save_project
from annotator.store import staged_imports


def content(folder: Path) -> dict[str, bytes]:
    files = (f for f in folder.rglob("*") if f.is_file() and "labels.db" not in f.name)
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


def test_what_is_restored_is_what_was_there(full: Services, backup: Backup, tmp_path: Path) -> None:
    restored = restore(backup.file, tmp_path / "copy")

    before, after = content(full.project.path), content(restored.project)
    assert {n for n in before if before[n] != after.get(n)} <= {"project.toml"}
    assert not [f for f in examine(restored.project) if f.bad and f.subject != "weights"]
    with closing(Services.open(restored.project)) as services:
        assert services.progress.state()["answered"] == full.progress.state()["answered"] == 3
        assert services.progress.state()["version"] == 1
    assert restored.missing == ()
    assert (restored.images, restored.features) == (6, True)


def test_it_is_another_project_that_knows_the_first(full: Services, backup: Backup) -> None:
    key = full.lineage.key()
    shutil.rmtree(full.project.path)  # so that its file's number may be given out again
    restore(backup.file, full.project.path)

    with closing(Services.open(full.project.path)) as services:
        assert services.lineage.key() != key
        assert services.lineage.ancestors() == [key]


def test_so_is_what_somebody_unpacked_by_hand(backup: Backup, tmp_path: Path) -> None:
    with ZipFile(backup.file) as zip_file:
        zip_file.extractall(tmp_path / "unpacked")

    with closing(Services.open(tmp_path / "unpacked")) as services:
        assert len(services.lineage.ancestors()) == 1
        assert services.progress.state()["answered"] == 3


def test_features_that_are_left_out_are_made_again(backup: Backup, tmp_path: Path) -> None:
    restored = restore(backup.file, tmp_path / "copy", features=False)

    assert not restored.features
    assert "makes them again" in restored.text()
    assert FeatureFiles.open(load_project(restored.project).features_path) is None


@pytest.mark.parametrize("place", ["copy", "deeper/down/copy"])
def test_relative_image_folders_are_found_from_the_new_place(
    full: Services, backup: Backup, pictures: Path, tmp_path: Path, place: str
) -> None:
    assert not Path(full.project.settings.roots["images"]).is_absolute()
    (tmp_path / "deeper" / "pictures").mkdir(parents=True)  # other ones of the same name

    restored = restore(backup.file, tmp_path / place)

    assert load_project(restored.project).root_path("images") == pictures


def test_where_the_project_comes_from_elsewhere_they_lie_beside_it(
    backup: Backup, pictures: Path, tmp_path: Path
) -> None:
    pictures.rename(tmp_path / "away")
    (tmp_path / "machine").mkdir()

    restored = restore(backup.file, tmp_path / "machine" / "copy")
    assert restored.missing == (str(tmp_path / "machine" / "pictures"),)
    assert "[roots]" in restored.text()

    (tmp_path / "away").rename(tmp_path / "machine" / "pictures")
    found = load_project(restored.project).root_path("images")
    assert found == tmp_path / "machine" / "pictures"


def test_nothing_is_restored_over_something(full: Services, backup: Backup, tmp_path: Path) -> None:
    before = content(full.project.path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()

    for taken in (full.project.path, tmp_path / "file"):
        with pytest.raises(ProjectError, match="exists already"):
            restore(backup.file, taken)

    assert content(full.project.path) == before
    assert restore(backup.file, tmp_path / "empty").images == 6


@pytest.mark.parametrize("name", ["missing.zip", "folder.zip", "no.zip", "empty.zip", "plain.zip"])
def test_what_is_no_backup_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "no.zip").write_bytes(b"PK no zip at all")
    (tmp_path / "empty.zip").write_bytes(b"")
    with ZipFile(tmp_path / "plain.zip", "w") as zip_file:
        zip_file.writestr("holiday.txt", "text")

    with pytest.raises(AnnotatorError, match=rf"(?s)^[^\n]*{name}[^\n]*\.$"):
        restore(tmp_path / name, tmp_path / "copy")

    assert not (tmp_path / "copy").exists()


Where = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255))


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(damage=st.one_of(Where, st.floats(0, 1, exclude_max=True)))
def test_a_damaged_backup_restores_all_of_it_or_nothing(
    backup: Backup, tmp_path: Path, damage: tuple[float, int] | float
) -> None:
    held = bytearray(backup.file.read_bytes())
    if isinstance(damage, float):
        del held[int(damage * len(held)) :]
    else:
        held[int(damage[0] * len(held))] ^= damage[1]
    (tmp_path / "damaged.zip").write_bytes(held)
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)

    try:
        restore(tmp_path / "damaged.zip", copy)
    except AnnotatorError:
        assert not copy.exists()
    else:  # it was a time or something else that nothing depends on
        shutil.rmtree(tmp_path / "sound", ignore_errors=True)
        restore(backup.file, tmp_path / "sound")
        assert content(copy) == content(tmp_path / "sound")
    assert not list(tmp_path.glob(".*"))


def forged(backup: Path, target: Path, add: Callable[[ZipFile, dict[str, bytes]], None]) -> Path:
    """Write the backup anew with something added, all checksums right."""
    with ZipFile(backup) as old:
        files = {name: old.read(name) for name in old.namelist() if name != "SHA256SUMS"}
    with ZipFile(target, "w", ZIP_DEFLATED) as new:
        add(new, files)
        for name, held in files.items():
            if name not in new.namelist():
                new.writestr(name, held)
        sums = "".join(f"{hashlib.sha256(v).hexdigest()}  {k}\n" for k, v in files.items())
        new.writestr("SHA256SUMS", sums)
    return target


NAMES = [
    *("../evil", "versions/../../evil", "/tmp/evil", "C:/evil", "..\\evil", "a\\..\\..\\evil"),
    *("./evil", "versions//evil", "versions/. ./evil", "evil/", "aux:evil"),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere_are_refused(backup: Backup, tmp_path: Path, name: str) -> None:
    def add(new: ZipFile, files: dict[str, bytes]) -> None:
        info = ZipInfo()
        info.filename = name
        new.writestr(info, b"evil")
        files[name] = b"evil"

    file = forged(backup.file, tmp_path / "forged.zip", add)
    there = sorted(tmp_path.rglob("*"))

    with pytest.raises(FormatError):
        restore(file, tmp_path / "copy")

    assert sorted(tmp_path.rglob("*")) == there


def test_links_in_a_backup_are_refused(backup: Backup, tmp_path: Path) -> None:
    def add(new: ZipFile, files: dict[str, bytes]) -> None:
        info = ZipInfo("versions/0001/link")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        new.writestr(info, b"/etc/passwd")
        files[info.filename] = b"/etc/passwd"

    with pytest.raises(FormatError, match="link"):
        restore(forged(backup.file, tmp_path / "forged.zip", add), tmp_path / "copy")


@pytest.mark.parametrize("where", ["/tmp/somewhere/else.db", "postgresql://server/labels"])
def test_the_database_of_a_restored_project_is_its_own(
    backup: Backup, tmp_path: Path, where: str
) -> None:
    def add(_: ZipFile, files: dict[str, bytes]) -> None:
        text = files["project.toml"].decode().replace('"labels.db"', f'"{where}"')
        files["project.toml"] = text.encode()

    restored = restore(forged(backup.file, tmp_path / "forged.zip", add), tmp_path / "copy")

    url = load_project(restored.project).database_url
    assert url == f"sqlite:///{restored.project / 'labels.db'}"


def test_a_file_more_or_less_than_listed_is_refused(backup: Backup, tmp_path: Path) -> None:
    shutil.copy(backup.file, tmp_path / "more.zip")
    with ZipFile(tmp_path / "more.zip", "a") as zip_file:
        zip_file.writestr("versions/0001/more", "more")
    with ZipFile(backup.file) as old, ZipFile(tmp_path / "less.zip", "w") as new:
        for name in old.namelist():
            if name != "versions/0001/READY":
                new.writestr(name, old.read(name))

    for name, word in (("more.zip", "0001/more"), ("less.zip", "0001/READY")):
        with pytest.raises(FormatError, match=word):
            restore(tmp_path / name, tmp_path / "copy")


def test_a_backup_of_a_restored_project_is_a_backup(
    full: Services, backup: Backup, tmp_path: Path
) -> None:
    again = backup.file
    for step in range(3):
        path = restore(again, tmp_path / f"copy {step}").project
        with closing(Services.open(path)) as services:
            again = back_up(services.project, services.store, tmp_path / f"{step}.zip").file

    last = restore(again, tmp_path / "last").project
    assert content(last).keys() == content(full.project.path).keys()
    with closing(Services.open(last)) as services:
        assert len(services.lineage.ancestors()) == 4
        assert services.progress.state()["answered"] == 3


def test_a_backup_of_a_newer_program_is_refused(backup: Backup, tmp_path: Path) -> None:
    def add(_: ZipFile, files: dict[str, bytes]) -> None:
        files["backup.json"] = files["backup.json"].replace(b'"format": 1', b'"format": 2')

    with pytest.raises(FormatError, match="upgrade this one"):
        restore(forged(backup.file, tmp_path / "forged.zip", add), tmp_path / "copy")


def test_weights_in_the_project_come_along(full: Services, tmp_path: Path) -> None:
    (full.project.path / "weights").mkdir()
    (full.project.path / "weights" / "mine.pth").write_bytes(b"numbers")
    (tmp_path / "theirs.pth").write_bytes(b"numbers")
    name = "timm:resnet18@weights/mine.pth+timm:resnet34@../theirs.pth"
    full.project.settings = changed(full.project.settings, {"backbone": name})
    save_project(full.project)

    made = back_up(full.project, full.store, tmp_path / "b.zip")
    restored = restore(made.file, tmp_path / "copy")

    assert (restored.project / "weights" / "mine.pth").read_bytes() == b"numbers"
    assert not any("theirs" in name for name in content(restored.project))


def test_an_import_that_was_running_is_taken_back_in_the_copy(
    full: Services, tmp_path: Path
) -> None:
    with full.store.writing() as tx:
        staged_imports.note(tx, staged_imports.Running(file="labels.json"))

    made = back_up(full.project, full.store, tmp_path / "b.zip")
    copy = restore(made.file, tmp_path / "copy").project

    with closing(Services.open(copy)) as services, services.store.reading() as tx:
        assert staged_imports.running(tx) is None
        assert services.progress.state()["answered"] == 3


@pytest.mark.parametrize("damage", [bytes(100), b"", None])
def test_the_printed_advice_for_a_lost_database_ends_in_a_working_project(
    full: Services, backup: Backup, tmp_path: Path, damage: bytes | None
) -> None:
    path = full.project.path
    full.close()
    (path / "labels.db").unlink()
    if damage is not None:
        (path / "labels.db").write_bytes(damage)

    (found,) = (f for f in examine(path) if f.subject == "project")
    assert "`annotator restore BACKUP NEW_PROJECT`" in found.sentence
    restore(backup.file, tmp_path / "new")

    assert not [f for f in examine(tmp_path / "new") if f.bad and f.subject != "weights"]
