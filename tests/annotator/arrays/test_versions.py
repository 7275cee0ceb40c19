"""Version folders: whole or not there, short arrays, ranks, and what pruning leaves."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import numpy as np
import pytest

from annotator.arrays import version_leftovers, versions
from annotator.arrays.versions import Queue, VersionParameters
from annotator.errors import NotFound, ProjectError
from annotator.settings import Project, Settings

PARAMETERS = VersionParameters(
    method="partial_bce",
    backbone="fake",
    category_ordinals=(4, 0, 2),
    slope=2.0,
    intercepts=(0.0, 1.0, 0.0),
    thresholds=(0.5, -0.25, math.inf),
    ranked_only=(0, 2),
)
SCORES = np.array(
    [[0.5, -9.0, np.nan], [0.25, -0.25, np.nan], [-1.0, 3.0, np.nan], [np.nan] * 3], np.float32
)
QUEUE = Queue(np.array([2, 0, 1]), np.array([[0, 1], [2, -1], [-1, -1]]))


def written(path: Path, scores: np.ndarray = SCORES) -> Path:
    versions.write(
        path,
        PARAMETERS,
        scores,
        QUEUE,
        {"map": 0.5},
        save_weights=lambda file: file.write_bytes(b"weights") and None,
    )
    return path


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    path = versions.folder(Project(tmp_path, Settings()), 7)
    assert not versions.is_ready(path)

    written(path)

    arrays = versions.read(path)
    assert path.name == "0007"
    assert versions.is_ready(path)
    assert versions.has_arrays(path)
    assert arrays.parameters == PARAMETERS
    np.testing.assert_array_equal(arrays.scores, SCORES)
    np.testing.assert_array_equal(arrays.scores_by_category, SCORES.T)
    assert arrays.image_order.tolist() == [2, 0, 1]
    assert arrays.queue.pairs.tolist() == QUEUE.pairs.tolist()
    assert json.loads((path / "metrics.json").read_text()) == {"map": 0.5}
    assert (path / "weights.safetensors").read_bytes() == b"weights"
    assert [p.name for p in path.parent.iterdir()] == ["0007"]


def test_a_pair_is_suggested_from_its_threshold_on_and_never_without_a_score(
    tmp_path: Path,
) -> None:
    arrays = versions.read(written(tmp_path / "0001"))

    suggested = arrays.suggested(arrays.scores)

    assert suggested.tolist() == [
        [True, False, False],
        [False, True, False],
        [False, True, False],
        [False, False, False],
    ]


def test_a_bar_is_a_probability_or_a_rank_or_nothing(tmp_path: Path) -> None:
    arrays = versions.read(written(tmp_path / "0001"))

    bars = arrays.bars(arrays.scores)

    assert bars[1, 0] == pytest.approx(1 / (1 + math.exp(-2 * 0.25)))
    assert bars[:3, 1].tolist() == pytest.approx([0.0, 0.5, 1.0])  # lowest, middle, highest
    assert np.isnan(bars[:, 2]).all()
    assert np.isnan(bars[3]).all()
    assert arrays.bars(arrays.scores[1]).tolist()[:2] == bars[1].tolist()[:2]


def test_a_rank_rises_with_the_score(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores = np.column_stack([np.zeros(500), rng.normal(size=500) ** 3, np.full(500, np.nan)])
    arrays = versions.read(written(tmp_path / "0001", scores.astype(np.float32)))

    ordered = np.sort(scores[:, 1])
    bars = arrays.bars(np.column_stack([np.zeros(500), ordered, np.zeros(500)]))[:, 1]

    assert (np.diff(bars) >= 0).all()
    assert (bars[0], bars[-1]) == pytest.approx((0, 1), abs=1e-6)
    np.testing.assert_allclose(bars, np.linspace(0, 1, 500), atol=0.011)


def test_images_and_categories_that_came_later_have_no_score(tmp_path: Path) -> None:
    arrays = versions.read(written(tmp_path / "0001"))

    assert arrays.columns == {4: 0, 0: 1, 2: 2}
    assert np.isnan(arrays.image_scores(99)).all()
    assert np.isnan(arrays.category_scores(3)).all()
    assert arrays.image_scores(2)[1] == 3
    assert arrays.category_scores(0)[:3].tolist() == [-9.0, -0.25, 3.0]


def test_a_version_that_cannot_be_finished_does_not_exist(tmp_path: Path) -> None:
    def fails(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(ProjectError, match="cannot be written: disk full"):
        versions.write(tmp_path / "0001", PARAMETERS, SCORES, QUEUE, {}, save_weights=fails)

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotFound, match="no version"):
        versions.read(tmp_path / "0001")


def test_a_version_is_never_written_twice(tmp_path: Path) -> None:
    written(tmp_path / "0001")

    with pytest.raises(ProjectError, match="never written twice"):
        written(tmp_path / "0001", SCORES + 1)

    np.testing.assert_array_equal(versions.read(tmp_path / "0001").scores, SCORES)


def test_pruning_leaves_weights_parameters_and_metrics(tmp_path: Path) -> None:
    path = written(tmp_path / "0001")

    versions.delete_arrays(path)

    assert sorted(p.name for p in path.iterdir()) == [
        "READY", "SHA256SUMS", "config.toml", "metrics.json", "weights.safetensors",
    ]  # fmt: skip
    assert versions.is_ready(path)
    assert not versions.has_arrays(path)
    assert versions.read_parameters(path) == PARAMETERS
    with pytest.raises(NotFound, match="deleted to save space"):
        versions.read(path)


def test_an_open_version_stays_readable_while_it_is_pruned_or_scored_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "0001")
    arrays, stamp = versions.read(path), versions.stamp(path)

    os.utime(path / "scores.npy", ns=(1, 1))
    versions.write_arrays(path, SCORES + 1, QUEUE)

    assert versions.stamp(path) not in (stamp, 1)
    np.testing.assert_array_equal(arrays.scores, SCORES)
    np.testing.assert_array_equal(versions.read(path).scores, SCORES + 1)
    versions.delete_arrays(path)
    assert versions.stamp(path) == 0
    np.testing.assert_array_equal(arrays.scores_by_category, SCORES.T)


@pytest.mark.parametrize(
    "text", ["slope = ", "slope = 1.0", 'method = "m"\nbackbone = "b"\nslope = 1\ncategory = [1]']
)
def test_a_damaged_version_is_refused_with_a_cure(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "0001")
    (path / "config.toml").write_text(text)

    with pytest.raises(ProjectError, match=r"config\.toml is damaged; .* train again"):
        versions.read(path)


def test_damaged_arrays_are_refused_with_a_cure(tmp_path: Path) -> None:
    path = written(tmp_path / "0001")
    (path / "queue.npy").write_bytes(b"")

    with pytest.raises(ProjectError, match="is damaged"):
        versions.read(path)


def test_only_old_folders_that_were_never_published_are_leftovers(tmp_path: Path) -> None:
    for name in ("0001", "0002", "0003", ".0004.abc.tmp"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / "0003", (time.time(), time.time()))

    deleted = version_leftovers.delete_leftovers(tmp_path, {1})

    assert sorted(p.name for p in deleted) == [".0004.abc.tmp", "0002"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0001", "0003"]


def test_parameters_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="thresholds has 1 values for 2 categories"):
        VersionParameters(
            method="m", backbone="b", category_ordinals=(0, 1), slope=1.0,
            intercepts=(0.0, 0.0), thresholds=(0.0,), ranked_only=(),
        )  # fmt: skip
