"""What is common to all data sets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlrpl.datasets import LabelledImages, layout, load, names


def small(labels: list[list[int]] | None = None) -> LabelledImages:
    values = np.array(labels or [[1, -1], [-1, -1], [0, 1]], dtype=np.int8)
    return LabelledImages(
        name="small",
        root=Path("somewhere"),
        files=("a.jpg", "b.jpg", "c.jpg"),
        categories=("sea", "sun"),
        labels=values,
        splits={"train": np.array([2, 0]), "test": np.array([1])},
        sizes=np.array([[0.1, 0], [0, 0], [0, 0.3]], np.float32),
    )


def test_one_part_alone_keeps_the_categories() -> None:
    part = small().only("train")

    assert part.files == ("a.jpg", "c.jpg")
    assert part.rows("train").tolist() == [1, 0]
    assert part.sizes is not None
    assert part.sizes[1].tolist() == pytest.approx([0, 0.3])
    assert list(part.splits) == ["train"]
    with pytest.raises(ValueError, match="small has no part 'test'; it has train"):
        part.rows("test")


def test_images_without_a_present_label_can_be_left_out() -> None:
    data = small().without_unlabelled()

    assert data.files == ("a.jpg", "c.jpg")
    assert data.rows("test").tolist() == []


def test_columns_can_be_put_into_the_order_of_a_trained_method() -> None:
    data = small().with_categories(["sun", "sea"])

    assert data.labels[2].tolist() == [1, 0]
    assert data.sizes is not None
    assert data.sizes[0].tolist() == pytest.approx([0, 0.1])
    with pytest.raises(ValueError, match=r"no category 'moon' \(1 of 2 are missing\)"):
        data.with_categories(["sun", "moon"])


def test_labels_of_another_shape_or_value_are_refused() -> None:
    with pytest.raises(ValueError, match="3 files and 2 categories"):
        small([[1, -1]])
    with pytest.raises(ValueError, match="labels must be 1, 0 or -1"):
        small([[1, -1], [2, 0], [0, 0]])


def test_an_unknown_data_set_or_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown data set 'imagenet'; known: coco2014, folder"):
        load("imagenet", tmp_path)
    with pytest.raises(FileNotFoundError, match="it should be the folder of voc2007"):
        load("voc2007", tmp_path / "nowhere")
    assert names() == ["coco2014", "folder", "nuswide", "openimages", "vg200", "voc2007"]


def test_every_data_set_says_what_it_is_made_of() -> None:
    for name in names():
        assert "Expected" in layout(name)
        assert "Raises" not in layout(name)
    assert "Annotations/ID.xml" in layout("voc2007")


def test_reading_a_data_set_loads_no_torch() -> None:
    code = "import sys, mlrpl.datasets, mlrpl.threshold_metrics; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
