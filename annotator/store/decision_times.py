"""How long people took for what they did last, by kind: what the queue's costs come from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import OperationKind, Source
from annotator.store.connection import Transaction
from annotator.store.tables import SOURCES, answer, operation

NEWEST = 5000
"""Operations that are looked at, the newest ones of any kind; older work was by other habits."""

Seconds = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class DecisionTimes:
    """Recorded times in seconds; nothing that was taken back, imported or done in review."""

    first: Seconds
    """Single answers that were the first about an image: with the look at it."""
    further: Seconds
    """Single answers about the image that the same person answered about just before."""
    first_named: Seconds
    """As `first`, where the category was found by its name."""
    further_named: Seconds
    """As `further`, where the category was found by its name."""
    page: Seconds
    """Whole pages of the grid that had preselected pictures."""
    page_touched: Whole
    """Pictures of each page that somebody decided one by one."""
    page_left: Whole
    """Pictures of each page that stayed as they were preselected."""


def decision_times(tx: Transaction) -> DecisionTimes:
    """Return how long the newest operations took; the first of each person has no before."""
    rows = _newest_operations(tx)
    single: dict[tuple[str, bool], list[int]] = defaultdict(list)  # by kind, and whether further
    page: list[tuple[int, int, int]] = []
    at: dict[int, int] = {}  # the image that each person was at
    for row in rows:
        if row.kind == OperationKind.PAGE.value:
            at.pop(row.annotator_id, None)
            if row.left_as_it_was:
                page.append((row.decision_ms, row.said - row.left_as_it_was, row.left_as_it_was))
            continue
        before = at.get(row.annotator_id)
        at[row.annotator_id] = row.image
        if before is not None:
            single[row.kind, before == row.image].append(row.decision_ms)
    pages = np.array(page, np.int64).reshape(-1, 3)
    return DecisionTimes(
        first=_seconds(single[OperationKind.ANSWER, False]),
        further=_seconds(single[OperationKind.ANSWER, True]),
        first_named=_seconds(single[OperationKind.NAMED, False]),
        further_named=_seconds(single[OperationKind.NAMED, True]),
        page=pages[:, 0] / 1000,
        page_touched=pages[:, 1],
        page_left=pages[:, 2],
    )


def _seconds(milliseconds: list[int]) -> Seconds:
    return np.array(milliseconds, np.float64) / 1000


def _newest_operations(tx: Transaction) -> list[sa.Row[tuple[int, ...]]]:
    """Return the newest operations with a time, the oldest of them first.

    A limit before any condition keeps this quick, however many millions there are.
    """
    newest = (
        sa.select(
            operation.c.id, operation.c.annotator_id, operation.c.kind, operation.c.decision_ms,
            operation.c.cancelled,
        )
        .order_by(operation.c.id.desc())
        .limit(NEWEST)
        .subquery()
    )  # fmt: skip
    in_bulk = answer.c.source == SOURCES[Source.ACCEPTED_IN_BULK]
    query = (
        sa.select(
            newest.c.annotator_id,
            newest.c.kind,
            newest.c.decision_ms,
            sa.func.min(answer.c.image_id).label("image"),
            sa.func.count().label("said"),
            sa.func.sum(sa.case((in_bulk, 1), else_=0)).label("left_as_it_was"),
        )
        .join(answer, answer.c.operation_id == newest.c.id)
        .where(
            newest.c.decision_ms > 0,
            newest.c.cancelled.is_(False),
            newest.c.kind != OperationKind.IMPORT.value,
            answer.c.source != SOURCES[Source.REVIEW],
        )
        .group_by(
            newest.c.id, newest.c.annotator_id, newest.c.kind, newest.c.decision_ms
        )
        .order_by(newest.c.id)
    )  # fmt: skip
    return list(tx.execute(query))
