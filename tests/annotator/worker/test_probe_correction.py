"""Blind probes move the intercepts of a new version and measure it, and train nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from annotator.arrays import versions as files
from annotator.domain import JobKind, State
from annotator.settings import Suggestions
from annotator.store import annotators, jobs, probes, versions
from annotator.store.tables import STATES, probe
from annotator.worker import training
from annotator.worker.calibration import make_decisions
from annotator.worker.job_control import Control
from annotator.worker.learner import take_snapshot
from annotator.worker.probe_correction import calibration_error, shift_of
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.prior_shift import MIN_PROBES
from mlrpl.labels import PRESENT, known_mask

COUNT = 400
PLAIN = Calibration(1.0, np.zeros(2))
NOBODY = np.zeros(2, dtype=bool)


def world(made, answered: int = 200):
    """Two categories; answered images have twice as much of both as the others."""
    rng = np.random.default_rng(0)
    often = np.where(np.arange(COUNT) < answered, 0.5, 0.1)[:, None]
    truth = rng.random((COUNT, 2)) < often
    ids = made.add_images(f"{i}.png" for i in range(COUNT))
    category_ids = made.add_categories("cat", "dog")
    made.answer(
        (ids[i], c, State.PRESENT if truth[i, j] else State.ABSENT)
        for i in range(answered)
        for j, c in enumerate(category_ids)
    )
    return truth, ids, category_ids


def ask(made, truth, ids, category_ids, pairs, *, purpose: str = probes.AUDIT) -> None:
    """Answer probes about `(image, column)` pairs as the truth has it."""
    with made.store.writing() as tx:
        ada = annotators.named(tx, "ada", made.clock()).id
        rows = [
            {
                "image_id": ids[i], "category_id": category_ids[j], "purpose": purpose,
                "position": place, "inclusion_probability": 0.1, "drawn_at": made.clock(),
                "annotator_id": ada, "answered_at": made.clock(),
                "state": STATES[State.PRESENT if truth[i, j] else State.ABSENT],
            }
            for place, (i, j) in enumerate(pairs)
        ]  # fmt: skip
        tx.execute(sa.insert(probe), rows)


def looked_up(made):
    with made.store.reading() as tx:
        return take_snapshot(tx, COUNT), probes.audit_answers(tx)


OPEN = [(i, j) for i in range(200, COUNT) for j in (0, 1)]


def test_probes_lower_what_was_fitted_to_richer_images(made) -> None:
    parts = world(made)
    ask(made, *parts, OPEN)
    snapshot, audit = looked_up(made)
    scores = np.zeros((COUNT, 2), np.float32)

    plain = make_decisions(snapshot, scores, scores, Suggestions())
    moved = make_decisions(snapshot, scores, scores, Suggestions(), audit)

    assert plain.shift.tolist() == [0, 0]
    assert (moved.shift < -1).all()
    assert moved.calibration.intercepts == pytest.approx(plain.calibration.intercepts + moved.shift)
    assert moved.fitted.intercepts == pytest.approx(plain.calibration.intercepts)
    assert (moved.thresholds > plain.thresholds).all()
    assert (moved.centres == moved.thresholds).all()


def test_answers_that_training_trusts_less_do_not_move_the_share_that_is_present(made) -> None:
    world(made)
    snapshot, _ = looked_up(made)
    swept = replace(snapshot, weights=np.where(snapshot.labels == PRESENT, 1, 0.5))
    scores = np.zeros((COUNT, 2), np.float32)
    share = (snapshot.labels == PRESENT).sum(0) / known_mask(snapshot.labels).sum(0)

    found = make_decisions(swept, scores, scores, Suggestions())

    assert probabilities(scores[:1], found.calibration)[0] == pytest.approx(share, abs=0.02)


def test_a_certificates_probes_and_unanswered_ones_and_cannot_tell_are_not_read(made) -> None:
    parts = world(made)
    ask(made, *parts, OPEN, purpose="bound")
    ask(made, *parts, OPEN[:3])
    with made.store.writing() as tx:
        last = sa.select(sa.func.max(probe.c.id)).scalar_subquery()
        tx.execute(sa.update(probe).where(probe.c.id == last).values(state=STATES[State.UNSURE]))
        tx.execute(sa.update(probe).where(probe.c.id == last - 1).values(state=None))

    _, audit = looked_up(made)

    assert (audit.image.tolist(), audit.category.tolist()) == ([200], [0])


def test_probes_of_pairs_that_were_answered_since_no_longer_count(made) -> None:
    parts = world(made)
    ask(made, *parts, [(i, j) for i in range(200) for j in (0, 1)])
    snapshot, audit = looked_up(made)

    shift = shift_of(snapshot, np.zeros((COUNT, 2), np.float32), PLAIN, NOBODY, audit)

    assert len(audit.image) == 400
    assert shift.tolist() == [0, 0]


def test_ranked_and_unscored_pairs_take_no_part(made) -> None:
    parts = world(made)
    ask(made, *parts, OPEN)
    snapshot, audit = looked_up(made)
    scores = np.zeros((COUNT, 2), np.float32)
    scores[200 : 200 + 200 - MIN_PROBES + 1, 0] = np.nan

    shift = shift_of(snapshot, scores, PLAIN, np.array([False, True]), audit)

    assert shift.tolist() == [0, 0]  # one probe too few is left


def test_the_error_is_measured_on_probes_where_there_are_some_else_on_fold_0(made) -> None:
    parts = world(made)
    scores = np.zeros((COUNT, 2), np.float32)
    snapshot, nothing = looked_up(made)

    before = calibration_error(snapshot, scores, PLAIN, NOBODY, nothing)
    ask(made, *parts, OPEN)
    after = calibration_error(snapshot, scores, PLAIN, NOBODY, looked_up(made)[1])
    silent = calibration_error(snapshot, scores, PLAIN, ~NOBODY, nothing)

    assert (before["ece_on"], before["ece_pairs"]) == ("held_out", 40)
    assert before["ece"] == pytest.approx(abs(parts[0][:200:10].mean() - 0.5))
    assert (after["ece_on"], after["ece_pairs"]) == ("probes", 400)
    assert after["ece"] < 0.2  # halves that were not used to move; without moving it were 0.4
    assert silent == {"ece": None, "ece_on": "held_out", "ece_pairs": 0}


def test_a_training_reads_them_for_its_intercepts_and_its_scores_stay_the_same(made) -> None:
    truth, ids, category_ids = world(made)
    rng = np.random.default_rng(1)
    pooled = rng.normal(size=(COUNT, 8))
    pooled[:, :2] += 1.5 * truth
    made.add_features(pooled.astype(np.float32))

    def train() -> tuple[files.VersionArrays, dict]:
        with made.store.writing() as tx:
            jobs.enqueue(tx, JobKind.TRAIN, {"method": "kernel_ridge"}, made.clock())
            job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())
        assert job is not None
        training.run(made.project, Control(made.store, job, clock=made.clock), "cpu")
        with made.store.reading() as tx:
            version = versions.every(tx)[-1]
        return files.read(files.folder(made.project, version.number)), version.metrics

    first, told_first = train()
    ask(made, truth, ids, category_ids, OPEN)
    second, told = train()

    assert np.array_equal(np.array(first.scores), np.array(second.scores), equal_nan=True)
    assert (
        np.array(second.parameters.intercepts).sum() < np.array(first.parameters.intercepts).sum()
    )
    assert told_first["prior_shift"] == {"0": 0.0, "1": 0.0}
    assert all(shift < 0 for shift in told["prior_shift"].values())
    assert told["ece_on"] == "probes"
    json.dumps(told, allow_nan=False)
