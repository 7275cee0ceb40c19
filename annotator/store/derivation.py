"""The label of each pair, recomputed from its answers whenever one of them comes or goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from annotator.domain import Judgement, PairLabel, State, winning_label
from annotator.store import merges, saved_again
from annotator.store.connection import Transaction
from annotator.store.merges import Merges, Pair
from annotator.store.rows import chunks
from annotator.store.tables import (
    IN_USE,
    SCORE_STEPS,
    SOURCE_OF,
    SOURCES,
    STATE_OF,
    STATES,
    UNUSED,
    annotator,
    answer,
    category,
    image,
    label,
    operation,
)

FEW = 8
"""So many categories are looked up one by one; more of them by reading all of an image's rows."""


def labels_of_images(
    tx: Transaction, image_ids: Iterable[int], category_ids: Collection[int] = ()
) -> dict[int, list[PairLabel]]:
    """Return the labels of images by image id; pairs in conflict are included.

    Args:
        tx: A transaction.
        image_ids: The images.
        category_ids: The categories that matter; labels of others may be left out. Empty: all do.
    """
    query = (
        sa.select(
            label,
            operation.c.annotator_id,
            answer.c.score,
        )
        .join(answer, answer.c.id == label.c.answer_id)
        .join(operation, operation.c.id == answer.c.operation_id)
    )
    found: dict[int, list[PairLabel]] = defaultdict(list)
    for part in chunks(image_ids):
        for row in tx.execute(query.where(*_about(label, part, category_ids))):
            found[row.image_id].append(_to_label(row))
    return dict(found)


def current(tx: Transaction, pairs: Collection[Pair]) -> dict[Pair, PairLabel]:
    """Return the labels of pairs as they stand; unknown pairs are included."""
    rows = labels_of_images(tx, sorted({i for i, _ in pairs}), {c for _, c in pairs})
    known = {(i, x.category_id): x for i, labels in rows.items() for x in labels}
    return {
        pair: known.get(pair) or PairLabel(image_id=pair[0], category_id=pair[1], state=None)
        for pair in pairs
    }


def recompute(tx: Transaction, pairs: Collection[Pair]) -> None:
    """Make the labels and counters of pairs what their answers add up to.

    Where a category is merged into another, or an image is another one saved again, the pairs of
    that one are recomputed with it. Images that are not in use have no labels.
    """
    merged = merges.read(tx)
    by_image: dict[int, list[Pair]] = defaultdict(list)
    for pair in merged.with_targets(saved_again.with_originals(tx, pairs)):
        by_image[pair[0]].append(pair)
    for part in chunks(by_image):
        _recompute(tx, {pair for image_id in part for pair in by_image[image_id]}, part, merged)


def _recompute(tx: Transaction, pairs: set[Pair], image_ids: list[int], merged: Merges) -> None:
    category_ids = {category_id for _, category_id in pairs}
    before = {
        (row.image_id, row.category_id): row.state
        for row in tx.execute(
            sa.select(label.c.image_id, label.c.category_id, label.c.state).where(
                *_about(label, image_ids, category_ids)
            )
        )
    }
    used = set(tx.execute(sa.select(image.c.id).where(image.c.id.in_(image_ids), IN_USE)).scalars())
    judgements = judgements_of(tx, sorted(used), merged.with_parts(category_ids))
    rows, gone, counts = [], [], _Counts()
    for pair in pairs:
        now = merged.label(pair, judgements)
        old = before.get(pair)
        if pair in before:
            gone.append(pair)
        if now.answer_id is not None:
            rows.append(_to_row(now))
        counts.move(pair, old, None if now.state is None else STATES[now.state])
    _delete(tx, gone)
    if rows:
        tx.execute(sa.insert(label), rows)
    counts.write(tx)


def forget(tx: Transaction, image_ids: Collection[int]) -> None:
    """Delete the labels of images that are not in use any more; their answers stay."""
    for part in chunks(image_ids):
        mine, counts = label.c.image_id.in_(part), _Counts()
        known = sa.select(label.c.category_id, label.c.state, sa.func.count())
        known = known.where(mine, label.c.state.is_not(None))
        for c, state, number in tx.execute(known.group_by(label.c.category_id, label.c.state)):
            counts.label(c, state, -number)
        tx.execute(sa.delete(label).where(mine))
        tx.execute(sa.update(image).where(image.c.id.in_(part)).values(known_count=0))
        counts.write(tx)


