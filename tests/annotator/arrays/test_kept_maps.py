"""Kept maps: nearly what was computed, whatever happened to the process or the file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from annotator.arrays import kept_maps
from annotator.arrays.kept_maps import KeptMaps, record_bytes

SHAPE = (3, 4, 4)
ABOUT = {"backbone": "tiny", "grey_range": "auto"}
NO, YES = np.array([False]), np.array([True])


def drawn(count: int) -> np.ndarray:
    scale = np.array([1e-3, 1.0, 50.0])[:, None, None]
    return (np.random.default_rng(0).normal(size=(count, 2, *SHAPE)) * scale).astype(np.float32)


def opened(path: Path, **about: object) -> KeptMaps:
    return KeptMaps.open(path, {**ABOUT, **about}, SHAPE)


def test_a_value_is_off_by_half_a_step_of_its_channel_at_most(tmp_path) -> None:
    maps, values = opened(tmp_path / "maps"), drawn(5)

    maps.append(np.array([7, 3, 9, 0, 4]), values)

    step = np.abs(values).max(axis=(3, 4), keepdims=True) / 127
    for copy, asked in enumerate((NO, YES)):
        found = maps.read(np.array([9]), asked)[0]
        assert (np.abs(found - values[2, copy]) <= 0.51 * step[2, copy]).all()


def test_a_channel_of_zeros_stays_zero(tmp_path) -> None:
    maps = opened(tmp_path / "maps")

    maps.append(np.array([1]), np.zeros((1, 2, *SHAPE), np.float32))

    assert not maps.read(np.array([1]), NO).any()


def test_what_is_missing_is_told_after_it_is_opened_again(tmp_path) -> None:
    opened(tmp_path / "maps").append(np.array([5, 2]), drawn(2))

    again = opened(tmp_path / "maps")

    assert again.missing(np.array([1, 2, 5, 6])).tolist() == [1, 6]
    np.testing.assert_allclose(again.read(np.array([2]), YES)[0], drawn(2)[1, 1], atol=0.5)


@pytest.mark.parametrize("name", ["index", "maps"])
def test_a_record_that_was_not_written_to_its_end_does_not_count(tmp_path, name: str) -> None:
    opened(tmp_path / "maps").append(np.array([5, 2]), drawn(2))
    file = tmp_path / "maps" / name
    os.truncate(file, file.stat().st_size - 3)

    again = opened(tmp_path / "maps")
    again.append(np.array([8]), drawn(3)[2:])

    assert again.missing(np.array([5, 2, 8])).tolist() == [2]
    whole = opened(tmp_path / "maps")
    assert whole.missing(np.array([5, 2, 8])).tolist() == [2]
    np.testing.assert_array_equal(whole.read(np.array([8]), NO), again.read(np.array([8]), NO))


def test_a_record_that_was_changed_does_not_count(tmp_path) -> None:
    opened(tmp_path / "maps").append(np.array([5, 2]), drawn(2))
    with (tmp_path / "maps" / "maps").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff\x00\xff")

    assert opened(tmp_path / "maps").missing(np.array([5, 2])).tolist() == [5]


def test_maps_that_were_made_in_another_way_are_deleted(tmp_path) -> None:
    opened(tmp_path / "maps").append(np.array([5]), drawn(1))

    assert opened(tmp_path / "maps", grey_range="full").missing(np.array([5])).tolist() == [5]
    assert (tmp_path / "maps" / "maps").stat().st_size == 0


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch) -> None:
    maps = opened(tmp_path / "maps")
    maps.append(np.array([5]), drawn(1))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_maps.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        maps.append(np.array([6]), drawn(1))
    monkeypatch.undo()

    assert opened(tmp_path / "maps").missing(np.array([5, 6])).tolist() == [6]


def test_a_value_that_is_no_number_is_refused(tmp_path) -> None:
    values = drawn(1)
    values[0, 0, 0, 0, 0] = np.nan

    with pytest.raises(ValueError, match="not a finite number"):
        opened(tmp_path / "maps").append(np.array([1]), values)


def test_the_size_that_is_told_is_the_size_on_disk(tmp_path) -> None:
    maps = opened(tmp_path / "maps")
    maps.append(np.array([5, 2]), drawn(2))

    there = sum((tmp_path / "maps" / name).stat().st_size for name in ("index", "maps"))

    assert there == len(maps) * record_bytes(SHAPE)
