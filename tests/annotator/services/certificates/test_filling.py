"""From a proven certificate to its fill, and back: one whole life of each kind of promise."""

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
from annotator.domain import State
from annotator.errors import AnnotatorError, NotFound
from annotator.services.app import Services
from annotator.services.certificates.rows import ProofStatus
from annotator.services.labelling.label import MOST_ITEMS
from annotator.settings import load_project
from annotator.store import Store, answers, categories
from annotator.store.tables import answer as answer_table
from annotator.store.tables import certificate as certificate_table
from annotator.store.tables import label as label_table
from annotator.store.tables import probe as probe_table
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest

pytestmark = pytest.mark.slow

PROMISES: dict[str, dict[str, Any]] = {
    "recall": {"promise": "recall", "recall": 0.7, "confidence": 0.8},
    "precision_recall": {
        "promise": "precision_recall",
        "recall": 0.7,
        "precision": 0.8,
        "confidence": 0.8,
    },
    "f1": {"promise": "f1", "f1": 0.8, "confidence": 0.8},
}
ROUNDS = 6
"""Hundreds of answers after which the good model has surely filled in something."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, oracle.make_project(folder, ranked=(7,))


@pytest.fixture(scope="module", params=sorted(PROMISES))
def asked(
    request: Any, tmp_path_factory: pytest.TempPathFactory, template: tuple[Path, Any], oracle: Any
) -> tuple[Path, Any, str]:
    """A project whose certificate two people have been asked about until it can fill in."""
    folder, truth = template
    path = tmp_path_factory.mktemp(request.param)
    services = Services.open(oracle.copy_project(folder, path))
    clock = oracle.Ticking()
    services.probing._clock = clock
    services.certification._seed = lambda: 11
    services.certification.plan(**PROMISES[request.param], start=True)
    people = oracle.Oracle(services, truth, clock)
    for who in ("ann", "bob", "ann", "bob"):
        people.answer(2, who=who)
    for _ in range(ROUNDS):
        people.answer_at_once(100)
    services.close()
    return path, truth, request.param


@pytest.fixture
def proven(
    tmp_path: Path, asked: tuple[Path, Any, str], oracle: Any, clock: Any
) -> Iterator[tuple[Services, Any]]:
    path, truth, _ = asked
    project = load_project(oracle.copy_project(path, tmp_path / "proven"))
    services = Services(project, Store.open(project.database_url), clock)
    clock.forward(10_000_000)
    made = oracle.Oracle(services, truth, clock)
    made.cards = 1000
    yield services, made
    services.close()


only_recall = pytest.mark.parametrize("asked", ["recall"], indirect=True)
"""For what is the same whatever is promised."""


def rows(services: Services) -> list[Any]:
    with services.store.reading() as tx:
        return list(tx.execute(sa.select(probe_table).order_by(probe_table.c.id)))


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


def test_what_is_filled_in_keeps_what_was_promised(
    proven: Any, asked: tuple[Path, Any, str], tmp_path: Path
) -> None:
    services, oracle = proven
    status = services.certification.status()
    preview = services.certification.apply(dry_run=True)

    done = services.certification.apply()

    after = services.certification.status()
    for told in (status, after):  # what is kept as JSON is of its type
        TypeAdapter(ProofStatus).validate_python(told, strict=True)
    kind, promise = asked[2], status["promise"]
    assert (status["earlier"], promise["promise"], status["state"]) == (False, kind, "open")
    assert 0 < status["certified_steps"] <= status["steps"]
    assert done["absent"] > 12_000
    assert (done["present"] > 0) is (kind != "recall")
    assert preview == {**done, "applied": False}
    assert status["fill"]["absent"] == pytest.approx(done["absent"], abs=5)
    finished = np.array(oracle.truth)  # the open pairs are answered by people
    with services.store.reading() as tx:
        every = services.fills.of_images(tx, list(range(400)))
        counts = services.fills.counts(tx)
    for image, one in every.items():
        for category, said in one.items():
            finished[image, category] = said.state is State.PRESENT
    own = [o for o in range(50) if o != 7]
    finished, truth = finished[:, own], oracle.truth[:, own]
    filled = sum(len(one) for one in every.values())
    assert filled == done["present"] + done["absent"] == sum(counts.values())
    right, present, wrong = (finished & truth).sum(), truth.sum(), (finished & ~truth).sum()
    if kind == "f1":
        assert 2 * right / (finished.sum() + present) >= promise["f1"]
    else:
        assert right / present >= promise["recall"]
    if kind == "precision_recall":
        assert wrong <= (1 - promise["precision"]) * done["present"]
        assert after["standing"]["present"]["at_most_wrong"] >= wrong
    assert after["standing"]["holds"]
    (path,) = services.transfer.export(tmp_path / "out", content="certified")
    (kept,) = json.loads(path.read_text())["info"]["certificates"]
    assert kept["promised"] == promise
    assert kept["statement"]["promise"] == promise
    assert kept["statement"]["steps"]["certified"] == status["certified_steps"]


@only_recall
def test_both_people_were_asked_and_each_stream_in_its_order(proven: Any) -> None:
    services, _ = proven

    bound = [row for row in rows(services) if row.purpose == "bound"]

    assert {row.annotator_id for row in bound if row.annotator_id} == {1, 2}
    assert [row.position for row in bound] == list(range(len(bound)))
    draws = files.read(services.project, 1, files.DRAWS)
    pairs = [(row.image_id - 1, row.category_id - 1) for row in bound]
    assert pairs == [(image, category) for _, image, category in draws[: len(bound)].tolist()]


@only_recall
def test_the_evidence_grows_and_what_is_certified_stays(proven: Any) -> None:
    services, _ = proven

    status = services.certification.status()

    assert status["evidence"][-1]["certified"] == status["certified_steps"] > 0
    assert len(status["evidence"]) <= 40
    with services.store.writing() as tx:
        tx.execute(sa.update(probe_table).where(probe_table.c.zone == "pool").values(state=1))
    later = services.certification.status()
    assert later["evidence"][-1]["evidence"] < status["evidence"][0]["evidence"]
    assert later["certified_steps"] == status["certified_steps"]


@only_recall
@pytest.mark.parametrize("name", ["pairs.npy", "draws.npy", "bets.npz"])
def test_nothing_is_filled_in_by_files_that_are_not_the_frozen_ones(proven: Any, name: str) -> None:
    services, _ = proven
    path = files.folder(services.project, 1) / name
    kept = bytearray(path.read_bytes())
    kept[-9] ^= 1
    path.write_bytes(kept)

    with pytest.raises(NotFound, match="of certificate 1 is missing, damaged or not the one"):
        services.certification.apply()

    assert services.progress.state()["filled"] == 0


@only_recall
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


@only_recall
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


@only_recall
def test_a_page_of_the_grid_has_no_filled_pair(proven: Any) -> None:
    services, _ = proven
    services.certification.apply()
    _, category = a_filled_pair(services)

    asked = {"category": category, "mode": "uncertain", "count": 400}
    page = services.verification.page("ann", PageRequest(**asked, tab="tab"))

    assert 5 < len(page["items"]) < 100
    for item in page["items"]:
        assert str(category) not in filled_of(services, item["id"])


@only_recall
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


@only_recall
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


@only_recall
def test_rolling_back_opens_the_pairs_again_and_keeps_the_files(proven: Any) -> None:
    services, _ = proven
    done = services.certification.apply()

    back = services.certification.roll_back(1)

    assert back["pairs"] == done["present"] + done["absent"]
    assert services.progress.state()["filled"] == 0
    assert (files.folder(services.project, 1) / files.FILL).exists()
    assert services.certification.plan(**PROMISES["recall"])["pool"] > 17_000
    with services.store.reading() as tx:
        row = tx.execute(sa.select(certificate_table)).one()
    assert (row.state, row.rolled_back_at is not None) == ("rolled_back", True)


@only_recall
def test_a_changed_category_hides_its_fill(proven: Any) -> None:
    services, _ = proven
    done = services.certification.apply()
    with services.store.writing() as tx:
        categories.rename(tx, 3, "other thing")

    status = services.certification.status()

    assert status["changed_categories"] == ["other thing"]
    assert status["standing"]["holds"]
    assert services.progress.state()["filled"] < done["present"] + done["absent"]
    assert all("3" not in filled_of(services, image) for image in range(1, 20))


@only_recall
def test_the_next_pool_leaves_out_what_is_filled_asked_or_labelled(proven: Any) -> None:
    services, _ = proven
    done = services.certification.apply()
    asked_pairs = {(r.image_id, r.category_id) for r in rows(services) if r.category_id != 8}
    filled = {(item["id"], int(c)) for item in every_item(services) for c in item["filled"]}
    left = asked_pairs - filled

    plan = services.certification.plan(**PROMISES["recall"])

    assert plan["pool"] == 49 * 400 - done["present"] - done["absent"] - len(left)
    assert plan["plan_of_the_project"] == 2


@only_recall
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
    assert written["info"]["certificates"][0]["promised"]["recall"] == 0.7
    assert counts["filled_present"] + counts["filled_absent"] == len(filled)
    assert preview.suggestions == len(filled)
    assert preview.present + preview.absent == 0
    assert services.transfer.export_counts("answered")["filled_absent"] == 0


@only_recall
def test_a_category_with_few_answers_has_no_promise_of_its_own(proven: Any) -> None:
    services, _ = proven

    own = services.certification.status()["categories"]

    assert own["promised"] == []
    assert len(own["no_promise_of_its_own"]) == 49
    assert own["risk"] == 0.1
