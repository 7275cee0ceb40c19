from __future__ import annotations

from functools import partial

import numpy as np

from annotator.arrays import predictions as prediction_files
from annotator.arrays import versions as files
from annotator.arrays.followed import read_followed
from annotator.domain import JobKind, State
from annotator.services.predictors.predictors import Predictors
from annotator.services.training import retraining
from annotator.settings import Retraining
from annotator.store import jobs, predictors, versions
from annotator.worker import training
from annotator.worker.job_control import Control

IMAGES, CATEGORIES = 240, 4
FRESH = CATEGORIES - 1
"""A category without answers."""


def world(made):
    """Features that say little, and a truth that a predictor knows."""
    rng = np.random.default_rng(0)
    made.add_categories(*(f"c{c}" for c in range(CATEGORIES)))
    ids = made.add_images(f"{i}.png" for i in range(IMAGES))
    truth = rng.random((IMAGES, CATEGORIES)) < 0.3
    pooled = rng.normal(size=(IMAGES, 12))
    pooled[:, :CATEGORIES] += truth
    made.add_features(pooled.astype(np.float32))
    answered = [
        (ids[i], c + 1, State.PRESENT if truth[i, c] else State.ABSENT)
        for i in range(0, IMAGES, 2)
        for c in range(FRESH)
    ]
    made.answer(answered)
    return truth, rng


def add(made, name: str, scores: np.ndarray) -> None:
    version = prediction_files.write(made.project, scores)
    with made.store.writing() as tx:
        report = {"scale": "logit"}
        predictors.put(
            tx, name, "file", version, options={}, report=report, by="ann", now=made.clock()
        )


def train(made) -> int:
    run(made, {"method": "kernel_ridge"})
    with made.store.reading() as tx:
        return max(v.number for v in versions.every(tx))


def run(made, options) -> None:
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, options, made.clock())
        job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())
    with Control(made.store, job, clock=made.clock) as control:
        training.run(made.project, control, "cpu")


def test_a_good_predictor_is_followed_also_when_scoring_anew_and_an_inverted_one_is_not(
    made,
) -> None:
    truth, rng = world(made)
    good = truth * 2.5 + rng.normal(size=truth.shape) - 1
    add(made, "good", good)
    add(made, "inverted", -good + rng.normal(size=truth.shape))

    number = train(made)

    path = files.folder(made.project, number)
    kept = read_followed(path, CATEGORIES)
    arrays = files.read(path)
    metrics = {w["name"]: w for w in _metrics(made, number)["predictor_worth"]}
    assert kept is not None
    assert kept.names == ("good", "inverted")
    assert (kept.weights[0] > 0.4).all()
    assert kept.weights[1, FRESH] == 0
    assert metrics["good"]["low"] > 0
    assert metrics["good"]["with"] > metrics["good"]["without"]
    assert metrics["inverted"]["weight"] == 0
    assert abs(metrics["inverted"]["gain"]) < 0.02
    fresh = arrays.category_scores(FRESH)
    assert fresh[truth[:, FRESH]].mean() > fresh[~truth[:, FRESH]].mean() + 0.5
    assert not arrays.taught[FRESH]
    assert not arrays.suggested(arrays.scores)[:, FRESH].any()
    before = np.array(arrays.scores)
    run(made, {"rescore": number})
    np.testing.assert_allclose(np.array(files.read(path).scores), before, atol=1e-4)


def test_few_answers_weigh_predictors_without_a_fair_model_and_none_costs_nothing(made) -> None:
    rng = np.random.default_rng(1)
    made.add_categories("a", "b")
    ids = made.add_images(f"{i}.png" for i in range(60))
    made.add_features(rng.normal(size=(60, 6)).astype(np.float32))
    made.answer([(ids[i], 1, State.PRESENT) for i in (1, 2, 3, 4, 5)])
    plain = files.read(files.folder(made.project, train(made)))
    known = np.zeros((60, 2))
    known[[1, 2, 3, 4, 5, 7]] = 3.0
    add(made, "good", known + rng.normal(size=(60, 2)) / 10)

    path = files.folder(made.project, train(made))

    kept = read_followed(path, 2)
    assert np.isnan(plain.category_scores(1)).all()
    assert kept is not None
    assert kept.weights[0, 0] > 0.1
    assert files.read(path).category_scores(1)[7] > 1


def test_other_predictors_are_a_reason_to_train_and_a_removed_one_is_silent(made) -> None:
    truth, _ = world(made)
    train(made)
    due = partial(retraining.due, settings=Retraining())
    made.clock.forward(3600)
    with made.store.reading() as tx:
        before = due(retraining.situation(tx, made.clock()))

    add(made, "good", truth * 1.0)
    with made.store.reading() as tx:
        after = due(retraining.situation(tx, made.clock()))
    number = train(made)
    made.clock.forward(3600)
    with made.store.reading() as tx:
        trained = due(retraining.situation(tx, made.clock()))
    Predictors(made.project, made.store, made.clock).remove("good")
    with made.store.reading() as tx:
        removed = due(retraining.situation(tx, made.clock()))

    assert (before, trained) == (None, None)
    assert after == removed == "the predictors have changed"
    assert _metrics(made, number)["predictors"][0][0] == "good"


def _metrics(made, number: int):
    with made.store.reading() as tx:
        return versions.get(tx, number).metrics
