"""The whole workflow by commands: init, embed, train, suggest, answer, export, validate, import."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 220)}


Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(run_command: Callable[..., Any]) -> Run:
    """Return a function that runs the command in a process of its own, as a user would."""

    def call(*words: str, code: int = 0) -> str:
        result = run_command(*words, USER="ann", LOGNAME="ann")
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        return str(result.stdout if code == 0 else result.stderr)

    return call


@pytest.fixture(scope="module")
def run_json(run: Run) -> Callable[..., Any]:
    return lambda *words: json.loads(run(*words, "--json"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, set[str]]]:
    """Draw 60 pictures with discs in up to three colours; know two fifths of their labels."""
    rng = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "sub folder").mkdir()
    truth: dict[str, set[str]] = {}
    for number in range(60):
        present = {name for name in COLOURS if rng.random() < 0.45}
        picture = Image.new("RGB", (96, 80), (230, 230, 225))
        draw = ImageDraw.Draw(picture)
        for name in sorted(present):
            x, y = rng.integers(0, 60), rng.integers(0, 44)
            draw.ellipse([x, y, x + 34, y + 34], fill=COLOURS[name])
        name = f"sub folder/{number:02d}.png" if number % 3 else f"ü {number:02d}.jpg"
        picture.save(folder / name)
        truth[name] = present
    labels = folder.parent / "known.csv"
    with labels.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *COLOURS])
        for name, present in truth.items():
            cells = [
                str(int(colour in present)) if rng.random() < 0.4 else "" for colour in COLOURS
            ]
            writer.writerow([name, *cells])
    return folder, labels, truth


@pytest.fixture(scope="module")
def project(
    pictures: tuple[Path, Path, dict[str, set[str]]],
    run: Run,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder, labels, _ = pictures
    path = tmp_path_factory.mktemp("projects") / "discs"
    run(
        "init",
        str(path),
        "--images",
        str(folder),
        "--backbone",
        "efficientnet-lite0",
        "--labels",
        str(labels),
    )
    run("embed", str(path))
    run("train", str(path), "--method", "partial_bce")
    return path


@pytest.mark.slow
def test_the_model_learns_and_its_suggestions_are_mostly_right(
    project: Path,
    pictures: tuple[Path, Path, dict[str, set[str]]],
    run_json: Callable[..., Any],
) -> None:
    _, _, truth = pictures

    rows = run_json("suggest", str(project), "--limit", "0")

    right = [row["category"] in truth[row["image"]] for row in rows]
    assert len(right) >= 5
    assert np.mean(right) > 0.7


@pytest.mark.slow
def test_an_answer_is_counted_and_closes_its_pair(
    project: Path, run: Run, run_json: Callable[..., Any]
) -> None:
    before = run_json("status", str(project))["counts"]
    row = run_json("suggest", str(project))[0]

    run(
        *("answer", str(project), "--image", row["image"]),
        *("--category", row["category"], "--state", "absent"),
    )

    after = run_json("status", str(project))["counts"]
    assert after["answered"] == before["answered"] + 1
    assert after["absent"] == before["absent"] + 1
    pairs = [(r["image"], r["category"]) for r in run_json("suggest", str(project), "--limit", "0")]
    assert (row["image"], row["category"]) not in pairs


@pytest.mark.slow
def test_what_is_exported_validates_and_imports_into_a_new_project_unchanged(
    project: Path,
    pictures: tuple[Path, Path, dict[str, set[str]]],
    run: Run,
    tmp_path: Path,
) -> None:
    folder, _, _ = pictures
    first, second = tmp_path / "one", tmp_path / "two"

    run("export", str(project), "--out", str(first), "--format", "coco", "--format", "csv")
    run("validate", str(first / "labels_all.json"))
    copy = tmp_path / "copy"
    run(
        "init",
        str(copy),
        "--images",
        str(folder),
        "--backbone",
        "efficientnet-lite0",
        "--labels",
        str(first / "labels_all.json"),
    )
    run("export", str(copy), "--out", str(second), "--format", "coco", "--format", "csv")

    assert (first / "labels_all.csv").read_text() == (second / "labels_all.csv").read_text()
    one = json.loads((first / "labels_all.json").read_text())
    two = json.loads((second / "labels_all.json").read_text())
    for key in ("categories", "images", "annotations", "image_labels"):
        assert one[key] == two[key]
    assert len(one["images"]) == 60


@pytest.mark.slow
def test_a_completed_export_says_so_and_leaves_nothing_open(
    project: Path, run: Run, tmp_path: Path
) -> None:
    run("export", str(project), "--out", str(tmp_path), "--content", "completed")

    document = json.loads((tmp_path / "completed_all.json").read_text())
    assert "uncertified" in json.dumps(document["info"])
    decided = [len(i["pos_category_ids"]) + len(i["neg_category_ids"]) for i in document["images"]]
    assert decided == [len(COLOURS)] * 60
    assert {row["source"] for row in document["image_labels"]} >= {"model", "imported"}


@pytest.mark.slow
def test_the_versions_are_listed_and_can_be_promoted(
    project: Path, run: Run, run_json: Callable[..., Any]
) -> None:
    rows = run_json("versions", str(project))

    assert [row["number"] for row in rows if row["promoted"]] == [1]
    run("versions", str(project), "--promote", "1")
    assert "version 9" in run("versions", str(project), "--promote", "9", code=1).lower()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["init", "{new}", "--images", "{empty}", "--categories", "a"], "contain no images"),
        (["init", "{new}", "--images", "{gone}", "--categories", "a"], "not a folder"),
        (["init", "{new}", "--images", "{pictures}"], "needs categories"),
        (["init", "{new}", "--images", "{pictures}", "--categories", "a,A"], "a"),
        (["init", "{new}", "--images", "{pictures}", "--categories", "a,,b"], "empty name"),
        (["init", "{new}", "--images", "{pictures}", "--labels", "{gone}"], "does not exist"),
        (["status", "{gone}"], "annotator init"),
    ],
    ids=["no pictures", "no folder", "no categories", "case only", "empty name", "no file", "gone"],
)
def test_a_wrong_call_gets_one_sentence_and_leaves_nothing_behind(
    words: list[str],
    says: str,
    pictures: tuple[Path, Path, dict[str, set[str]]],
    run: Run,
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    places = {
        "new": tmp_path / "new",
        "empty": tmp_path / "empty",
        "gone": tmp_path / "gone",
        "pictures": pictures[0],
    }

    said = run(*(word.format(**places) for word in words), code=1)

    assert says in said
    assert len(said.strip().splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty"]
