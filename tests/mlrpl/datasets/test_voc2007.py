"""VOC 2007 in its published layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrpl.datasets import load
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def write_voc(root: Path, images: dict[str, list[tuple[str, int]]], parts: dict[str, str]) -> Path:
    folder = root / "VOCdevkit" / "VOC2007"
    for inner in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / inner).mkdir(parents=True)
    for part, listed in parts.items():
        text = "".join(f"{identifier}\n" for identifier in listed.split())
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text(text)
    for identifier, objects in images.items():
        boxes = "".join(
            f"<object><name>{name}</name><difficult>{hard}</difficult><bndbox>"
            "<xmin>1</xmin><ymin>11</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>"
            for name, hard in objects
        )
        size = "<size><width>50</width><height>20</height></size>"
        text = f"<annotation><filename>{identifier}.jpg</filename>{size}{boxes}</annotation>"
        (folder / "Annotations" / f"{identifier}.xml").write_text(text)
    return folder


IMAGES = {
    "000001": [("dog", 0), ("person", 1)],
    "000002": [("car", 1), ("car", 0)],
    "000003": [("chair", 1)],
}
PARTS = {"trainval": "000001 000002", "test": "000003"}


def test_a_category_of_difficult_objects_only_is_unknown(tmp_path: Path) -> None:
    write_voc(tmp_path, IMAGES, PARTS)

    data = load("voc2007", tmp_path)

    column = {name: index for index, name in enumerate(data.categories)}
    assert data.labels.shape == (3, 20)
    assert data.labels[0, column["dog"]] == PRESENT
    assert data.labels[0, column["person"]] == UNKNOWN
    assert data.labels[1, column["car"]] == PRESENT
    assert data.labels[2, column["chair"]] == UNKNOWN
    assert (data.labels[2] == ABSENT).sum() == 19


def test_sizes_are_shares_of_the_picture_without_difficult_objects(tmp_path: Path) -> None:
    write_voc(tmp_path, {**IMAGES, "000003": [("chair", 0)] * 2}, PARTS)

    data = load("voc2007", tmp_path)

    assert data.sizes is not None
    column = {name: index for index, name in enumerate(data.categories)}
    assert data.sizes[0, column["dog"]] == pytest.approx(10 * 10 / 1000)
    assert data.sizes[0, column["person"]] == 0
    assert data.sizes[2, column["chair"]] == pytest.approx(0.2)


def test_trainval_trains_and_test_tests(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, IMAGES, PARTS)

    data = load("voc2007", folder)

    assert [data.files[row] for row in data.rows("train")] == [
        "JPEGImages/000001.jpg",
        "JPEGImages/000002.jpg",
    ]
    assert load("voc2007", folder, "test").path(0) == folder / "JPEGImages" / "000003.jpg"


@pytest.mark.parametrize(
    ("gone", "should_be"),
    [
        ("ImageSets/Main/test.txt", "the list of the test images"),
        ("Annotations/000002.xml", "the objects of one picture"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, gone: str, should_be: str) -> None:
    folder = write_voc(tmp_path, IMAGES, PARTS)
    (folder / gone).unlink()

    with pytest.raises(FileNotFoundError, match=f"{gone} is missing; it should be {should_be}"):
        load("voc2007", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "<annotation>",
        "<a/>",
        "<a><size><width>5</width><height>5</height></size><object><name>unicorn</name></object></a>",
        "<a><size><width>0</width><height>5</height></size><object><name>dog</name><bndbox>"
        "<xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></a>",
    ],
)
def test_a_damaged_annotation_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_voc(tmp_path, IMAGES, PARTS)
    (folder / "Annotations" / "000002.xml").write_text(text)

    with pytest.raises(ValueError, match=r"000002\.xml is no annotation of VOC 2007"):
        load("voc2007", tmp_path)
