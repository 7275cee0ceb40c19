"""What a list of projects says of each, and that a broken one is in nobody's way."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from annotator.errors import ProjectError
from annotator.services.app import Services
from annotator.services.project.several_projects import (
    is_project,
    largest_upload,
    project_folders,
    summary_of,
)
from annotator.wire.recording import SaveRequest


def answer(services: Services, op: str) -> None:
    changes = [{"category": 1, "state": "present", "source": "human"}]
    services.recording.save(
        "ann", SaveRequest(op=op, kind="answer", image=1, at=None, ms=9, changes=changes)
    )


def test_the_figures_of_a_project_are_those_of_its_database(services: Services) -> None:
    before = summary_of(services.project.path)
    answer(services, "a")

    after = summary_of(services.project.path)

    assert (before.answered, before.last_answer_at) == (0, None)
    assert (after.images, after.pairs, after.answered, after.version) == (6, 18, 1, None)
    assert (after.folder, after.problem) == ("project", "")
    assert after.last_answer_at is not None
    assert Image.open(io.BytesIO(after.thumbnail)).format == "WEBP"


def test_a_project_whose_images_are_away_is_listed_without_one(
    services: Services, pictures: Path
) -> None:
    pictures.rename(pictures.parent / "elsewhere")

    summary = summary_of(services.project.path)

    assert (summary.thumbnail, summary.problem, summary.images) == (b"", "", 6)


def test_a_project_that_cannot_be_opened_says_why(services: Services) -> None:
    services.close()
    (services.project.path / "labels.db").unlink()
    without_database = summary_of(services.project.path)
    (services.project.path / "project.toml").write_text("name = [")
    without_settings = summary_of(services.project.path)

    assert without_database.name == services.project.settings.name
    assert "labels.db is missing" in without_database.problem
    assert without_settings.name == "project"
    assert "is not valid TOML" in without_settings.problem


def test_projects_lie_directly_in_a_folder_and_are_not_hidden(tmp_path: Path) -> None:
    for name in ("b", "A", ".trash", "A/inner"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "project.toml").write_text("")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "project.txt").write_text("")

    assert [p.name for p in project_folders(tmp_path)] == ["A", "b"]
    assert not is_project(tmp_path)
    with pytest.raises(ProjectError, match="name a folder of projects"):
        project_folders(tmp_path / "nowhere")


def test_what_may_be_uploaded_is_the_most_that_any_allows(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "broken")]
    texts = ("[server]\nmax_upload_mb = 3\n", "[server]\nmax_upload_mb = 7\n", "= broken")
    for folder, text in zip(folders, texts, strict=True):
        folder.mkdir()
        (folder / "project.toml").write_text(text)

    assert largest_upload(folders) == 7_000_000
    assert largest_upload(folders[2:]) == 500_000_000
