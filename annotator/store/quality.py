"""What several people said about the same pairs, and what they said blind: for label quality."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import OperationKind, Source, State
from annotator.store.attention_checks import IS_CHECK
from annotator.store.certificates import AGAIN
from annotator.store.connection import Transaction
from annotator.store.probes import AUDIT
from annotator.store.tables import (
    SCORE_STEPS,
    SOURCES,
    STATES,
    answer,
    attention_check,
    category,
    image,
    label,
    operation,
    probe,
)

BANDS = 10
"""Equal steps of the score that was shown."""

NEWEST = 2000
"""Operations of a kind whose times are looked at, the newest ones."""

Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DECIDED = [STATES[State.PRESENT], STATES[State.ABSENT]]
_LOOKED_AT = [SOURCES[s] for s in (Source.HUMAN, Source.ACCEPTED, Source.REJECTED)]
# Who decides in review has read what the others said; what a file says is nobody's opinion.
_NOT_ONE_OWN = [SOURCES[Source.REVIEW], SOURCES[Source.IMPORTED]]
# Chance alone chose these pairs, some of them twice. Those of a certificate follow the scores, and
# its second looks follow what was said: no rate may be read from them.
_BY_CHANCE = sa.or_(
    probe.c.purpose == AUDIT,
    sa.and_(probe.c.purpose == AGAIN, probe.c.certificate_id.is_(None)),
)


@dataclass(frozen=True)
class Opinions:
    """What people say about pairs, `n` opinions as parallel arrays."""

    image: Whole
    """Ids."""
    category: Whole
    annotator: Whole
    present: Bools

    def of(self, which: Bools) -> Opinions:
        """Return some of them."""
        return Opinions(*(getattr(self, f.name)[which] for f in fields(self)))


@dataclass(frozen=True)
class BlindAnswers:
    """Answers to audit probes, whose pairs chance alone chose, `n` of them."""

    image: Whole
    """Ordinals."""
    category: Whole
    present: Bools
    still_open: Bools
    """Without a label, so that no version can have learned from one."""


@dataclass(frozen=True)
class Times:
    """How long recorded operations took, `n` of them."""

    seconds: npt.NDArray[np.float64]
    pairs: Whole
    """Present and absent answers in each."""


def newest_blind_answer(tx: Transaction) -> tuple[int, int]:
    """Return two numbers that change whenever a probe is answered."""
    query = sa.select(
        sa.func.count(), sa.func.max(sa.type_coerce(probe.c.answered_at, sa.BigInteger))
    )
    count, newest = tx.execute(query.where(probe.c.state.is_not(None))).one()
    return int(count), int(newest or 0)


def who_answered(tx: Transaction) -> set[int]:
    """Return the ids of the people who answered anything, on any page or blind."""
    working = sa.select(operation.c.annotator_id).where(
        operation.c.kind != OperationKind.IMPORT.value, operation.c.cancelled.is_(False)
    )
    blind = sa.select(probe.c.annotator_id).where(probe.c.annotator_id.is_not(None))
    return {*tx.execute(working.distinct()).scalars(), *tx.execute(blind.distinct()).scalars()}


def ordinary_opinions(tx: Transaction) -> Opinions:
    """Return the opinions about pairs that have more than one answer, or a blind one.

    The newest answer of each person counts. An answer that came too late to become the label is
    an opinion like any other; review decisions, imports and attention checks are left out.
    """
    twice = (
        sa.select(answer.c.image_id, answer.c.category_id)
        .group_by(answer.c.image_id, answer.c.category_id)
        .having(sa.func.count() > 1)
    )
    asked = sa.select(probe.c.image_id, probe.c.category_id).where(
        probe.c.state.in_(_DECIDED), _BY_CHANCE
    )
    pairs = sa.union(twice, asked).subquery()
    same = sa.and_(
        answer.c.image_id == pairs.c.image_id, answer.c.category_id == pairs.c.category_id
    )
    query = (
        sa.select(answer.c.image_id, answer.c.category_id, operation.c.annotator_id, answer.c.state)
        .select_from(pairs)
        .join(answer, same)
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(
            operation.c.cancelled.is_(False),
            operation.c.kind != OperationKind.IMPORT.value,
            answer.c.source.not_in(_NOT_ONE_OWN),
            ~IS_CHECK,
        )
        .order_by(answer.c.id)
    )
    return _newest(tx.execute(query))


def blind_opinions(tx: Transaction) -> Opinions:
    """Return what people said to audit probes, the newest answer of each person to a pair."""
    query = (
        sa.select(probe.c.image_id, probe.c.category_id, probe.c.annotator_id, probe.c.state)
        .where(probe.c.state.is_not(None), probe.c.annotator_id.is_not(None), _BY_CHANCE)
        .order_by(probe.c.answered_at, probe.c.id)
    )
    return _newest(tx.execute(query))


def blind_answers(tx: Transaction) -> BlindAnswers:
    """Return what was said to audit probes, the first time that each was asked."""
    query = (
        sa.select(
            image.c.ordinal,
            category.c.ordinal.label("category"),
            probe.c.state,
            label.c.answer_id.is_(None),
        )
        .select_from(probe)
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
            probe.c.state.in_(_DECIDED),
            probe.c.annotator_id.is_not(None),
            category.c.archived.is_(False),
        )
    )
    found = _table(tx.execute(query), 4)
    present = found[:, 2] == STATES[State.PRESENT]
    return BlindAnswers(found[:, 0], found[:, 1], present, found[:, 3].astype(bool))


def shown_agreement(tx: Transaction) -> Whole:
    """Return answers with a score in sight, `(BANDS, 2)`: all, and those that say the same.

    Only single decisions count: what was accepted at a stroke, swept or checked in review does
    not, and neither do attention checks.
    """
    query = (
        sa.select(answer.c.score, answer.c.state, sa.func.count())
        .join(operation, operation.c.id == answer.c.operation_id)
        .outerjoin(attention_check, attention_check.c.answer_id == answer.c.id)
        .where(
            answer.c.score.is_not(None),
            answer.c.source.in_(_LOOKED_AT),
            answer.c.state.in_(_DECIDED),
            operation.c.cancelled.is_(False),
            attention_check.c.answer_id.is_(None),
        )
        .group_by(answer.c.score, answer.c.state)
    )
    table = np.zeros((BANDS, 2), np.int64)
    for score, state, count in tx.execute(query):
        model_says = 2 * score >= SCORE_STEPS
        band = min(score * BANDS // SCORE_STEPS, BANDS - 1)
        table[band] += (count, count * (model_says == (state == STATES[State.PRESENT])))
    return table


def recorded_times(tx: Transaction, *kinds: OperationKind) -> Times:
    """Return how long the newest operations of some kinds took; those of no answer are left out."""
    recent = (
        sa.select(operation.c.id, operation.c.decision_ms)
        .where(
            operation.c.kind.in_([kind.value for kind in kinds]),
            operation.c.decision_ms > 0,
            operation.c.cancelled.is_(False),
        )
        .order_by(operation.c.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    query = (
        sa.select(recent.c.decision_ms, sa.func.count())
        .select_from(recent)
        .join(answer, answer.c.operation_id == recent.c.id)
        .where(answer.c.state.in_(_DECIDED))
        .group_by(recent.c.id, recent.c.decision_ms)
    )
    found = _table(tx.execute(query), 2)
    return Times(found[:, 0] / 1000, found[:, 1])


def _table(rows: Iterable[Any], columns: int) -> Whole:
    kind = np.dtype([(f"f{n}", np.int64) for n in range(columns)])
    found = np.fromiter((tuple(row) for row in rows), kind)
    return found.view(np.int64).reshape(-1, columns)


def _newest(rows: Iterable[Any]) -> Opinions:
    """Return the last opinion of each person about each pair, where it decides anything."""
    found = _table(rows, 4)[::-1]
    _, last = np.unique(found[:, :3], axis=0, return_index=True)
    found = found[last]
    found = found[np.isin(found[:, 3], _DECIDED)]
    return Opinions(found[:, 0], found[:, 1], found[:, 2], found[:, 3] == STATES[State.PRESENT])
