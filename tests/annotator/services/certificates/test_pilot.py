from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from annotator.arrays import certificates as files
from annotator.arrays import checksums
from annotator.domain import State
from annotator.errors import AnnotatorError, NotReady
from annotator.services.app import Services
from annotator.services.certificates.rows import PilotStatus
from annotator.settings import load_project
from annotator.store import Store, categories, certificates, images, probes
from annotator.store.tables import probe as probe_table

WISHES: dict[str, Any] = {"recall": 0.7, "confidence": 0.8}
PILOT = 200


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, oracle.make_project(folder, margin=6.0)


def opened(path: Path, clock: Any) -> Services:
    project = load_project(path)
    services = Services(project, Store.open(project.database_url), clock)
    services.certification._seed = lambda: 11
    return services


@pytest.fixture
def services(
    tmp_path: Path, template: tuple[Path, Any], oracle: Any, clock: Any
) -> Iterator[Services]:
    made = opened(oracle.copy_project(template[0], tmp_path), clock)
    yield made
    made.close()


def too_sure(services: Services, slope: float = 3.0) -> None:
    """Let the version's scores be this many times as far from even as they should be."""
    for name in ("scores.npy", "scores_by_category.npy"):
        path = services.project.versions_path / "0001" / name
        np.save(path, np.load(path) * np.float32(slope))
        checksums.record(path.parent, [name])


def questions(services: Services, purpose: str = "pilot") -> list[Any]:
    query = sa.select(probe_table).where(probe_table.c.purpose == purpose)
    with services.store.reading() as tx:
        return list(tx.execute(query.order_by(probe_table.c.id)))


def answer_all(services: Services, truth: Any, clock: Any, *, least: int = 0) -> None:
    """Answer the pilot by the truth, except for the last `least` questions."""
    rows = questions(services)
    with services.store.writing() as tx:
        for row in rows[: len(rows) - least]:
            there = bool(truth[row.image_id - 1, row.category_id - 1])
            state = State.PRESENT if there else State.ABSENT
            probes.answered(tx, row.id, 1, state, clock(), 900)


def named(services: Services) -> None:
    services.probing.card("ann", "first")


def test_a_pilot_asks_its_questions_first_and_freezes_nothing(services: Services) -> None:
    begun = services.certification.plan(**WISHES, pilot=PILOT, start=True)

    card = services.probing.card("ann", "c")["questions"]

    assert begun["certificate"] == 1
    assert begun["pilot"] == {"asked": PILOT, "answered": 0, "present": 0}
    rows = questions(services)
    assert len(rows) == PILOT
    assert len({(r.image_id, r.category_id) for r in rows}) == PILOT
    assert {r.id for r in rows} >= {q["probe"] for q in card[1:]} - {
        r.id for r in questions(services, "audit")
    }
    assert sum(q["probe"] in {r.id for r in rows} for q in card) == 9
    assert not files.folder(services.project, 1).exists()
    status = services.certification.status()
    TypeAdapter(PilotStatus).validate_python(status, strict=True)
    assert (status["state"], status["fill"]) == ("open", {"present": 0, "absent": 0})
    assert status["pilot"] == {**begun["pilot"], "open": True, "done": False}
    assert "0 of 200 pilot questions" in status["sentences"][0]


def test_half_of_a_pilot_follows_the_predicted_present_pairs(services: Services) -> None:
    services.certification.plan(**WISHES, pilot=2_000, start=True)

    scores = np.load(services.project.versions_path / "0001" / "scores.npy")
    asked = np.array([scores[r.image_id - 1, r.category_id - 1] for r in questions(services)])

    assert asked.mean() > scores.mean() + 2  # far more likely ones than the pool has
    assert (asked < np.median(scores)).any()  # and still some of the others


def test_nothing_begins_or_is_filled_in_before_the_pilot_is_answered(
    services: Services, template: Any, clock: Any
) -> None:
    services.certification.plan(**WISHES, pilot=PILOT, start=True)
    named(services)
    answer_all(services, template[1], clock, least=3)

    with pytest.raises(NotReady, match="197 of 200 pilot questions are answered"):
        services.certification.plan(start=True)
    with pytest.raises(NotReady, match="Pilot answers prove nothing"):
        services.certification.apply()

    assert services.certification.plan()["pilot"]["answered"] == 197


