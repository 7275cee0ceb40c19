"""COCO as other tools write it: what has one meaning is read, counted and exported soundly."""

from __future__ import annotations

import copy
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import LabelFile
from annotator.formats.coco_reading import read
from annotator.formats.coco_writing import write
from annotator.formats.json_shapes import identifier
from annotator.formats.options import ReadOptions
from annotator.formats.validate import validate

PRESENT, ABSENT = State.PRESENT, State.ABSENT
BOX = {"bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0, "segmentation": []}


def document(**changes: Any) -> dict[str, Any]:
    """Return a COCO file of two images, one with a cat and one with a dog."""
    return {
        "categories": [
            {"id": 1, "name": "cat", "supercategory": "animal"},
            {"id": 2, "name": "dog", "supercategory": "animal"},
        ],
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.jpg", "width": 64, "height": 48},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, **BOX},
            {"id": 2, "image_id": 2, "category_id": 2, **BOX},
        ],
    } | changes


def read_text(text: str, options: ReadOptions | None = None) -> LabelFile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.json"
        path.write_text(text, encoding="utf-8")
        return read(path, options or ReadOptions())


def read_document(content: dict[str, Any], options: ReadOptions | None = None) -> LabelFile:
    return read_text(json.dumps(content), options)


def exported(labels: LabelFile) -> dict[str, Any]:
    """Return what an export holds, after `validate` has found nothing wrong with it."""
    sized = tuple(replace(image, width=64, height=48) for image in labels.images)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write(replace(labels, images=sized), Path(folder) / "labels.json")
        assert validate(path).problems == ()
        return json.loads(path.read_text())  # type: ignore[no-any-return]


def told(labels: LabelFile) -> dict[str, dict[str, State]]:
    return {i.file_name: {p.category: p.state for p in i.pairs} for i in labels.images}


CAT_AND_DOG = {"a.jpg": {"cat": PRESENT}, "b.jpg": {"dog": PRESENT}}


def changed(place: str, value: object) -> dict[str, Any]:
    """Return the file with one value changed; the place is `section.index.key`."""
    content = copy.deepcopy(document())
    section, index, key = place.split(".")
    content[section][int(index)][key] = value
    return content


@pytest.mark.parametrize("name", ["pets-x1y2", "cat", "animal"])
def test_the_category_that_names_a_roboflow_set_is_left_out(name: str) -> None:
    group = {"id": 0, "name": name, "supercategory": "none"}
    content = document(categories=[group, *document()["categories"]])

    labels = read_document(content, ReadOptions(unlisted="absent"))

    assert [c.name for c in labels.categories] == ["cat", "dog"]
    assert told(labels)["a.jpg"] == {"cat": PRESENT, "dog": ABSENT}
    assert labels.notes == (f"The category {name!r} only names the set and is left out.",)


@pytest.mark.parametrize(
    "content",
    [
        document(categories=[{"id": 0, "name": "empty"}, *document()["categories"]]),
        document(
            categories=[
                {"id": 0, "name": "empty", "supercategory": "none"},
                {"id": 1, "name": "cat", "supercategory": "none"},
                {"id": 2, "name": "dog", "supercategory": "none"},
            ]
        ),
        document(
            categories=[
                {"id": 0, "name": "empty", "supercategory": "none"},
                *document()["categories"],
            ],
            info={"annotation_type": "image_level"},
        ),
    ],
    ids=["no supercategory", "all without group", "written by this program"],
)
def test_a_category_that_nothing_uses_stays_one_otherwise(content: dict[str, Any]) -> None:
    assert [c.name for c in read_document(content).categories] == ["empty", "cat", "dog"]


def test_a_group_that_an_annotation_uses_is_a_category() -> None:
    group = {"id": 0, "name": "animal", "supercategory": "none"}
    content = document(categories=[group, *document()["categories"]])
    content["annotations"].append({"id": 3, "image_id": 1, "category_id": 0, **BOX})

    assert told(read_document(content))["a.jpg"] == {"cat": PRESENT, "animal": PRESENT}


@pytest.mark.parametrize("spelling", ["cat", " cat", "Cat"])
def test_a_name_twice_is_one_category_unless_the_groups_differ(spelling: str) -> None:
    other = {"id": 9, "name": spelling, "supercategory": "animal"}
    content = document(categories=[*document()["categories"], other])
    content["annotations"].append({"id": 3, "image_id": 2, "category_id": 9, **BOX})

    assert told(read_document(content))["b.jpg"] == {"cat": PRESENT, "dog": PRESENT}

    content["categories"][2]["supercategory"] = "machine"
    with pytest.raises(FormatError, match=r"categories\[2\].name is .* supercategories differ"):
        read_document(content)


