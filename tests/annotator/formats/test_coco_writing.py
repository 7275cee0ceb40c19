"""What is in the COCO files that are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import (
    AnnotationRecord,
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
)
from annotator.formats.coco_ids import whole_image_id
from annotator.formats.coco_reading import read
from annotator.formats.coco_writing import write
from annotator.formats.validate import validate

PRESENT, ABSENT = State.PRESENT, State.ABSENT
CATEGORIES = (
    CategoryRecord(name="cat", supercategory="animal", coco_id=17),
    CategoryRecord(name="car", coco_id=3),
    CategoryRecord(name="dog", coco_id=18),
)
BOXES = (
    AnnotationRecord(
        category="cat",
        coco_id=40,
        body={"bbox": [1, 2, 3, 4], "area": 9, "iscrowd": 0, "segmentation": [], "x": "y"},
    ),
)


def image(name: str = "a.jpg", **changes: Any) -> ImageRecord:
    return ImageRecord(**({"file_name": name, "width": 64, "height": 48} | changes))


def document(folder: Path, *images: ImageRecord, **changes: Any) -> dict[str, Any]:
    """Write a file of these images and return it parsed."""
    labels = LabelFile(**({"categories": CATEGORIES, "images": images} | changes))
    (path,) = write(labels, folder / "labels_train.json")
    parsed: dict[str, Any] = json.loads(path.read_text("ascii"))
    return parsed


def test_a_present_label_gets_one_box_over_the_whole_image(tmp_path: Path) -> None:
    pair = PairRecord("cat", PRESENT, "accepted", 0.93, "Ann", "2026-01-02T03:04:05+00:00")

    written = document(tmp_path, image(coco_id=5, pairs=(pair,)))

    provenance = {"source": "accepted", "annotator": "Ann", "ts": "2026-01-02T03:04:05+00:00"}
    assert written["annotations"] == [
        {
            "id": whole_image_id(5, 17, set()),
            "image_id": 5,
            "category_id": 17,
            "bbox": [0, 0, 64, 48],
            "area": 3072,
            "iscrowd": 0,
            "segmentation": [],
            "score": 0.93,
            "attributes": {"image_level": True, **provenance},
        }
    ]
    assert written["image_labels"] == [
        {"image_id": 5, "category_id": 17, "state": "present", "score": 0.93, **provenance}
    ]


def test_a_present_label_with_a_box_keeps_its_box_alone(tmp_path: Path) -> None:
    pairs = (PairRecord("cat", PRESENT), PairRecord("dog", PRESENT))

    written = document(tmp_path, image(pairs=pairs, annotations=BOXES))

    first, second = written["annotations"]
    assert first == {"id": 40, "image_id": 1, "category_id": 17, **BOXES[0].body}
    assert (second["category_id"], second["bbox"]) == (18, [0, 0, 64, 48])
    assert second["id"] == whole_image_id(1, 18, set())


@pytest.mark.parametrize("pairs", [(PairRecord("cat", ABSENT),), ()], ids=["absent", "unknown"])
def test_a_box_of_a_pair_that_is_not_present_is_set_aside(
    tmp_path: Path, pairs: tuple[PairRecord, ...]
) -> None:
    written = document(tmp_path, image(pairs=pairs, annotations=BOXES))

    assert written["annotations"] == []
    assert [row["id"] for row in written["withheld_annotations"]] == [40]
    assert read(tmp_path / "labels_train.json").images[0].annotations == BOXES
    assert read(tmp_path / "labels_train.json").images[0].pairs == pairs


def test_every_image_is_listed_with_all_three_keys(tmp_path: Path) -> None:
    pairs = (PairRecord("dog", PRESENT), PairRecord("cat", PRESENT), PairRecord("car", ABSENT))

    written = document(tmp_path, image("a", pairs=pairs), image("b"))

    keys = ("pos_category_ids", "neg_category_ids", "not_exhaustive_category_ids")
    assert [[row[key] for key in keys] for row in written["images"]] == [
        [[17, 18], [3], [17, 18]],
        [[], [], []],
    ]


def test_what_an_imported_file_boxed_exhaustively_stays_so(tmp_path: Path) -> None:
    pairs = (PairRecord("cat", PRESENT), PairRecord("dog", PRESENT))

    written = document(tmp_path, image(pairs=pairs, annotations=BOXES, not_exhaustive=()))

    assert written["images"][0]["not_exhaustive_category_ids"] == [18]


def test_categories_are_counted_as_in_lvis(tmp_path: Path) -> None:
    images = [
        image(
            str(number),
            pairs=(
                PairRecord("cat", PRESENT),
                *([PairRecord("car", PRESENT)] if number < 100 else []),
                PairRecord("dog", PRESENT if number < 10 else ABSENT),
            ),
            annotations=BOXES[:1] * 2 if number == 0 else (),
        )
        for number in range(101)
    ]

    categories = document(tmp_path, *images)["categories"]

    assert categories[0] == {
        "id": 17,
        "name": "cat",
        "supercategory": "animal",
        "frequency": "f",
        "image_count": 101,
        "instance_count": 102,
    }
    assert [(c["frequency"], c["image_count"]) for c in categories[1:]] == [("c", 100), ("r", 10)]


def test_info_says_what_the_labels_mean(tmp_path: Path) -> None:
    written = document(tmp_path, info={"description": "mine", "annotation_type": "other"})

    assert written["info"] == {
        "description": "mine",
        "annotation_type": "image_level",
        "label_semantics": (
            "federated: annotation=present, neg_category_ids=verified absent, otherwise unknown"
        ),
        "content": "answered",
    }
    assert written["licenses"] == []


def test_a_completed_file_says_that_it_is_uncertified(tmp_path: Path) -> None:
    guesses = (PairRecord("cat", PRESENT, "model", 0.8), PairRecord("car", ABSENT, "model", 0.1))
    labels = (PairRecord("dog", ABSENT, "human"),)

    written = document(tmp_path, image(pairs=labels, suggestions=guesses), content="completed")

    info = written["info"]
    assert (info["content"], info["certified"]) == ("completed", False)
    assert "uncertified" in info["content_note"]
    assert [row["source"] for row in written["image_labels"]] == ["human", "model", "model"]
    assert written["annotations"][0]["attributes"]["source"] == "model"
    assert written["images"][0]["pos_category_ids"] == [17]
    assert written["images"][0]["neg_category_ids"] == [3, 18]


def test_an_annotation_without_a_box_gets_what_consumers_need(tmp_path: Path) -> None:
    bare = (AnnotationRecord(category="cat", coco_id=4, body={"iscrowd": 1}),)

    written = document(tmp_path, image(pairs=(PairRecord("cat", PRESENT),), annotations=bare))

    (row,) = written["annotations"]
    assert (row["bbox"], row["area"], row["iscrowd"]) == ([0, 0, 64, 48], 3072, 1)
    assert read(tmp_path / "labels_train.json").images[0].annotations == bare


def test_missing_and_doubled_ids_get_the_next_free_ones(tmp_path: Path) -> None:
    categories = tuple(
        CategoryRecord(name=name, coco_id=number)
        for name, number in [("cat", 5), ("car", None), ("dog", 5), ("fox", 2)]
    )
    box = AnnotationRecord(category="cat", coco_id=8, body=BOXES[0].body)
    images = [
        image(name, coco_id=number, pairs=(PairRecord("cat", PRESENT),), annotations=(box,))
        for name, number in [("a", None), ("b", 7), ("c", 7)]
    ]

    written = document(tmp_path, *images, categories=categories)

    assert [category["id"] for category in written["categories"]] == [5, 6, 7, 2]
    assert [row["id"] for row in written["images"]] == [8, 7, 9]
    assert [row["id"] for row in written["annotations"]] == [8, 9, 10]


def test_a_box_needs_the_size_of_its_image(tmp_path: Path) -> None:
    bare = ImageRecord(file_name="a.jpg", pairs=(PairRecord("cat", PRESENT),))

    with pytest.raises(FormatError, match=r"image 'a.jpg' has no width and height"):
        document(tmp_path, bare)

    assert list(tmp_path.iterdir()) == []


def test_a_number_that_json_lacks_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="a number cannot be written as JSON"):
        document(tmp_path, image(extra={"x": float("inf")}))

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels_train.json").mkdir()

    with pytest.raises(FormatError, match=r"labels_train.json cannot be written: .*another place"):
        document(tmp_path, image())


def test_unknown_keys_do_not_hide_known_ones(tmp_path: Path) -> None:
    written = document(
        tmp_path,
        image(coco_id=4, extra={"id": 99, "license": 2}),
        extra={"type": "instances", "images": "mine"},
    )

    assert written["type"] == "instances"
    assert (written["images"][0]["id"], written["images"][0]["license"]) == (4, 2)


@pytest.mark.parametrize(("said", "written"), [("false", 0), ("True", 1), (True, 1), (None, 0)])
def test_crowds_are_0_or_1_whatever_was_kept(tmp_path: Path, said: Any, written: int) -> None:
    box = AnnotationRecord(category="cat", coco_id=4, body={**BOXES[0].body, "iscrowd": said})

    rows = document(tmp_path, image(pairs=(PairRecord("cat", PRESENT),), annotations=(box,)))

    assert rows["annotations"][0]["iscrowd"] == written
    assert validate(tmp_path / "labels_train.json").ok


@pytest.mark.parametrize("certificates", [[], [{"certificate": 3}]])
def test_a_file_is_certified_if_it_names_a_certificate(
    tmp_path: Path, certificates: list[dict[str, int]]
) -> None:
    written = document(tmp_path, content="certified", info={"certificates": certificates})

    assert written["info"]["certified"] is bool(certificates)
    assert validate(tmp_path / "labels_train.json").ok
