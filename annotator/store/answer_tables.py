"""Answers and labels in bulk: as NumPy arrays, as counts, and the history of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import OperationKind, Source, State
from annotator.store import saved_again
from annotator.store.attention_checks import IS_CHECK
from annotator.store.connection import Transaction
from annotator.store.tables import (
    SCORE_STEPS,
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
    check: bool
    """Given to an attention check."""
    cancelled: bool
    score: float | None = None
    """Probability that was shown beside the pair, if one was."""
    version: int | None = None
    """Version whose suggestions were on the screen."""


def label_table(tx: Transaction) -> LabelTable:
    """Return the labels of the whole project."""
    order = list(Source)
    index = np.zeros(1 + max(SOURCE_OF), dtype=np.int8)
    for code, source in SOURCE_OF.items():
        index[code] = order.index(source)
    rows, columns = _ordinals(tx, image), _ordinals(tx, category)
    none = np.empty(0, np.int64)
    parts = [  # narrow at once: the whole numbers of all labels would take five times the memory
        (
            rows[image_ids],
            columns[packed >> _CATEGORY],
            (packed & 2).astype(bool),
            index[(packed >> _SOURCE) % (1 << _CATEGORY - _SOURCE)],
            (packed & 1).astype(bool),
        )
        for image_ids, packed in chain([(none, none)], packed_labels(tx, _PACKED))
    ]
    return LabelTable(*(np.concatenate(field) for field in zip(*parts, strict=True)))


_SOURCE, _CATEGORY = 2, 8
"""Lowest bit of each field of a packed label; below them stand `present` and `conflict`."""


_PACKED = (
    label.c.category_id * (1 << _CATEGORY)
    + label.c.source * (1 << _SOURCE)
    + sa.case((label.c.state == STATES[State.PRESENT], 2), else_=0)
    + sa.case((label.c.conflict.is_(True), 1), else_=0)
)


def packed_labels(
    tx: Transaction, packed: sa.ColumnElement[int], size: int = 1000
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield image ids and one whole number of every label, `(n,)` each.

    The numbers of an image come as one text: millions of rows would fill a laptop's memory, and
    keep every other request of the web process waiting while they are made.

    Args:
        tx: Any transaction.
        packed: What of a row of `label` is wanted, 0 or above.
        size: Images at a time.
    """
    joined = sa.func.aggregate_strings(sa.cast(packed, sa.Text), ",")
    query = sa.select(label.c.image_id, joined).group_by(label.c.image_id)
    for rows in tx.execute(query).partitions(size):
        counts = [1 + text.count(",") for _, text in rows]
        ids = np.repeat(np.array([image_id for image_id, _ in rows], np.int64), counts)
        yield ids, np.fromstring(",".join(text for _, text in rows), np.int64, sep=",")


class LabelsByImage:
    """Every label of a project in little memory, to be looked up image by image."""

    def __init__(self, image_ids: npt.NDArray[np.int64], packed: npt.NDArray[np.int64]) -> None:
        """Sort `(n,)` image ids and the packed labels that belong to them."""
        order = np.argsort(image_ids, kind="stable")
        self._ids, self._packed = image_ids[order], packed[order]

    @classmethod
    def read(cls, tx: Transaction) -> LabelsByImage:
        """Return the labels as they stand."""
        none = np.empty(0, np.int64)
        parts = zip(*chain([(none, none)], packed_labels(tx, _PACKED)), strict=True)
        return cls(*(np.concatenate(field) for field in parts))

    def of(self, image_id: int) -> dict[int, tuple[State | None, Source]]:
        """Return state and source by category id; the state is None while people disagree."""
        first, last = np.searchsorted(self._ids, (image_id, image_id + 1))
        found: dict[int, tuple[State | None, Source]] = {}
        for packed in self._packed[first:last].tolist():
            state = State.PRESENT if packed & 2 else State.ABSENT
            source = SOURCE_OF[(packed >> _SOURCE) % (1 << _CATEGORY - _SOURCE)]
            found[packed >> _CATEGORY] = (None if packed & 1 else state, source)
        return found


def _ordinals(tx: Transaction, table: sa.Table) -> npt.NDArray[np.int32]:
    """Return an array that leads from the ids of images or categories to their ordinals."""
    rows = tx.execute(sa.select(table.c.id, table.c.ordinal)).all()
    found = np.zeros(1 + max((row.id for row in rows), default=0), dtype=np.int32)
    for row in rows:
        found[row.id] = row.ordinal
    return found


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
    """Return every answer about a pair, oldest first, undone and late ones included.

    Those about an image that is this one, saved again, are among them.
    """
    same = [image_id, *saved_again.copies(tx, [image_id])]
    query = (
        sa.select(
            answer.c.id,
            annotator.c.name,
            answer.c.state,
            answer.c.source,
            operation.c.happened_at,
            answer.c.late,
            IS_CHECK.label("check"),
            operation.c.cancelled,
            answer.c.score,
            operation.c.version,
        )
        .join(operation, operation.c.id == answer.c.operation_id)
        .join(annotator, annotator.c.id == operation.c.annotator_id)
        .where(answer.c.image_id.in_(same), answer.c.category_id == category_id)
        .order_by(answer.c.id)
    )
    return [
        AnswerRecord(
            answer_id=row.id,
            annotator=row.name,
            state=STATE_OF[row.state],
            source=SOURCE_OF[row.source],
            at=row.happened_at,
            late=row.late,
            check=bool(row.check),
            cancelled=row.cancelled,
            score=None if row.score is None else row.score / SCORE_STEPS,
            version=row.version,
        )
        for row in tx.execute(query)
    ]


def imports(tx: Transaction) -> int:
    """Return how many operations were imports."""
    query = sa.select(sa.func.count()).select_from(operation)
    return int(tx.execute(query.where(operation.c.kind == OperationKind.IMPORT.value)).scalar_one())
