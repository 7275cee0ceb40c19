"""Bad input at the command line: one sentence with the cure, exit 1, nothing half-written."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from annotator.cli import main
from annotator.services.project.creation import create_project

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["annotator", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else int(code is not None)), out, err

    return call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (32, 24), (80 * number, 90, 120)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def project(tmp_path: Path, pictures: Path) -> Path:
    return create_project(tmp_path / "project", pictures, names=["cat", "dog"]).project.path


def content(folder: Path) -> dict[str, str]:
    """Return what lies in a folder, the database by its rows, as WAL and lock files come and go."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith(("labels.db", "import.lock")):
            found[str(file.relative_to(folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
    database = folder / "project" / "labels.db"
    if database.exists():
        connection = sqlite3.connect(database)
        found["rows"] = "\n".join(connection.iterdump())
        connection.close()
    return found


SLOW = ("Loading the network: ", "Embedding: ")
"""Begin what a busy machine says beside, because a step takes it more than five seconds."""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["answer", "P", "--image", "0.png", "--category", "kat", "--state", "present"], "'cat'"),
        (
            ["answer", "P", "--image", "9.png", "--category", "cat", "--state", "present"],
            "No image",
        ),
        (["train", "P", "--method", "magic"], "known: auto, kernel_ridge, partial_bce, curriculum"),
        (["train", "P"], "answer a few pairs first"),
        (["suggest", "P"], "annotator train"),
        (["versions", "P", "--promote", "4"], "no version 4"),
        (["export", "P", "--out", "OUT", "--format", "voc"], "known: coco, csv"),
        (["export", "P", "--out", "OUT", "--content", "completed"], "needs a trained version"),
        (["import", "P", "nowhere.json"], "nowhere.json"),
        (["import", "P", "BROKEN"], "broken.json"),
        (["import", "P", "OTHER"], "other images"),
        (["import", "P", "TABLE"], "line 2"),
        (["images", "P", "add", "nowhere"], "nowhere is not a folder"),
        (["categories", "P", "add", "CAT"], "upper and lower case only"),
        (["categories", "P", "rename", "cow", "ox"], "No category named 'cow'"),
        (["validate", "nowhere.json"], "nowhere.json"),
        (["init", "P", "--images", "PICTURES", "--categories", "a"], "is already a project"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_refusal_is_one_sentence_and_changes_nothing(
    run: Run, project: Path, pictures: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    (tmp_path / "broken.json").write_text('{"images": [')
    (tmp_path / "other.csv").write_text("file,cat\nelsewhere.png,1\n")
    (tmp_path / "table.csv").write_text("file,cat\n0.png,perhaps\n")
    places = {
        "P": project,
        "PICTURES": pictures,
        "OUT": tmp_path / "out",
        "BROKEN": tmp_path / "broken.json",
        "OTHER": tmp_path / "other.csv",
        "TABLE": tmp_path / "table.csv",
    }
    before = content(tmp_path)

    code, out, err = run(*(str(places.get(word, word)) for word in words))

    assert code == 1
    assert says in out + err
    lines = [line for line in (out + err).strip().splitlines() if not line.startswith(SLOW)]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    if words[0] != "train":  # a job that was refused stays in the list of jobs
        assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not valid TOML"),
        ("nome = 'x'", "unknown setting 'nome'"),
        ("name = 3", "'name' must be text"),
        (
            "[retraining]\nmin_answers = 0",
            "'retraining.min_answers' must be a whole number of at least 1",
        ),
        ("[suggestions]\nthreshold = 2.0", "must be a number above 0 and below 1"),
    ],
    ids=["not toml", "unknown key", "wrong kind", "zero", "threshold"],
)
def test_a_broken_project_file_is_named_with_its_key(
    run: Run, project: Path, text: str, says: str
) -> None:
    (project / "project.toml").write_text(text)

    code, _, err = run("status", str(project))

    assert code == 1
    assert says in err
    assert "project.toml" in err
    assert len(err.strip().splitlines()) == 1


def test_a_missing_root_is_named_with_the_cure(run: Run, project: Path, pictures: Path) -> None:
    pictures.rename(pictures.with_name("moved"))

    code, _, err = run("images", str(project), "add")

    assert code == 1
    assert "change [roots]" in err


def test_unusable_files_are_listed_with_the_reason_and_the_rest_goes_in(
    run: Run, tmp_path: Path, pictures: Path
) -> None:
    (pictures / "empty.jpg").write_bytes(b"")
    (pictures / "text.png").write_text("no picture")
    whole = (pictures / "0.png").read_bytes()
    (pictures / "cut off.png").write_bytes(whole[: len(whole) // 2])

    code, out, _ = run(
        "init",
        str(tmp_path / "q"),
        "--images",
        str(pictures),
        "--categories",
        "a",
        "--backbone",
        "efficientnet-lite0",
        "--json",
    )

    made = json.loads(out)
    assert code == 0
    assert made["images"] == 3
    assert {row["path"] for row in made["refused"]} == {"empty.jpg", "text.png", "cut off.png"}
    assert all(row["reason"] for row in made["refused"])


def test_looking_again_takes_in_only_what_is_new(run: Run, project: Path, pictures: Path) -> None:
    Image.new("RGB", (32, 24), (1, 2, 3)).save(pictures / "new one.png")
    (pictures / "copy.png").write_bytes((pictures / "0.png").read_bytes())

    _, first, _ = run("images", str(project), "add", "--json")
    _, second, _ = run("images", str(project), "add", "--json")

    assert json.loads(first)["new_images"] == 1
    assert json.loads(first)["new_paths"] == 2
    again = json.loads(second)
    assert again.pop("message") == "0 new images."
    assert not any(again.values())


def test_doctor_finds_missing_pictures_and_says_what_to_do(
    run: Run, project: Path, pictures: Path
) -> None:
    code, fine, _ = run("doctor", str(project))
    (pictures / "1.png").unlink()
    bad, said, _ = run("doctor", str(project))

    assert (code, bad) == (0, 1)
    assert "labels and counters agree" in fine
    assert "1 of 3 files is missing" in said


def test_help_is_quick_and_needs_no_torch(run: Run) -> None:
    code, out, _ = run("--help")

    assert code == 0
    assert "serve" in out
