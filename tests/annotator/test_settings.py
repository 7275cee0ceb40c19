from __future__ import annotations

import inspect
import os
import re
import stat
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from annotator.errors import ProjectError
from annotator.settings import (
    FIELDS,
    PROJECT_FILE,
    STRATEGIES,
    Asking,
    Project,
    Retraining,
    Settings,
    Suggestions,
    by_name,
    changed,
    load_project,
    save_project,
    write_atomically,
)
from annotator.simulate.command import simulate
from mlrpl.decision import acquisition

names = st.text(string.ascii_letters + string.digits + " _-.äé\"'\\\n#=[]", max_size=20)
SETTINGS = st.builds(
    Settings,
    name=names,
    description=names,
    roots=st.dictionaries(names.filter(bool), names, max_size=3),
    backbone=names,
    method=names,
    database=names,
    suggestions=st.builds(Suggestions, threshold=st.floats(0.01, 0.99)),
    retraining=st.builds(
        Retraining,
        automatic=st.booleans(),
        min_answers=st.integers(1, 10**6),
        min_share=st.floats(0, 1),
        every_hours=st.floats(0.001, 1e6),
    ),
    asking=st.builds(Asking, strategy=st.sampled_from(STRATEGIES), diversity=st.booleans()),
)


def written(folder: Path, text: str) -> Path:
    (folder / PROJECT_FILE).write_text(text, encoding="utf-8")
    return folder


@example_settings(deadline=None)  # files are written to a disk that others use, too
@given(settings=SETTINGS)
def test_what_is_saved_reads_back_the_same(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("project")

    save_project(Project(folder, settings))

    assert load_project(folder).settings == settings


def test_an_empty_file_means_all_defaults(tmp_path: Path) -> None:
    assert load_project(written(tmp_path, "")).settings == Settings()


def test_a_file_may_name_a_few_settings_only(tmp_path: Path) -> None:
    text = 'name = "birds"\n[roots]\nmain = "../pictures"\n[retraining]\nmin_answers = 5\n'

    settings = load_project(written(tmp_path, text)).settings

    assert settings.name == "birds"
    assert settings.retraining == Retraining(min_answers=5)
    assert settings.suggestions == Suggestions()


def test_every_strategy_of_the_library_can_be_set() -> None:
    assert set(STRATEGIES) == set(acquisition.STRATEGIES)


def test_a_whole_number_will_do_for_a_number(tmp_path: Path) -> None:
    settings = load_project(written(tmp_path, "[retraining]\nevery_hours = 2\n")).settings

    assert settings.retraining.every_hours == 2.0
    assert isinstance(settings.retraining.every_hours, float)


def test_a_directory_without_a_project_file_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"has no project\.toml. Make one with `annotator init"):
        load_project(tmp_path)


def test_a_file_is_no_project_directory(tmp_path: Path) -> None:
    file = tmp_path / "labels.db"
    file.touch()

    with pytest.raises(ProjectError, match="is a file, not a project directory; name the"):
        load_project(file)


@pytest.mark.parametrize(
    "content",
    [
        b"name = ",
        b"name = 'a'\nname = 'b'",
        b"\xff\xfe\x00",
        b"probes = { share = " + b"9" * 5000 + b" }",
    ],
    ids=["no value", "twice", "not UTF-8", "too long a number"],
)
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PROJECT_FILE).write_bytes(content)

    with pytest.raises(
        ProjectError, match=r"project\.toml is not valid TOML: .* Correct that line"
    ):
        load_project(tmp_path)


