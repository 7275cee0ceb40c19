"""The file that says how a version's errors go together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.arrays.error_correlation import ERRORS, read_errors, write_errors
from annotator.errors import ProjectError
from mlrpl.decision.conditional import ErrorCorrelation

WRITTEN = ErrorCorrelation(np.array([[1.0, 0.25], [0.25, 1.0]]), np.array([[90, 40], [40, 70]]))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_errors(tmp_path, WRITTEN)

    found = read_errors(tmp_path, 2)

    assert found is not None
    assert found.correlation.tolist() == WRITTEN.correlation.tolist()
    assert found.together.tolist() == WRITTEN.together.tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["SHA256SUMS", ERRORS]


def test_a_version_from_before_has_none(tmp_path: Path) -> None:
    assert read_errors(tmp_path, 2) is None


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x93NUMPY"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ERRORS).write_bytes(content)

    with pytest.raises(ProjectError, match=ERRORS):
        read_errors(tmp_path, 2)


def test_a_file_of_other_categories_or_without_numbers_is_refused(tmp_path: Path) -> None:
    write_errors(tmp_path, WRITTEN)

    with pytest.raises(ProjectError, match=r"errors\.npy is damaged"):
        read_errors(tmp_path, 3)
    write_errors(tmp_path, ErrorCorrelation(np.full((2, 2), np.nan), WRITTEN.together))
    with pytest.raises(ProjectError, match=ERRORS):
        read_errors(tmp_path, 2)
