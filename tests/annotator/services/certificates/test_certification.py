from __future__ import annotations

import json
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
from annotator.errors import AnnotatorError, NotFound, NotReady
from annotator.services.app import Services
from annotator.services.certificates import pool
from annotator.services.certificates.blind_questions import APART
from annotator.services.certificates.rows import ProofStatus
from annotator.services.labelling.label import MOST_ITEMS
from annotator.settings import load_project
from annotator.store import Store, answers, categories, certificates, images, probes
from annotator.store.tables import answer as answer_table
from annotator.store.tables import certificate as certificate_table
from annotator.store.tables import label as label_table
from annotator.store.tables import probe as probe_table
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest

pytestmark = pytest.mark.slow

WISHES: dict[str, Any] = {"max_lost": 0.3, "confidence": 0.8}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, oracle.make_project(folder, ranked=(7,))


@pytest.fixture
def world(
    tmp_path: Path, template: tuple[Path, Any], oracle: Any, clock: Any
) -> Iterator[tuple[Services, Any]]:
    folder, truth = template
    project = load_project(oracle.copy_project(folder, tmp_path))
    services = Services(project, Store.open(project.database_url), clock)
    services.certification._seed = lambda: 11
    yield services, oracle.Oracle(services, truth, clock)
    services.close()


@pytest.fixture(scope="module")
def asked(
    tmp_path_factory: pytest.TempPathFactory, template: tuple[Path, Any], oracle: Any
) -> tuple[Path, Any]:
    """A project whose certificate has been asked about until something can be filled in."""
    folder, truth = template
    path = tmp_path_factory.mktemp("asked")
    services = Services.open(oracle.copy_project(folder, path))
    clock = oracle.Ticking()
    services.probing._clock = clock
    services.certification._seed = lambda: 11
    services.certification.plan(**WISHES, start=True)
    oracle.Oracle(services, truth, clock).answer(oracle.PLENTY)
    services.close()
    return path, truth


@pytest.fixture
def proven(
    tmp_path: Path, asked: tuple[Path, Any], oracle: Any, clock: Any
) -> Iterator[tuple[Services, Any]]:
    path, truth = asked
    project = load_project(oracle.copy_project(path, tmp_path / "proven"))
    services = Services(project, Store.open(project.database_url), clock)
    clock.forward(10_000_000)
    made = oracle.Oracle(services, truth, clock)
    made.cards = 1000
    yield services, made
    services.close()


def rows(services: Services) -> list[Any]:
    with services.store.reading() as tx:
        return list(tx.execute(sa.select(probe_table).order_by(probe_table.c.id)))


def bound_rows(services: Services) -> list[Any]:
    return [row for row in rows(services) if row.purpose == "bound"]


def say(services: Services, image: int, category: int, state: str = "present") -> None:
    change = {"category": category, "state": state}
    operation = {"op": f"{image}-{category}-{state}", "kind": "answer", "image": image}
    services.recording.save("ann", SaveRequest(**operation, changes=[change]))


def filled_of(services: Services, image: int) -> dict[str, Any]:
    found: dict[str, Any] = services.labelling.items("ann", [image])[0]["filled"]
    return found


def every_item(services: Services) -> list[Any]:
    parts = [range(first, first + MOST_ITEMS) for first in range(1, 401, MOST_ITEMS)]
    return [item for part in parts for item in services.labelling.items("ann", part)]


def a_filled_pair(services: Services, state: str = "absent") -> tuple[int, int]:
    for image in range(1, 400):
        for category, one in filled_of(services, image).items():
            if one["state"] == state:
                return image, int(category)
    raise AssertionError(f"nothing is filled in as {state}")


