"""The questions of a certificate on the way from the frozen draws to the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from annotator.arrays import certificates as files
from annotator.domain import State
from annotator.errors import NotFound, NotReady
from annotator.services.app import Services
from annotator.services.certificates.blind_questions import APART
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.looks import Look
from annotator.settings import load_project
from annotator.store import Store, categories, certificates, images, probes
from annotator.store.certificates import POOL, PRESENT
from annotator.store.tables import probe as probe_table
from annotator.wire.recording import SaveRequest

pytestmark = pytest.mark.slow

PROMISE: dict[str, Any] = {
    "promise": "precision_recall",
    "recall": 0.7,
    "precision": 0.8,
    "confidence": 0.8,
}

KNOWN = 600
"""Of 1,600 present pairs."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, oracle.make_project(folder)


@pytest.fixture(scope="module")
def begun(
    tmp_path_factory: pytest.TempPathFactory, template: tuple[Path, Any], oracle: Any
) -> tuple[Path, Any]:
    """A project whose certificate has begun: `KNOWN` present pairs outside its pool are known."""
    folder, truth = template
    path = tmp_path_factory.mktemp("begun")
    project = load_project(oracle.copy_project(folder, path))
    services = Services(project, Store.open(project.database_url), oracle.Ticking())
    say(services, np.argwhere(truth)[:KNOWN].tolist(), "present")
    services.certification._seed = lambda: 11
    services.certification.plan(**PROMISE, start=True)
    services.close()
    return path, truth


@pytest.fixture
def world(
    tmp_path: Path, begun: tuple[Path, Any], oracle: Any, clock: Any
) -> Iterator[tuple[Services, Any]]:
    folder, truth = begun
    project = load_project(oracle.copy_project(folder, tmp_path))
    services = Services(project, Store.open(project.database_url), clock)
    clock.forward(10_000_000)
    yield services, oracle.Oracle(services, truth, clock)
    services.close()


def rows(services: Services) -> list[Any]:
    with services.store.reading() as tx:
        return list(tx.execute(sa.select(probe_table).order_by(probe_table.c.id)))


def first_row(services: Services, stream: str, **known: Any) -> Any:
    """Return the first probe of a stream with some values."""
    found = (row for row in rows(services) if row.purpose == "bound" and row.zone == stream)
    return next(r for r in found if all(getattr(r, k) == value for k, value in known.items()))


def say(services: Services, pairs: Any, state: str, *, seen: int = 0) -> None:
    """Label pairs by ordinals, all in one operation; `seen` is the first of their labels."""
    changes: list[Any] = [{"image": i + 1, "category": c + 1, "state": state} for i, c in pairs]
    for number, change in enumerate(changes if seen else []):
        change["seen"] = seen + number
    services.recording.save(
        "ann", SaveRequest(op=f"{state} {pairs[0]}", kind="answer", changes=changes)
    )


def evidence(services: Services) -> Evidence:
    with services.store.reading() as tx:
        row = certificates.in_state(tx, certificates.CertificateState.OPEN)[0]
        return services.certification._bound.evidence(row, certificates.drawn(tx, row.id))


def look_at(services: Services, row: Any) -> Look:
    looks = evidence(services).looks
    return next(x for x in looks if (x.stream, x.place) == (row.zone, row.position))


def test_questions_come_on_mixed_cards_that_tell_nothing(world: Any) -> None:
    services, _ = world

    cards = [services.probing.card("ann", f"c{n}")["questions"] for n in range(6)]

    keys = {"probe", "image", "width", "height", "category", "said", "problem"}
    assert all(set(q) == keys for card in cards for q in card)
    assert all(len(card) == 10 for card in cards)
    drawn = {row.id: row for row in rows(services)}
    streams = [[drawn[q["probe"]].zone for q in card] for card in cards]
    assert all(card.count(None) == 1 for card in streams)  # an audit question
    assert {one for card in streams for one in card} == {None, POOL, PRESENT}
    assert len({card.index(None) for card in streams}) > 1


def test_a_drawn_pair_that_was_labelled_meanwhile_counts_with_its_label(world: Any) -> None:
    services, _ = world
    _, image, category = files.read(services.project, 1, files.DRAWS)[0].tolist()
    say(services, [(image, category)], "present")

    services.probing.card("ann", "c")

    row = first_row(services, POOL, position=0)
    assert (row.state, row.image_id, row.category_id) == (1, image + 1, category + 1)
    assert row.card is None


def test_a_missing_image_is_not_skipped_but_adds_no_evidence(world: Any) -> None:
    services, _ = world
    services.probing.card("ann", "c")
    row = first_row(services, POOL, card=None)
    root = next(iter(services.project.settings.roots))
    with services.store.writing() as tx:
        path = images.paths_of(tx, [row.image_id])[row.image_id][0].path
        images.mark_missing(tx, root, [path])

    services.probing.card("bob", "d")

    after = next(r for r in rows(services) if r.id == row.id)
    assert after.state == 2  # cannot tell
    look = look_at(services, row)
    assert (look.said, look.waits) == (None, False)


