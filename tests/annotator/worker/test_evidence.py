"""The linear stand-in of a version: what it finds, what it admits, and that versions carry it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.arrays import versions as files
from annotator.arrays.evidence import map_of, read_where
from annotator.arrays.features import FeatureFiles
from annotator.domain import JobKind, JobState, State
from annotator.store import jobs
from annotator.worker import training
from annotator.worker.evidence import fit_where
from annotator.worker.job_control import Cancelled, Control

SIDE, WIDTH = 3, 6


def features_of(path: Path, tokens: np.ndarray) -> FeatureFiles:
    count, positions, width = tokens.shape
    files = FeatureFiles.create(
        path, backbone="fake", pooled_dim=4, positions=positions, token_dim=width, rows=count
    )
    search = np.tile(np.eye(1, 128, dtype=np.float32), (count, 1))
    files.write(np.arange(count), np.ones((count, 4)), tokens, search)
    return files


def scene(count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens, raw scores of two categories, and where the first one's object is."""
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(count, SIDE * SIDE, WIDTH))
    places = rng.integers(SIDE * SIDE, size=count)
    has = rng.random(count) < 0.5
    tokens[has, places[has], 2] += 8
    scores = np.column_stack([tokens.mean(axis=1)[:, 2] * 5 - 3, rng.normal(size=count)])
    return tokens, scores.astype(np.float32), np.where(has, places, -1)


def test_the_map_points_at_what_raises_the_score(tmp_path: Path) -> None:
    tokens, scores, places = scene()

    where = fit_where(features_of(tmp_path / "f", tokens), scores)

    assert where is not None
    maps = np.array([map_of(t, where.directions[0]).ravel() for t in tokens[places >= 0]])
    strong = np.abs(where.directions[0])
    assert strong.argmax() == 2
    assert strong[2] > 10 * np.delete(strong, 2).max()
    hits = maps.argmax(axis=1) == places[places >= 0]
    assert hits.mean() > 0.75  # the noise of the neighbours is smoothed in as well


def test_what_a_map_explains_is_measured_on_other_images(tmp_path: Path) -> None:
    tokens, scores, _ = scene(60)  # ten parameters for chance to play with

    where = fit_where(features_of(tmp_path / "f", tokens), scores)

    assert where is not None
    assert where.explained[0] > 0.9
    assert where.explained[1] < 0.1


def test_blocks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, scores, _ = scene()
    features = features_of(tmp_path / "f", tokens)
    at_once = fit_where(features, scores)

    monkeypatch.setattr("annotator.worker.evidence._BLOCK", 37)
    in_blocks = fit_where(features, scores)

    assert at_once is not None
    assert in_blocks is not None
    np.testing.assert_allclose(in_blocks.directions, at_once.directions, atol=1e-5)
    np.testing.assert_allclose(in_blocks.explained, at_once.explained, atol=1e-5)


def test_a_category_without_scores_has_no_direction_and_images_without_scores_take_no_part(
    tmp_path: Path,
) -> None:
    tokens, scores, _ = scene()
    features = features_of(tmp_path / "f", tokens)
    expected = fit_where(features, scores[:300])
    scores[300:] = np.nan
    scores[:, 1] = np.nan

    where = fit_where(features, scores)

    assert where is not None
    assert expected is not None
    assert np.isnan(where.explained[1])
    assert (where.directions[1] == 0).all()
    np.testing.assert_allclose(where.directions[0], expected.directions[0], atol=1e-6)


def test_a_score_that_never_changes_explains_nothing(tmp_path: Path) -> None:
    tokens, scores, _ = scene()
    scores[:, 0] = 2.5

    where = fit_where(features_of(tmp_path / "f", tokens), scores)

    assert where is not None
    assert np.isnan(where.explained[0])


def test_a_sample_spread_over_all_images_is_enough(tmp_path: Path) -> None:
    tokens, scores, _ = scene()
    features = features_of(tmp_path / "f", tokens)

    every, some = fit_where(features, scores), fit_where(features, scores, images=150)

    assert every is not None
    assert some is not None
    assert not np.array_equal(every.directions, some.directions)
    assert np.corrcoef(every.directions[0], some.directions[0])[0, 1] > 0.99


@pytest.mark.parametrize(("count", "positions"), [(400, 0), (400, 5), (10, 9)])
def test_without_a_square_map_or_enough_images_there_is_nothing(
    tmp_path: Path, count: int, positions: int
) -> None:
    tokens = np.zeros((count, positions, WIDTH if positions else 0))

    assert fit_where(features_of(tmp_path / "f", tokens), np.zeros((count, 2), np.float32)) is None


def test_fitting_stops_when_it_is_told_to(tmp_path: Path) -> None:
    tokens, scores, _ = scene()

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fit_where(features_of(tmp_path / "f", tokens), scores, check=stop)


def train(made, **options: object) -> None:
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {"method": "kernel_ridge", **options}, made.clock())
        job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())
    assert job is not None
    line = Control(made.store, job, clock=made.clock)
    training.run(made.project, line, "cpu")
    if not line.finished:
        with made.store.writing() as tx:
            jobs.finish(tx, job, JobState.DONE, "", made.clock())


def test_a_version_carries_its_directions_and_an_old_one_gets_them_when_it_scores_again(
    made,
) -> None:
    truth = np.arange(60) % 3 == 0
    ids = made.add_images(f"{i}.png" for i in range(60))
    (cat,) = made.add_categories("cat")
    noise = np.random.default_rng(0).normal(size=(60, 16))
    made.add_features((noise + 3 * truth[:, None] * np.eye(16)[0]).astype(np.float32))
    states = np.where(truth, State.PRESENT, State.ABSENT)
    made.answer([(ids[i], cat, State(states[i])) for i in range(60)])
    train(made)
    path = files.folder(made.project, 1)
    before = read_where(path)
    assert before is not None
    assert before.directions.shape == (1, 8)
    assert np.abs(before.directions[0]).argmax() == 0
    (path / "where.npy").unlink()

    train(made, rescore=1)

    after = read_where(path)
    assert after is not None
    np.testing.assert_allclose(after.directions, before.directions, atol=1e-3)
