from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pytest

from annotator.arrays import certificates as files
from annotator.domain import Category
from annotator.errors import NotFound, ProjectError
from annotator.services.certificates import frozen
from annotator.services.certificates.frozen import CertificatePlan, FrozenPlan
from annotator.services.certificates.pool import Pool
from annotator.services.certificates.rows import PromiseRow
from annotator.settings import Project, load_project
from annotator.store.certificates import Certificate, CertificateState
from mlrpl.decision.linear_evidence import ABSENT, PRESENT, log_evidence
from mlrpl.decision.linear_plan import freeze
from mlrpl.decision.linear_promises import F1Promise, RecallPromise
from mlrpl.decision.present_zone import plan_present

IMAGES, SEED = 500, 11
PROMISE: PromiseRow = {
    "promise": "precision_recall",
    "recall": 0.8,
    "precision": 0.9,
    "f1": None,
    "confidence": 0.95,
    "over": "dataset",
    "known_present": 30,
    "sentence": "",
}


def shown(ordinal: int, present: int) -> Category:
    kind = "animal" if ordinal < 9 else "thing"
    return Category(
        id=ordinal + 1,
        ordinal=ordinal,
        name=f"c{ordinal}",
        supercategory=kind,
        present_count=present,
    )


@cache
def a_pool(shift: float = 0.0) -> Pool:
    """Two thousand pairs of the categories 2, 5, 7 and 9; `shift` moves the scores."""
    rng = np.random.default_rng(3)
    logits = rng.normal(-3, 2.5, (IMAGES, 4)) + np.where(rng.random((IMAGES, 4)) < 0.3, 8, 0)
    chances = (1 / (1 + np.exp(-logits - shift))).astype(np.float32).ravel()
    image, column = np.divmod(np.arange(chances.size), 4)
    order = np.argsort(chances, kind="stable")
    pairs = np.column_stack([image, np.array([2, 5, 7, 9])[column]])[order].astype(np.int32)
    kept = tuple(shown(o, n) for o, n in ((2, 4), (5, 0), (7, 20), (9, 6)))
    return Pool(pairs=pairs, probabilities=chances[order], categories=kept, left_out=("c1",))


@cache
def a_plan(shift: float = 0.0) -> CertificatePlan:
    pool = a_pool(shift)
    linear = freeze(pool.probabilities, frozen.linear_promise(PROMISE), risk=0.03)
    floor = linear.tests[-1].fill.absent
    present = plan_present(pool.probabilities, max_error=0.1, risk=0.02, floor=floor)
    assert present.rungs
    return CertificatePlan(PROMISE, linear, present, question_seconds=2.5, pair_seconds=1.0)


@pytest.fixture
def project(services: Any) -> Project:
    return load_project(services.project.path)


def published(project: Project, pool: Pool, plan: CertificatePlan) -> Certificate:
    temporary, kept = frozen.write(project, pool, plan, SEED)
    kept = json.loads(json.dumps(kept))  # as the database keeps it
    files.publish(project, temporary, 1, kept)
    return Certificate(
        id=1,
        version=1,
        state=CertificateState.OPEN,
        plan=kept,
        bitmap_path=None,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        applied_at=None,
        rolled_back_at=None,
    )


def test_what_is_frozen_reads_back_the_same(project: Project) -> None:
    pool = a_pool()
    plan = a_plan()

    found = frozen.read(project, published(project, pool, plan))

    assert (found.promise, found.present, found.price) == (plan.promise, plan.present, 2.5)
    assert (found.linear.risk, found.linear.target) == (plan.linear.risk, plan.linear.target)
    assert [t.fill for t in found.linear.tests] == [t.fill for t in plan.linear.tests]
    said = np.resize([ABSENT, ABSENT, PRESENT], 300)
    expected = log_evidence(plan.linear, found.draws[:300, 0], said)
    np.testing.assert_array_equal(log_evidence(found.linear, found.draws[:300, 0], said), expected)
    assert [t.growth for t in found.linear.tests] == [t.growth for t in plan.linear.tests]


def test_the_json_says_what_is_promised_tested_and_drawn_from(project: Project) -> None:
    pool = a_pool()

    kept = published(project, pool, a_plan()).plan

    assert (kept["format"], kept["size"], kept["columns"]) == ("fill-plan/2", 2_000, 10)
    assert kept["risks"] == {"linear": 0.03, "present": 0.02}
    assert kept["super_categories"] == {"animal": [2, 5, 7]}
    assert (kept["ordinals"], kept["left_out"]) == ([2, 5, 7, 9], ["c1"])
    assert kept["certified"] == {"steps": 0, "present": 0}
    rungs = np.array(kept["rungs"])
    assert (np.diff(rungs[:, 0]) > 0).all()
    assert (rungs[:, 1] == 2_000).all()