def test_damaged_files_leave_the_ordinary_probes(world: Any) -> None:
    services, _ = world
    (files.folder(services.project, 1) / files.BETS).unlink()

    questions = services.probing.card("ann", "c")["questions"]

    drawn = {row.id: row for row in rows(services)}
    assert len(questions) == 10
    assert {drawn[q["probe"]].zone for q in questions} == {None}


def test_a_gap_in_the_order_of_a_stream_stops_the_count(world: Any) -> None:
    services, oracle = world
    oracle.answer_at_once(60)
    before = evidence(services)
    first = first_row(services, POOL, position=0)
    with services.store.writing() as tx:
        query = sa.update(probe_table).where(probe_table.c.id == first.id)
        tx.execute(query.values(state=None, answered_at=None))

    found = evidence(services)

    assert len(before.kept) > 20
    assert found.kept == []
    assert len(found.kept_present) == len(before.kept_present) > 5


def test_where_nobody_can_tell_nothing_is_proven(world: Any) -> None:
    services, oracle = world

    oracle.answer(6, say=State.UNSURE)

    status = services.certification.status()
    assert status["cannot_tell"] == status["answers"] > 40
    assert all(point["evidence"] <= 0 for point in status["evidence"])
    assert status["present_side"]["wrong"] == status["present_side"]["asked"] > 0
    assert status["fill"] == {"present": 0, "absent": 0}


def test_a_surprise_is_asked_again_later_and_the_majority_counts(world: Any, clock: Any) -> None:
    services, oracle = world
    oracle.answer(2)
    likely = [look for look in evidence(services).kept if look.surprise is State.PRESENT]
    first = first_row(services, POOL, position=likely[0].place)
    with services.store.writing() as tx:
        probes.answered(tx, first.id, 1, State.PRESENT, clock(), 900)
    before = look_at(services, first)

    oracle.answer(1)
    too_early = [r for r in rows(services) if r.purpose == "again" and r.position == first.position]
    oracle.answer(12)

    again = [r for r in rows(services) if r.purpose == "again"]
    mine = [r for r in again if (r.zone, r.position) == (POOL, first.position)]
    between = [r for r in rows(services) if r.answered_at and first.answered_at < r.answered_at]
    assert too_early == []
    assert len(mine) == 2  # the first said absent, so a third decided
    assert sum(r.answered_at < mine[0].answered_at for r in between) >= APART
    look = look_at(services, first)
    assert (before.needs_look, before.said) == (True, None)
    assert look.states == (State.PRESENT, State.ABSENT, State.ABSENT)
    assert look.said is State.ABSENT


def test_nothing_is_filled_in_before_anything_is_certified(world: Any) -> None:
    services, oracle = world
    oracle.answer(2)

    with pytest.raises(NotReady, match="Nothing can be filled in yet"):
        services.certification.apply()

    with services.store.reading() as tx:
        assert certificates.get(tx, 1).state == "open"


def test_a_changed_category_voids_an_open_plan(world: Any) -> None:
    services, _ = world
    with services.store.writing() as tx:
        categories.edit(tx, 7, description="Something else.")

    assert services.certification.states() == {1: "void"}  # before anything has kept it
    with pytest.raises(NotFound, match="No certificate is open"):
        services.certification.apply()

    status = services.certification.status()
    assert status["state"] == "void"
    assert status["sentences"] == [
        "It is void, because the meaning of a category was changed while it was open; its answers "
        "are kept, and you can begin another."
    ]
    assert (status["advice"], status["categories"]) == ([], None)


def test_known_pairs_that_are_taken_back_are_not_counted_on(world: Any) -> None:
    services, oracle = world
    before = services.certification.status()
    while not before["certified_steps"] and oracle.answer_at_once(20):
        before = services.certification.status()
    known = np.argwhere(oracle.truth)[:KNOWN].tolist()

    say(services, known[:10], "absent", seen=1)
    few = services.certification.status()
    say(services, known[10:], "cleared", seen=11)
    all_gone = services.certification.status()

    assert before["certified_steps"] > 0
    assert before["statement"]["known_present_counted"] == KNOWN
    assert few["statement"]["known_present_counted"] == KNOWN - 10
    assert any(
        "10 present labels that the promise counted on are not there" in sentence
        for sentence in few["sentences"]
    )
    assert few["evidence"][-1]["evidence"] < before["evidence"][-1]["evidence"]
    assert all_gone["certified_steps"] == 0
    assert all_gone["fill"]["absent"] == 0
    with pytest.raises(NotReady, match=f"{KNOWN} present labels .* without them it does not"):
        services.certification.apply()


def test_labels_that_are_added_to_the_known_ones_change_nothing(world: Any) -> None:
    services, oracle = world
    oracle.answer_at_once(100)
    before = services.certification.status()
    pairs = files.read(services.project, 1, files.PAIRS)

    say(services, pairs[-50:].tolist(), "present")

    after = services.certification.status()
    assert after["statement"]["known_present_counted"] == KNOWN
    assert after["evidence"] == before["evidence"]
