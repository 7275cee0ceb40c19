"""What is wrong with a label file is told in sentences, and a good one is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotator.domain import State
from annotator.errors import FormatError, NotFound
from annotator.formats import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.formats.coco_writing import write
from annotator.formats.validate import Validation, validate


def exported(folder: Path, *, completed: bool = False) -> Path:
    """Write a file with one present, one absent and, if completed, one suggested pair."""
    guess = (PairRecord("fox", State.PRESENT, "model", 0.7),) if completed else ()
    labels = LabelFile(
        categories=tuple(CategoryRecord(name=name) for name in ("cat", "dog", "fox")),
        images=(
            ImageRecord(
                file_name="a.jpg",
                width=8,
                height=6,
                pairs=(PairRecord("cat", State.PRESENT), PairRecord("dog", State.ABSENT)),
                suggestions=guess,
            ),
            ImageRecord(file_name="b.jpg", width=8, height=6),
        ),
        content="completed" if completed else "answered",
    )
    return write(labels, folder / "labels_all.json")[0]


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_a_good_file_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = validate(exported(tmp_path, completed=True))

    assert result.ok
    assert result == Validation(
        images=2, categories=3, annotations=2, present=1, absent=1, suggestions=1
    )
    assert capsys.readouterr().out == ""


BREAKS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no id": (lambda d: d["annotations"][0].pop("id"), "annotations[0].id is missing"),
    "no box": (lambda d: d["annotations"][0].pop("bbox"), "annotations[0].bbox is missing"),
    "no area": (lambda d: d["annotations"][0].pop("area"), "annotations[0].area is missing"),
    "no iscrowd": (
        lambda d: d["annotations"][0].pop("iscrowd"),
        "annotations[0].iscrowd is missing; importing and exporting adds it.",
    ),
    "area text": (
        lambda d: d["annotations"][0].update(area="48"),
        "annotations[0].area must be a number from 0 on, got '48'",
    ),
    "negative area": (lambda d: d["annotations"][0].update(area=-1), "from 0 on, got -1"),
    "negative box": (
        lambda d: d["annotations"][0].update(bbox=[0, 0, -1, 2]),
        "annotations[0].bbox has a negative size",
    ),
    "iscrowd two": (
        lambda d: d["annotations"][0].update(iscrowd=2),
        "annotations[0].iscrowd must be 0 or 1, got 2",
    ),
    "same id": (
        lambda d: d["annotations"].append(d["annotations"][0]),
        "as in annotations[0]; give each its own",
    ),
    "dangling image": (
        lambda d: d["annotations"][0].update(image_id=99),
        "annotations[0].image_id is 99, which 'images' does not list",
    ),
    "dangling category": (
        lambda d: d["annotations"][0].update(category_id=99),
        "annotations[0].category_id names category 99",
    ),
    "key missing": (
        lambda d: d["images"][1].pop("neg_category_ids"),
        "images[1] ('b.jpg') lacks neg_category_ids; export the file again",
    ),
    "both": (
        lambda d: d["images"][0]["pos_category_ids"].append(2),
        "images[0] ('a.jpg') says that category 2 is both present and absent; keep one",
    ),
    "boxed and absent": (
        lambda d: d["images"][0]["neg_category_ids"].append(1),
        "says that category 1 is both present and absent",
    ),
    "positive without a box": (
        lambda d: d["annotations"].clear(),
        "images[0] ('a.jpg'): pos_category_ids and the annotations differ in categories 1",
    ),
    "table lacks a pair": (
        lambda d: d["image_labels"].pop(0),
        "pos_category_ids says that category 1 is present in image 1, image_labels does not",
    ),
    "table has more": (
        lambda d: d["image_labels"].append({"image_id": 2, "category_id": 3, "state": "absent"}),
        "image_labels says that category 3 is absent in image 2, neg_category_ids does not",
    ),
    "not images": (lambda d: d.pop("images"), "'images' is missing"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_what_is_broken_is_told(tmp_path: Path, case: str) -> None:
    change, message = BREAKS[case]

    result = validate(changed(exported(tmp_path), change))

    assert not result.ok
    assert any(message in problem for problem in result.problems), result.problems
    assert all(problem.startswith(f"{tmp_path}") for problem in result.problems)


@pytest.mark.parametrize(
    ("key", "message"),
    [("certified", "certified must be false"), ("content_note", "must say 'uncertified'")],
)
def test_a_completed_file_has_to_say_so(tmp_path: Path, key: str, message: str) -> None:
    path = changed(exported(tmp_path, completed=True), lambda d: d["info"].pop(key))

    (problem,) = validate(path).problems

    assert message in problem


def test_a_plain_file_needs_no_keys_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "plain.json"
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "area": 0, "iscrowd": 0}
    document = {
        "images": [{"id": 1, "file_name": "a"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [box],
    }
    path.write_text(json.dumps(document))

    assert validate(path) == Validation(images=1, categories=1, annotations=1, present=1)


def test_a_thousand_problems_of_one_kind_are_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "plain.json"
    document = {
        "images": [{"id": 1, "file_name": "a"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "area": 1}
            for n in range(1000)
        ],
    }
    path.write_text(json.dumps(document))

    problems = validate(path).problems

    assert len(problems) == 21
    assert "and 980 more like the last one" in problems[-1]


def test_a_csv_file_is_read_and_counted(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("file,cat,dog\na.jpg,1,0\n")
    bad.write_text("file,cat\na.jpg,maybe\n")

    assert validate(good) == Validation(images=1, categories=2, present=1, absent=1)
    assert "line 2, column 'cat': expected 1, 0 or empty" in validate(bad).problems[0]


def test_what_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        validate(tmp_path / "missing.json")
    with pytest.raises(FormatError, match="belongs to no known format"):
        validate(tmp_path / "labels.xml")
