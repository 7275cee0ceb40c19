"""Out-of-fold scores in a version's folder: what comes back, and what damage says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.arrays import checksums
from annotator.arrays.held_out import (
    OUT_OF_FOLD,
    OutOfFold,
    delete_out_of_fold,
    read_out_of_fold,
    write_out_of_fold,
)
from annotator.errors import ProjectError

KEPT = OutOfFold(
    np.array([0, 2, 2], np.int32), np.array([5, 5, 7], np.int32), np.array([1, 2, 3], np.float32)
)


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    write_out_of_fold(tmp_path, KEPT)

    found = read_out_of_fold(tmp_path)

    assert found is not None
    for name in ("image", "category", "score"):
        np.testing.assert_array_equal(getattr(found, name), getattr(KEPT, name))
    assert list(checksums.read(tmp_path)) == [OUT_OF_FOLD]


def test_a_matrix_has_the_categories_and_images_of_today() -> None:
    matrix = KEPT.matrix(3, [7, 9, 5])

    np.testing.assert_array_equal(matrix, [[np.nan, np.nan, 1], [np.nan] * 3, [3, np.nan, 2]])
    assert np.isnan(KEPT.matrix(1, [7])).all()
    assert KEPT.matrix(2, []).shape == (2, 0)


def test_without_the_file_there_is_nothing(tmp_path: Path) -> None:
    assert read_out_of_fold(tmp_path) is None
    write_out_of_fold(tmp_path, KEPT)
    delete_out_of_fold(tmp_path)

    assert read_out_of_fold(tmp_path) is None
    assert not checksums.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x93NUMPY"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / OUT_OF_FOLD).write_bytes(content)

    with pytest.raises(ProjectError, match="is damaged; run `annotator doctor"):
        read_out_of_fold(tmp_path)