def test_a_plan_says_what_could_be_filled_in_and_begins_nothing(world: Any) -> None:
    services, _ = world

    plan = services.certification.plan(**WISHES)

    assert (plan["pool"], plan["version"], plan["refused"]) == (49 * 400, 1, "")
    assert plan["suggest_only"] == ["thing 7"]
    assert plan["best"]["fill_absent"] > 15_000
    assert plan["best"]["people"] < 0.3 * plan["pool"]
    assert plan["promise"]["confidence"] == pytest.approx(0.9)  # half of the risk: it is the first
    assert services.certification.status() == {"certificate": None, "certificates": []}


def test_a_model_that_knows_nothing_is_refused_in_a_sentence(world: Any) -> None:
    services, _ = world
    path = services.project.versions_path / "0001"
    scores = np.load(path / "scores_by_category.npy")
    np.save(path / "scores_by_category.npy", np.full_like(scores, -2.4))
    checksums.record(path, ["scores_by_category.npy"])

    plan = services.certification.plan()

    assert plan["refused"].startswith("The model is not good enough yet")
    with pytest.raises(NotReady, match="not good enough"):
        services.certification.plan(start=True)
    assert not files.root(services.project).exists()


def test_a_small_pool_and_a_project_without_a_version_are_refused(services: Services) -> None:
    with pytest.raises(NotReady, match="train one first"):
        services.certification.plan()


@pytest.mark.parametrize(
    ("wish", "says"),
    [({"max_error": 0}, "--max-error"), ({"confidence": 1}, "--conf"), ({"over": "x"}, "--over")],
)
def test_wishes_out_of_range_are_refused(world: Any, wish: Any, says: str) -> None:
    with pytest.raises(AnnotatorError, match=says):
        world[0].certification.plan(**wish)


def test_beginning_freezes_the_pairs_in_order_of_their_probability(world: Any) -> None:
    services, _ = world

    begun = services.certification.plan(**WISHES, start=True)

    pairs = files.read(services.project, begun["certificate"], files.PAIRS)
    scores = np.load(services.project.versions_path / "0001" / "scores.npy")
    ordered = scores[pairs[:, 0], pairs[:, 1]]
    assert (np.diff(ordered) >= -1e-4).all()  # probabilities are kept in half the precision
    assert pairs.shape == (49 * 400, 2)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    with services.store.reading() as tx:
        plan = certificates.get(tx, 1).plan
    folder = files.folder(services.project, 1)
    assert files.file_hash(folder / files.PAIRS) == plan["sha256"]
    assert json.loads((folder / files.PLAN).read_text())["fill"] == json.loads(
        json.dumps(plan["fill"])
    )
    assert plan["fill"]["promise"]["risk"] == pytest.approx(0.1)


def test_only_one_certificate_is_open_and_each_further_plan_gets_half_the_risk(world: Any) -> None:
    services, _ = world
    services.certification.plan(**WISHES, start=True)

    with pytest.raises(AnnotatorError, match="Certificate 1 is open"):
        services.certification.plan(**WISHES, start=True)
    services.certification.cancel()
    second = services.certification.plan(**WISHES, start=True)

    assert second["certificate"] == 2
    assert second["promise"]["confidence"] == pytest.approx(0.95)
    states = [c["state"] for c in services.certification.status()["certificates"]]
    assert states == ["cancelled", "open"]
    assert any("hold jointly with 80 %" in s for s in services.certification.status()["sentences"])


def test_draws_depend_on_sizes_and_seed_and_not_on_scores(world: Any) -> None:
    services, _ = world
    services.certification.plan(**WISHES, start=True)
    with services.store.reading() as tx:
        row = certificates.get(tx, 1)
    plan = pool.plan_of(row.plan["fill"])
    pairs = np.array(files.read(services.project, 1, files.PAIRS))
    draws = np.array(files.read(services.project, 1, files.DRAWS))
    shuffled = pairs.copy()
    np.random.default_rng(0).shuffle(shuffled[: plan.absent_size])

    again = pool.draw(plan, pairs, row.plan["seed"])
    others = pool.draw(plan, shuffled, row.plan["seed"])

    assert (again == draws).all()
    assert (others[:, :2] == draws[:, :2]).all()  # the same places, whatever lies there
    for zone in range(3):
        places = draws[draws[:, 0] == zone, 1]
        assert len(np.unique(places)) == len(places)


