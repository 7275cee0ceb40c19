"""The truth that only the oracle reads, and the person it plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.errors import FormatError
from annotator.formats.options import ReadOptions
from annotator.simulate.oracle import Oracle, Truth, read_truth


def test_a_truth_is_read_by_file_and_category(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text("file,cat,dog\na.png,1,0\nb.png,0,1\n")

    truth = read_truth(file)

    assert truth.categories == ("cat", "dog")
    assert truth.of(["b.png", "a.png"]).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,cat\na.png,1\n", "fewer than two categories"),
        ("file,cat,dog\na.png,1,\n", "does not say whether 'a.png' shows 'dog'"),
    ],
)
def test_a_truth_that_is_not_one_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "truth.csv"
    file.write_text(text)

    with pytest.raises(FormatError, match=words):
        read_truth(file)


def test_what_is_not_listed_may_count_as_absent(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text("file,cat,dog\na.png,1,\nb.png,,1\n")

    truth = read_truth(file, ReadOptions(unlisted="absent"))

    assert truth.of(["a.png", "b.png"]).tolist() == [[True, False], [False, True]]


def test_a_category_that_nobody_has_is_refused() -> None:
    truth = Truth(("cat", "dog"), {"a.png": np.array([True, False])})

    with pytest.raises(FormatError, match="No image shows 'dog'"):
        truth.of(["a.png"])


def test_a_person_errs_and_overlooks_as_often_as_asked() -> None:
    present = np.ones((200, 50), dtype=bool)

    person = Oracle(present, error=0.1, notice=0.8)
    careful = Oracle(present)

    yes = np.mean([person.answer(r, c) for r in range(200) for c in range(50)])
    named = np.mean([len(person.names(r)) / 50 for r in range(200)])
    assert yes == pytest.approx(0.9, abs=0.02)
    assert named == pytest.approx(0.72, abs=0.02)
    assert all(len(careful.names(r)) == 50 for r in range(200))
