from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from annotator.cli import app
from annotator.domain import State
from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.commands import answer_by_name
from annotator.services.project.creation import create_project

Run = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (number * 80, 90, 120)).save(folder / f"{number}.png")
    path = create_project(tmp_path / "p", folder, names=["cat", "kitten"]).project.path
    services = Services.open(path)
    answer_by_name(services, image="0.png", category="kitten", state=State.PRESENT, annotator="Ann")
    services.close()
    return path


@pytest.fixture
def run(project: Path) -> Run:
    def run_(group: str, *words: str) -> Any:
        result = CliRunner().invoke(app, [group, str(project), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.output) if "--json" in words else result.output

    return run_


def test_categories_are_added_renamed_and_listed(run: Run) -> None:
    run("categories", "add", "fish", "cow", "--supercategory", "animal")
    run("categories", "rename", "cow", "ox")

    rows = run("categories", "list", "--json")
    text = run("categories", "list")

    assert [(r["name"], r["supercategory"], r["aliases"]) for r in rows][2:] == [
        ("fish", "animal", []),
        ("ox", "animal", ["cow"]),
    ]
    assert "animal: ox  0 present, 0 absent" in text


def test_a_merge_without_yes_only_tells_and_with_it_can_be_split(run: Run) -> None:
    told = run("categories", "merge", "kitten", "cat")
    untouched = run("categories", "list", "--json")
    done = run("categories", "merge", "kitten", "cat", "--yes", "--json")
    merged = run("categories", "list")
    run("categories", "split", "kitten")

    assert "1 from unknown to present" in told
    assert "add --yes to merge" in told
    assert untouched[0]["present"] == 0
    assert "can be undone" in done["message"]
    assert "cat  1 present, 0 absent" in merged
    assert "kitten  1 present, 0 absent  merged into cat" in merged
    assert run("categories", "list", "--json")[0]["present"] == 0


def test_a_category_is_archived_and_shown_again_under_its_alias(run: Run) -> None:
    run("categories", "rename", "cat", "feline")
    said = run("categories", "archive", "cat")
    assert run("categories", "list", "--json")[-1]["archived"] is True
    run("categories", "archive", "cat", "--undo")

    assert said == "'feline' is archived; its answers stay.\n"
    assert not any(r["archived"] for r in run("categories", "list", "--json"))


def test_an_unknown_name_is_a_sentence(run: Run) -> None:
    with pytest.raises(AnnotatorError, match="No category named 'cow'"):
        run("categories", "merge", "cow", "cat")


def test_images_are_listed_by_what_is_known_of_them(run: Run) -> None:
    assert run("images", "list", "--filter", "present:kitten") == "0.png\n"
    assert run("images", "list", "--filter", "-0.png", "--sort=-name") == "2.png\n1.png\n"
    assert [row["name"] for row in run("images", "list", "--json")] == ["0.png", "1.png", "2.png"]
    assert run("images", "list", "--filter", "conflict:*") == "None.\n"
    with pytest.raises(AnnotatorError, match="no filter 'colour'"):
        run("images", "list", "--filter", "colour:red")


def test_images_are_removed_listed_and_restored_by_name_and_by_list(
    run: Run, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("1.png\n\n2.png\n")

    told = run("images", "remove", "0.png", "--list", str(names))

    assert told == (
        "3 images removed, 1 answer kept; "
        "`annotator images PROJECT restore NAME`, or `--all`, undoes it.\n"
    )
    assert run("images", "restore") == "0.png: 1 answer\n1.png: 0 answers\n2.png: 0 answers\n"
    assert run("images", "restore", "0.png", "--json")["answers"] == 1
    assert run("images", "restore", "--all") == "2 images restored, with 0 answers.\n"
    assert run("images", "restore") == "None.\n"


def test_a_file_saved_again_is_listed_accepted_and_separated(run: Run, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (1, 90, 120)).save(tmp_path / "pictures" / "0.png")
    run("images", "add")

    assert "0.png -> 0.png: 1 answer; same file name" in run("images", "resaved")
    assert run("images", "resaved", "--accept", "0.png", "--json")["images"] == 1
    assert run("images", "resaved") == "0.png -> 0.png: 1 answer; accepted\n"
    assert "1 image is separate again" in run("images", "resaved", "--undo", "0.png")
    assert "0.png: was saved again or replaced" in run("images", "missing")


def test_options_that_exclude_each_other_and_lists_that_are_not_there_are_told(
    project: Path, tmp_path: Path
) -> None:
    runner = CliRunner()
    both = ["resaved", "--accept-all", "--undo", "0.png"]

    assert runner.invoke(app, ["images", str(project), *both]).exit_code == 2
    assert runner.invoke(app, ["images", str(project), "remove"]).exit_code == 2
    gone = ["remove", "--list", str(tmp_path / "no.txt")]
    result = runner.invoke(app, ["images", str(project), *gone])
    assert isinstance(result.exception, AnnotatorError)
    assert "cannot be read" in str(result.exception)


def test_folders_are_added_listed_and_moved(run: Run, project: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    Image.new("RGB", (20, 20), (9, 99, 9)).save(more / "new.png")
    (more / "empty.png").write_bytes(b"")

    added = run("images", "add", str(more), "--name", "holiday", "--json")
    missing = run("images", "missing", "--json")
    moved = more.rename(tmp_path / "moved")
    told = run("images", "root", "holiday", str(moved))
    listed = run("images", "root")
    run("images", "root", "holiday", str(moved), "--yes")
    again = run("images", "add", "--json")

    assert added["new_images"] == 1
    assert [(r["root"], r["path"]) for r in missing] == [("holiday", "empty.png")]
    assert "1 of 1 file is there." in told
    assert "add --yes to use this folder" in told
    assert f"holiday: {more}, which is missing" in listed
    assert f"holiday: {moved}; 1 file," in run("images", "root")
    assert (again["new_images"], again["gone"]) == (0, 0)
    assert project.exists()


def test_an_archived_category_is_restored_by_the_command_that_the_refusal_names(
    run: Run, project: Path
) -> None:
    words = ["answer", str(project), "--image", "1.png", "--category", "kitten"]
    run("categories", "archive", "kitten")

    refused = CliRunner().invoke(app, [*words, "--state", "present"])
    restored = run("categories", "restore", "kitten")
    said = CliRunner().invoke(app, [*words, "--state", "present"])

    assert "`annotator categories PROJECT restore kitten`" in str(refused.exception)
    assert "'kitten' is restored" in restored
    assert said.output.strip() == "kitten is present on 1.png"


def test_an_answer_about_a_merged_category_counts_in_the_other_and_says_so(
    run: Run, project: Path
) -> None:
    run("categories", "merge", "kitten", "cat", "--yes")

    words = ["answer", str(project), "--image", "1.png", "--category", "kitten"]
    said = CliRunner().invoke(app, [*words, "--state", "present"])
    row = json.loads(CliRunner().invoke(app, [*words, "--state", "absent", "--json"]).output)

    assert said.output.strip() == "cat is present on 1.png; 'kitten' is merged into it"
    assert (row["category"], row["merged"], row["state"]) == ("cat", "kitten", "unknown")