def test_draws_inside_a_zone_are_uniform(world: Any) -> None:
    services, _ = world
    services.certification.plan(**WISHES, start=True)
    with services.store.reading() as tx:
        plan = pool.plan_of(certificates.get(tx, 1).plan["fill"])
    pairs = np.array(files.read(services.project, 1, files.PAIRS))

    firsts = []
    for seed in range(300):
        draws = pool.draw(plan, pairs, seed)
        firsts.append(draws[draws[:, 0] == 2, 1][:20])
    share = np.histogram(np.concatenate(firsts), bins=10, range=(0, plan.absent_size))[0] / 6000

    assert abs(share - 0.1).max() < 0.02  # five standard deviations


def test_questions_come_on_mixed_cards_that_tell_nothing(world: Any) -> None:
    services, oracle = world
    services.certification.plan(**WISHES, start=True)

    cards = [services.probing.card("ann", f"c{n}")["questions"] for n in range(6)]

    keys = {"probe", "image", "width", "height", "category", "said", "problem"}
    assert all(set(q) == keys for card in cards for q in card)
    assert all(len(card) == 10 for card in cards)
    drawn = {row.id: row for row in rows(services)}
    zones = [[drawn[q["probe"]].zone for q in card] for card in cards]
    assert all(card.count(None) == 1 for card in zones)  # an audit question
    assert {zone for card in zones for zone in card} == {None, "present", "middle", "absent"}
    places = [card.index(None) for card in zones]
    assert len(set(places)) > 1
    assert oracle.truth is not None


def test_a_drawn_pair_that_was_labelled_meanwhile_counts_with_its_label(world: Any) -> None:
    services, _ = world
    services.certification.plan(**WISHES, start=True)
    draws = np.array(files.read(services.project, 1, files.DRAWS))
    first = draws[draws[:, 0] == 2][0]
    say(services, int(first[2]) + 1, int(first[3]) + 1)

    services.probing.card("ann", "c")

    row = next(r for r in bound_rows(services) if (r.zone, r.position) == ("absent", 0))
    assert (row.state, row.image_id, row.category_id) == (1, first[2] + 1, first[3] + 1)
    assert row.card is None


def test_a_missing_picture_is_not_skipped_but_counts_against_the_fill(world: Any) -> None:
    services, _ = world
    services.certification.plan(**WISHES, start=True)
    services.probing.card("ann", "c")
    row = next(r for r in bound_rows(services) if r.zone == "absent" and r.card is None)
    root = next(iter(services.project.settings.roots))
    with services.store.writing() as tx:
        path = images.paths_of(tx, [row.image_id])[row.image_id][0].path
        images.mark_missing(tx, root, [path])

    services.probing.card("bob", "d")

    after = next(r for r in rows(services) if r.id == row.id)
    assert after.state == 2  # cannot tell
    look = next(
        x for x in services.certification._bound.evidence(*open_one(services)).looks
        if (x.zone, x.position) == (row.zone, row.position)
    )  # fmt: skip
    assert look.present


def open_one(services: Services) -> Any:
    with services.store.reading() as tx:
        row = certificates.in_state(tx, certificates.CertificateState.OPEN)[0]
        return row, certificates.drawn(tx, row.id)


def test_a_gap_in_the_order_of_a_zone_stops_the_count(world: Any) -> None:
    services, oracle = world
    services.certification.plan(**WISHES, start=True)
    oracle.answer(5)
    row, drawn = open_one(services)
    before = len(services.certification._bound.evidence(row, drawn).kept)
    first = next(d for d in drawn if (d.zone, d.position) == ("absent", 0))
    with services.store.writing() as tx:
        query = sa.update(probe_table).where(probe_table.c.id == first.id)
        tx.execute(query.values(state=None, answered_at=None))

    found = services.certification._bound.evidence(*open_one(services))

    assert before > 20
    assert [look for look in found.kept if look.zone == "absent"] == []


