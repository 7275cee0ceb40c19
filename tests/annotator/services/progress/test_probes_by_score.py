"""Probes of a certificate are drawn by score: no rate is read from them, and audits stay fair."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from scipy import stats
from scipy.special import logit

from annotator.domain import State
from annotator.services.app import Services
from annotator.services.catalogue.definitions import definitions
from annotator.services.knowledge.calibration import blind_answers
from annotator.store import annotators, categories, certificates, probes
from annotator.store.tables import probe
from annotator.wire.probe import ProbeAnswerRequest
from mlrpl.decision.linear_evidence import draw_order
from mlrpl.decision.linear_plan import LinearPlan

PAIRS = [(image, category) for image in range(1, 7) for category in range(1, 4)]
PRESENT = PAIRS[12:]
"""The last six, to which the model gives the highest scores."""
FAVOUR = 40
"""How many times as likely a draw takes one of them as another pair."""


@pytest.fixture
def by_score(services: Services, clock: Any) -> list[tuple[int, int]]:
    """Let a certificate have drawn six pairs, mostly present ones; return them in order."""
    counts = np.array([12, 6])
    weights = np.array([1.0, FAVOUR]) / (counts @ [1, FAVOUR])
    plan = LinearPlan(0.05, np.array([0, 12, 18]), weights, np.ones(1), (), 0)
    drawn = [PAIRS[position] for position in draw_order(plan, 6, seed=1)]
    with services.store.writing() as tx:
        certificates.add(tx, 1, 1, {}, clock())
        certificates.closed(tx, 1, certificates.CertificateState.CANCELLED)
    ask(services, clock, 1, certificates.BOUND, drawn)
    return drawn


def ask(
    services: Services, clock: Any, number: int, purpose: str, pairs: list[tuple[int, int]]
) -> None:
    rows = [
        {"purpose": purpose, "zone": "pool", "position": place, "image_id": image,
         "category_id": category}
        for place, (image, category) in enumerate(pairs)
    ]  # fmt: skip
    with services.store.writing() as tx:
        certificates.add_probes(tx, number, rows, clock())


def answer_them(services: Services, clock: Any, who: str, *, wrongly: bool = False) -> None:
    """Let somebody answer every waiting probe of the certificate."""
    with services.store.writing() as tx:
        person = annotators.named(tx, who, clock())
        for one in certificates.drawn(tx, 1):
            if one.state is None:
                is_present = ((one.image_id, one.category_id) in PRESENT) != wrongly
                state = State.PRESENT if is_present else State.ABSENT
                probes.answered(tx, one.id, person.id, state, clock(), 900)


def test_audits_find_the_true_rate_whatever_a_certificate_has_drawn(
    services: Services, clock: Any, by_score: list[tuple[int, int]]
) -> None:
    chance, times, found = random.Random(20260101), 150, 0

    with services.store.writing() as tx:
        size = probes.frame(tx).open
        for _ in range(times):
            probes.draw(tx, 2, card="x", first=0, now=clock(), chance=chance)
            audits = probe.c.purpose == probes.AUDIT
            rows = tx.execute(sa.select(probe).where(audits)).all()
            found += sum((row.image_id, row.category_id) in PRESENT for row in rows)
            tx.execute(sa.delete(probe).where(audits))

    raw = np.mean([pair in PRESENT for pair in by_score])
    assert size == len(PAIRS)
    assert raw > 0.8  # what the draws of the certificate alone would say
    assert stats.binomtest(found, 2 * times, len(PRESENT) / len(PAIRS)).pvalue > 0.001


def test_a_pair_of_a_certificate_and_of_an_audit_stands_once_on_a_card(
    services: Services, clock: Any
) -> None:
    with services.store.writing() as tx:
        every = categories.every(tx)
        plan = {"format": "fill-pilot/1", "definitions": definitions(every, every)}
        certificates.add(tx, 1, 1, plan, clock())
        probes.draw(tx, 18, card="left lying", first=0, now=clock(), chance=random.Random(1))
    ask(services, clock, 1, certificates.PILOT, PRESENT)

    cards = [services.probing.card("ann", f"c{n}")["questions"] for n in range(9)]

    asked = [[(q["image"], q["category"]["name"]) for q in card] for card in cards]
    assert all(len(set(card)) == len(card) for card in asked)
    assert sum(map(len, asked)) == len(PAIRS) + len(PRESENT)


def test_no_rate_is_read_from_what_a_certificate_asked(
    services: Services, clock: Any, publish: Any, by_score: list[tuple[int, int]]
) -> None:
    scores = np.where(np.isin(np.arange(18), range(12, 18)), logit(0.6), logit(0.1)).reshape(6, 3)
    publish(scores)
    for question in services.probing.card("bob", "c")["questions"]:
        said = ProbeAnswerRequest(probe=question["probe"], card="c", state="absent", ms=900)
        services.probing.answer("bob", said)
    before = figures(services)

    answer_them(services, clock, "ann")
    ask(services, clock, 1, certificates.AGAIN, by_score)
    answer_them(services, clock, "eve", wrongly=True)
    clock.forward(3600)

    assert figures(services) == before


def figures(services: Services) -> tuple[Any, ...]:
    quality = {k: v for k, v in services.quality.report().items() if k not in ("people", "note")}
    with services.store.reading() as tx:
        _, arrays = services.suggestions.current(tx)
        probability, present = blind_answers(tx, arrays)
    return quality, probability.tolist(), present.tolist()
