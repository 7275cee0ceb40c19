"""Files are written as their images come, so that memory does not grow with them."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import (
    FORMATS,
    CategoryRecord,
    ImageRecord,
    LabelRows,
    PairRecord,
    coco_writing,
)

NAMES = [f"category {n}" for n in range(20)]
LISTED = tuple(CategoryRecord(name=name, coco_id=n) for n, name in enumerate(NAMES, start=1))


class Images:
    """So many images, made anew whenever somebody goes through them."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __iter__(self) -> Iterator[ImageRecord]:
        for number in range(1, self._count + 1):
            states = (State.PRESENT, State.ABSENT)
            pairs = tuple(PairRecord(n, states[k % 2], "human") for k, n in enumerate(NAMES))
            yield ImageRecord(
                file_name=f"{number}.jpg", pairs=pairs, width=9, height=9, coco_id=number
            )


def peak_memory(name: str, count: int, folder: Path) -> int:
    tracemalloc.start()
    FORMATS[name].write(LabelRows(categories=LISTED, images=Images(count)), folder / f"x.{name}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("name", list(FORMATS))
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco_writing, "_SPOOLED_BYTES", 1000)

    few, many = (peak_memory(name, count, tmp_path) for count in (500, 1500))

    # The name of each image is kept, about 100 bytes; its records are 4,000 and its rows 2,000.
    assert many - few < 1000 * 300


def test_a_large_file_has_its_sections_in_order_and_whole(tmp_path: Path) -> None:
    (path,) = FORMATS["coco"].write(
        LabelRows(categories=LISTED, images=Images(1500)), tmp_path / "x"
    )

    document = json.loads(path.read_text())
    sections = ["info", "licenses", "categories", "images", "annotations", "image_labels"]
    assert list(document) == sections
    assert [len(document[key]) for key in sections[2:]] == [20, 1500, 15000, 30000]
    assert [image["id"] for image in document["images"]] == list(range(1, 1501))
    assert {c["image_count"] for c in document["categories"]} == {0, 1500}


def test_a_fault_in_the_last_image_leaves_the_file_of_before(tmp_path: Path) -> None:
    def images() -> Iterator[ImageRecord]:
        yield from Images(300)
        yield ImageRecord(file_name="300.jpg", coco_id=301)

    path = tmp_path / "x"
    path.write_text("before")

    with pytest.raises(FormatError, match=r"'300\.jpg' is listed twice"):
        FORMATS["coco"].write(LabelRows(categories=LISTED, images=images()), path)

    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
