"""What happened since, who did how much and how fast: counted in the database, not in Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import HELD_OUT_FOLD, OperationKind, State
from annotator.store import attention_checks
from annotator.store.answer_tables import packed_labels
from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import (
    STATES,
    UNUSED,
    annotator,
    answer,
    category,
    image,
    label,
    operation,
    visit,
)

Ordinals = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BREAK_SECONDS = 60.0
"""A longer gap between two operations of a person is a break, not work."""

LONGEST_MS = 600_000
"""Decision times are counted up to this, so that a night at the open page is one bin."""

TENTH_MS = 100
"""Width of a bin of decision times, in milliseconds."""


@dataclass(frozen=True)
class Pairs:
    """Pairs by ordinal, `n` of them, as parallel arrays."""

    image: Ordinals
    category: Ordinals
    labelled: Bools
    """Whether the pair has a label, one in conflict included."""
    known: Bools
    """Whether it is present or absent."""

    def where(self, chosen: Bools) -> set[tuple[int, int]]:
        """Return the ordinals of image and category of some of the pairs, chosen `(n,)`."""
        return set(zip(self.image[chosen].tolist(), self.category[chosen].tolist(), strict=True))


@dataclass(frozen=True)
class Growth:
    """How many pairs were answered by when, `n` moments in order of time."""

    at: list[datetime]
    present: Ordinals
    """Pairs that are present now and whose latest answer had come by then."""
    absent: Ordinals


@dataclass(frozen=True)
class Pace:
    """What one person did, imports left out."""

    name: str
    decisions: int
    """Operations whose time was measured."""
    active_seconds: float
    """Time of these operations, without breaks."""
    single_decisions: int
    """Those among them that were about one pair."""
    single_seconds: float
    median_seconds: float | None
    present: int
    """Answers that stand and say present."""
    absent: int
    checks: int
    """Attention checks that were answered and can be compared with a label."""
    checks_agreed: int


@dataclass(frozen=True)
class Work:
    """What somebody did last, the newest first, `n` operations without imports."""

    ids: Ordinals
    at: npt.NDArray[np.float64]
    """In seconds since 1970."""
    seconds: npt.NDArray[np.float64]
    """How long each took; 0 where that was not measured."""


def newest_operation(tx: Transaction) -> int:
    """Return the id of the newest operation, 0 before there is one."""
    return int(tx.execute(sa.select(sa.func.max(operation.c.id))).scalar() or 0)


def shape(tx: Transaction) -> tuple[int, int]:
    """Return one more than the highest ordinal of an image, and of a category."""
    rows = tx.execute(sa.select(sa.func.max(image.c.ordinal))).scalar()
    columns = tx.execute(sa.select(sa.func.max(category.c.ordinal))).scalar()
    return (-1 if rows is None else rows) + 1, (-1 if columns is None else columns) + 1


def known_counts(tx: Transaction, columns: int) -> Ordinals:
    """Return the store's own counters of known pairs, `(columns,)` by category ordinal."""
    found = np.zeros(columns, dtype=np.int64)
    query = sa.select(category.c.ordinal, category.c.present_count + category.c.absent_count)
    for ordinal, known in tx.execute(query.where(category.c.ordinal < columns)):
        found[ordinal] = known
    return found


def visited_images(tx: Transaction) -> int:
    """Return how many images in use anybody visited."""
    query = sa.select(sa.func.count(visit.c.image_id.distinct()))
    unused = sa.select(image.c.id).where(UNUSED)
    return int(tx.execute(query.where(visit.c.image_id.not_in(unused))).scalar_one())


def each_label(tx: Transaction, size: int = 1000) -> Iterator[Pairs]:
    """Yield every label of the project, those of `size` images at a time, in no order."""
    rows, columns = _ordinals(tx, image), _ordinals(tx, category)
    packed = label.c.category_id * 2 + sa.case((label.c.state.is_not(None), 1), else_=0)
    for image_ids, found in packed_labels(tx, packed, size):
        yield Pairs(
            rows[image_ids],
            columns[found >> 1],
            np.ones(len(found), dtype=bool),
            (found & 1).astype(bool),
        )


def held_out_labels(tx: Transaction) -> tuple[Ordinals, Ordinals, Bools]:
    """Return the known labels of the held-out images: image and category ordinals, present."""
    packed = (
        sa.cast(image.c.ordinal, sa.BigInteger) * (1 << 32)
        + label.c.category_id * 2
        + sa.case((label.c.state == STATES[State.PRESENT], 1), else_=0)
    )
    query = (
        sa.select(packed)
        .select_from(image)
        .join(label, label.c.image_id == image.c.id)
        .where(image.c.fold == HELD_OUT_FOLD, label.c.state.is_not(None))
    )
    found = np.fromiter(tx.execute(query).scalars(), dtype=np.int64)
    columns = _ordinals(tx, category)
    return found >> 32, columns[(found >> 1) & 0x7FFFFFFF], (found & 1).astype(bool)


