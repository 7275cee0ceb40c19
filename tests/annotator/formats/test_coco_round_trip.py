"""What is written as COCO reads back as the same records, and loads where it is used."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import State, name_key
from annotator.formats import (
    MODEL,
    AnnotationRecord,
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
)
from annotator.formats.coco_reading import read
from annotator.formats.coco_writing import write
from annotator.formats.options import ReadOptions
from annotator.formats.validate import validate

NAMES = st.text(min_size=1, max_size=8).map(str.strip).filter(bool)
NUMBERS = st.floats(0, 1) | st.integers(-9, 9)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
EXTRA = st.dictionaries(st.text(max_size=6).map("x_".__add__), ANY_JSON, max_size=2)
TEXTS = st.none() | st.text(max_size=6)
IDS = st.integers(1, 2**40)


@st.composite
def pairs(draw: st.DrawFn, category: str, sources: st.SearchStrategy[str | None]) -> PairRecord:
    state = draw(st.sampled_from([State.PRESENT, State.ABSENT]))
    score = draw(st.none() | st.floats(0, 1))
    return PairRecord(category, state, draw(sources), score, draw(TEXTS), draw(TEXTS), draw(EXTRA))


@st.composite
def own_boxes(draw: st.DrawFn, category: str, number: int) -> AnnotationRecord:
    boxes = st.lists(st.floats(0, 1e6), min_size=4, max_size=4)
    keys = {
        "bbox": boxes,
        "area": st.floats(0, 1e9),
        "iscrowd": st.sampled_from([0, 1]),
        "segmentation": st.lists(boxes, max_size=1),
    }
    body = draw(st.fixed_dictionaries({}, optional=keys)) | draw(EXTRA)
    return AnnotationRecord(category=category, coco_id=number, body=body)


@st.composite
def images(draw: st.DrawFn, number: int, names: list[str], completed: bool) -> ImageRecord:
    labelled = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    cut = draw(st.integers(0, len(labelled))) if completed else len(labelled)
    labels = [
        draw(pairs(name, st.none() | st.sampled_from(["human", "swept"])))
        for name in labelled[:cut]
    ]
    guesses = [draw(pairs(name, st.just(MODEL))) for name in labelled[cut:]]
    boxed = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
    present = {p.category for p in (*labels, *guesses) if p.state is State.PRESENT}
    boxed.sort(key=lambda name: name not in present)  # what is set aside comes back last
    unboxed = present.difference(boxed)
    partly = unboxed | set(draw(st.lists(st.sampled_from(names)))) if names else set()
    explicit = draw(st.booleans()) and partly != present
    return ImageRecord(
        file_name=f"{number}/" + draw(NAMES),
        pairs=tuple(labels),
        suggestions=tuple(guesses),
        annotations=tuple(
            draw(own_boxes(name, 10 * number + place)) for place, name in enumerate(boxed)
        ),
        not_exhaustive=tuple(n for n in names if n in partly) if explicit else None,
        width=draw(st.integers(1, 9999)),
        height=draw(st.integers(1, 9999)),
        coco_id=1000 - number,
        extra=draw(EXTRA),
    )


@st.composite
def label_files(draw: st.DrawFn) -> LabelFile:
    names = draw(st.lists(NAMES, max_size=4, unique_by=name_key))
    numbers = sorted(draw(st.sets(IDS, min_size=len(names), max_size=len(names))))
    completed = draw(st.booleans())
    return LabelFile(
        categories=tuple(
            CategoryRecord(
                name=name, supercategory=draw(st.text(max_size=4)), coco_id=n, extra=draw(EXTRA)
            )
            for name, n in zip(names, numbers, strict=True)
        ),
        images=tuple(draw(images(n, names, completed)) for n in range(draw(st.integers(0, 3)))),
        content="completed" if completed else "answered",
        info=draw(EXTRA),
        licenses=tuple(draw(st.lists(EXTRA, max_size=2))),
        extra=draw(EXTRA),
    )


@settings(max_examples=150, deadline=None)
@given(label_files())
def test_what_is_written_reads_back_the_same_and_is_valid(labels: LabelFile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write(labels, Path(folder) / "labels_all.json")

        assert read(path) == labels
        assert validate(path).problems == ()


@settings(max_examples=50, deadline=None)
@given(label_files())
def test_writing_what_was_read_changes_no_byte(labels: LabelFile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (first,) = write(labels, Path(folder) / "first.json")
        (second,) = write(read(first), Path(folder) / "second.json")

        assert second.read_bytes() == first.read_bytes()


def test_a_real_file_with_boxes_comes_back_whole(tmp_path: Path, shared: Path) -> None:
    source = shared / "data" / "coco_train" / "instances.json"
    original: dict[str, Any] = json.loads(source.read_text("utf-8"))

    labels = read(source)
    (path,) = write(labels, tmp_path / "labels_train.json")
    written = json.loads(path.read_text("utf-8"))

    assert (len(labels.images), len(labels.categories)) == (319, 80)
    assert read(path) == labels
    assert validate(path).ok

    def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(rows, key=lambda row: row["id"])

    assert by_id(written["annotations"]) == by_id(original["annotations"])
    assert [row["id"] for row in written["images"]] == [row["id"] for row in original["images"]]


def test_a_real_file_means_absent_where_it_is_exhaustive(shared: Path) -> None:
    labels = read(shared / "data" / "coco_train" / "instances.json", ReadOptions(unlisted="absent"))

    assert {len(image.pairs) for image in labels.images} == {80}


@pytest.mark.parametrize("state", [State.PRESENT, State.ABSENT])
def test_a_file_of_many_images_is_written_and_read(tmp_path: Path, state: State) -> None:
    names = [f"category {number}" for number in range(4)]
    labels = LabelFile(
        categories=tuple(
            CategoryRecord(name=name, coco_id=number) for number, name in enumerate(names, 1)
        ),
        images=tuple(
            ImageRecord(
                file_name=f"{number}.jpg",
                width=8,
                height=8,
                coco_id=number,
                pairs=tuple(PairRecord(name, state, "human") for name in names),
            )
            for number in range(1, 3001)
        ),
    )

    (path,) = write(labels, tmp_path / "labels.json")

    assert read(path) == labels