def test_cannot_tell_counts_against_the_fill_on_both_sides(world: Any) -> None:
    services, oracle = world
    services.certification.plan(**WISHES, start=True)

    oracle.answer(12, say=State.UNSURE)

    zones = {z["zone"]: z for z in services.certification.status()["zones"]}
    assert zones["absent"]["against"] == zones["absent"]["answered"] > 0
    assert zones["present"]["against"] == zones["present"]["answered"] > 0
    assert zones["middle"]["present"] == 0
    assert services.certification.status()["fill"] == {"present": 0, "absent": 0}


def test_a_surprise_is_asked_again_later_and_the_majority_counts(world: Any, clock: Any) -> None:
    services, oracle = world
    services.certification.plan(**WISHES, start=True)
    oracle.answer(2)
    first = next(r for r in bound_rows(services) if r.zone == "absent" and r.state == 0)
    with services.store.writing() as tx:
        probes.answered(tx, first.id, 1, State.PRESENT, clock(), 900)
    before = {z["zone"]: z for z in services.certification.status()["zones"]}

    oracle.answer(1)
    too_early = [r for r in rows(services) if r.purpose == "again" and r.zone == "absent"]
    oracle.answer(18)

    again = [r for r in rows(services) if r.purpose == "again"]
    mine = [r for r in again if (r.zone, r.position) == ("absent", first.position)]
    between = [r for r in rows(services) if r.answered_at and first.answered_at < r.answered_at]
    assert too_early == []
    assert len(mine) == 2  # the first said absent, so a third decided
    assert sum(r.answered_at < mine[0].answered_at for r in between) >= APART
    look = next(
        x for x in services.certification._bound.evidence(*open_one(services)).looks
        if (x.zone, x.position) == ("absent", first.position)
    )  # fmt: skip
    assert before["absent"]["against"] == 1
    assert look.states == (State.PRESENT, State.ABSENT, State.ABSENT)
    assert not look.present


def test_with_a_good_model_the_absent_side_is_filled_in(proven: Any) -> None:
    services, oracle = proven
    status = services.certification.status()
    preview = services.certification.apply(dry_run=True)

    done = services.certification.apply()

    for said in (status, services.certification.status()):  # what is kept as JSON is of its type
        TypeAdapter(ProofStatus).validate_python(said, strict=True)
    assert status["fill"]["absent"] > 12_000
    assert preview == {**done, "applied": False}
    pairs = files.read(services.project, 1, files.PAIRS)
    lost = wrong = filled = 0
    with services.store.reading() as tx:
        every = services.fills.of_images(tx, list(range(400)))
        counts = services.fills.counts(tx)
    for image, one in every.items():
        for category, said in one.items():
            filled += 1
            truth = bool(oracle.truth[image, category])
            lost += truth and said.state is State.ABSENT
            wrong += not truth and said.state is State.PRESENT
    assert filled == done["present"] + done["absent"] == sum(counts.values())
    total = int(oracle.truth[pairs[:, 0], pairs[:, 1]].sum())
    assert lost <= WISHES["max_lost"] * total
    assert wrong <= 0.05 * max(done["present"], 1)


def test_the_bounds_close_and_what_is_certified_stays(proven: Any) -> None:
    services, _ = proven

    status = services.certification.status()

    lost = [p["absent"] for p in status["closing"] if p["absent"] is not None]
    assert lost[0] > 2 * lost[-1]
    assert len(status["closing"]) <= 40
    certified = status["bounds"][-1]["certified_steps"]
    with services.store.writing() as tx:
        query = sa.update(probe_table).where(probe_table.c.zone == "absent")
        tx.execute(query.values(state=1))
    assert services.certification.status()["bounds"][-1]["certified_steps"] == certified > 0


