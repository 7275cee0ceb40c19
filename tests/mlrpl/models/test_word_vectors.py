"""Word vectors from arrays and text files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlrpl.models.word_vectors import load_word_vectors

GLOVE = "dog 1 0\nhot 0 2\nDog 9 9\ntraffic-light 5 5\nlight 3 3\n"


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    file = tmp_path / "glove.txt"
    file.write_text(GLOVE, encoding="utf-8")
    return file


def test_names_find_their_vectors_whatever_their_case_and_order(glove: Path) -> None:
    found = load_word_vectors(glove, 2, ["Light", "DOG"])

    assert found.tolist() == [[3, 3], [1, 0]]


def test_a_name_of_several_words_is_their_mean(glove: Path) -> None:
    assert load_word_vectors(glove, 1, ["hot dog"]).tolist() == [[0.5, 1]]
    assert load_word_vectors(glove, 1, ["hot_dog (sausage)"]).tolist() == [[0.5, 1]]


def test_a_name_that_has_a_vector_as_a_whole_takes_it(glove: Path) -> None:
    assert load_word_vectors(glove, 1, ["traffic light"]).tolist() == [[5, 5]]


def test_the_first_line_may_be_the_size_of_the_table(tmp_path: Path) -> None:
    file = tmp_path / "vectors.vec"
    file.write_text(f"5 2\n{GLOVE}", encoding="utf-8")

    assert load_word_vectors(file, 1, ["dog"]).tolist() == [[1, 0]]


def test_names_without_a_vector_are_listed(glove: Path) -> None:
    with pytest.raises(ValueError, match="no vector for 'cat', '!'; rename"):
        load_word_vectors(glove, 3, ["cat", "dog", "!"])


def test_an_array_is_taken_in_column_order(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.eye(2, 3))

    assert load_word_vectors(tmp_path / "w.npy", 2).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 2)), "3, 2.* for 2 categories"),
        (np.zeros(2), "one row a category"),
        (np.full((2, 2), np.nan), "NaN"),
        (np.array([["a", "b"], ["c", "d"]]), "no array of numbers"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(
    array: np.ndarray, message: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "w.npy", array)

    with pytest.raises(ValueError, match=message):
        load_word_vectors(tmp_path / "w.npy", 2)


def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path: Path, glove: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"nothing")
    (tmp_path / "short.txt").write_text("cat 1 2\ndog 1\n", encoding="utf-8")
    (tmp_path / "words.txt").write_text("cat 1 2\ndog a b\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"no file .*correct word_vectors"):
        load_word_vectors(tmp_path / "missing.txt", 1, ["dog"])
    with pytest.raises(ValueError, match="no array of numbers"):
        load_word_vectors(tmp_path / "broken.npy", 1)
    with pytest.raises(ValueError, match="give category_names"):
        load_word_vectors(glove, 1)
    for name in ("short", "words"):
        with pytest.raises(ValueError, match="line 2: expected a word and 2 numbers"):
            load_word_vectors(tmp_path / f"{name}.txt", 1, ["dog"])
