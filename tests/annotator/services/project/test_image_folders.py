from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from annotator.errors import ProjectBusy, ProjectError
from annotator.services.app import Services
from annotator.settings import load_project
from annotator.store import images


@pytest.fixture
def more(tmp_path: Path) -> Path:
    folder = tmp_path / "more"
    folder.mkdir()
    Image.new("RGB", (20, 30), (250, 1, 1)).save(folder / "new.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_a_further_folder_is_in_the_settings_and_its_pictures_can_be_opened(
    services: Services, more: Path
) -> None:
    seen: list[tuple[int, int]] = []

    row = services.image_roots.add(
        more, name="holiday", on_progress=lambda done, total: seen.append((done, total))
    )

    assert (row["new_images"], row["refused"]) == (1, 1)
    assert "1 new image, 1 that cannot be used" in row["message"]
    assert seen[-1] == (2, 2)
    assert load_project(services.project.path).settings.roots["holiday"] == "../more"
    assert services.media.content(7, 256).startswith(b"RIFF")
    assert [r["name"] for r in services.image_roots.rows()] == ["images", "holiday"]


def test_a_folder_or_name_that_is_taken_or_not_there_is_refused(
    services: Services, pictures: Path, more: Path
) -> None:
    for folder, name, message in (
        (pictures, "", "is already part of the project"),
        (more, "images", "A folder named 'images' already exists"),
        (more / "nowhere", "", "not a folder of images"),
        (more, "a/b", "The name 'a/b' of a folder has a slash"),
    ):
        with pytest.raises(ProjectError, match=message):
            services.image_roots.add(folder, name=name)

    assert list(load_project(services.project.path).settings.roots) == ["images"]


def test_a_folder_without_a_name_of_its_own_is_called_as_it_is(
    services: Services, tmp_path: Path
) -> None:
    for number, folder in enumerate(("valid", "images", "elsewhere/valid")):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (70, 50), (number, 250, 1)).save(tmp_path / folder / "0.png")
        services.image_roots.add(tmp_path / folder)

    assert [r["name"] for r in services.image_roots.rows()] == [
        "images", "valid", "images2", "valid2"
    ]  # fmt: skip


def test_looking_again_finds_new_changed_and_gone_files(services: Services, pictures: Path) -> None:
    Image.new("RGB", (50, 50), (1, 250, 1)).save(pictures / "new.png")
    Image.new("RGB", (60, 50), (1, 250, 9)).save(pictures / "0.png")
    (pictures / "1.png").unlink()

    row = services.image_roots.look()

    counts = {key: row[key] for key in ("new_images", "changed", "gone")}
    assert counts == {"new_images": 2, "changed": 1, "gone": 1}
    assert "1 missing; their answers are kept" in row["message"]
    (folder,) = services.image_roots.rows()
    assert (folder["usable"], folder["gone"], folder["refused"]) == (6, 1, 0)


def test_what_cannot_be_used_is_listed_with_folder_and_reason(
    services: Services, pictures: Path
) -> None:
    (pictures / "1.png").unlink()
    (pictures / "empty.png").write_bytes(b"")
    services.image_roots.look()

    rows = services.image_roots.unusable()

    assert [(r["root"], r["path"]) for r in rows] == [("images", "1.png"), ("images", "empty.png")]
    assert rows[0]["reason"] == "is missing"
    assert "empty" in rows[1]["reason"]


def test_a_move_is_told_before_and_then_done(services: Services, pictures: Path) -> None:
    moved = Path(shutil.move(pictures, pictures.with_name("elsewhere")))
    (moved / "2.png").unlink()
    assert not services.image_roots.rows()[0]["there"]

    told = services.image_roots.move_preview("images", moved)
    before = load_project(services.project.path).settings.roots
    row = services.image_roots.move("images", moved)

    assert (told["found"], told["missing"], told["examples"]) == (5, 1, ["2.png"])
    assert "5 of 6 files are there. 1 would be missing, such as 2.png" in told["text"]
    assert before == {"images": "../pictures"}
    assert load_project(services.project.path).settings.roots == {"images": "../elsewhere"}
    assert (row["new_images"], row["gone"]) == (0, 1)
    assert services.media.content(1, 256).startswith(b"RIFF")
    with services.store.reading() as tx:
        assert [i.id for i in images.every(tx) if i.missing] == [3]


def test_a_move_to_a_folder_without_any_of_the_files_is_refused(
    services: Services, more: Path, pictures: Path
) -> None:
    with pytest.raises(ProjectError, match="None of the 6 files of 'images'"):
        services.image_roots.move("images", more)
    with pytest.raises(ProjectError, match="no image root named 'other'"):
        services.image_roots.move_preview("other", more)
    with pytest.raises(ProjectError, match="is already part of the project"):
        services.image_roots.move("images", pictures)

    assert load_project(services.project.path).settings.roots == {"images": "../pictures"}


def test_two_looks_at_once_are_refused(services: Services, more: Path) -> None:
    refused: list[str] = []

    def again(done: int, total: int) -> None:
        del done, total
        with pytest.raises(ProjectBusy) as caught:
            services.image_roots.look()
        refused.append(str(caught.value))

    services.image_roots.add(more, on_progress=again)

    assert refused[0].startswith("The folders are being scanned")
    assert services.image_roots.look()["new_images"] == 0
