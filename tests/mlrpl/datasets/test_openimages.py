"""Open Images in its published layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrpl.datasets import load
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

HEADER = "ImageID,Source,LabelName,Confidence\n"
TRAIN = [
    "a1,verification,/m/dog,1",
    "a1,verification,/m/cat,0",
    "a2,verification,/m/cat,1.0",
    "a2,crowdsource-verification,/m/dog,1",
    "a2,verification,/m/dog,0",
    "gone,verification,/m/dog,1",
]


def write_open_images(root: Path) -> None:
    for part, images in (("train", ("a1", "a2", "a3")), ("validation", ("b1",))):
        (root / part).mkdir()
        for image in images:
            (root / part / f"{image}.jpg").touch()
    name = "annotations-human-imagelabels"
    (root / f"oidv6-train-{name}.csv").write_text(HEADER + "\n".join(TRAIN))
    (root / f"validation-{name}-boxable.csv").write_text(HEADER + "b1,verification,/m/dog,1\n")
    (root / "class-descriptions.csv").write_text("/m/dog,Dog\n/m/cat,Cat\n/m/other,Dog fish\n")


def test_what_nobody_verified_is_unknown_and_so_is_what_people_disagree_about(
    tmp_path: Path,
) -> None:
    write_open_images(tmp_path)

    data = load("openimages", tmp_path, min_positives=1)

    assert data.categories == ("Cat", "Dog")
    assert data.files == ("train/a1.jpg", "train/a2.jpg", "validation/b1.jpg")
    assert data.labels.tolist() == [[ABSENT, PRESENT], [PRESENT, UNKNOWN], [UNKNOWN, PRESENT]]
    assert data.rows("validation").tolist() == [2]


def test_rare_categories_are_left_out(tmp_path: Path) -> None:
    write_open_images(tmp_path)

    assert load("openimages", tmp_path, min_positives=2).categories == ("Dog",)
    with pytest.raises(ValueError, match="no category of openimages has 100 positives"):
        load("openimages", tmp_path)


def test_two_labels_of_one_name_are_told_apart(tmp_path: Path) -> None:
    write_open_images(tmp_path)
    (tmp_path / "oidv7-class-descriptions.csv").write_text(
        "LabelName,DisplayName\n/m/dog,Pet\n/m/cat,Pet\n"
    )

    data = load("openimages", tmp_path, min_positives=1)

    assert data.categories == ("Pet (/m/cat)", "Pet (/m/dog)")


@pytest.mark.parametrize("gone", ["class-descriptions.csv", "validation"])
def test_a_missing_file_is_named(tmp_path: Path, gone: str) -> None:
    write_open_images(tmp_path)
    (tmp_path / gone).rename(tmp_path / "elsewhere")

    with pytest.raises(FileNotFoundError, match=f"{gone} is missing; it should be"):
        load("openimages", tmp_path, min_positives=1)


def test_without_any_labels_the_first_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"train-annotations-human-imagelabels\.csv is miss"
    ):
        load("openimages", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Image,Label\n", "it should have"),
        (HEADER + "a1,verification,/m/dog,0.4\n", "line 2: Confidence should be 1 or 0"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    write_open_images(tmp_path)
    (tmp_path / "oidv6-train-annotations-human-imagelabels.csv").write_text(text)

    with pytest.raises(ValueError, match=message):
        load("openimages", tmp_path, min_positives=1)