def test_a_blind_answer_is_never_filled_in_otherwise_and_nothing_becomes_a_label(
    proven: Any,
) -> None:
    services, _ = proven
    services.certification.apply()

    agreed, shown = 0, {item["id"]: item["filled"] for item in every_item(services)}
    for row in rows(services)[:400]:
        filled = shown[row.image_id].get(str(row.category_id))
        said = {0: "absent", 1: "present"}.get(row.state)
        assert filled is None or filled["state"] == said
        agreed += filled is not None
    assert agreed > 50
    with services.store.reading() as tx:
        assert len(answers.label_table(tx).image) == 0
        assert tx.execute(sa.select(sa.func.count()).select_from(answer_table)).scalar() == 0
        assert tx.execute(sa.select(sa.func.count()).select_from(label_table)).scalar() == 0


def test_a_filled_pair_is_neither_asked_nor_suggested_and_an_answer_wins(proven: Any) -> None:
    services, _ = proven
    done = services.certification.apply()
    before = services.progress.state()
    image, category = a_filled_pair(services)
    item = services.labelling.items("ann", [image])[0]
    open_before = services.verification.counts()[str(category)]["open"]

    say(services, image, category)

    assert {str(c) for c in (*item["ask"], *item["suggested"])}.isdisjoint(item["filled"])
    after = services.progress.state()
    assert str(category) not in filled_of(services, image)
    assert before["filled"] == done["present"] + done["absent"]
    assert (after["filled"], after["answered"]) == (before["filled"] - 1, 1)
    assert (after["open"], before["open"]) == (before["open"], 20_000 - before["filled"])
    assert services.verification.counts()[str(category)]["open"] == open_before
    services.recording.undo("ann", BackRequest(op="u"))
    assert services.progress.state()["filled"] == before["filled"]
    assert filled_of(services, image)[str(category)] == {"state": "absent", "certificate": 1}


def test_a_page_of_the_grid_has_no_filled_pair(proven: Any) -> None:
    services, _ = proven
    services.certification.apply()
    _, category = a_filled_pair(services)

    asked = {"category": category, "mode": "uncertain", "count": 400}
    page = services.verification.page("ann", PageRequest(**asked, tab="tab"))

    assert 5 < len(page["items"]) < 100
    for item in page["items"]:
        assert str(category) not in filled_of(services, item["id"])


def test_what_people_answered_before_applying_is_left_as_it_is(proven: Any) -> None:
    services, _ = proven
    pairs = np.array(files.read(services.project, 1, files.PAIRS))
    image, category = (int(o) + 1 for o in pairs[0])
    say(services, image, category, "present")
    without = services.certification.apply(dry_run=True)["absent"]

    services.certification.apply()

    item = services.labelling.items("ann", [image])[0]
    assert str(category) not in item["filled"]
    assert item["labels"][str(category)]["state"] == "present"
    assert services.progress.state()["filled"] >= without


def test_applying_twice_and_rolling_back_what_is_not_applied_is_refused(proven: Any) -> None:
    services, _ = proven
    with pytest.raises(AnnotatorError, match="is open; only one that is applied"):
        services.certification.roll_back(1)
    services.certification.apply()

    with pytest.raises(NotFound, match="No certificate is open"):
        services.certification.apply()
    with pytest.raises(AnnotatorError, match="Certificate 1 is applied, not open"):
        services.certification.apply(1)
    with pytest.raises(NotFound, match="no certificate 9"):
        services.certification.roll_back(9)


def test_rolling_back_opens_the_pairs_again_and_keeps_the_files(proven: Any) -> None:
    services, _ = proven
    done = services.certification.apply()

    back = services.certification.roll_back(1)

    assert back["pairs"] == done["present"] + done["absent"]
    assert services.progress.state()["filled"] == 0
    assert (files.folder(services.project, 1) / files.FILL).exists()
    assert services.certification.plan(**WISHES)["pool"] > 17_000
    with services.store.reading() as tx:
        row = tx.execute(sa.select(certificate_table)).one()
    assert (row.state, row.rolled_back_at is not None) == ("rolled_back", True)


