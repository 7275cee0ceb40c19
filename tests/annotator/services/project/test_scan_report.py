"""What people are told of a scan, at `init`, by `images add` and on the Settings page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from annotator.cli import app
from annotator.services.project.creation import create_project
from annotator.services.project.image_folders import ImageRoots
from annotator.services.project.scan_report import ALIKE, MOST_LINES, details, together
from annotator.store import Store
from mlrpl.backbone_names import LITE0


def draw(path: Path, colour: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (colour, 0, 0)).save(path, "PNG")
    return path


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two pictures, one of them animated, among files of many kinds."""
    folder = tmp_path / "mixed"
    draw(folder / "a.png")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "b.gif", save_all=True, append_images=frames[1:])
    for name in ("labels.csv", "notes.txt", "clip.mp4", ".DS_Store", "LICENSE"):
        (folder / name).write_text("text")
    (folder / "broken.jpg").write_text("no picture")
    return folder


def test_init_says_what_became_of_every_file(mixed: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(
        app,
        [
            "init",
            str(tmp_path / "P"),
            "--images",
            str(mixed),
            "--categories",
            "cat",
            "--backbone",
            LITE0,
        ],
    )

    assert run.exit_code == 0
    assert "2 images in 2 files" in run.stdout
    assert "Left out 'broken.jpg': it is not an image that this program reads" in run.stdout
    assert "Of files with several frames or pages the first is used: b.gif." in run.stdout
    assert (
        "Not read as pictures: label or text files: 2 (labels.csv, notes.txt); "
        "hidden or system files: 1 (.DS_Store); other files: 1 (LICENSE); videos: 1 (clip.mp4)."
    ) in run.stdout


@pytest.mark.parametrize("command", ["init", "add", "look"])
def test_programs_get_the_same_as_json(mixed: Path, tmp_path: Path, command: str) -> None:
    project = tmp_path / "P"
    first = mixed if command != "add" else draw(tmp_path / "first" / "z.png", 9).parent
    arguments = [
        "init",
        str(project),
        "--images",
        str(first),
        "--categories",
        "cat",
        "--backbone",
        LITE0,
        "--json",
    ]
    run = CliRunner().invoke(app, arguments)
    if command != "init":
        more = [str(mixed)] if command == "add" else []
        run = CliRunner().invoke(app, ["images", str(project), "add", *more, "--json"])

    row = json.loads(run.stdout)

    assert {each["kind"]: each["files"] for each in row["left_out"]} == {
        "label or text files": 2,
        "hidden or system files": 1,
        "other files": 1,
        "videos": 1,
    }
    assert row["first_frame_only"] == ([] if command == "look" else ["b.gif"])
    refused = row["refused"] if command == "init" else row["refused_files"]
    assert [each["path"] for each in refused] == ([] if command == "look" else ["broken.jpg"])


def test_a_folder_without_pictures_says_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.mov").touch()

    run = CliRunner().invoke(
        app,
        [
            "init",
            str(tmp_path / "P"),
            "--images",
            str(folder),
            "--categories",
            "cat",
            "--backbone",
            LITE0,
        ],
    )

    assert run.exit_code == 1
    assert "Not read as pictures: videos: 1 (film.mov)." in str(run.exception or run.output)


def test_the_settings_page_says_it_too(mixed: Path, tmp_path: Path) -> None:
    made = create_project(tmp_path / "P", draw(tmp_path / "x" / "z.png", 9).parent, names=["cat"])
    store = Store.open(made.project.database_url)

    message = ImageRoots(made.project, store).add(mixed)["message"]
    store.close()

    assert message.startswith("2 new images, 1 that cannot be used.")
    assert "Left out 'broken.jpg'" in message
    assert "videos: 1 (clip.mp4)" in message


def found(reasons: list[str]) -> dict:
    files = [{"path": f"{n}.jpg", "reason": reason} for n, reason in enumerate(reasons)]
    counts = dict.fromkeys(("new_images", "new_paths", "changed", "refused", "gone"), 1)
    return {**counts, "refused_files": files, "first_frame_only": [], "left_out": []}


def test_one_reason_for_many_files_is_told_once() -> None:
    reason = "is HEIC, which is read after `pip install it`"

    few = details(found([reason] * (ALIKE - 1)))
    many = details(found([reason] * 1200))

    assert few == [f"Left out '{n}.jpg': it {reason}." for n in range(ALIKE - 1)]
    assert many == [f"Left out 1,200 files, such as '0.jpg': each {reason}."]


def test_a_long_list_of_reasons_ends_with_where_to_see_it_all() -> None:
    lines = details(found([f"is odd in way {n}" for n in range(MOST_LINES + 7)]))

    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "7 more reasons: `annotator images PROJECT missing`."


def test_several_folders_are_told_together() -> None:
    one, two = found(["is empty"]), found([])
    one["left_out"] = [{"kind": "videos", "files": 4, "examples": ["a.mp4", "b.mp4", "c.mp4"]}]
    two["left_out"] = [
        {"kind": "videos", "files": 1, "examples": ["z.mp4"]},
        {"kind": "archives", "files": 9, "examples": ["a.zip"]},
    ]

    row = together([one, two])

    assert (row["new_images"], len(row["refused_files"])) == (2, 1)
    assert row["left_out"] == [
        {"kind": "archives", "files": 9, "examples": ["a.zip"]},
        {"kind": "videos", "files": 5, "examples": ["a.mp4", "b.mp4", "c.mp4"]},
    ]
