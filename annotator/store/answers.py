"""Recording what people say, taking it back, and reading what it adds up to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from annotator.domain import (
    Change,
    Operation,
    OperationKind,
    PairLabel,
    Receipt,
    Source,
    State,
)
from annotator.errors import AnnotatorError
from annotator.store import attention_checks, derivation, steps
from annotator.store.answer_tables import (
    AnswerCounts,
    AnswerRecord,
    LabelsByImage,
    LabelTable,
    answer_counts,
    history,
    label_table,
)
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.repair import recompute, recount
from annotator.store.rows import chunks
from annotator.store.steps import Step
from annotator.store.tables import SCORE_STEPS, SOURCES, STATES, answer, operation

__all__ = [
    "AnswerCounts",
    "AnswerRecord",
    "LabelTable",
    "LabelsByImage",
    "answer_counts",
    "history",
    "is_recorded",
    "label_table",
    "labels_of",
    "recompute",
    "record",
    "recorded_pairs",
    "recount",
    "redo",
    "undo",
    "unsure_of",
]


def record(tx: Transaction, new: Operation, now: datetime) -> Receipt:
    """Record an operation and recompute the labels it touches.

    A retry with the same client id changes nothing. A change whose pair has moved on since the
    client looked is kept, flagged late, and takes no part in the label; imports are never late,
    and make nobody late. Nor does what is said to an attention check take part: a slip there must
    not cost a label, and the receipt does not call it late.

    Raises:
        AnnotatorError: If another annotator's operation has the same client id.
    """
    known = _recorded(tx, new.client_id, new.annotator_id)
    pairs = [(c.image_id, c.category_id) for c in new.changes]
    if known is not None:
        touched = pairs or _pairs_of(tx, known)
        return _receipt(tx, known, touched, repeated=True, late=_late_pairs(tx, known))
    checks = {(c.image_id, c.category_id) for c in new.changes if c.expected}
    late = set() if new.kind is OperationKind.IMPORT else _moved_on(tx, new.changes)
    values = {
        "client_id": new.client_id,
        "annotator_id": new.annotator_id,
        "kind": new.kind.value,
        "happened_at": new.happened_at,
        "recorded_at": now,
        "decision_ms": new.decision_ms,
        "step": new.step,
        "version": new.version,
    }
    operation_id = _insert(tx, values)
    for part in chunks(new.changes, 5000):
        tx.execute(
            sa.insert(answer),
            [
                {
                    "operation_id": operation_id,
                    "image_id": c.image_id,
                    "category_id": c.category_id,
                    "state": STATES[c.state],
                    "source": SOURCES[c.source],
                    "score": None if c.score is None else round(c.score * SCORE_STEPS),
                    "late": (c.image_id, c.category_id) in late | checks,
                }
                for c in part
            ],
        )
    attention_checks.keep(tx, operation_id, new.changes)
    derivation.recompute(tx, set(pairs) - late - checks)
    if new.kind is OperationKind.IMPORT:
        return Receipt(operation_id=operation_id, repeated=False, labels=())
    return _receipt(tx, operation_id, pairs, repeated=False, late=sorted(late - checks))


def undo(
    tx: Transaction, client_id: str, annotator_id: int, now: datetime, *, target: str | None = None
) -> Receipt | None:
    """Cancel the annotator's newest operation that is not cancelled; None if there is none.

    Imports and undos themselves are not undone. A retry with the same client id changes nothing.

    Args:
        tx: A transaction that writes.
        client_id: Of the undo.
        annotator_id: Whose operation.
        now: When it is recorded.
        target: Client id of the operation that is meant; if another is the newest, nothing is
            cancelled.

    Raises:
        AnnotatorError: If another annotator's operation has the same client id.
    """
    known = _recorded(tx, client_id, annotator_id)
    if known is not None:
        return _repeated_cancellation(tx, known)
    step = steps.last_done(tx, annotator_id)
    if step is None or target not in (None, step.client_id):
        return None
    return _cancel(tx, client_id, annotator_id, now, OperationKind.UNDO, step)


def redo(
    tx: Transaction, client_id: str, annotator_id: int, now: datetime, *, target: str | None = None
) -> Receipt | None:
    """Cancel the annotator's newest undo; None if there is none or something came after it.

    A retry with the same client id changes nothing.

    Args:
        tx: A transaction that writes.
        client_id: Of the redo.
        annotator_id: Whose undo.
        now: When it is recorded.
        target: Client id of the operation that is meant; if the undo was about another, nothing
            is brought back.

    Raises:
        AnnotatorError: If another annotator's operation has the same client id.
    """
    known = _recorded(tx, client_id, annotator_id)
    if known is not None:
        return _repeated_cancellation(tx, known)
    step = steps.last_undone(tx, annotator_id)
    if step is None or target not in (None, step.client_id):
        return None
    return _cancel(tx, client_id, annotator_id, now, OperationKind.REDO, step)


def is_recorded(tx: Transaction, client_id: str) -> bool:
    """Whether there is an operation of that client id, whoever did it."""
    query = sa.select(operation.c.id).where(operation.c.client_id == client_id)
    return tx.execute(query).first() is not None


def recorded_pairs(tx: Transaction, client_id: str) -> set[Pair]:
    """Return the pairs that the operation of that client id is about; none before it is there."""
    query = sa.select(answer.c.image_id, answer.c.category_id).join(
        operation, operation.c.id == answer.c.operation_id
    )
    return {(i, c) for i, c in tx.execute(query.where(operation.c.client_id == client_id))}


def labels_of(tx: Transaction, image_ids: Iterable[int]) -> dict[int, list[PairLabel]]:
    """Return the labels of images by image id; pairs in conflict are included."""
    return derivation.labels_of_images(tx, image_ids)


def unsure_of(
    tx: Transaction, annotator_id: int, image_ids: Collection[int]
) -> dict[int, list[int]]:
    """Return, by image id, the categories about which this annotator's last word is "unsure"."""
    columns = answer.c.id, answer.c.image_id, answer.c.category_id, answer.c.state
    query = (
        sa.select(*columns, operation.c.annotator_id)
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(answer.c.late.is_(False), operation.c.cancelled.is_(False))
    )
    last: dict[Pair, tuple[int, int]] = {}
    for part in chunks(image_ids):
        for row in tx.execute(query.where(answer.c.image_id.in_(part))):
            # Asked here, not in SQL, which might then read all operations of this annotator.
            if row.annotator_id == annotator_id:
                pair = row.image_id, row.category_id
                last[pair] = max(last.get(pair, (0, 0)), (row.id, row.state))
    found: dict[int, list[int]] = {}
    for (image_id, category_id), (_, state) in last.items():
        if state == STATES[State.UNSURE]:
            found.setdefault(image_id, []).append(category_id)
    return found


