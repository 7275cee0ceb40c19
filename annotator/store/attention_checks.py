"""Attention checks: answered pairs that are asked again, unmarked, on a page of open ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from annotator.domain import Change, Source, State
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.rows import chunks
from annotator.store.tables import (
    SOURCES,
    STATE_OF,
    STATES,
    answer,
    attention_check,
    label,
    operation,
)

WINDOW = 2000
"""Labels that are looked through for pairs to ask again."""

MOST = 200
"""Pairs among which those of a page are drawn."""

_LOOKED_AT = [SOURCES[s] for s in (Source.HUMAN, Source.ACCEPTED, Source.REJECTED, Source.REVIEW)]
_DECIDED = [STATES[State.PRESENT], STATES[State.ABSENT]]

IS_CHECK = sa.exists().where(attention_check.c.answer_id == answer.c.id) & answer.c.late.is_(True)
"""Of an answer: it was given to a check. Where the model's opinion was the measure, as it once was,
the answer became the label and was not late: that is none."""


@dataclass(frozen=True)
class Known:
    """A pair whose answer people know and nobody disputes."""

    image_id: int
    answer_id: int
    """The answer that is its label."""
    others: int
    """People who said so besides the one who would be asked."""


def known_pairs(
    tx: Transaction,
    category_id: int,
    state: State,
    annotator_id: int,
    *,
    start: int,
    before: datetime,
) -> list[Known]:
    """Return some pairs that a person can be asked again.

    Somebody looked at each of them, nobody ever said otherwise or could not tell, the person was
    not asked again before, and has not answered it lately. Only a part of a large project is
    looked through, so that the time does not grow with it.

    Args:
        tx: A transaction.
        category_id: The category.
        state: What their label says.
        annotator_id: Who would be asked.
        start: Id of an image; the images from there on are looked at first, so that a random one
            gives other pairs each time.
        before: The person's own answers have to be older.
    """
    wanted = dict(_labels(tx, category_id, state, start))
    told: dict[int, list[Any]] = {}
    for row in _said(tx, category_id, list(wanted)):
        told.setdefault(row.image_id, []).append(row)
    found = []
    for image_id, answer_id in wanted.items():
        rows = told.get(image_id, [])
        mine = [row for row in rows if row.annotator_id == annotator_id]
        is_settled = any(row.id == answer_id for row in rows)  # else it comes from another pair
        is_settled &= all(row.state == STATES[state] for row in rows)
        if is_settled and not any(row.check or row.recorded_at >= before for row in mine):
            others = {row.annotator_id for row in rows} - {annotator_id}
            found.append(Known(image_id, answer_id, len(others)))
    return found


def _labels(
    tx: Transaction, category_id: int, state: State, start: int
) -> Iterator[tuple[int, int]]:
    """Yield image and winning answer of labels that somebody looked at, at most MOST of them."""
    left = MOST
    for part in (label.c.image_id >= start, label.c.image_id < start):
        near = (
            sa.select(label.c.image_id, label.c.answer_id, label.c.source)
            .where(label.c.category_id == category_id, label.c.state == STATES[state], part)
            .order_by(label.c.image_id)
            .limit(WINDOW)
            .subquery()
        )
        query = sa.select(near.c.image_id, near.c.answer_id).where(near.c.source.in_(_LOOKED_AT))
        rows = tx.execute(query.order_by(near.c.image_id).limit(left)).all()
        yield from ((image_id, answer_id) for image_id, answer_id in rows)
        left -= len(rows)


def _said(tx: Transaction, category_id: int, image_ids: Collection[int]) -> Iterator[Any]:
    """Yield what people said about pairs and did not take back, checks and late answers too."""
    query = (
        sa.select(
            answer.c.id,
            answer.c.image_id,
            answer.c.state,
            operation.c.annotator_id,
            operation.c.recorded_at,
            IS_CHECK.label("check"),
        )
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(
            answer.c.category_id == category_id,
            answer.c.source != SOURCES[Source.IMPORTED],
            operation.c.cancelled.is_(False),
        )
    )
    for part in chunks(image_ids):
        yield from tx.execute(query.where(answer.c.image_id.in_(part)))


def states_of(tx: Transaction, answer_ids: Collection[int]) -> dict[int, State]:
    """Return what answers say, by their id; those that decide nothing are left out."""
    query = sa.select(answer.c.id, answer.c.state).where(answer.c.state.in_(_DECIDED))
    found: dict[int, State] = {}
    for part in chunks(answer_ids):
        rows = tx.execute(query.where(answer.c.id.in_(part)))
        found.update({answer_id: STATE_OF[state] for answer_id, state in rows})
    return found


def keep(tx: Transaction, operation_id: int, changes: Sequence[Change]) -> None:
    """Note which answers of an operation were given to checks, and what the labels said."""
    expected = {(c.image_id, c.category_id): c.expected for c in changes if c.expected}
    if not expected:
        return
    query = sa.select(answer.c.id, answer.c.image_id, answer.c.category_id)
    rows = tx.execute(query.where(answer.c.operation_id == operation_id))
    checks = [(row.id, expected.get((row.image_id, row.category_id))) for row in rows]
    values = [{"answer_id": i, "expected": STATES[s]} for i, s in checks if s is not None]
    tx.execute(sa.insert(attention_check), values)


def agreed(
    tx: Transaction, annotator_id: int | None = None, newest: int | None = None
) -> dict[int, tuple[int, int]]:
    """Return how many checks people answered, and how many as the labels say, by annotator.

    They are compared with the labels of now: where a label was corrected since, the check that
    said so was right. A pair in conflict, or without a label by now, compares with nothing.

    Args:
        tx: A transaction.
        annotator_id: The only person who matters; None: all do.
        newest: Only so many checks, the newest ones.
    """
    query = (
        sa.select(
            answer.c.id,
            operation.c.annotator_id,
            sa.case((answer.c.state == label.c.state, 1), else_=0).label("same"),
        )
        .select_from(_checks_and_labels())
        .where(
            answer.c.late.is_(True),
            answer.c.state.in_(_DECIDED),
            operation.c.cancelled.is_(False),
            label.c.state.is_not(None),
        )
        .order_by(answer.c.id.desc())
    )
    if annotator_id is not None:
        query = query.where(operation.c.annotator_id == annotator_id)
    if newest is not None:
        query = query.limit(newest)
    checks = query.subquery()
    totals = sa.select(checks.c.annotator_id, sa.func.count(), sa.func.sum(checks.c.same))
    rows = tx.execute(totals.group_by(checks.c.annotator_id))
    return {who: (int(asked), int(same)) for who, asked, same in rows}


def disputed(tx: Transaction) -> list[Pair]:
    """Return the pairs whose label and a later check differ, until somebody answers them again."""
    query = (
        sa.select(answer.c.image_id, answer.c.category_id)
        .select_from(_checks_and_labels())
        .where(
            answer.c.late.is_(True),
            answer.c.state.in_(_DECIDED),
            operation.c.cancelled.is_(False),
            label.c.state != answer.c.state,
            label.c.answer_id < answer.c.id,
        )
        .distinct()
    )
    return [(image_id, category_id) for image_id, category_id in tx.execute(query)]


def _checks_and_labels() -> sa.Join:
    same = sa.and_(
        label.c.image_id == answer.c.image_id, label.c.category_id == answer.c.category_id
    )
    return (
        attention_check.join(answer, answer.c.id == attention_check.c.answer_id)
        .join(operation, operation.c.id == answer.c.operation_id)
        .join(label, same)
    )