IDS = st.one_of(
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.integers(min_value=0, max_value=2**50).map(float),
    st.integers(min_value=0, max_value=2**50).map(str),
    st.integers(min_value=2**64, max_value=2**80),
    st.uuids().map(str),
    st.sampled_from(["img_1", "a/b c", "0x1f", "1e5", "\u732b"]),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(IDS, min_size=2, max_size=2, unique_by=identifier),
    st.lists(IDS, min_size=2, max_size=2, unique_by=identifier),
    st.lists(IDS, min_size=2, max_size=2, unique_by=identifier),
)
def test_ids_of_every_kind_lead_to_the_same_labels(
    images: list[Any], categories: list[Any], annotations: list[Any]
) -> None:
    content = copy.deepcopy(document())
    for index in (0, 1):
        content["images"][index]["id"] = images[index]
        content["categories"][index]["id"] = categories[index]
        content["annotations"][index] |= {
            "id": annotations[index],
            "image_id": images[index],
            "category_id": categories[index],
        }
    labels = read_document(content)
    back = exported(labels)

    assert told(labels) == CAT_AND_DOG
    for section, ids in (("images", images), ("annotations", annotations)):
        for row, number in zip(back[section], ids, strict=True):
            meant = identifier(number)
            assert type(row["id"]) is int
            assert meant in (row["id"], row.get("original_id"))


def test_a_reference_may_spell_an_id_in_another_way() -> None:
    content = document()
    content["annotations"][0] |= {"image_id": "1", "category_id": 1.0}
    content["images"][1]["neg_category_ids"] = ["1"]

    assert told(read_document(content)) == {
        "a.jpg": {"cat": PRESENT},
        "b.jpg": {"dog": PRESENT, "cat": ABSENT},
    }


NUMBERS = st.integers(min_value=0, max_value=40) | st.floats(min_value=0, max_value=40)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.booleans()), min_size=5, max_size=5))
def test_numbers_in_quotes_are_numbers(drawn: list[tuple[float, bool]]) -> None:
    values = [value for value, _ in drawn]
    *box, area = [str(value) if quoted else value for value, quoted in drawn]
    content = document()
    content["annotations"][0] |= {"bbox": box, "area": area}

    (row, _) = exported(read_document(content))["annotations"]

    assert [*row["bbox"], row["area"]] == values


@pytest.mark.parametrize(
    ("said", "meant"),
    [(x, 1) for x in (True, "true", "True", "1", 1.0, "1.0", "yes")]
    + [(x, 0) for x in (False, "false", "FALSE", "0", 0.0, "no", None)],
)
def test_iscrowd_in_any_words_is_exported_as_a_number(said: object, meant: int) -> None:
    labels = read_document(changed("annotations.0.iscrowd", said))

    crowd = exported(labels)["annotations"][0]["iscrowd"]

    assert (type(crowd), crowd) == (int, meant)


def test_an_annotation_listed_again_counts_once_and_one_with_its_id_gets_another() -> None:
    content = document()
    content["annotations"] += [
        content["annotations"][0],
        {**content["annotations"][1], "id": 1, "image_id": 1},
    ]

    back = exported(read_document(content))

    ids = [(row["id"], row["image_id"], row["category_id"]) for row in back["annotations"]]
    assert ids == [(1, 1, 1), (3, 1, 2), (2, 2, 2)]


def test_an_image_listed_twice_has_the_labels_of_both() -> None:
    content = document()
    content["images"] += [
        {"id": 3, "file_name": "a.jpg", "neg_category_ids": [2]},
        {"id": 1, "file_name": "a.jpg"},
    ]
    content["annotations"][1]["image_id"] = 3
    del content["images"][2]["neg_category_ids"]

    labels = read_document(content)

    assert told(labels) == {"a.jpg": {"cat": PRESENT, "dog": PRESENT}, "b.jpg": {}}
    assert "Images listed again under the same name" in labels.notes[0]


def test_an_image_listed_twice_that_contradicts_itself_is_refused() -> None:
    content = document()
    content["images"].append({"id": 3, "file_name": "a.jpg", "neg_category_ids": [1]})

    with pytest.raises(FormatError, match=r"'cat' is absent in 'a\.jpg', but elsewhere"):
        read_document(content)


