"""Label files of other tools on their way through a project: what is said, kept and exported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.errors import FormatError
from annotator.formats.options import ReadOptions
from annotator.formats.validate import validate
from annotator.services.app import Services
from annotator.services.exchange import page_transfer
from annotator.services.exchange.import_summary import ImportSummary
from annotator.services.project.creation import create_project
from mlrpl.backbone_names import LITE0

SIZES = {"a.jpg": (40, 30), "b.jpg": (30, 40), "c.jpg": (32, 32)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, (name, size) in enumerate(SIZES.items()):
        Image.new("RGB", size, (number * 80, 40, 200)).save(folder / name)
    return folder


@pytest.fixture
def services(tmp_path: Path, pictures: Path) -> Any:
    create_project(tmp_path / "project", pictures, names=["cat", "dog"])
    opened = Services.open(tmp_path / "project")
    yield opened
    opened.close()


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def saved(folder: Path, name: str, content: str | dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def coco(sizes: dict[str, Sequence[object]]) -> dict[str, Any]:
    """Return a file in which each picture has a size and a cat in a box."""
    return {
        "categories": [{"id": 1, "name": "cat"}],
        "images": [
            {"id": n, "file_name": name, "width": size[0], "height": size[1]}
            for n, (name, size) in enumerate(sizes.items(), start=1)
        ],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4]}
            for n in range(1, len(sizes) + 1)
        ],
    }


def exported(services: Services, name: str = "coco") -> Path:
    (path,) = services.transfer.export(services.project.path / "out", formats=[name])
    return path


@pytest.mark.parametrize("suffix", [".tsv", ".txt", ".csv"])
def test_init_reads_tabs(tmp_path: Path, pictures: Path, suffix: str) -> None:
    labels = saved(tmp_path, f"labels{suffix}", "Image Name\tcat\na.jpg\tyes\n")

    result = run(
        "init", tmp_path / "new", "--images", pictures, "--backbone", LITE0, "--labels", labels
    )

    assert result.exit_code == 0
    assert "1 pair present" in result.stdout
    assert "Cells in other words, read as present: 1 (for example 'yes')." in result.stdout


def test_a_file_of_any_suffix_is_read_where_its_format_is_named(
    tmp_path: Path, pictures: Path
) -> None:
    labels = saved(tmp_path, "labels.dat", "file,cat\na.jpg,1\n")
    init = ["init", tmp_path / "new", "--images", pictures, "--backbone", LITE0, "--labels", labels]

    for words in (init, ["validate", labels]):
        with pytest.raises(FormatError, match=r"suffix '\.dat' .* Name the format with --format"):
            run(*words)
        assert run(*words, "--format", "csv").exit_code == 0


@pytest.mark.parametrize(("option", "absent"), [("absent", 1), ("unknown", 0)])
def test_every_command_takes_the_option_that_its_refusal_names(
    tmp_path: Path, pictures: Path, option: str, absent: int
) -> None:
    labels = saved(tmp_path, "labels.csv", "file,cat,dog\na.jpg,1,-1\n")
    project = tmp_path / "new"
    init = [
        "init",
        project,
        "--images",
        pictures,
        "--backbone",
        LITE0,
        "--labels",
        labels,
        "--by",
        "me",
    ]

    with pytest.raises(FormatError, match="say which with --minus-one absent or --minus-one unk"):
        run(*init)
    checked = run("validate", labels)

    assert checked.exit_code == 1
    assert "say which with --minus-one absent" in checked.stdout
    assert not project.exists()

    chosen = ["--minus-one", option]
    made = run(*init, *chosen, "--json")
    again = run("import", project, labels, "--dry-run", "--json", *chosen)

    assert json.loads(made.stdout)["imported"]["absent"] == absent
    assert json.loads(again.stdout)["already_known"] == 1 + absent
    assert run("validate", labels, *chosen).exit_code == 0


def test_a_large_file_is_read_with_the_same_options(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_transfer, "SMALL_BYTES", 0)
    labels = saved(tmp_path, "labels.csv", "file,tags\na.jpg,cat dog\n")

    summary = services.exchange.preview(labels, options=ReadOptions(separator="blank"))

    assert (summary.present, summary.new_categories) == (2, ())


def test_what_was_unusual_is_in_the_summary_in_every_form(
    services: Services, tmp_path: Path
) -> None:
    labels = saved(tmp_path, "labels.csv", "file,cat\na.jpg,True\n,\n")

    summary = services.transfer.preview(labels)

    assert summary.notes == (
        "Empty rows, left out: 1 (for example line 3).",
        "Cells in other words, read as present: 1 (for example 'True').",
    )
    assert summary.text().endswith("\n".join(summary.notes))
    assert ImportSummary.of(json.loads(json.dumps(summary.row()))) == summary


def test_a_picture_of_another_size_is_told_and_its_boxes_stay_as_they_are(
    services: Services, tmp_path: Path
) -> None:
    listed = {"a.jpg": (640, 480), "b.jpg": (40, 30), "c.jpg": ("32", 32.0)}

    summary = services.transfer.import_file(
        saved(tmp_path, "labels.json", coco(listed)), annotator="me"
    )
    path = exported(services)

    turned, other = (note for note in summary.notes if "picture" in note)
    assert turned.startswith("1 picture is turned: their width and height are swapped")
    assert "such as 'b.jpg' (40 x 30 in the file, 30 x 40 here)" in turned
    assert other.startswith("1 picture is of another size than the file says, such as 'a.jpg'")
    rows = {row["file_name"]: row for row in json.loads(path.read_text())["images"]}
    assert {n: (r["width"], r["height"]) for n, r in rows.items()} == SIZES
    assert {n: r.get("annotated_size") for n, r in rows.items()} == {
        "a.jpg": [640, 480],
        "b.jpg": [40, 30],
        "c.jpg": None,
    }
    boxes = [row["bbox"] for row in json.loads(path.read_text())["annotations"]]
    assert boxes == [[1, 2, 3, 4]] * 3
    result = validate(path)
    assert result.ok
    assert result.notes[0].startswith("Images whose boxes fit another size, given as 'annotated_s")


def test_a_size_without_boxes_or_that_fits_or_is_not_known_keeps_nothing(
    services: Services, tmp_path: Path
) -> None:
    content = coco({"a.jpg": SIZES["a.jpg"], "b.jpg": (0, 0), "c.jpg": (64, 64)})
    content["annotations"] = []

    summary = services.transfer.import_file(saved(tmp_path, "labels.json", content), annotator="me")

    assert [note for note in summary.notes if "picture" in note] == [
        "1 picture is of another size than the file says, such as 'c.jpg' (64 x 64 in the file, "
        "32 x 32 here)."
    ]
    assert "annotated_size" not in exported(services).read_text()


def test_text_ids_come_back_beside_numbers_and_lead_to_the_same_labels(
    services: Services, tmp_path: Path
) -> None:
    content = coco({"a.jpg": (40, 30), "b.jpg": (30, 40)})
    names = {1: "img-1", 2: "3fa85f64-5717-4562-b3fc-2c963f66afa6"}
    for row in content["images"]:
        row["id"] = names[row["id"]]
    for row in content["annotations"]:
        row |= {"id": f"ann-{row['id']}", "image_id": names[row["image_id"]]}

    services.transfer.import_file(saved(tmp_path, "labels.json", content), annotator="me")
    path = exported(services)
    back = json.loads(path.read_text())

    assert validate(path).ok
    assert {r.get("original_id") for r in back["images"]} == {*names.values(), None}
    assert [r["original_id"] for r in back["annotations"]] == ["ann-1", "ann-2"]
    by_id = {row["id"]: row["file_name"] for row in back["images"]}
    assert [by_id[row["image_id"]] for row in back["annotations"]] == ["a.jpg", "b.jpg"]

    again = services.transfer.preview(path)

    assert (again.present, again.absent, again.already_known) == (0, 0, 2)