def growth(tx: Transaction, steps: int = 400) -> Growth:
    """Return how the answered pairs came about, in at most `steps` moments.

    A pair counts from its latest answer on; an import is one moment. Ids of answers grow with
    time, so equal stretches of ids stand for the moments.
    """
    newest = tx.execute(sa.select(sa.func.max(answer.c.id))).scalar()
    if not newest:
        return Growth([], np.zeros(0, np.int64), np.zeros(0, np.int64))
    width = -(-newest // steps)
    count = newest // width + 1
    part = label.c.answer_id // width
    query = sa.select(part, label.c.state, sa.func.count()).where(label.c.state.is_not(None))
    sums = np.zeros((2, count), dtype=np.int64)
    for number, state, pairs in tx.execute(query.group_by(part, label.c.state)):
        sums[int(state == STATES[State.PRESENT]), int(number)] += pairs
    ends = [min((number + 1) * width - 1, newest) for number in range(count)]
    times = _times_of_answers(tx, ends)
    there = [number for number, end in enumerate(ends) if end in times]
    absent, present = sums.cumsum(axis=1)
    # A clock that was set back must not make the line go back.
    at = list(accumulate((times[ends[n]] for n in there), max))
    return Growth(at, present[there], absent[there])


NEWEST_WORK = 20_000
"""Operations that `newest_work` looks back at, more than anybody does in a day."""


def newest_operation_of(tx: Transaction, annotator_id: int) -> int:
    """Return the id of somebody's newest operation, 0 before there is one."""
    newest = sa.select(sa.func.max(operation.c.id))
    return int(tx.execute(newest.where(operation.c.annotator_id == annotator_id)).scalar() or 0)


def newest_work(tx: Transaction, annotator_id: int) -> Work:
    """Return somebody's newest operations."""
    query = (
        sa.select(
            operation.c.id, sa.type_coerce(operation.c.happened_at, sa.BigInteger),
            sa.func.coalesce(operation.c.decision_ms, 0),
        )
        .where(
            operation.c.annotator_id == annotator_id,
            operation.c.kind != OperationKind.IMPORT.value,
        )
        .order_by(operation.c.id.desc())
        .limit(NEWEST_WORK)
    )  # fmt: skip
    rows = np.array([tuple(row) for row in tx.execute(query)], np.int64).reshape(-1, 3)
    # A clock that was set back must not make a gap.
    at = np.minimum.accumulate(rows[:, 1]) / 1e6
    return Work(rows[:, 0], at, rows[:, 2] / 1000)


def answered_since(tx: Transaction, annotator_id: int, first: int) -> int:
    """Return how many pairs somebody has answered.

    Args:
        tx: A transaction.
        annotator_id: Whose answers.
        first: Id of the operation from which on they count.
    """
    pairs = (
        sa.select(answer.c.image_id, answer.c.category_id)
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(
            operation.c.annotator_id == annotator_id,
            operation.c.id >= first,
            operation.c.kind != OperationKind.IMPORT.value,
            operation.c.cancelled.is_(False),
            answer.c.state.in_([STATES[State.PRESENT], STATES[State.ABSENT]]),
        )
        .distinct()
        .subquery()
    )
    return int(tx.execute(sa.select(sa.func.count()).select_from(pairs)).scalar_one())


def first_operation_at(tx: Transaction) -> datetime | None:
    """Return when the first operation was recorded."""
    query = sa.select(operation.c.recorded_at).order_by(operation.c.id).limit(1)
    found: datetime | None = tx.execute(query).scalar()
    return found


def last_answer_at(tx: Transaction) -> datetime | None:
    """Return when somebody did something last; what was imported does not count."""
    query = sa.select(operation.c.recorded_at).order_by(operation.c.id.desc()).limit(1)
    people = operation.c.kind != OperationKind.IMPORT.value
    found: datetime | None = tx.execute(query.where(people)).scalar()
    return found


def paces(tx: Transaction) -> list[Pace]:
    """Return what each person did, in the order in which they came."""
    work, medians = _work(tx), _medians(tx)
    given, checks = _given(tx), attention_checks.agreed(tx)
    result = []
    for row in tx.execute(sa.select(annotator.c.id, annotator.c.name).order_by(annotator.c.id)):
        mine = work.get(row.id, {})
        present, absent = given.get(row.id, (0, 0))
        if not mine and not present + absent:
            continue
        single = [mine.get(kind, (0, 0.0)) for kind in (OperationKind.ANSWER, OperationKind.NAMED)]
        asked, agreed = checks.get(row.id, (0, 0))
        result.append(
            Pace(
                name=row.name,
                decisions=sum(count for count, _ in mine.values()),
                active_seconds=sum(seconds for _, seconds in mine.values()),
                single_decisions=sum(count for count, _ in single),
                single_seconds=sum(seconds for _, seconds in single),
                median_seconds=medians.get(row.id),
                present=present,
                absent=absent,
                checks=asked,
                checks_agreed=agreed,
            )
        )
    return result


def _work(tx: Transaction) -> dict[int, dict[str, tuple[int, float]]]:
    """Return decisions and active seconds by annotator and kind of operation."""
    at = sa.type_coerce(operation.c.happened_at, sa.BigInteger)
    earlier = sa.func.lag(at).over(
        partition_by=operation.c.annotator_id, order_by=(operation.c.happened_at, operation.c.id)
    )
    spaced = (
        sa.select(
            operation.c.annotator_id, operation.c.kind, operation.c.decision_ms,
            (at - earlier).label("gap"),
        )
        .where(operation.c.kind != OperationKind.IMPORT.value)
        .subquery()
    )  # fmt: skip
    pause = round(BREAK_SECONDS * 1_000_000)
    took = sa.cast(spaced.c.decision_ms, sa.BigInteger) * 1000
    # After a break only what the page measured is known to be work.
    after_break = sa.case((took < pause, took), else_=pause)
    active = sa.case((spaced.c.gap < pause, spaced.c.gap), else_=after_break)
    query = (
        sa.select(
            spaced.c.annotator_id, spaced.c.kind, sa.func.count(), sa.func.sum(active)
        )
        .where(spaced.c.decision_ms.is_not(None))
        .group_by(spaced.c.annotator_id, spaced.c.kind)
    )  # fmt: skip
    found: dict[int, dict[str, tuple[int, float]]] = defaultdict(dict)
    for who, kind, count, microseconds in tx.execute(query):
        found[who][kind] = (int(count), float(microseconds) / 1e6)
    return found


def _medians(tx: Transaction) -> dict[int, float]:
    """Return the median of the decision times in seconds by annotator, to a tenth of a second."""
    ms = operation.c.decision_ms
    part = sa.case((ms < LONGEST_MS, ms), else_=LONGEST_MS) // TENTH_MS
    query = (
        sa.select(operation.c.annotator_id, part, sa.func.count())
        .where(ms.is_not(None))
        .group_by(operation.c.annotator_id, part)
        .order_by(operation.c.annotator_id, part)
    )
    bins: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for who, number, count in tx.execute(query):
        bins[who].append((int(number), int(count)))
    medians = {}
    for who, mine in bins.items():
        reached = np.cumsum([count for _, count in mine])
        middle = mine[int(np.searchsorted(reached, reached[-1] / 2))][0]
        medians[who] = (middle + 0.5) * TENTH_MS / 1000
    return medians


def _given(tx: Transaction) -> dict[int, tuple[int, int]]:
    """Return how many present and absent answers stand, by annotator."""
    query = (
        sa.select(operation.c.annotator_id, answer.c.state, sa.func.count())
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(
            operation.c.kind != OperationKind.IMPORT.value,
            operation.c.cancelled.is_(False),
            answer.c.late.is_(False),
            answer.c.state.in_([STATES[State.PRESENT], STATES[State.ABSENT]]),
        )
        .group_by(operation.c.annotator_id, answer.c.state)
    )
    found: dict[int, tuple[int, int]] = {}
    for who, state, count in tx.execute(query):
        present, absent = found.get(who, (0, 0))
        is_present = state == STATES[State.PRESENT]
        found[who] = (present + count, absent) if is_present else (present, absent + count)
    return found


def _times_of_answers(tx: Transaction, ids: list[int]) -> dict[int, datetime]:
    query = sa.select(answer.c.id, operation.c.recorded_at).join(
        operation, operation.c.id == answer.c.operation_id
    )
    found: dict[int, datetime] = {}
    for part in chunks(ids):
        found.update({key: at for key, at in tx.execute(query.where(answer.c.id.in_(part)))})
    return found


def _ordinals(tx: Transaction, table: sa.Table) -> Ordinals:
    """Return an array that leads from the ids of images or categories to their ordinals."""
    rows: list[Any] = list(tx.execute(sa.select(table.c.id, table.c.ordinal)))
    found = np.zeros(1 + max((row[0] for row in rows), default=0), dtype=np.int64)
    if rows:
        both = np.array([tuple(row) for row in rows], dtype=np.int64)
        found[both[:, 0]] = both[:, 1]
    return found