def test_each_draw_names_its_pair_and_no_pair_is_drawn_twice(project: Project) -> None:
    pool = a_pool()
    plan = a_plan()

    found = frozen.read(project, published(project, pool, plan))

    assert plan.present is not None
    assert found.draws.shape == (2_000, 3)
    assert found.present_draws.shape == (plan.present.cap, 3)
    for drawn in (found.draws, found.present_draws):
        np.testing.assert_array_equal(pool.pairs[drawn[:, 0]], drawn[:, 1:])
        assert len(np.unique(drawn[:, 0])) == len(drawn)
    assert found.present_draws[:, 0].min() >= plan.present.rungs[-1]


def drawn(project: Project, pool: Pool, plan: CertificatePlan) -> FrozenPlan:
    return frozen.read(project, published(project, pool, plan))


def test_draws_follow_the_frozen_weights_and_the_seed_and_nothing_else(project: Project) -> None:
    pool = a_pool()
    plan = a_plan()
    first = np.array(drawn(project, pool, plan).draws)

    renamed = replace(pool, pairs=pool.pairs[::-1].copy())
    other_chances = replace(pool, probabilities=pool.probabilities[::-1].copy())
    other_bets = tuple(
        replace(t, rates=t.rates / 2, stakes=t.stakes / 2) for t in plan.linear.tests
    )
    bets = replace(plan, linear=replace(plan.linear, tests=other_bets, risk=0.5, target=0))
    uniform = np.full_like(plan.linear.weights, 1 / 2_000)
    flat = replace(plan, linear=replace(plan.linear, weights=uniform))

    for of, by in ((pool, plan), (renamed, plan), (other_chances, plan), (pool, bets)):
        np.testing.assert_array_equal(drawn(project, of, by).draws[:, 0], first[:, 0])
    assert (drawn(project, pool, flat).draws[:100, 0] != first[:100, 0]).any()


def test_draws_follow_the_scores_because_the_weights_do(project: Project) -> None:
    before, after = a_pool(), a_pool(1.0)

    first = np.array(drawn(project, before, a_plan()).draws)
    second = drawn(project, after, a_plan(1.0)).draws

    np.testing.assert_array_equal(before.pairs, after.pairs)  # only the probabilities differ
    assert (first[:100, 0] != second[:100, 0]).any()


@pytest.mark.parametrize("name", [files.PAIRS, files.BETS, files.DRAWS, files.PARTS])
def test_a_changed_file_is_refused_in_one_sentence(project: Project, name: str) -> None:
    pool = a_pool()
    row = published(project, pool, a_plan())
    frozen.check(project, row)
    frozen.read(project, row)
    path = files.folder(project, 1) / name

    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    for refuse in (frozen.check, frozen.read):
        with pytest.raises(NotFound, match=f"{name} of certificate 1 is missing, damaged or not"):
            refuse(project, row)


@pytest.mark.parametrize("name", [files.BETS, files.DRAWS])
def test_half_a_file_and_none_are_told_when_a_plan_is_read(project: Project, name: str) -> None:
    pool = a_pool()
    row = published(project, pool, a_plan())
    path = files.folder(project, 1) / name

    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(NotFound, match="missing, damaged"):
        frozen.read(project, row)
    path.unlink()
    with pytest.raises(NotFound, match="missing, damaged"):
        frozen.read(project, row)
    with pytest.raises(NotFound, match="missing, damaged"):
        frozen.check(project, row)


def test_the_pool_is_kept_by_category_and_bin(project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(frozen, "BLOCK", 300)
    pool = a_pool()
    plan = a_plan()

    found = frozen.parts(project, published(project, pool, plan))

    edges = plan.linear.edges
    assert found.known.tolist() == [4, 0, 20, 6]
    np.testing.assert_array_equal(found.counts.sum(0), np.diff(edges))
    np.testing.assert_array_equal(found.counts.sum(1), [IMAGES] * 4)
    first, last = edges[40], edges[41]
    own = pool.probabilities[first:last][pool.pairs[first:last, 1] == 7]
    assert found.means[2, 40] == pytest.approx(own.mean(), rel=1e-5)
    counts, means, known = found.together([0, 1, 2, 3])
    sums = np.add.reduceat(pool.probabilities.astype(float), edges[:-1])
    np.testing.assert_allclose(counts * means, sums, rtol=1e-4)
    assert known == 30


def test_the_promise_counts_known_labels_over_the_dataset_only() -> None:
    whole, part = frozen.linear_promise(PROMISE), frozen.linear_promise(PROMISE, known=4)
    pool_alone = frozen.linear_promise({**PROMISE, "over": "pool"}, known=4)
    f1 = frozen.linear_promise({**PROMISE, "promise": "f1", "recall": None, "f1": 0.85})

    assert isinstance(whole, RecallPromise)
    assert whole.max_lost == pytest.approx(0.2)
    assert (whole.known, part.known, pool_alone.known) == (30, 4, 0)
    assert f1 == F1Promise(at_least=0.85, known=30)


def test_a_folder_that_cannot_be_written_is_said(project: Project) -> None:
    files.root(project).write_text("not a folder")
    pool = a_pool()

    with pytest.raises(ProjectError, match="cannot be written"):
        frozen.write(project, pool, a_plan(), SEED)
