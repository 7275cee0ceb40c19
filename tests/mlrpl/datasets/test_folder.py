"""A folder of one's own pictures with a `labels.csv`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlrpl.datasets import load
from mlrpl.labels import ABSENT, PRESENT


def write_folder(root: Path, text: str, pictures: str, inner: str = "") -> None:
    (root / inner).mkdir(exist_ok=True)
    (root / "labels.csv").write_text(text, encoding="utf-8")
    for picture in pictures.split():
        (root / inner / picture).touch()


def many(count: int, labels: str = "x") -> str:
    return "file,labels\n" + "".join(f"{i}.jpg,{labels}\n" for i in range(count))


def test_a_label_that_is_not_listed_is_absent(tmp_path: Path) -> None:
    text = "split,labels,file\ntrain,sun| sea ,a.jpg\ntest,,b.jpg\nvalidation,sea,c.jpg\n"
    write_folder(tmp_path, text, "a.jpg b.jpg c.jpg")

    data = load("folder", tmp_path)

    assert data.categories == ("sea", "sun")
    assert data.labels.tolist() == [[PRESENT, PRESENT], [ABSENT, ABSENT], [PRESENT, ABSENT]]
    assert {part: rows.tolist() for part, rows in data.splits.items()} == {
        "train": [0],
        "validation": [2],
        "test": [1],
    }


def test_pictures_may_lie_in_images(tmp_path: Path) -> None:
    write_folder(tmp_path, many(5), "0.jpg 1.jpg 2.jpg 3.jpg 4.jpg", "images")

    assert load("folder", tmp_path).path(3) == tmp_path / "images" / "3.jpg"


def test_without_a_split_a_fifth_is_drawn_by_the_seed(tmp_path: Path) -> None:
    write_folder(tmp_path, many(20), " ".join(f"{i}.jpg" for i in range(20)))

    data, same, other = (load("folder", tmp_path, seed=seed) for seed in (0, 0, 1))

    assert len(data.rows("test")) == 4
    both = np.concatenate([data.rows("train"), data.rows("test")])
    assert sorted(both.tolist()) == list(range(20))
    assert data.rows("test").tolist() == same.rows("test").tolist()
    assert data.rows("test").tolist() != other.rows("test").tolist()


def test_rare_categories_can_be_left_out(tmp_path: Path) -> None:
    text = "file,labels\na.jpg,x|y\nb.jpg,x\nc.jpg,x\nd.jpg,z|y\ne.jpg,\n"
    write_folder(tmp_path, text, "a.jpg b.jpg c.jpg d.jpg e.jpg")

    data = load("folder", tmp_path, min_positives=2)

    assert data.categories == ("x", "y")
    assert data.labels[3].tolist() == [ABSENT, PRESENT]
    with pytest.raises(ValueError, match="no category of folder has 4 positives"):
        load("folder", tmp_path, min_positives=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,labels\n", "no column 'file'"),
        ("file\n", "no column 'labels'"),
        ("file,labels\n", "lists no picture"),
        ("file,labels\na.jpg,x\n,y\n", "line 3: the file is empty"),
        ("file,labels\na.jpg,x\na.jpg,y\n", "a.jpg is listed 2 times"),
        ("file,labels,split\na.jpg,x,dev\n", "line 2: the split should be train, validation or"),
        ("file,labels,split\na.jpg,x,train\n", "no line of the split 'test'"),
        ("file,labels\na.jpg,x\n", "lists 1 pictures; 5 at least"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    write_folder(tmp_path, text, "a.jpg")

    with pytest.raises(ValueError, match=message):
        load("folder", tmp_path)


def test_a_missing_picture_is_named_with_its_line(tmp_path: Path) -> None:
    write_folder(tmp_path, many(5), "0.jpg 1.jpg 3.jpg 4.jpg")

    with pytest.raises(FileNotFoundError, match=r"2\.jpg is missing \(1 of 5 are\); .* of line 4"):
        load("folder", tmp_path)


def test_a_missing_file_of_labels_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"labels\.csv is missing; it should be the labels"):
        load("folder", tmp_path)
