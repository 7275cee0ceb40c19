"""Errors that go together are found in held-out scores, and come with the version."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.arrays import versions as files
from annotator.arrays.error_correlation import ERRORS
from annotator.domain import JobKind, State
from annotator.store import jobs, versions
from annotator.worker import training
from annotator.worker.error_correlation import FEWEST, fit_errors
from annotator.worker.job_control import Control
from annotator.worker.learner import take_snapshot
from mlrpl.decision.calibration import Calibration

PLAIN = Calibration(1.0, np.zeros(3))
NOBODY = np.zeros(3, dtype=bool)


def answered(made, count: int):
    """Answer three categories, of which the first two always agree, and return the snapshot."""
    ids = made.add_images(f"{i}.png" for i in range(count))
    category_ids = made.add_categories("horse", "saddle", "lamp")
    truth = np.random.default_rng(0).random((count, 3)) < 0.5
    truth[:, 1] = truth[:, 0]
    made.answer(
        (ids[i], c, State.PRESENT if truth[i, j] else State.ABSENT)
        for i in range(count)
        for j, c in enumerate(category_ids)
    )
    with made.store.reading() as tx:
        return truth, take_snapshot(tx, count)


def test_errors_that_go_together_are_found_and_unscored_images_take_no_part(made) -> None:
    _, snapshot = answered(made, 400)
    scores = np.zeros((400, 3), np.float32)
    scores[300:] = np.nan

    found = fit_errors(snapshot, scores, PLAIN, NOBODY)

    assert found is not None
    assert found.together[0, 1] == 300
    assert found.correlation[0, 1] == pytest.approx(0.5, abs=0.03)  # 1, shrunk by 300 / 600
    assert abs(found.correlation[0, 2]) < 0.1


def test_a_category_that_is_only_ranked_goes_with_nothing(made) -> None:
    _, snapshot = answered(made, 60)

    found = fit_errors(
        snapshot, np.zeros((60, 3), np.float32), PLAIN, np.array([True, False, False])
    )

    assert found is not None
    assert found.correlation[0].tolist() == [1.0, 0.0, 0.0]


def test_too_few_images_known_together_give_nothing(made) -> None:
    _, snapshot = answered(made, FEWEST - 1)

    assert fit_errors(snapshot, None, PLAIN, NOBODY) is None
    assert fit_errors(snapshot, np.zeros((FEWEST - 1, 3), np.float32), PLAIN, NOBODY) is None


def test_a_training_writes_what_it_found_beside_the_scores(made) -> None:
    truth, _ = answered(made, 200)
    # The features tell the lamp from the rest, but hardly the horse: there the errors are left.
    rng = np.random.default_rng(1)
    pooled = rng.normal(size=(200, 8))
    pooled[:, 0] += 3 * truth[:, 2]
    pooled[:, 1] += 0.7 * truth[:, 0]
    made.add_features(pooled.astype(np.float32))
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {"method": "kernel_ridge"}, made.clock())
        job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())
    assert job is not None

    training.run(made.project, Control(made.store, job, clock=made.clock), "cpu")

    with made.store.reading() as tx:
        number = versions.every(tx)[-1].number
    folder = files.folder(made.project, number)
    found = files.read(folder).errors
    assert found is not None
    assert found.correlation[0, 1] > 0.2
    assert abs(found.correlation[0, 2]) < 0.15
    files.delete_arrays(folder)
    assert (folder / ERRORS).exists()  # scoring again could not bring it back
