"""VG-200 in its published layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlrpl.datasets import load
from mlrpl.datasets.vg200 import LABELS, LISTS, NAMES
from mlrpl.labels import PRESENT


def write_vg(root: Path, present: dict[str, list[int]]) -> None:
    images = list(present)
    (root / LISTS["train"]).write_text("\n".join(images[:-1]) + "\n")
    (root / LISTS["test"]).write_text(images[-1])
    (root / LABELS).write_text(json.dumps(present))
    (root / "VG_100K").mkdir()


PRESENTS = {"2.jpg": [0, 199], "5.jpg": [7], "9.jpg": [7, 8]}


def test_columns_listed_for_a_file_are_present(tmp_path: Path) -> None:
    write_vg(tmp_path, PRESENTS)

    data = load("vg200", tmp_path)

    assert data.labels.shape == (3, 200)
    assert np.flatnonzero(data.labels[0] == PRESENT).tolist() == [0, 199]
    assert data.files == ("VG_100K/2.jpg", "VG_100K/5.jpg", "VG_100K/9.jpg")
    assert data.rows("test").tolist() == [2]
    assert data.categories[199] == "category 199"


def test_pictures_may_lie_in_both_folders_of_visual_genome(tmp_path: Path) -> None:
    write_vg(tmp_path, PRESENTS)
    (tmp_path / "VG_100K" / "2.jpg").touch()
    (tmp_path / "VG_100K_2").mkdir()
    for name in ("2.jpg", "9.jpg"):
        (tmp_path / "VG_100K_2" / name).touch()

    data = load("vg200", tmp_path)

    assert data.files == ("VG_100K/2.jpg", "VG_100K/5.jpg", "VG_100K_2/9.jpg")


def test_names_can_be_given(tmp_path: Path) -> None:
    write_vg(tmp_path, PRESENTS)
    (tmp_path / NAMES).write_text("".join(f"thing {i}\n" for i in range(200)))

    assert load("vg200", tmp_path).categories[7] == "thing 7"

    (tmp_path / NAMES).write_text("thing\n")
    with pytest.raises(ValueError, match="has 1 names; give 200"):
        load("vg200", tmp_path)


@pytest.mark.parametrize("gone", [*LISTS.values(), LABELS])
def test_a_missing_file_is_named(tmp_path: Path, gone: str) -> None:
    write_vg(tmp_path, PRESENTS)
    (tmp_path / gone).unlink()

    with pytest.raises(FileNotFoundError, match=f"{gone} is missing; it should be the published"):
        load("vg200", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "is no list of columns by file"),
        ("{", "is no list of columns by file"),
        ('{"2.jpg": [200]}', "names columns outside 0 to 199"),
        ('{"2.jpg": [1]}', "says nothing about 5.jpg"),
    ],
)
def test_another_file_of_labels_is_refused(tmp_path: Path, content: str, message: str) -> None:
    write_vg(tmp_path, PRESENTS)
    (tmp_path / LABELS).write_text(content)

    with pytest.raises(ValueError, match=message):
        load("vg200", tmp_path)
