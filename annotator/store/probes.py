"""Pairs drawn at random and asked blind: they measure the model, and are never labels."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import OperationKind, Source, State
from annotator.errors import NotFound
from annotator.store import images
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.rows import chunks
from annotator.store.tables import (
    IN_USE,
    SOURCES,
    STATE_OF,
    STATES,
    annotator,
    answer,
    category,
    image,
    label,
    operation,
    probe,
)

AUDIT = "audit"
"""Purpose of probes that measure how far the model can be trusted."""

MOST_TRIES = 20_000
"""Pairs that are looked at to find open ones; where next to none is open, fewer are drawn."""

_AT_ONCE = 200
_BY_HAND = [SOURCES[s] for s in (Source.HUMAN, Source.ACCEPTED, Source.REJECTED)]
_ONE_BY_ONE = [OperationKind.ANSWER, OperationKind.NAMED, OperationKind.PAGE]
_DECIDED = [STATES[State.PRESENT], STATES[State.ABSENT]]


@dataclass(frozen=True)
class Probe:
    """One question, and what was said to it."""

    id: int
    image_id: int
    category_id: int
    card: str | None
    state: State | None
    """None until somebody answers."""
    annotator_id: int | None

    @property
    def pair(self) -> Pair:
        """Image and category id."""
        return self.image_id, self.category_id


@dataclass(frozen=True)
class Frame:
    """What audit probes are drawn from: the open pairs that none of them was about before.

    Probes of certificates leave it as it is: their draws follow the model's scores, and without the
    pairs that they took the rest would be no fair sample of what is open.
    """

    images: int
    """Images of the project, missing ones included."""
    categories: tuple[int, ...]
    """Ids of those that are not archived."""
    open: int
    """Pairs that can be drawn."""

    @property
    def cells(self) -> int:
        """Pairs among which the open ones are looked for."""
        return self.images * len(self.categories)


def frame(tx: Transaction) -> Frame:
    """Count what can be drawn: no label, image in use, category shown, no audit probe before.

    The counters of the categories say how many labels there are; no table of pairs is read.
    """
    shown = category.c.archived.is_(False)
    counts = sa.select(category.c.id, category.c.present_count + category.c.absent_count)
    rows = tx.execute(counts.where(shown).order_by(category.c.id)).all()
    known = sum(number for _, number in rows)
    return Frame(
        images=images.count_all(tx),
        categories=tuple(category_id for category_id, _ in rows),
        open=images.count(tx) * len(rows) - known - _count_audited(tx),
    )


def _count_audited(tx: Transaction) -> int:
    """Return how many pairs that would be open were drawn for an audit before, each once."""
    pairs = (
        sa.select(probe.c.image_id, probe.c.category_id)
        .join(image, image.c.id == probe.c.image_id)
        .join(category, category.c.id == probe.c.category_id)
        .outerjoin(
            label,
            sa.and_(
                label.c.image_id == probe.c.image_id, label.c.category_id == probe.c.category_id
            ),
        )
        .where(
            probe.c.purpose == AUDIT,
            IN_USE,
            category.c.archived.is_(False),
            label.c.state.is_(None),
        )
        .distinct()
    )
    return int(tx.execute(sa.select(sa.func.count()).select_from(pairs.subquery())).scalar_one())


def draw(
    tx: Transaction, count: int, *, card: str, first: int, now: datetime, chance: random.Random
) -> int:
    """Draw pairs for a card, uniformly and without replacement, and return how many.

    Pairs are picked at random until enough of them are open, so the time does not grow with the
    project. Given how many were found, every set of that many is equally likely: each pair has
    the inclusion probability `found / open`, which is kept with it.

    Args:
        tx: A write transaction, so that two cards never draw at the same time.
        count: Wanted; fewer come where fewer are open.
        card: Client id of the card.
        first: Place of the first of them on the card.
        now: Kept as the time of drawing.
        chance: Source of randomness, which nobody can predict.
    """
    whole = frame(tx)
    wanted = min(count, whole.open)
    if wanted <= 0:
        return 0
    found = _pick(tx, whole, wanted, chance)
    rows = [
        {
            "image_id": image_id,
            "category_id": category_id,
            "purpose": AUDIT,
            "position": first + place,
            "inclusion_probability": len(found) / whole.open,
            "drawn_at": now,
            "card": card,
        }
        for place, (image_id, category_id) in enumerate(found)
    ]
    if rows:
        tx.execute(sa.insert(probe), rows)
    return len(rows)


def _pick(tx: Transaction, whole: Frame, wanted: int, chance: random.Random) -> list[Pair]:
    found: dict[Pair, None] = {}
    tries = 0
    while len(found) < wanted and tries < MOST_TRIES:
        likely = math.ceil((wanted - len(found)) * whole.cells / whole.open)
        size = min(_AT_ONCE, 2 * likely)
        tries += size
        cells = [
            (chance.randrange(whole.images), chance.choice(whole.categories)) for _ in range(size)
        ]
        ids = images.ids_at(tx, {ordinal for ordinal, _ in cells})
        pairs = [(ids[ordinal], c) for ordinal, c in cells if ordinal in ids]
        closed = _closed(tx, pairs)
        found.update(dict.fromkeys(pair for pair in pairs if pair not in closed))
    return list(found)[:wanted]


def _closed(tx: Transaction, pairs: Collection[Pair]) -> set[Pair]:
    """Return those of some pairs that have a label or were drawn for an audit before."""
    found: set[Pair] = set()
    for part in chunks(pairs):
        for table, condition in (
            (label, label.c.state.is_not(None)),
            (probe, probe.c.purpose == AUDIT),
        ):
            # Spelled out, because SQLite reads the whole table for `(a, b) IN (...)`.
            about = sa.or_(
                *(sa.and_(table.c.image_id == i, table.c.category_id == c) for i, c in part)
            )
            query = sa.select(table.c.image_id, table.c.category_id).where(about, condition)
            found.update((i, c) for i, c in tx.execute(query))
    return found


def get(tx: Transaction, probe_id: int) -> Probe:
    """Return a probe.

    Raises:
        NotFound: If there is none with this id.
    """
    row = tx.execute(sa.select(probe).where(probe.c.id == probe_id)).first()
    if row is None:
        raise NotFound(f"There is no probe with id {probe_id}; reload the page.")
    return to_probe(row)


def of_card(tx: Transaction, card: str) -> list[Probe]:
    """Return the questions of a card in their order.

    Where some are asked for a certificate or again, the order is shuffled, always alike for one
    card, so that it tells nothing about where they come from.
    """
    query = sa.select(probe).where(probe.c.card == card).order_by(probe.c.position, probe.c.id)
    rows = list(tx.execute(query))
    if any(row.purpose != AUDIT for row in rows):
        random.Random(card).shuffle(rows)
    return [to_probe(row) for row in rows]


def waiting(tx: Transaction, *, without: Collection[int], limit: int) -> list[Probe]:
    """Return audit probes without an answer whose picture is in use and whose category is shown.

    Args:
        tx: A transaction.
        without: Ids that are left out, such as those on somebody's screen.
        limit: Most that are returned, the oldest first.
    """
    query = (
        askable()
        .where(probe.c.purpose == AUDIT, probe.c.state.is_(None))
        .order_by(probe.c.id)
        .limit(limit + len(without))
    )
    return [to_probe(r) for r in tx.execute(query) if r.id not in without][:limit]


def askable() -> sa.Select[Any]:
    """Return a query of the probes whose picture is in use and whose category is shown."""
    return (
        sa.select(probe)
        .join(image, image.c.id == probe.c.image_id)
        .join(category, category.c.id == probe.c.category_id)
        .where(IN_USE, category.c.archived.is_(False))
    )


def put_on_card(tx: Transaction, ids: Sequence[int], card: str, *, places: bool = True) -> None:
    """Let questions be those of a card from now on.

    Args:
        tx: A write transaction.
        ids: Of the questions.
        card: Client id of the card.
        places: Whether they get a place on it; a certificate's questions keep their own.
    """
    for place, probe_id in enumerate(ids):
        query = sa.update(probe).where(probe.c.id == probe_id)
        tx.execute(query.values(card=card, **({"position": place} if places else {})))


def answered(
    tx: Transaction,
    probe_id: int,
    annotator_id: int,
    state: State,
    now: datetime,
    decision_ms: int | None,
) -> None:
    """Keep what somebody says to a question."""
    values = {
        "annotator_id": annotator_id,
        "state": STATES[state],
        "answered_at": now,
        "decision_ms": decision_ms,
    }
    tx.execute(sa.update(probe).where(probe.c.id == probe_id).values(**values))


def counts(tx: Transaction) -> tuple[list[tuple[str, int]], int]:
    """Return the name and number of answers of everybody who gave any, and how many are waiting.

    The one with most answers comes first.
    """
    number = sa.func.count().label("number")
    query = (
        sa.select(annotator.c.name, number)
        .join(probe, probe.c.annotator_id == annotator.c.id)
        .where(probe.c.state.is_not(None))
        .group_by(annotator.c.id, annotator.c.name)
        .order_by(number.desc(), annotator.c.id)
    )
    people = [(str(name), int(found)) for name, found in tx.execute(query)]
    left = sa.select(sa.func.count()).select_from(probe).where(probe.c.state.is_(None))
    return people, int(tx.execute(left).scalar_one())


@dataclass(frozen=True, eq=False)
class AuditAnswers:
    """What was said to the audit probes, as columns of one length."""

    image: npt.NDArray[np.int64]
    """Ordinals."""
    category: npt.NDArray[np.int64]
    """Ordinals."""
    present: npt.NDArray[np.bool_]


def audit_answers(tx: Transaction) -> AuditAnswers:
    """Return the audit probes that were answered with present or absent.

    Those of a certificate are never among them: their answers belong to it alone.
    """
    query = (
        sa.select(image.c.ordinal, category.c.ordinal, probe.c.state)
        .join(image, image.c.id == probe.c.image_id)
        .join(category, category.c.id == probe.c.category_id)
        .where(probe.c.purpose == AUDIT, probe.c.state.in_(_DECIDED))
        .order_by(probe.c.id)
    )
    rows = np.array([tuple(row) for row in tx.execute(query)], np.int64).reshape(-1, 3)
    return AuditAnswers(rows[:, 0], rows[:, 1], rows[:, 2] == STATES[State.PRESENT])


def decisions_since_probe(
    tx: Transaction, annotator_id: int, newest: int, after_operation: int = 0
) -> int:
    """Count a person's decisions by hand since their last answer to a probe, and an operation.

    A present or absent answer on any page counts, an accept-all counts as one decision, and
    nothing that was taken back counts. Only the person's `newest` operations are looked at, so
    that years of work make no difference.
    """
    last = sa.select(sa.func.max(probe.c.answered_at)).where(probe.c.annotator_id == annotator_id)
    since = tx.execute(last).scalar()
    recent = (
        sa.select(operation.c.id, operation.c.kind, operation.c.cancelled, operation.c.recorded_at)
        .where(operation.c.annotator_id == annotator_id, operation.c.id > after_operation)
        .order_by(operation.c.id.desc())
        .limit(newest)
        .subquery()
    )
    counted = [recent.c.cancelled.is_(False)]
    if since is not None:
        counted.append(recent.c.recorded_at > since)
    at_once = sa.select(sa.func.count()).where(
        *counted, recent.c.kind == OperationKind.ACCEPT_ALL.value
    )
    single = (
        sa.select(sa.func.count())
        .select_from(recent)
        .join(answer, answer.c.operation_id == recent.c.id)
        .where(
            *counted,
            recent.c.kind.in_(_ONE_BY_ONE),
            answer.c.state.in_(_DECIDED),
            answer.c.source.in_(_BY_HAND),
        )
    )
    return int(tx.execute(at_once).scalar_one()) + int(tx.execute(single).scalar_one())


def to_probe(row: sa.Row[Any]) -> Probe:
    """Return a row of the table as a probe."""
    return Probe(
        id=row.id,
        image_id=row.image_id,
        category_id=row.category_id,
        card=row.card,
        state=None if row.state is None else STATE_OF[row.state],
        annotator_id=row.annotator_id,
    )