@pytest.mark.parametrize(
    ("said", "meant"),
    [(0, None), ("0", None), (None, None), ("640", 640), (640.0, 640), ("640.0", 640)],
)
def test_sizes_are_read_in_every_spelling(said: object, meant: int | None) -> None:
    labels = read_document(changed("images.0.width", said))

    assert labels.images[0].width == meant


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"coco_url": "http://images.example/train/a%20b.jpg?size=l"}, "a b.jpg"),
        ({"flickr_url": "https://farm.example/1_z.jpg"}, "1_z.jpg"),
        ({"path": "/data/set/train/a.jpg"}, "/data/set/train/a.jpg"),
        ({"coco_url": "", "url": "https://images.example/x.png#top"}, "x.png"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("file_name", [{}, {"file_name": None}, {"file_name": " "}])
def test_an_image_without_a_file_name_has_that_of_its_address(
    keys: dict[str, str], name: str, file_name: dict[str, str | None]
) -> None:
    content = document()
    content["images"][0] = {"id": 1, **file_name, **keys}

    labels = read_document(content)

    assert labels.images[0].file_name == name
    assert "Images without 'file_name'" in labels.notes[0]


DEEP = "[" * 90 + "]" * 90


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("annotations.0.area", "1" + "0" * 400, r"annotations\[0\].area must be a number of"),
        ("annotations.0.area", "1e999", r"annotations\[0\].area holds a number too large"),
        ("annotations.0.x", "-1e999", r"annotations\[0\].x holds a number too large"),
        ("annotations.0.bbox", "[0, 0, NaN, 1]", r"annotations\[0\].bbox\[2\] holds NaN"),
        ("images.0.height", "Infinity", r"images\[0\].height holds a number too large, or Inf"),
        ("images.0.width", "1" + "0" * 30, r"images\[0\].width must be a whole number of pixels"),
        ("images.0.note", '"\\ud800"', r"images\[0\].note holds '\\ud800', which is not Unicode"),
        ("images.0.file_name", '"a\\udfff.jpg"', r"images\[0\].file_name holds"),
        ("categories.0.name", '"\\ud83d"', r"categories\[0\].name holds"),
        ("annotations.0.area", "1" * 5000, "line 1: .* a number has thousands of digits"),
        ("annotations.0.more", DEEP, r"annotations\[0\].more is nested deeper than 60 levels"),
        ("images.1.more", '{"a":' * 70 + "1" + "}" * 70, r"images\[1\].more is nested deeper"),
        ("categories.1.more", DEEP, r"categories\[1\].more is nested deeper"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_cannot_be_kept_is_refused_by_its_place(place: str, value: str, message: str) -> None:
    text = json.dumps(changed(place, "HERE")).replace('"HERE"', value)

    with pytest.raises(FormatError, match=message) as caught:
        read_text(text)

    assert len(str(caught.value)) < 500


def test_whole_characters_in_halves_and_large_numbers_elsewhere_are_kept() -> None:
    text = json.dumps(changed("images.0.note", "HERE")).replace(
        '"HERE"', '["\\ud83d\\ude00", 1' + "0" * 400 + "]"
    )

    assert exported(read_text(text))["images"][0]["note"] == ["\U0001f600", 10**400]


STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["1", "2", "cat", "none", "true", 2**63, 10**400, [], {}, [[1]], ["1"]]),
)


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to everything in a document."""
    if not isinstance(value, dict | list):
        return [before]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [before, *(p for key, item in items for p in places(item, (*before, key)))]


FULL = document(
    image_labels=[{"image_id": 1, "category_id": 2, "state": "absent", "score": 0.5}],
    info={"year": 2020},
)
FULL["images"][0] |= {"neg_category_ids": [2], "not_exhaustive_category_ids": [1]}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(FULL)[1:]), STRANGE), min_size=1, max_size=2))
def test_whatever_stands_in_a_field_is_refused_in_a_sentence_or_exported_soundly(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    content = copy.deepcopy(FULL)
    for (*way, last), value in changes:
        target: Any = content
        try:
            for key in way:
                target = target[key]
            target[last] = value
        except (LookupError, TypeError):
            continue  # another change took the place away

    try:
        labels = read_document(content)
    except FormatError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert "\n" not in refusal
    assert len(refusal) < 700
    if refusal:
        return
    sized = tuple(replace(image, width=64, height=48) for image in labels.images)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write(replace(labels, images=sized), Path(folder) / "labels.json")
        problems = [p for p in validate(path).problems if "negative size" not in p]
        assert problems == []
        assert told(read(path)) == told(labels)