def test_nothing_is_filled_in_before_anything_is_certified(world: Any) -> None:
    services, oracle = world
    services.certification.plan(**WISHES, start=True)
    oracle.answer(2)

    with pytest.raises(NotReady, match="Nothing can be filled in yet"):
        services.certification.apply()

    with services.store.reading() as tx:
        assert certificates.get(tx, 1).state == "open"


def test_a_changed_category_voids_an_open_plan_and_hides_its_fill_later(
    world: Any, proven: Any
) -> None:
    services, _ = world
    services.certification.plan(**WISHES, start=True)
    with services.store.writing() as tx:
        categories.edit(tx, 7, description="Something else.")
    applied, _ = proven
    done = applied.certification.apply()
    with applied.store.writing() as tx:
        categories.rename(tx, 3, "other thing")

    with pytest.raises(NotFound, match="No certificate is open"):
        services.certification.apply()

    assert services.certification.status()["state"] == "void"
    assert "void" in " ".join(services.certification.status()["sentences"])
    status = applied.certification.status()
    assert status["changed_categories"] == ["other thing"]
    assert applied.progress.state()["filled"] < done["present"] + done["absent"]
    assert all("3" not in filled_of(applied, image) for image in range(1, 20))


def test_the_next_pool_leaves_out_what_is_filled_asked_or_labelled(proven: Any) -> None:
    services, _ = proven
    done = services.certification.apply()
    asked_pairs = {(r.image_id, r.category_id) for r in rows(services) if r.category_id != 8}
    filled = {(item["id"], int(c)) for item in every_item(services) for c in item["filled"]}
    left = asked_pairs - filled

    plan = services.certification.plan(**WISHES)

    assert plan["pool"] == 49 * 400 - done["present"] - done["absent"] - len(left)
    assert plan["plan_of_the_project"] == 2


def test_known_present_pairs_offer_the_promise_over_the_data_set(world: Any) -> None:
    services, oracle = world
    for image, category in np.argwhere(oracle.truth)[:40]:
        say(services, int(image) + 1, int(category) + 1)

    plan = services.certification.plan(**WISHES)

    known = int(sum(category != 7 for _, category in np.argwhere(oracle.truth)[:40]))
    assert plan["known_present"] == known
    assert {one["over"] for one in plan["forecasts"]} == {"pool", "dataset"}
    assert plan["over"] == "dataset"


def test_certified_pairs_are_exported_with_their_certificate_and_never_come_back_as_labels(
    proven: Any, tmp_path: Path
) -> None:
    services, _ = proven
    done = services.certification.apply()
    image, category = a_filled_pair(services)
    say(services, image, category)

    (path,) = services.transfer.export(tmp_path / "out", content="certified")
    counts = services.transfer.export_counts("certified")
    preview = services.transfer.preview(path)

    written = json.loads(path.read_text())
    table = written["image_labels"]
    filled = [row for row in table if row["source"] == "certified"]
    assert path.name == "certified_all.json"
    assert len(filled) == done["present"] + done["absent"] - 1
    assert {row["certificate"] for row in filled} == {1}
    assert [row["source"] for row in table if row["source"] != "certified"] == ["human"]
    assert written["info"]["certified"] is True
    assert written["info"]["certificates"][0]["statement"]["absent"]["promised_miss"] == 0.3
    assert counts["filled_present"] + counts["filled_absent"] == len(filled)
    assert preview.suggestions == len(filled)
    assert preview.present + preview.absent == 0
    assert services.transfer.export_counts("answered")["filled_absent"] == 0


def test_a_category_with_few_answers_has_no_promise_of_its_own(proven: Any) -> None:
    services, _ = proven

    own = services.certification.status()["categories"]

    assert own["promised"] == []
    assert len(own["no_promise_of_its_own"]) == 49
    assert own["risk"] == 0.1