def test_after_a_restart_the_pilot_goes_on_and_its_pairs_leave_the_pool(
    services: Services, template: Any, clock: Any
) -> None:
    services.certification.plan(**WISHES, pilot=PILOT, start=True)
    named(services)
    answer_all(services, template[1], clock)
    services.close()
    again = opened(services.project.path, clock)

    begun = again.certification.plan(start=True)

    pilot = {(r.image_id - 1, r.category_id - 1) for r in questions(again)}
    audits = {(r.image_id - 1, r.category_id - 1) for r in questions(again, "audit")}
    pairs = files.read(again.project, 1, files.PAIRS)
    assert begun["certificate"] == 1
    assert begun["chosen"]["promise"]["recall"] == 0.7  # as it was asked for in the first place
    assert begun["chosen"]["promise"]["confidence"] == pytest.approx(0.9)
    assert len(pairs) == 50 * 400 - len(pilot | audits)
    assert pilot.isdisjoint(map(tuple, pairs.tolist()))
    status = again.certification.status()
    assert status["answers"] == 0  # none of the pilot's answers is evidence
    assert status["pilot"]["ladder"] in ("plain", "refitted")
    assert any(s.startswith("A pilot of 200 questions") for s in status["sentences"])
    again.probing.card("ann", "c2")
    assert questions(again, "bound")  # now those of the proof
    again.close()


def test_where_the_model_is_too_sure_the_refitted_ladder_is_frozen(
    services: Services, template: Any, clock: Any
) -> None:
    too_sure(services)
    services.certification.plan(**WISHES, pilot=400, start=True)
    named(services)
    answer_all(services, template[1], clock)

    services.certification.plan(start=True)

    with services.store.reading() as tx:
        plan = certificates.get(tx, 1).plan
    assert plan["pilot"]["ladder"] == "refitted"
    assert plan["pilot"]["people"]["refitted"] < plan["pilot"]["people"]["plain"]
    pairs = files.read(services.project, 1, files.PAIRS)
    first = pairs[: plan["rungs"][-1][0]]
    lost = int(template[1][first[:, 0], first[:, 1]].sum())
    total = int(template[1][pairs[:, 0], pairs[:, 1]].sum())
    assert lost < 0.45 * total  # the plain ladder would have lost far more than promised


def test_a_model_that_is_right_keeps_its_own_ladder_or_one_much_like_it(
    services: Services, template: Any, clock: Any
) -> None:
    services.certification.plan(**WISHES, pilot=400, start=True)
    named(services)
    answer_all(services, template[1], clock)

    services.certification.plan(start=True)

    with services.store.reading() as tx:
        people = certificates.get(tx, 1).plan["pilot"]["people"]
    assert abs(people["refitted"] - people["plain"]) < 0.2 * 20_000


def test_what_nobody_can_tell_is_left_out_of_the_refit(services: Services, clock: Any) -> None:
    services.certification.plan(**WISHES, pilot=PILOT, start=True)
    named(services)
    with services.store.writing() as tx:
        for row in questions(services):
            probes.answered(tx, row.id, 1, State.UNSURE, clock(), 900)

    begun = services.certification.plan(start=True)

    assert begun["pilot"] == {"asked": PILOT, "answered": PILOT, "present": 0}
    with services.store.reading() as tx:
        people = certificates.get(tx, 1).plan["pilot"]["people"]
    assert people["plain"] == people["refitted"]


def test_a_pilot_alone_costs_no_risk_and_can_be_cancelled(services: Services) -> None:
    services.certification.plan(**WISHES, pilot=PILOT, start=True)

    services.certification.cancel()
    begun = services.certification.plan(**WISHES, start=True)

    assert begun["certificate"] == 2
    assert begun["plan_of_the_project"] == 1
    assert begun["chosen"]["promise"]["confidence"] == pytest.approx(0.9)
    listed = services.certification.status()["certificates"]
    assert [c["state"] for c in listed] == ["cancelled", "open"]
    assert services.certification.status(1)["state"] == "cancelled"


def test_what_came_after_the_plan_is_said_not_to_be_covered(services: Services) -> None:
    services.certification.plan(**WISHES, start=True)
    before = services.certification.status()["sentences"]
    root = next(iter(services.project.settings.roots))
    with services.store.writing() as tx:
        images.add(tx, root, [images.FoundImage("new.png", "0" * 64, 8, 6, "PNG", 9, 0)], [])
        categories.add(tx, [categories.NewCategory(name="new thing")])

    after = services.certification.status()["sentences"]

    assert not any("not covered" in sentence for sentence in before)
    assert "Added after the plan and not covered by it: 1 image and 1 category" in " ".join(after)


def test_a_changed_category_voids_a_pilot(services: Services) -> None:
    services.certification.plan(**WISHES, pilot=PILOT, start=True)
    with services.store.writing() as tx:
        categories.edit(tx, 7, description="Something else.")

    status = services.certification.status()

    assert status["state"] == "void"
    assert services.certification.plan(**WISHES, start=True)["certificate"] == 2


@pytest.mark.parametrize("count", [5, 100_000, -3])
def test_a_pilot_of_a_senseless_size_is_refused(services: Services, count: int) -> None:
    with pytest.raises(AnnotatorError, match="--pilot is 0 or 100 to 2,000"):
        services.certification.plan(pilot=count)