def test_a_project_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / PROJECT_FILE).mkdir()

    with pytest.raises(ProjectError, match=r"project\.toml cannot be read"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nmae = 'x'", r"unknown setting 'nmae'; did you mean 'name'\? known: name, description"),
        ("[retraining]\nfast = 1", r"unknown setting 'retraining\.fast'; known: retraining\.auto"),
        ("name = 3", "setting 'name' must be text, got 3"),
        (
            "[asking]\nstrategy = 'psychic'",
            "asking.strategy' must be random, .* or information_gain, got 'psychic'",
        ),
        ("[asking]\ndiversity = 3", r"setting 'asking\.diversity' must be true or false, got 3"),
        ("roots = 'pictures'", "setting 'roots' must be a table of texts, got 'pictures'"),
        ("[roots]\nmain = 1", r"setting 'roots\.main' must be text, got 1"),
        ("retraining = true", "setting 'retraining' must be a table, got True"),
        ("[retraining]\nautomatic = 1", r"'retraining\.automatic' must be true or false, got 1"),
        (
            "[retraining]\nmin_answers = 1.5",
            r"min_answers' must be a whole number of at least 1, got 1\.5",
        ),
        (
            "[retraining]\nmin_answers = true",
            "min_answers' must be a whole number of at least 1, got True",
        ),
        ("[retraining]\nmin_share = '1'", "min_share' must be a number from 0 to 1, got '1'"),
        ("[retraining]\nmin_share = true", "min_share' must be a number from 0 to 1, got True"),
        (
            "[retraining]\nmin_answers = 0",
            r"'retraining\.min_answers' must be a whole number of at least 1, got 0",
        ),
        (
            "[retraining]\nmin_present = -1",
            r"'retraining\.min_present' must be a whole number of at least 1, got -1",
        ),
        (
            "[retraining]\nkeep_versions = 0",
            r"'retraining\.keep_versions' must be a whole number of at least 1",
        ),
        (
            "[retraining]\nmin_share = 1.1",
            r"'retraining\.min_share' must be a number from 0 to 1, got 1\.1",
        ),
        (
            "[retraining]\nmin_share = nan",
            r"'retraining\.min_share' must be a number from 0 to 1, got nan",
        ),
        (
            "[retraining]\nevery_hours = 0",
            r"'retraining\.every_hours' must be a number above 0, got 0",
        ),
        (
            "[suggestions]\nthreshold = 0",
            r"threshold\' must be a number above 0 and below 1, got 0",
        ),
        (
            "[suggestions]\nthreshold = 1.0",
            r"threshold\' must be a number above 0 and below 1, got 1\.0",
        ),
        (
            "[suggestions]\nthreshold = nan",
            "threshold' must be a number above 0 and below 1, got nan",
        ),
        (
            "[suggestions]\nprecision = 1.0",
            r"suggestions\.precision\' must be a number above 0 and below 1",
        ),
        (
            "[suggestions]\naim = 'recall'",
            r"suggestions\.aim' must be probability, f1 or precision",
        ),
        (
            "[suggestions]\naim = 1",
            r"'suggestions\.aim' must be probability, f1 or precision, got 1",
        ),
        (
            "[retraining]\nfinetune = 'often'",
            r"\.finetune' must be auto, never or always, got 'oft",
        ),
        ("[probes]\nshare = 0.6", r"'probes\.share' must be a number from 0 to 0\.5, got 0\.6"),
        ("[goal]\nerror = -0.1", r"'goal\.error' must be a number from 0 to 1, got -0\.1"),
        ("[server]\nmax_upload_mb = 1e6", "number above 0 and up to 100000, got 1000000.0"),
        ("hierarchy = 1", "setting 'hierarchy' must be a table of lists of texts, got 1"),
        ("[hierarchy]\ndog = 'x'", r"setting 'hierarchy\.dog' must be a list of texts, got 'x'"),
        ("[hierarchy]\ndog = [1]", r"setting 'hierarchy\.dog\[0\]' must be text, got 1"),
        ("name = 2026-01-01", r"setting 'name' must be text, got datetime\.date\(2026, 1, 1\)"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ProjectError, match=sentence) as caught:
        load_project(written(tmp_path, text))

    assert str(caught.value).startswith(f"{tmp_path / PROJECT_FILE}: ")


def test_every_setting_is_written_so_that_people_see_what_there_is(tmp_path: Path) -> None:
    save_project(Project(tmp_path, Settings(roots={"main": "../pictures"})))

    text = (tmp_path / PROJECT_FILE).read_text(encoding="utf-8")
    for name in FIELDS:
        assert re.search(rf"^(\[{name}\]|{name.rpartition('.')[2]} = )", text, re.MULTILINE)


def test_saving_again_replaces_what_was_there(tmp_path: Path) -> None:
    save_project(Project(tmp_path, Settings(name="x" * 5000)))

    save_project(Project(tmp_path, Settings(name="short")))

    assert load_project(tmp_path).settings.name == "short"
    assert os.listdir(tmp_path) == [PROJECT_FILE]  # noqa: PTH208 - hidden files count


@pytest.mark.parametrize(
    ("database", "url"),
    [
        ("labels.db", "sqlite:////srv/birds/labels.db"),
        ("/srv/labels.db", "sqlite:////srv/labels.db"),
        ("postgresql://host/birds", "postgresql://host/birds"),
    ],
)
def test_the_database_is_a_file_of_the_project_or_a_url(database: str, url: str) -> None:
    project = Project(Path("/srv/birds"), Settings(database=database))

    assert project.database_url == url


def test_everything_of_a_project_lies_in_its_directory() -> None:
    project = Project(Path("/srv/birds"), Settings(backbone="timm:org/resnet50"))

    assert project.features_path == Path("/srv/birds/features/timm_org_resnet50")
    assert project.versions_path == Path("/srv/birds/versions")
    assert project.thumbnails_path == Path("/srv/birds/thumbnails")


def test_every_backbone_has_a_features_folder_of_its_own() -> None:
    names = (
        "efficientnet-lite2+efficientnet-lite0",
        "timm:resnet50",
        "timm:resnet50@weights/a.pth",
        "timm:resnet50@weights_a.pth",
        "timm:resnet50@" + "deep/" * 100 + "a.pth",
        "timm:resnet50@" + "deep/" * 100 + "b.pth",
        "+".join(f"timm:network_with_a_long_name_{n}" for n in range(20)),
    )

    folders = [Project(Path("/p"), Settings(backbone=name)).features_path for name in names]

    assert folders[0] == Path("/p/features/efficientnet-lite2+efficientnet-lite0")
    assert len(set(folders)) == len(names)
    assert all(f.parent == Path("/p/features") and len(f.name) < 100 for f in folders)


def test_an_image_root_is_absolute_or_relative_to_the_project(tmp_path: Path) -> None:
    roots = {"near": "../pictures", "far": "/srv/pictures"}
    project = Project(tmp_path / "project", Settings(roots=roots))

    assert project.root_path("near") == tmp_path.resolve() / "pictures"
    assert project.root_path("far") == Path("/srv/pictures")
    with pytest.raises(ProjectError, match=r"no image root named 'old' .* known: far, near"):
        project.root_path("old")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.bin"
    write_atomically(target, b"first")

    with pytest.raises(TypeError):
        write_atomically(target, "text")  # type: ignore[arg-type]

    assert target.read_bytes() == b"first"
    assert os.listdir(target.parent) == ["file.bin"]  # noqa: PTH208 - hidden files count
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_saving_keeps_comments_order_and_what_is_the_same_as_it_was_written(
    tmp_path: Path,
) -> None:
    (tmp_path / PROJECT_FILE).write_text(
        "# Ours.\nmethod = 'hst'  # the best\nname = 'zoo'\n\n"
        "[roots]\nold = 'a'\nmain = \"b\" # the disk\n"
    )
    project = load_project(tmp_path)

    roots = {"main": "b", "new": "c"}
    project.settings = changed(project.settings, {"name": "park", "roots": roots})
    save_project(project)

    text = (tmp_path / PROJECT_FILE).read_text()
    assert text.startswith("# Ours.\nmethod = 'hst'  # the best\nname = \"park\"\n")
    assert 'main = "b" # the disk\nnew = "c"\n' in text
    assert "\nold =" not in text
    assert load_project(tmp_path) == project


def test_changed_settings_are_checked_like_a_file() -> None:
    settings = changed(Settings(), {"retraining.min_answers": 7, "description": "x"})

    assert (settings.retraining.min_answers, settings.description) == (7, "x")
    for values, message in (
        ({"retraining.min_answers": 0}, "at least 1"),
        ({"retraining.nothing": 1}, "unknown setting 'retraining.nothing'"),
        ({"other.name": 1}, "unknown setting 'other.name'"),
        ({"name": 3}, "'name' must be text, got 3"),
    ):
        with pytest.raises(ProjectError, match=message):
            changed(Settings(), values)


def test_a_whole_number_may_come_as_a_decimal_as_forms_send_it() -> None:
    settings = changed(Settings(), {"retraining.min_answers": 5.0})

    assert settings.retraining.min_answers == 5
    assert isinstance(settings.retraining.min_answers, int)
    for value in ("5", True, 5.5, float("inf"), None):
        with pytest.raises(ProjectError, match="must be a whole number of at least 1, got"):
            changed(Settings(), {"retraining.min_answers": value})


def test_a_section_may_be_given_as_a_whole() -> None:
    settings = changed(Settings(), {"retraining": Retraining(keep_versions=1)})

    assert settings == Settings(retraining=Retraining(keep_versions=1))


def test_settings_do_not_change_once_they_are_made() -> None:
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.name = "x"
    settings.roots["main"] = "here"
    assert Settings().roots == {}


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_has_a_title_a_meaning_and_a_default_that_is_allowed(name: str) -> None:
    info = FIELDS[name]

    assert info.title
    assert info.description
    assert info.description.endswith(".")
    assert changed(Settings(), {name: by_name(Settings())[name]}) == Settings()


def test_saving_leaves_unknown_names_of_a_table_where_they_are(tmp_path: Path) -> None:
    written(tmp_path, "[retraining]\nfuture = 1  # of a newer program\n")

    save_project(Project(tmp_path, Settings()))

    assert "future = 1  # of a newer program" in (tmp_path / PROJECT_FILE).read_text()


def test_the_command_line_has_the_same_defaults() -> None:
    simulated = inspect.signature(simulate).parameters

    assert simulated["method"].default == Settings().method


def test_the_command_line_starts_without_pydantic() -> None:
    code = "import sys, annotator.cli; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
