from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from annotator.arrays import certificates as files
from annotator.arrays import checksums
from annotator.domain import State
from annotator.errors import AnnotatorError, NotReady
from annotator.services.app import Services
from annotator.services.certificates import frozen, planning
from annotator.services.certificates.rows import PlanRow
from annotator.settings import load_project
from annotator.store import Store, certificates, probes

pytestmark = pytest.mark.slow

WISHES: dict[str, Any] = {"recall": 0.8, "confidence": 0.8}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, oracle.make_project(folder, ranked=(7,))


@pytest.fixture
def world(
    tmp_path: Path, template: tuple[Path, Any], oracle: Any, clock: Any
) -> Iterator[Services]:
    project = load_project(oracle.copy_project(template[0], tmp_path))
    services = Services(project, Store.open(project.database_url), clock)
    services.certification._seed = lambda: 11
    yield services
    services.close()


def give(services: Services, change: Any) -> None:
    """Let the version's scores be others."""
    path = services.project.versions_path / "0001"
    for name in ("scores.npy", "scores_by_category.npy"):
        np.save(path / name, change(np.load(path / name)).astype(np.float32))
    checksums.record(path, ["scores.npy", "scores_by_category.npy"])


def plan_of(services: Services, number: int = 1) -> dict[str, Any]:
    with services.store.reading() as tx:
        return dict(certificates.get(tx, number).plan)


def test_a_plan_says_what_could_be_filled_in_and_begins_nothing(world: Services) -> None:
    plan = world.certification.plan(**WISHES, offers=True)

    TypeAdapter(PlanRow).validate_python(plan, strict=True)
    assert (plan["pool"], plan["version"], plan["refused"]) == (49 * 400, 1, "")
    assert plan["suggest_only"] == ["thing 7"]
    assert plan["chosen"]["fill_absent"] > 15_000
    assert plan["chosen"]["promise"]["confidence"] == pytest.approx(0.9)  # half of the risk
    assert "At least 80 %" in plan["chosen"]["promise"]["sentence"]
    assert len(plan["offers"]) == 9
    lenient = plan["offers"][2]
    assert lenient == {**plan["chosen"], "aim": "lenient"}  # one promise has one price
    assert [part["name"] for part in plan["parts"]] == plan["categories"]
    assert not files.root(world.project).exists()
    assert world.certification.status() == {"certificate": None, "certificates": []}


def test_beginning_freezes_the_pairs_the_bets_and_the_draws(world: Services) -> None:
    begun = world.certification.plan(**WISHES, start=True)

    with world.store.reading() as tx:
        row = certificates.get(tx, begun["certificate"])
    plan = frozen.read(world.project, row)
    pairs = files.read(world.project, row.id, files.PAIRS)
    scores = np.load(world.project.versions_path / "0001" / "scores.npy")
    ordered = scores[pairs[:, 0], pairs[:, 1]]
    assert (np.diff(ordered) >= -1e-4).all()  # probabilities are kept in half the precision
    assert len(np.unique(pairs, axis=0)) == len(pairs) == 49 * 400
    np.testing.assert_array_equal(pairs[plan.draws[:, 0]], plan.draws[:, 1:])
    assert plan.promise == begun["chosen"]["promise"]
    assert plan.linear.risk == pytest.approx(0.1)
    assert plan.price == begun["question_seconds"] / begun["pair_seconds"]
    assert row.plan["forecast"]["questions"] == begun["chosen"]["questions"]
    assert row.plan["images"] == 400
    kept = json.loads((files.folder(world.project, 1) / files.PLAN).read_text())
    assert kept == json.loads(json.dumps(dict(row.plan)))
    frozen.check(world.project, row)


def test_neither_answers_nor_waiting_move_a_draw(world: Services, clock: Any) -> None:
    world.certification.plan(**WISHES, start=True)
    before = (files.folder(world.project, 1) / files.DRAWS).read_bytes()
    world.probing.card("ann", "a card")
    with world.store.writing() as tx:
        for probe in probes.of_card(tx, "a card"):
            probes.answered(tx, probe.id, 1, State.PRESENT, clock(), 900)
    clock.forward(1e6)
    world.certification.status()

    assert (files.folder(world.project, 1) / files.DRAWS).read_bytes() == before
    with world.store.reading() as tx:
        plan = frozen.read(world.project, certificates.get(tx, 1))
        drawn = certificates.drawn(tx, 1)
        ordinals = [(d.image_id - 1, d.category_id - 1) for d in drawn]
    assert ordinals
    assert ordinals == [tuple(pair) for pair in plan.draws[: len(drawn), 1:].tolist()]


def test_only_one_certificate_is_open_and_each_further_plan_gets_half_the_risk(
    world: Services,
) -> None:
    world.certification.plan(**WISHES, start=True)

    with pytest.raises(AnnotatorError, match="Certificate 1 is open"):
        world.certification.plan(**WISHES, start=True)
    world.certification.cancel()
    second = world.certification.plan(**WISHES, start=True)

    assert (second["certificate"], second["plan_of_the_project"]) == (2, 2)
    assert plan_of(world, 2)["promise"]["confidence"] == pytest.approx(0.95)
    assert plan_of(world, 2)["risks"]["linear"] == pytest.approx(0.05)


def test_a_model_that_knows_nothing_is_refused_in_a_sentence(world: Services) -> None:
    give(world, lambda scores: np.full_like(scores, -2.4))

    plan = world.certification.plan(offers=True)

    assert "the same probability" in plan["refused"] == plan["chosen"]["refused"]
    assert plan["offers"] == plan["parts"] == []
    with pytest.raises(NotReady, match="label more pairs and train again"):
        world.certification.plan(start=True)
    with pytest.raises(NotReady, match="the same probability"):
        world.certification.plan(pilot=400, start=True)
    assert not files.root(world.project).exists()


def test_scores_that_are_no_numbers_leave_their_pairs_open(world: Services) -> None:
    def with_holes(scores: np.ndarray) -> np.ndarray:
        holes = scores.copy()
        holes.ravel()[::10] = np.nan
        holes.ravel()[1::1000] = np.inf
        return holes

    give(world, with_holes)

    plan = world.certification.plan(**WISHES)

    assert plan["refused"] == ""
    assert 0.85 * 49 * 400 < plan["pool"] < 0.91 * 49 * 400


def test_a_project_runs_out_of_risk_in_a_sentence(world: Services, monkeypatch: Any) -> None:
    monkeypatch.setattr(planning, "MOST_PLANS", 0)

    with pytest.raises(NotReady, match="nothing can be proven any more"):
        world.certification.plan(start=True)


def test_a_project_without_a_version_is_refused(services: Services) -> None:
    with pytest.raises(NotReady, match="train one first"):
        services.certification.plan()


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"promise": "all"}, "--promise must be recall, precision-recall or f1"),
        ({"recall": 1.0}, "--recall must be between 0 and 1"),
        ({"f1": 0.9}, "--f1 has no effect on --promise recall; .* choose --promise f1"),
        ({"precision": 0.0}, "--precision"),
        ({"f1": -3.0}, "--f1"),
        ({"recall": float("nan")}, "--recall"),
        ({"confidence": 1}, "--confidence"),
        ({"over": "x"}, "--over must be pool or dataset"),
        ({"question_seconds": 0.0}, "--question-seconds must be above 0"),
        ({"pair_seconds": float("nan")}, "--pair-seconds must be above 0"),
    ],
)
def test_options_out_of_range_are_refused(world: Services, wish: Any, says: str) -> None:
    with pytest.raises(AnnotatorError, match=says):
        world.certification.plan(**wish)
