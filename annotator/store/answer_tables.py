"""Answers and labels in bulk: as NumPy arrays, as counts, and the history of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import OperationKind, Source, State
from annotator.store.connection import Transaction
from annotator.store.tables import (
    SOURCE_OF,
    SOURCES,
    STATE_OF,
    STATES,
    annotator,
    answer,
    category,
    image,
    label,
    operation,
)


@dataclass(frozen=True)
class LabelTable:
    """Every label of a project, `n` of them, as parallel arrays."""

    image: npt.NDArray[np.int32]
    """`(n,)` image ordinals."""
    category: npt.NDArray[np.int32]
    """`(n,)` category ordinals."""
    present: npt.NDArray[np.bool_]
    """`(n,)`; of no meaning where `conflict`."""
    source: npt.NDArray[np.int8]
    """`(n,)` index into `list(Source)`."""
    conflict: npt.NDArray[np.bool_]
    """`(n,)`, unknown until reviewed."""


@dataclass(frozen=True)
class AnswerCounts:
    """What the retraining policy counts."""

    answers: int
    """Present and absent answers that stand, outside sweeps."""
    present: int
    last_operation: int
    """Id of the newest operation; 0 before there is one."""


@dataclass(frozen=True)
class AnswerRecord:
    """One answer about a pair, whatever became of it."""

    answer_id: int
    annotator: str
    state: State
    source: Source
    at: datetime
    late: bool
    cancelled: bool


def label_table(tx: Transaction) -> LabelTable:
    """Return the labels of the whole project."""
    query = (
        sa.select(
            image.c.ordinal,
            category.c.ordinal,
            label.c.state,
            label.c.source,
            label.c.conflict,
        )
        .select_from(label)
        .join(image, image.c.id == label.c.image_id)
        .join(category, category.c.id == label.c.category_id)
    )
    order = list(Source)
    index = {code: order.index(source) for code, source in SOURCE_OF.items()}
    rows = [
        (i, c, state == STATES[State.PRESENT], index[source], conflict)
        for i, c, state, source, conflict in tx.execute(query)
    ]
    columns = np.array(rows, dtype=np.int32).reshape(-1, 5)
    return LabelTable(
        image=columns[:, 0],
        category=columns[:, 1],
        present=columns[:, 2].astype(bool),
        source=columns[:, 3].astype(np.int8),
        conflict=columns[:, 4].astype(bool),
    )


def answer_counts(tx: Transaction, *, after_operation: int = 0) -> AnswerCounts:
    """Count the answers of operations newer than one; see `AnswerCounts`."""
    query = (
        sa.select(answer.c.state, sa.func.count())
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(
            answer.c.operation_id > after_operation,
            answer.c.late.is_(False),
            operation.c.cancelled.is_(False),
            answer.c.source != SOURCES[Source.SWEPT],
            answer.c.state.in_([STATES[State.PRESENT], STATES[State.ABSENT]]),
        )
        .group_by(answer.c.state)
    )
    counts = {state: int(number) for state, number in tx.execute(query)}
    last = tx.execute(sa.select(sa.func.max(operation.c.id))).scalar()
    present = counts.get(STATES[State.PRESENT], 0)
    return AnswerCounts(
        answers=present + counts.get(STATES[State.ABSENT], 0),
        present=present,
        last_operation=int(last or 0),
    )


def history(tx: Transaction, image_id: int, category_id: int) -> list[AnswerRecord]:
    """Return every answer about a pair, oldest first, undone and late ones included."""
    query = (
        sa.select(
            answer.c.id,
            annotator.c.name,
            answer.c.state,
            answer.c.source,
            operation.c.happened_at,
            answer.c.late,
            operation.c.cancelled,
        )
        .join(operation, operation.c.id == answer.c.operation_id)
        .join(annotator, annotator.c.id == operation.c.annotator_id)
        .where(answer.c.image_id == image_id, answer.c.category_id == category_id)
        .order_by(answer.c.id)
    )
    return [
        AnswerRecord(i, name, STATE_OF[state], SOURCE_OF[source], at, late, cancelled)
        for i, name, state, source, at, late, cancelled in tx.execute(query)
    ]


def imports(tx: Transaction) -> int:
    """Return how many operations were imports."""
    query = sa.select(sa.func.count()).select_from(operation)
    return int(tx.execute(query.where(operation.c.kind == OperationKind.IMPORT.value)).scalar_one())
