"""What COCO files of every origin say, and how they are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotator.domain import State
from annotator.errors import FormatError, NotFound
from annotator.formats import ImageRecord, LabelFile, PairRecord
from annotator.formats.coco_reading import read
from annotator.formats.options import ReadOptions

PRESENT, ABSENT = State.PRESENT, State.ABSENT
REST_ABSENT = ReadOptions(unlisted="absent")
BOX = {"bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}


def plain(**changes: Any) -> dict[str, Any]:
    """Return a COCO file of two images and three categories with ids that are not dense."""
    document: dict[str, Any] = {
        "images": [
            {"id": 70, "file_name": "a.jpg", "width": 64, "height": 48},
            {"id": 9, "file_name": "b.jpg", "width": 32, "height": 24},
        ],
        "categories": [
            {"id": 18, "name": "dog", "supercategory": "animal"},
            {"id": 3, "name": "car"},
            {"id": 90, "name": "cat", "supercategory": "animal"},
        ],
        "annotations": [
            {"id": 5, "image_id": 70, "category_id": 90, **BOX},
            {"id": 2, "image_id": 70, "category_id": 90, **BOX},
            {"id": 8, "image_id": 70, "category_id": 3, **BOX},
        ],
    }
    return document | changes


def written(folder: Path, document: Any) -> Path:
    path = folder / "labels.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def states(image: ImageRecord) -> dict[str, State]:
    return {pair.category: pair.state for pair in image.pairs}


def with_image(**keys: Any) -> dict[str, Any]:
    """Return the plain file with more keys on its second image, which has no annotations."""
    document = plain()
    document["images"][1] |= keys
    return document


def test_an_annotation_makes_its_pair_present_and_is_kept(tmp_path: Path) -> None:
    first, second = read(written(tmp_path, plain())).images

    assert first.pairs == (PairRecord("cat", PRESENT), PairRecord("car", PRESENT))
    assert [(a.coco_id, a.category) for a in first.annotations] == [
        (5, "cat"),
        (2, "cat"),
        (8, "car"),
    ]
    assert first.annotations[0].body == BOX
    assert (first.coco_id, first.width, first.height) == (70, 64, 48)
    assert second.pairs == ()


def test_silence_means_absent_only_when_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, plain())

    unknown, absent = read(path), read(path, REST_ABSENT)

    assert states(unknown.images[1]) == {}
    assert states(absent.images[0]) == {"cat": PRESENT, "car": PRESENT, "dog": ABSENT}
    assert states(absent.images[1]) == {"dog": ABSENT, "car": ABSENT, "cat": ABSENT}


def test_lvis_keys_say_present_absent_and_not_exhaustive(tmp_path: Path) -> None:
    document = with_image(
        pos_category_ids=[3, 90], neg_category_ids=[18], not_exhaustive_category_ids=[3]
    )

    image = read(written(tmp_path, document)).images[1]

    assert states(image) == {"car": PRESENT, "cat": PRESENT, "dog": ABSENT}
    assert image.not_exhaustive == ("car",)
    assert image.extra == {}


def test_lvis_images_are_named_by_their_address(tmp_path: Path) -> None:
    document = plain()
    del document["images"][0]["file_name"]
    document["images"][0]["coco_url"] = "http://images.example/train2017/000000391895.jpg"

    image = read(written(tmp_path, document)).images[0]

    assert image.file_name == "000000391895.jpg"
    assert image.extra == {"coco_url": "http://images.example/train2017/000000391895.jpg"}


def test_unknown_keys_are_kept_everywhere(tmp_path: Path) -> None:
    document = plain(info={"year": 2017}, licenses=[{"id": 4}], type="instances", more={"x": [1]})
    document["images"][0]["license"] = 4
    document["categories"][0]["synset"] = "dog.n.01"
    document["annotations"][0]["keypoints"] = [1, 2, 3]

    labels = read(written(tmp_path, document))

    assert labels.info == {"year": 2017}
    assert labels.licenses == ({"id": 4},)
    assert labels.extra == {"type": "instances", "more": {"x": [1]}}
    assert labels.images[0].extra == {"license": 4}
    assert labels.categories[0].extra == {"synset": "dog.n.01"}
    assert labels.images[0].annotations[0].body["keypoints"] == [1, 2, 3]


@pytest.mark.parametrize("box", [{}, {"bbox": []}, {"bbox": None}], ids=["none", "empty", "null"])
def test_an_annotation_without_a_box_still_says_present(
    tmp_path: Path, box: dict[str, Any]
) -> None:
    document = plain(annotations=[{"id": 1, "image_id": 9, "category_id": 18, **box}])

    image = read(written(tmp_path, document)).images[1]

    assert states(image) == {"dog": PRESENT}
    assert image.annotations[0].body == {}


def table(**changes: Any) -> dict[str, Any]:
    row = {"image_id": 70, "category_id": 90, "state": "absent", "source": "rejected"}
    return row | changes


def test_the_table_decides_over_annotations_and_keys(tmp_path: Path) -> None:
    row = table(score=0.4, annotator="Ann", ts="2026-01-02T03:04:05+00:00", note="why")
    document = plain(image_labels=[row])

    first = read(written(tmp_path, document)).images[0]

    assert first.pairs == (
        PairRecord(
            "cat", ABSENT, "rejected", 0.4, "Ann", "2026-01-02T03:04:05+00:00", {"note": "why"}
        ),
        PairRecord("car", PRESENT),
    )


def test_what_a_model_decided_is_a_suggestion_and_never_a_label(tmp_path: Path) -> None:
    rows = [table(source="model", score=0.9, state="present"), table(category_id=3)]

    labels = read(written(tmp_path, plain(image_labels=rows)), REST_ABSENT)

    image = labels.images[0]
    assert image.suggestions == (PairRecord("cat", PRESENT, "model", 0.9),)
    assert states(image) == {"car": ABSENT, "dog": ABSENT}
    assert labels.content == "completed"


def test_a_completed_file_that_lost_its_table_gives_suggestions_only(tmp_path: Path) -> None:
    level = {"image_level": True, "source": "human", "annotator": "Ann"}
    document = plain(info={"content": "completed"})
    document["annotations"].append(
        {"id": 9, "image_id": 9, "category_id": 18, **BOX, "attributes": level}
    )
    document["images"][1] |= {"pos_category_ids": [18, 3], "neg_category_ids": [90]}

    first, second = read(written(tmp_path, document)).images

    assert first.pairs == ()
    assert [pair.category for pair in first.suggestions] == ["cat", "car"]
    assert second.pairs == (PairRecord("dog", PRESENT, "human", None, "Ann"),)
    assert {p.category: p.state for p in second.suggestions} == {"car": PRESENT, "cat": ABSENT}


def test_a_label_of_the_whole_image_keeps_its_source_without_the_table(tmp_path: Path) -> None:
    level = {"image_level": True, "source": "accepted", "ts": "2026-01-02"}
    row = {"id": 9, "image_id": 9, "category_id": 18, **BOX, "attributes": level, "score": 0.75}

    image = read(written(tmp_path, plain(annotations=[row]))).images[1]

    assert image.pairs == (PairRecord("dog", PRESENT, "accepted", 0.75, None, "2026-01-02"),)
    assert image.annotations == ()


@pytest.mark.parametrize("mark", ["\ufeff", ""], ids=["with mark", "without"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(mark + json.dumps(plain()), encoding="utf-8")

    assert len(read(path).images) == 2


def test_a_file_of_images_alone_is_read(tmp_path: Path) -> None:
    labels = read(written(tmp_path, {"images": plain()["images"]}))

    assert labels.categories == ()
    assert [image.file_name for image in labels.images] == ["a.jpg", "b.jpg"]


def test_an_empty_list_of_images_is_a_file(tmp_path: Path) -> None:
    assert read(written(tmp_path, {"images": []})) == LabelFile()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; write it again"),
        (b"  \n", "the file is empty"),
        (b"file,cat\na,1", "line 1, column 1: this is not JSON"),
        (b'{"images": [{"id": 1,', "column 22: the file ends early"),
        (b'{"images": [{"id": 1, "file_name": "a.j', "the file ends early"),
        (b'{"images": [{"id": 1}, {"id"', "the file ends early"),
        (b'{"images": [], "x": NaN}', "holds NaN, which is not a valid number; write null"),
        (b'{"images": "\xff"}', "byte 12 is not UTF-8; save the file as UTF-8"),
        (b"[" * 100000, "not usable JSON"),
        (b'[{"image_id": 1}]', "the top level is a list, not an object with 'images'"),
        (b"null", "the top level is null"),
        (b'"x"', "the top level is a text"),
        (b"17", "the top level is a number"),
        (b"{}", "'images' is missing; name a COCO file"),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_is_no_coco_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content)

    with pytest.raises(FormatError, match=message) as caught:
        read(path)

    assert str(caught.value).startswith(str(path))


WRONG: dict[str, tuple[str, Any, str]] = {
    "images no list": ("images", {}, "'images' is an object; it must be a list"),
    "image no object": ("images", [3], r"images\[0\] is a number; it must be an object"),
    "categories no list": ("categories", "cat", "'categories' is a text; it must be a list"),
    "annotations no list": ("annotations", {"a": 1}, "'annotations' is an object"),
    "info no object": ("info", ["x"], "'info' must be an object"),
    "licenses no list": ("licenses", {"a": 1}, "'licenses' must be a list"),
    "no name": ("categories", [{"id": 1}], r"categories\[0\].name is missing"),
    "empty name": ("categories", [{"id": 1, "name": " "}], r"must be text that is not empty"),
    "name no text": ("categories", [{"id": 1, "name": 7}], r"name must be text .*, got 7"),
    "same category id": (
        "categories",
        [{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}],
        r"categories\[1\].id is 1, as in categories\[0\]",
    ),
    "supercategory": (
        "categories",
        [{"id": 1, "name": "cat", "supercategory": 3}],
        r"supercategory must be text in quotes, got 3",
    ),
    "no image id": ("images", [{"file_name": "a"}], r"images\[0\].id is missing"),
    "bool id": ("images", [{"id": True, "file_name": "a"}], "a whole number .*, got true"),
    "float id": ("images", [{"id": 1.5, "file_name": "a"}], "a whole number .*, got 1.5"),
    "list as id": ("images", [{"id": [1], "file_name": "a"}], r"a whole number .*, got \[1\]"),
    "no file name": ("images", [{"id": 1}], r"images\[0\].file_name is missing"),
    "same image id": (
        "images",
        [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}],
        r"images\[1\].id is 1, as in images\[0\], which is 'a' and not 'b'; give each",
    ),
    "width text": ("images", [{"id": 1, "file_name": "a", "width": "wide"}], "must be a number"),
    "width negative": (
        "images",
        [{"id": 1, "file_name": "a", "width": -1}],
        "width must be a whole",
    ),
    "width vast": ("images", [{"id": 1, "file_name": "a", "width": 10**30}], "to 9,999,999"),
    "width half": ("images", [{"id": 1, "file_name": "a", "width": 1.5}], "pixels .*got 1.5"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_shape_names_its_place_and_the_cure(tmp_path: Path, case: str) -> None:
    key, value, message = WRONG[case]
    path = written(tmp_path, plain(annotations=[]) | {key: value})

    with pytest.raises(FormatError, match=message):
        read(path)


ANNOTATION = {"id": 1, "image_id": 9, "category_id": 18}


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("annotations", {"category_id": 1}, r"\[1\].category_id names category 1, which 'categor"),
        ("annotations", {"category_id": None}, r"\[1\].category_id must be an id"),
        ("annotations", {"image_id": 10}, r"\[1\].image_id is 10, which 'images' does not list"),
        ("annotations", {"image_id": "x"}, r"\[1\].image_id is 'x', which 'images' does not list"),
        ("annotations", {"id": [1]}, r"\[1\].id must be an id"),
        ("annotations", {"bbox": [1, 2, 3]}, r"\[1\].bbox must be four numbers"),
        ("annotations", {"bbox": [1, 2, 3, "four"]}, r"\[1\].bbox must be four numbers"),
        ("annotations", {"bbox": {"x": 1}}, r"\[1\].bbox must be four numbers"),
        ("image_labels", {"state": "unknown"}, r"\[1\].state must be present or absent"),
        ("image_labels", {"state": ["present"]}, r"\[1\].state must be present or absent"),
        ("image_labels", {"category_id": 18}, r"\[1\] names 'dog' for 'b.jpg' again; keep one"),
        ("image_labels", {"category_id": 4}, r"\[1\].category_id names category 4"),
        ("image_labels", {"score": "high"}, r'\[1\].score must be a number, .*got "high"'),
        ("image_labels", {"annotator": 3}, r"\[1\].annotator must be text"),
    ],
)
def test_a_wrong_row_names_its_place_and_the_cure(
    tmp_path: Path, section: str, changes: dict[str, Any], message: str
) -> None:
    good = ANNOTATION | {"state": "present"}
    bad = good | {"id": 2, "category_id": 3} | changes

    with pytest.raises(FormatError, match=section + message):
        read(written(tmp_path, plain(annotations=[]) | {section: [good, bad]}))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"neg_category_ids": [4]}, r"images\[1\].neg_category_ids names category 4"),
        ({"pos_category_ids": [[18]]}, r"images\[1\].pos_category_ids must be an id"),
        ({"pos_category_ids": 18}, r"images\[1\].pos_category_ids must be a list of ids"),
        (
            {"pos_category_ids": [18], "neg_category_ids": [18]},
            r"images\[1\].neg_category_ids says that 'dog' is absent in 'b.jpg', but elsewhere the "
            "file says present; keep one of the two",
        ),
    ],
    ids=["dangling", "text", "number", "both"],
)
def test_a_wrong_lvis_key_names_its_place(
    tmp_path: Path, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        read(written(tmp_path, with_image(**keys)))


def test_a_box_of_a_category_that_is_absent_contradicts_itself(tmp_path: Path) -> None:
    document = plain()
    document["images"][0]["neg_category_ids"] = [90]

    with pytest.raises(FormatError, match=r"images\[0\].neg_category_ids says that 'cat' is"):
        read(written(tmp_path, document))


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist; name an existing label file"):
        read(tmp_path / "missing.json")
    with pytest.raises(FormatError, match="cannot be read: is a directory"):
        read(tmp_path)
