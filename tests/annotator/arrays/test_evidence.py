"""The file that says where scores come from, and the maps that are read off it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.arrays.evidence import Where, has_where, map_of, map_shape, read_where, write_where
from annotator.errors import ProjectError

WHERE = Where(np.array([[1.0, 0.0], [0.0, -2.0]], np.float32), np.array([0.5, np.nan], np.float32))


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    assert not has_where(tmp_path)

    write_where(tmp_path, WHERE)

    found = read_where(tmp_path)
    assert has_where(tmp_path)
    assert found is not None
    assert found.directions.dtype == np.float32
    np.testing.assert_array_equal(found.directions, WHERE.directions)
    np.testing.assert_array_equal(found.explained, WHERE.explained)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["SHA256SUMS", "where.npy"]


def test_a_version_without_the_file_has_none(tmp_path: Path) -> None:
    assert read_where(tmp_path) is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "where.npy").write_bytes(b"nothing")

    with pytest.raises(ProjectError, match=r"where\.npy is damaged"):
        read_where(tmp_path)


def test_the_peak_of_a_map_is_where_the_tokens_point_along_the_direction() -> None:
    tokens = np.zeros((49, 2), np.float16)
    tokens[2 * 7 + 5] = (4, 0)  # third row, sixth column
    tokens[6 * 7 + 0] = (-4, 0)

    grid = map_of(tokens, WHERE.directions[0])

    assert grid.shape == (7, 7)
    assert np.unravel_index(grid.argmax(), grid.shape) == (2, 5)
    assert np.unravel_index(grid.argmin(), grid.shape) == (6, 0)
    assert grid[2, 5] == pytest.approx(4 / np.sqrt(4) * 0.25)
    assert grid[2, 4] == pytest.approx(grid[2, 6]) == pytest.approx(grid[1, 5])


def test_the_border_is_no_weaker_than_the_middle() -> None:
    grid = map_of(np.ones((16, 2)), WHERE.directions[0])

    np.testing.assert_allclose(grid, grid[1, 1])


def test_long_tokens_count_by_the_square_root_of_their_length() -> None:
    short, long = np.ones((1, 2)), np.full((1, 2), 9.0)

    ratio = map_of(long, WHERE.directions[0]) / map_of(short, WHERE.directions[0])

    assert ratio == pytest.approx(3)


def test_only_square_maps_are_maps() -> None:
    assert map_shape(49) == (7, 7)
    assert map_shape(1) == (1, 1)
    assert map_shape(50) is None
    assert map_shape(0) is None
    with pytest.raises(ValueError, match="50 positions"):
        map_of(np.zeros((50, 2)), WHERE.directions[0])