def standing(tx: Transaction, image_ids: Collection[int]) -> dict[int, int]:
    """Return by image id about how many categories there are answers that stand.

    Images that are not in use are counted too; merged categories count as they were answered.
    """
    found: Counter[int] = Counter()
    for part in chunks(image_ids):
        for pair, said in judgements_of(tx, part).items():
            found[pair[0]] += winning_label(*pair, said).answer_id is not None
    return dict(found)


def take_over(tx: Transaction, after: int, operations: Sequence[int]) -> None:
    """Make the newest answers the labels of their pairs, which have no other answer or label.

    It comes to the same as `recompute`, many times as fast. None of the images may be another one
    saved again, nor have been.

    Args:
        tx: A transaction.
        after: The newest answer from before; only later ones are taken.
        operations: The operations of the answers.
    """
    image_id, category_id, state = answer.c.image_id, answer.c.category_id, answer.c.state
    unused = sa.select(image.c.id).where(UNUSED)
    new = answer.c.id > after, answer.c.operation_id.in_(operations), image_id.not_in(unused)
    names = ["image_id", "category_id", "state", "source", "answer_id", "conflict"]
    rows = sa.select(image_id, category_id, state, answer.c.source, answer.c.id, sa.false())
    rows = rows.where(*new).order_by(image_id, category_id)
    tx.execute(sa.insert(label).from_select(names, rows))
    number, counts = sa.func.count(), _Counts()
    by_category = sa.select(category_id, state, number).where(*new).group_by(category_id, state)
    for c, said, count in tx.execute(by_category):
        counts.label(c, said, count)
    by_image = sa.select(image_id, number).where(*new).group_by(image_id)
    for i, count in tx.execute(by_image):
        counts.know(i, count)
    counts.write(tx)


def withdraw(tx: Transaction, first: int, last: int, operations: sa.Select[Any]) -> set[Pair]:
    """Delete the labels of answers that count no more, where their pairs have no other answer.

    It comes to the same as `recompute`, many times as fast.

    Args:
        tx: A transaction.
        first: Answers from this one on ...
        last: ... to this one, both included.
        operations: Ids of the cancelled operations; only their answers are meant.

    Returns:
        The pairs that are done.
    """
    other = answer.alias("other")
    another = sa.exists().where(
        other.c.image_id == answer.c.image_id,
        other.c.category_id == answer.c.category_id,
        other.c.id != answer.c.id,
    )
    its_label = sa.and_(
        label.c.image_id == answer.c.image_id,
        label.c.category_id == answer.c.category_id,
        label.c.answer_id == answer.c.id,
    )
    query = (
        sa.select(label.c.image_id, label.c.category_id, label.c.state)
        .select_from(answer.join(label, its_label))
        .where(answer.c.id.between(first, last), answer.c.operation_id.in_(operations), ~another)
        .where(~saved_again.is_linked(answer.c.image_id))
    )
    counts, pairs = _Counts(), set[Pair]()
    for row in tx.execute(query):
        counts.move((row.image_id, row.category_id), row.state, None)
        pairs.add((row.image_id, row.category_id))
    _delete(tx, list(pairs))
    counts.write(tx)
    return pairs


