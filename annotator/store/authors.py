"""Who has said what beside the one whom a label names; only the last word of each person counts.

Answers that were taken back, came late, or came from a file are left out everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import Source, State
from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import SOURCES, STATES, answer, label, operation

Authors = npt.NDArray[np.int64]
"""`(n, 3)` ids of image, category and annotator."""

_PAIR = answer.c.image_id, answer.c.category_id


def others(tx: Transaction, image_ids: Collection[int] | None = None) -> Authors:
    """Return who has answered pairs whose label, if there is one, names somebody else.

    Somebody who has removed their answer is left out. Of a pair that nobody can tell all are named.

    Args:
        tx: A transaction.
        image_ids: The images that matter; None: all.
    """
    return _found(tx, image_ids, _others)


def doubts(tx: Transaction, image_ids: Collection[int] | None = None) -> Authors:
    """Return who cannot tell about which pairs, labelled ones included.

    Args:
        tx: A transaction.
        image_ids: The images that matter; None: all.
    """
    return _found(tx, image_ids, _doubts)


def _found(
    tx: Transaction,
    image_ids: Collection[int] | None,
    query: Callable[[sa.ColumnElement[bool]], sa.Select[Any]],
) -> Authors:
    parts = [] if image_ids is None else chunks(sorted(image_ids))
    where = [sa.true()] if image_ids is None else [answer.c.image_id.in_(part) for part in parts]
    found = [np.empty((0, 3), np.int64)]
    for each in where:
        for rows in tx.execute(query(each)).partitions(10_000):
            found.append(np.array([tuple(row) for row in rows], np.int64))
    return np.concatenate(found)


def _others(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    # An index says which pairs have several answers; of all others the label tells the author.
    several = sa.select(*_PAIR).where(where).group_by(*_PAIR).having(sa.func.count() > 1)
    last = _last_words(several)
    said, named, by = answer.alias("said"), answer.alias("named"), operation.alias("by")
    its_label = sa.and_(
        label.c.image_id == last.c.image_id, label.c.category_id == last.c.category_id
    )
    return (
        sa.select(last.c.image_id, last.c.category_id, last.c.annotator_id)
        .join(said, said.c.id == last.c.answer)
        .outerjoin(label, its_label)
        .outerjoin(named, named.c.id == label.c.answer_id)
        .outerjoin(by, by.c.id == named.c.operation_id)
        .where(
            said.c.state != STATES[State.CLEARED],
            by.c.annotator_id.is_distinct_from(last.c.annotator_id),
        )
    )


def _doubts(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    unsure = STATES[State.UNSURE]
    last = _last_words(sa.select(*_PAIR).distinct().where(where, answer.c.state == unsure))
    said = answer.alias("said")
    return (
        sa.select(last.c.image_id, last.c.category_id, last.c.annotator_id)
        .join(said, said.c.id == last.c.answer)
        .where(said.c.state == unsure)
    )


def _last_words(pairs: sa.Select[Any]) -> sa.Subquery:
    """Return the last answer of each person about some pairs."""
    wanted = pairs.subquery()
    is_wanted = sa.and_(
        wanted.c.image_id == answer.c.image_id, wanted.c.category_id == answer.c.category_id
    )
    return (
        sa.select(sa.func.max(answer.c.id).label("answer"), *_PAIR, operation.c.annotator_id)
        .join(wanted, is_wanted)
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(
            answer.c.late.is_(False),
            operation.c.cancelled.is_(False),
            answer.c.source != SOURCES[Source.IMPORTED],
        )
        .group_by(*_PAIR, operation.c.annotator_id)
        .subquery()
    )
