"""COCO 2014 in its published layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlrpl.datasets import load
from mlrpl.labels import ABSENT, PRESENT

CATEGORIES = [{"id": 3, "name": "car"}, {"id": 1, "name": "person"}]


def write_coco(root: Path, train: list[tuple[int, int]], test: list[tuple[int, int]]) -> None:
    (root / "annotations").mkdir()
    for part, boxes in (("train2014", train), ("val2014", test)):
        content = {
            "images": [
                {"id": i, "file_name": f"COCO_{part}_{i}.jpg", "width": 40, "height": 10}
                for i in (12, 7)
            ],
            "annotations": [
                {"image_id": i, "category_id": c, "iscrowd": 0, "bbox": [1, 2, 10, 4]}
                for i, c in boxes
            ],
            "categories": CATEGORIES,
        }
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))


def test_a_box_makes_its_category_present(tmp_path: Path) -> None:
    write_coco(tmp_path, [(7, 1), (7, 1), (12, 3)], [(12, 1)])

    data = load("coco2014", tmp_path)

    assert data.categories == ("person", "car")
    assert data.files[0] == "train2014/COCO_train2014_7.jpg"
    assert data.labels.tolist() == [
        [PRESENT, ABSENT],
        [ABSENT, PRESENT],
        [ABSENT, ABSENT],
        [PRESENT, ABSENT],
    ]
    assert data.rows("test").tolist() == [2, 3]
    assert data.sizes is not None
    assert data.sizes[:2] == pytest.approx(np.array([[0.2, 0], [0, 0.1]]))


def test_images_without_a_box_can_be_left_out(tmp_path: Path) -> None:
    write_coco(tmp_path, [(7, 1), (12, 3)], [(12, 1)])

    data = load("coco2014", tmp_path, keep_unlabelled=False)

    assert len(data) == 3
    assert data.rows("train").tolist() == [0, 1]
    assert [data.files[row] for row in data.rows("test")] == ["val2014/COCO_val2014_12.jpg"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_coco(tmp_path, [(7, 1)], [(12, 1)])
    (tmp_path / "annotations" / "instances_val2014.json").unlink()

    with pytest.raises(
        FileNotFoundError, match=r"instances_val2014\.json is missing; it should be"
    ):
        load("coco2014", tmp_path)


@pytest.mark.parametrize("text", ["[", "[]", "{}", '{"images": [], "categories": [{}]}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    write_coco(tmp_path, [(7, 1)], [(12, 1)])
    (tmp_path / "annotations" / "instances_train2014.json").write_text(text)

    with pytest.raises(ValueError, match="is no instances file of COCO"):
        load("coco2014", tmp_path)


def test_both_parts_must_have_the_same_categories(tmp_path: Path) -> None:
    write_coco(tmp_path, [(7, 1)], [(12, 1)])
    path = tmp_path / "annotations" / "instances_val2014.json"
    path.write_text(path.read_text().replace("car", "cart"))

    with pytest.raises(ValueError, match="other categories than the training part"):
        load("coco2014", tmp_path)
