"""The comparison of all images: near duplicates, the map, and when the worker makes them."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.arrays import likeness
from annotator.arrays.features import FeatureFiles
from annotator.domain import JobKind, JobState
from annotator.store import jobs
from annotator.worker import picture_map
from annotator.worker.job_control import Cancelled, Control
from annotator.worker.picture_map import near_duplicates, placed
from annotator.worker.scheduling import enqueue_idle_work

IMAGES = 40


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clusters(count: int) -> np.ndarray:
    """Return vectors around four centres, a quarter around each."""
    numbers = np.random.default_rng(3)
    centres = numbers.standard_normal((4, 128))
    return unit(centres[np.arange(count) % 4] + 0.4 * numbers.standard_normal((count, 128)))


def test_what_is_nearly_the_same_is_in_one_group_also_through_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture_map, "_BLOCK", 4)
    angles = np.array([0, 100, 10, 200, 101, 20, 300, 99, 20])  # degrees; 18 have a cosine of .95
    turned = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1)

    assert near_duplicates(unit(turned)).tolist() == [0, 1, 0, -1, 1, 0, -1, 1, 0]
    film = np.concatenate([np.tile(unit(turned[:1]), (9, 1)), unit(turned[3:4])])
    assert near_duplicates(film).tolist() == [*[0] * 9, -1]
    assert near_duplicates(unit(turned[:1])).tolist() == [-1]


def test_images_that_are_alike_lie_together_on_the_map() -> None:
    vectors = clusters(IMAGES)

    places = placed(vectors)

    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (far.argmin(axis=1) % 4 == np.arange(IMAGES) % 4).mean() > 0.9
    assert np.abs(places).max() == pytest.approx(1)
    assert (placed(vectors) == places).all()


def with_features(made, vectors: np.ndarray) -> FeatureFiles:
    rows = len(vectors)
    made.add_images([f"{number}.png" for number in range(rows)])
    files = FeatureFiles.create(
        made.project.features_path, backbone="fake", pooled_dim=4, rows=rows + 1
    )
    write(files, np.arange(rows), vectors)
    return files


def write(files: FeatureFiles, ordinals: np.ndarray, vectors: np.ndarray) -> None:
    size = len(ordinals)
    files.write(ordinals, np.ones((size, 4)), np.zeros((size, 0, 0)), vectors)


def do(made) -> str:
    """Queue the comparison that is due, do it, and return what it says."""
    assert enqueue_idle_work(made.project, made.store, made.clock()) is not None
    with made.store.writing() as tx:
        job = jobs.claim(tx, "me", [JobKind.MAP], made.clock())
    assert job is not None
    message = picture_map.run(made.project, Control(made.store, job), "cpu")
    with made.store.writing() as tx:
        jobs.finish(tx, job, JobState.DONE, message, made.clock())
    return message


def test_a_map_is_made_once_and_again_when_the_features_have_changed_much(made) -> None:
    vectors = clusters(IMAGES)
    vectors[8] = vectors[4]
    files = with_features(made, vectors)

    assert do(made) == "Compared 40 images: 1 group of near duplicates, a new map."
    groups = likeness.read(files.path, likeness.GROUPS)
    first = likeness.read(files.path, likeness.MAP)
    assert groups is not None
    assert first is not None
    assert np.flatnonzero(groups.values == 0).tolist() == [4, 8]
    assert np.isnan(first.values[IMAGES]).all()
    assert enqueue_idle_work(made.project, made.store, made.clock()) is None

    write(files, np.array([8]), vectors[9:10])
    assert do(made) == "Compared 40 images: 1 group of near duplicates."
    write(files, np.arange(8), vectors[8:16])
    assert do(made).endswith("a new map.")

    (files.path / likeness.MAP).unlink()
    assert do(made) == "Compared 40 images: a new map."


def test_a_damaged_file_is_as_good_as_none(tmp_path) -> None:
    made = likeness.Comparison(np.zeros(4, np.int32), np.ones(4, np.uint32))
    likeness.write(tmp_path, likeness.GROUPS, made)
    assert likeness.damaged(tmp_path) == []
    content = bytearray((tmp_path / likeness.GROUPS).read_bytes())
    content[140] ^= 1

    (tmp_path / likeness.GROUPS).write_bytes(content)

    assert likeness.read(tmp_path, likeness.GROUPS) is None
    assert likeness.damaged(tmp_path) == [likeness.GROUPS]


def test_a_map_that_is_given_up_leaves_nothing(made) -> None:
    files = with_features(made, clusters(IMAGES))
    job = enqueue_idle_work(made.project, made.store, made.clock())
    assert job is not None
    control = Control(made.store, job)
    control._cancelled.set()

    with pytest.raises(Cancelled):
        picture_map.run(made.project, control, "cpu")

    assert not (files.path / likeness.GROUPS).exists()
    assert not (files.path / likeness.MAP).exists()
