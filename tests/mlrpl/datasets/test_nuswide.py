"""NUS-WIDE in its published layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlrpl.datasets import load
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def write_nus(root: Path) -> None:
    for folder in ("ImageList", "TrainTestLabels", "AllLabels"):
        (root / folder).mkdir()
    (root / "Concepts81.txt").write_text("lake\nsky\n")
    (root / "ImageList" / "TrainImagelist.txt").write_text("actor\\1_a.jpg\nzoo\\3_c.jpg\n")
    (root / "ImageList" / "TestImagelist.txt").write_text("bay\\2_b.jpg\n")
    (root / "ImageList" / "Imagelist.txt").write_text(
        "actor\\1_a.jpg\nbay\\2_b.jpg\nzoo\\3_c.jpg\n"
    )
    labels = {
        "TrainTestLabels/Labels_lake_Train.txt": "-1130179\n1\n",
        "TrainTestLabels/Labels_lake_Test.txt": "0\n",
        "TrainTestLabels/Labels_sky_Train.txt": "1\n0\n",
        "TrainTestLabels/Labels_sky_Test.txt": "1\n",
        "AllLabels/Labels_lake.txt": "0\n0\n1\n",
        "AllLabels/Labels_sky.txt": "1\n1\n0\n",
    }
    for name, text in labels.items():
        (root / name).write_text(text)


def test_the_divided_labels_are_read_and_a_value_of_no_meaning_is_unknown(tmp_path: Path) -> None:
    write_nus(tmp_path)

    data = load("nuswide", tmp_path)

    assert data.categories == ("lake", "sky")
    assert data.files == ("Flickr/actor/1_a.jpg", "Flickr/zoo/3_c.jpg", "Flickr/bay/2_b.jpg")
    assert data.labels.tolist() == [[UNKNOWN, PRESENT], [PRESENT, ABSENT], [ABSENT, PRESENT]]
    assert data.rows("test").tolist() == [2]


def test_the_undivided_labels_do_as_well(tmp_path: Path) -> None:
    write_nus(tmp_path)
    shutil.rmtree(tmp_path / "TrainTestLabels")
    (tmp_path / "Groundtruth").mkdir()
    (tmp_path / "AllLabels").rename(tmp_path / "Groundtruth" / "AllLabels")
    (tmp_path / "ConceptsList").mkdir()
    (tmp_path / "Concepts81.txt").rename(tmp_path / "ConceptsList" / "Concepts81.txt")

    data = load("nuswide", tmp_path)

    assert data.labels.tolist() == [[ABSENT, PRESENT], [PRESENT, ABSENT], [ABSENT, PRESENT]]


@pytest.mark.parametrize(
    "gone",
    [
        "Concepts81.txt",
        "ImageList/TestImagelist.txt",
        "TrainTestLabels/Labels_sky_Train.txt",
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, gone: str) -> None:
    write_nus(tmp_path)
    (tmp_path / gone).unlink()

    with pytest.raises(FileNotFoundError, match=f"{gone} is missing; it should be"):
        load("nuswide", tmp_path)


def test_without_any_labels_the_other_folder_is_named(tmp_path: Path) -> None:
    write_nus(tmp_path)
    shutil.rmtree(tmp_path / "TrainTestLabels")
    shutil.rmtree(tmp_path / "AllLabels")

    with pytest.raises(FileNotFoundError, match="AllLabels is missing; it should be"):
        load("nuswide", tmp_path)


def test_a_label_file_that_does_not_fit_its_list_is_refused(tmp_path: Path) -> None:
    write_nus(tmp_path)
    (tmp_path / "TrainTestLabels" / "Labels_sky_Test.txt").write_text("1\n0\n")

    with pytest.raises(ValueError, match=r"Labels_sky_Test\.txt has 2 lines for 1 images"):
        load("nuswide", tmp_path)


def test_a_list_of_other_images_is_refused(tmp_path: Path) -> None:
    write_nus(tmp_path)
    shutil.rmtree(tmp_path / "TrainTestLabels")
    (tmp_path / "ImageList" / "TestImagelist.txt").write_text("bay\\8_x.jpg\n")

    with pytest.raises(ValueError, match=r"lacks the test image bay/8_x\.jpg"):
        load("nuswide", tmp_path)