def _recorded(tx: Transaction, client_id: str, annotator_id: int) -> int | None:
    row = tx.execute(
        sa.select(operation.c.id, operation.c.annotator_id).where(
            operation.c.client_id == client_id
        )
    ).first()
    if row is None:
        return None
    if row.annotator_id != annotator_id:
        raise AnnotatorError("This was recorded under another name before.")
    return int(row.id)


def _insert(tx: Transaction, values: dict[str, object]) -> int:
    key = tx.execute(sa.insert(operation).values(**values)).inserted_primary_key
    assert key is not None  # every database gives back the key of a single row
    return int(key[0])


def _cancel(
    tx: Transaction,
    client_id: str,
    annotator_id: int,
    now: datetime,
    kind: OperationKind,
    step: Step,
) -> Receipt:
    values = {
        "client_id": client_id,
        "annotator_id": annotator_id,
        "kind": kind.value,
        "happened_at": now,
        "recorded_at": now,
        "cancels": step.cancels,
        "target": step.id,
    }
    operation_id = _insert(tx, values)
    tx.execute(sa.update(operation).where(operation.c.id == step.cancels).values(cancelled=True))
    if kind is OperationKind.REDO:
        tx.execute(sa.update(operation).where(operation.c.id == step.id).values(cancelled=False))
    pairs = _pairs_of(tx, step.id)
    derivation.recompute(tx, pairs)
    return _receipt(tx, operation_id, pairs, repeated=False, late=())


def _repeated_cancellation(tx: Transaction, operation_id: int) -> Receipt:
    target = tx.execute(
        sa.select(operation.c.target).where(operation.c.id == operation_id)
    ).scalar()
    pairs = _pairs_of(tx, target if target is not None else operation_id)
    return _receipt(tx, operation_id, pairs, repeated=True, late=())


def _receipt(
    tx: Transaction,
    operation_id: int,
    pairs: Sequence[Pair],
    *,
    repeated: bool,
    late: Sequence[Pair],
) -> Receipt:
    unique = list(dict.fromkeys(pairs))
    labels = derivation.current(tx, unique)
    return Receipt(
        operation_id=operation_id,
        repeated=repeated,
        labels=tuple(labels[pair] for pair in unique),
        late=tuple(late),
    )


def _pairs_of(tx: Transaction, operation_id: int) -> list[Pair]:
    query = sa.select(answer.c.image_id, answer.c.category_id).order_by(answer.c.id)
    rows = tx.execute(query.where(answer.c.operation_id == operation_id))
    return list(dict.fromkeys((i, c) for i, c in rows))


def _late_pairs(tx: Transaction, operation_id: int) -> list[Pair]:
    query = sa.select(answer.c.image_id, answer.c.category_id).where(
        answer.c.operation_id == operation_id, answer.c.late.is_(True), ~attention_checks.IS_CHECK
    )
    return sorted({(i, c) for i, c in tx.execute(query)})


def _moved_on(tx: Transaction, changes: Sequence[Change]) -> set[Pair]:
    """Return the pairs that somebody changed since the client looked at them.

    A file that came in between changes nothing: what people say comes before it anyway.
    """
    labels = derivation.current(tx, [(c.image_id, c.category_id) for c in changes])
    pending: dict[str, int | None] = {
        name: tx.execute(sa.select(operation.c.id).where(operation.c.client_id == name)).scalar()
        for name in {c.seen_operation for c in changes if c.seen_operation is not None}
    }
    late = set()
    for change in changes:
        pair = (change.image_id, change.category_id)
        seen = pending.get(change.seen_operation) if change.seen_operation else None
        if seen is not None:
            moved = _touched_after(tx, pair, seen)
        else:
            now = labels[pair]
            moved = now.answer_id != change.seen_answer_id and now.source is not Source.IMPORTED
        if moved:
            late.add(pair)
    return late


def _touched_after(tx: Transaction, pair: Pair, operation_id: int) -> bool:
    """Return whether this operation was late itself, or a later one changed the pair."""
    said = sa.select(answer.c.id).where(
        answer.c.image_id == pair[0], answer.c.category_id == pair[1]
    )
    timely = said.where(answer.c.late.is_(False), answer.c.source != SOURCES[Source.IMPORTED])
    late = said.where(answer.c.operation_id == operation_id, answer.c.late.is_(True))
    later = timely.where(answer.c.operation_id > operation_id)
    cancelled = timely.join(operation, operation.c.target == answer.c.operation_id).where(
        operation.c.id > operation_id
    )
    queries = (late, later, cancelled)
    return any(tx.execute(query.limit(1)).first() is not None for query in queries)