def judgements_of(
    tx: Transaction, image_ids: Collection[int], category_ids: Collection[int] = ()
) -> dict[Pair, list[Judgement]]:
    """Return every uncancelled, timely answer about images, by pair.

    Answers about an image that is another one saved again count for both.

    Args:
        tx: A transaction.
        image_ids: The images, at most `rows.CHUNK`.
        category_ids: The categories that matter; answers about others may be left out. Empty: all
            do.
    """
    copies = saved_again.copies(tx, image_ids)
    query = (
        sa.select(
            answer.c.id,
            answer.c.operation_id,
            answer.c.image_id,
            answer.c.category_id,
            answer.c.state,
            answer.c.source,
            operation.c.annotator_id,
            annotator.c.reviewer,
        )
        .join(operation, operation.c.id == answer.c.operation_id)
        .join(annotator, annotator.c.id == operation.c.annotator_id)
        .where(
            *_about(answer, {*image_ids, *copies}, category_ids),
            answer.c.late.is_(False),
            operation.c.cancelled.is_(False),
        )
    )
    wanted, found = set(image_ids), defaultdict[Pair, list[Judgement]](list)
    for row in tx.execute(query):
        judgement = Judgement(
            answer_id=row.id,
            annotator_id=row.annotator_id,
            state=STATE_OF[row.state],
            source=SOURCE_OF[row.source],
            reviewer=row.reviewer,
            operation_id=row.operation_id,
        )
        for image_id in wanted.intersection((row.image_id, copies.get(row.image_id))):
            found[image_id, row.category_id].append(judgement)
    return found


def _about(
    table: sa.Table, image_ids: Collection[int], category_ids: Collection[int]
) -> list[sa.ColumnElement[bool]]:
    # A page of one category must not read the 200 labels of each of its images; but a look-up of
    # every single pair of an import costs more than it saves.
    where: list[sa.ColumnElement[bool]] = [table.c.image_id.in_(list(image_ids))]
    if 0 < len(category_ids) <= FEW:
        where.append(table.c.category_id.in_(sorted(category_ids)))
    return where


class _Counts:
    """Differences of the maintained counters."""

    def __init__(self) -> None:
        self._present: Counter[int] = Counter()
        self._absent: Counter[int] = Counter()
        self._known: Counter[int] = Counter()

    def move(self, pair: Pair, old: int | None, new: int | None) -> None:
        for state, step in ((old, -1), (new, 1)):
            if state is not None:
                self.label(pair[1], state, step)
                self.know(pair[0], step)

    def label(self, category_id: int, state: int, number: int) -> None:
        """Count further labels of a category."""
        counter = self._present if state == STATES[State.PRESENT] else self._absent
        counter[category_id] += number

    def know(self, image_id: int, number: int) -> None:
        """Count further labels of an image."""
        self._known[image_id] += number

    def write(self, tx: Transaction) -> None:
        changed = sorted(
            c for c in {*self._present, *self._absent} if self._present[c] or self._absent[c]
        )
        if changed:
            tx.execute(
                sa.update(category)
                .where(category.c.id == sa.bindparam("b_id"))
                .values(
                    present_count=category.c.present_count + sa.bindparam("b_present"),
                    absent_count=category.c.absent_count + sa.bindparam("b_absent"),
                ),
                [
                    {"b_id": c, "b_present": self._present[c], "b_absent": self._absent[c]}
                    for c in changed
                ],
            )
        known = [{"b_id": i, "b_step": step} for i, step in self._known.items() if step]
        if known:
            tx.execute(
                sa.update(image)
                .where(image.c.id == sa.bindparam("b_id"))
                .values(known_count=image.c.known_count + sa.bindparam("b_step")),
                known,
            )


def _delete(tx: Transaction, pairs: list[Pair]) -> None:
    if pairs:
        tx.execute(
            sa.delete(label).where(
                label.c.image_id == sa.bindparam("b_image"),
                label.c.category_id == sa.bindparam("b_category"),
            ),
            [{"b_image": i, "b_category": c} for i, c in pairs],
        )


def _to_row(item: PairLabel) -> dict[str, Any]:
    assert item.source is not None  # a label always has an answer behind it
    return {
        "image_id": item.image_id,
        "category_id": item.category_id,
        "state": None if item.state is None else STATES[item.state],
        "source": SOURCES[item.source],
        "answer_id": item.answer_id,
        "conflict": item.conflict,
    }


def _to_label(row: sa.Row[Any]) -> PairLabel:
    return PairLabel(
        image_id=row.image_id,
        category_id=row.category_id,
        state=None if row.state is None else STATE_OF[row.state],
        answer_id=row.answer_id,
        source=SOURCE_OF[row.source],
        annotator_id=row.annotator_id,
        conflict=row.conflict,
        score=None if row.score is None else row.score / SCORE_STEPS,
    )
