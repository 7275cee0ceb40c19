"""Every answered pair with who said it and how, as arrays that the Review page filters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import Judgement, OperationKind, Source, State
from annotator.store import derivation
from annotator.store.connection import Transaction
from annotator.store.merges import Pair as Pair
from annotator.store.rows import chunks
from annotator.store.tables import (
    SOURCES,
    STATES,
    answer,
    image,
    image_path,
    label,
)
from annotator.store.tables import UNUSED as NOT_IN_USE
from annotator.store.tables import operation as op

ABSENT, PRESENT, UNSURE = (STATES[s] for s in (State.ABSENT, State.PRESENT, State.UNSURE))
CONFLICT = 3
"""Codes of `PairRows.state`; people disagree about the last."""

CODE_OF_SOURCE = dict(SOURCES)
"""Codes of `PairRows.source`."""

_SOURCE, _ANNOTATOR, _VERSION, _CATEGORY = 2, 5, 21, 41
"""Lowest bit of each field of a packed label; below them stands its state."""

IMAGE = 32
"""Lowest bit of the image in a key."""

Keys = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PairRows:
    """Answered pairs, `n` of them, as parallel arrays; those nobody can tell are among them."""

    key: Keys
    """`(n,)` from `keys_of`, ascending: by image, then by category."""
    state: npt.NDArray[np.int8]
    """`(n,)` ABSENT, PRESENT, UNSURE or CONFLICT."""
    source: npt.NDArray[np.int8]
    """`(n,)` from `CODE_OF_SOURCE`, of the newest answer that counts."""
    annotator: npt.NDArray[np.int32]
    """`(n,)` id of who gave it."""
    version: npt.NDArray[np.int32]
    """`(n,)` version that was on the screen then; 0 without one."""

    @property
    def image(self) -> Keys:
        """Image ids `(n,)`."""
        return images_of(self.key)

    @property
    def category(self) -> Keys:
        """Category ids `(n,)`."""
        return categories_of(self.key)

    def part(self, start: int, stop: int) -> PairRows:
        """Return the rows from one place to another; nothing is copied."""
        return PairRows(**{name: getattr(self, name)[start:stop] for name in _NAMES})

    def replaced(self, pairs: Collection[Pair], fresh: PairRows) -> PairRows:
        """Return these rows with those of some pairs exchanged for fresh ones."""
        if not pairs and not len(fresh.key):
            return self
        gone = keys_of(pairs)
        places = np.searchsorted(self.key, gone)
        inside = places < len(self.key)
        places, gone = places[inside], gone[inside]
        places = places[self.key[places] == gone]
        kept = np.delete(self.key, places)
        spots = np.searchsorted(kept, fresh.key)
        columns = {
            name: np.insert(np.delete(getattr(self, name), places), spots, getattr(fresh, name))
            for name in _NAMES[1:]
        }
        return PairRows(key=np.insert(kept, spots, fresh.key), **columns)


_NAMES = ("key", "state", "source", "annotator", "version")
_NOTHING = PairRows(
    key=np.empty(0, np.int64),
    state=np.empty(0, np.int8),
    source=np.empty(0, np.int8),
    annotator=np.empty(0, np.int32),
    version=np.empty(0, np.int32),
)


def keys_of(pairs: Iterable[Pair]) -> Keys:
    """Return the keys of pairs, ascending."""
    return np.array(sorted((i << IMAGE) | c for i, c in pairs), dtype=np.int64)


def images_of(keys: Keys) -> Keys:
    """Return the image ids of keys."""
    return keys >> IMAGE


def categories_of(keys: Keys) -> Keys:
    """Return the category ids of keys."""
    return keys & ((1 << IMAGE) - 1)


def pair_of(key: Any) -> Pair:
    """Return the pair of a key."""
    return int(images_of(key)), int(categories_of(key))


def every(tx: Transaction) -> PairRows:
    """Return all answered pairs of the project; this reads all labels, so it is kept and patched.

    The labels of an image come as one text: millions of rows would fill a laptop's memory.
    """
    joined = sa.func.aggregate_strings(sa.cast(_packed(), sa.Text), ",")
    query = sa.select(label.c.image_id, joined).select_from(_joined())
    query = query.group_by(label.c.image_id).order_by(label.c.image_id)
    number = int(tx.execute(sa.select(sa.func.count()).select_from(label)).scalar_one())
    labelled = PairRows(**{n: np.empty(number, getattr(_NOTHING, n).dtype) for n in _NAMES})
    start = 0
    for rows in tx.execute(query).partitions(1000):
        ids = np.repeat([i for i, _ in rows], [1 + text.count(",") for _, text in rows])
        packed = np.fromstring(",".join(text for _, text in rows), np.int64, sep=",")
        part = _unpacked(ids, packed)
        for name in _NAMES:
            getattr(labelled, name)[start : start + len(ids)] = getattr(part, name)
        start += len(ids)
    said = sa.select(answer.c.image_id, answer.c.category_id).distinct()
    unused = sa.select(image.c.id).where(NOT_IN_USE)
    said = said.where(answer.c.state == UNSURE, answer.c.late.is_(False))
    said = said.where(answer.c.image_id.not_in(unused))
    pairs = [(i, c) for i, c in tx.execute(said)]
    return labelled.replaced((), _unsure(tx, _without(pairs, labelled)))


def some(tx: Transaction, pairs: Collection[Pair]) -> PairRows:
    """Return those of some pairs that are answered."""
    wanted = keys_of(pairs)
    query = sa.select(label.c.image_id, _packed()).select_from(_joined())
    ids: list[int] = []
    packed: list[int] = []
    for part in chunks(sorted({i for i, _ in pairs})):
        for image_id, value in tx.execute(query.where(label.c.image_id.in_(part))):
            ids.append(image_id)
            packed.append(value)
    found = _unpacked(np.array(ids, np.int64), np.array(packed, np.int64))
    labelled = _take(found, np.isin(found.key, wanted))
    return labelled.replaced((), _unsure(tx, _without(pairs, labelled)))


def opinions(tx: Transaction, pairs: Collection[Pair]) -> dict[Pair, list[Judgement]]:
    """Return what each person says about some pairs now, by pair, oldest first.

    Answers that were taken back, came late or were replaced by the same person are left out, and
    so are cleared ones.
    """
    wanted = set(pairs)
    found: dict[Pair, list[Judgement]] = {}
    categories = {c for _, c in wanted}
    for part in chunks(sorted({i for i, _ in wanted})):
        for pair, said in derivation.judgements_of(tx, part, categories).items():
            last = {
                (j.annotator_id, j.source is Source.IMPORTED): j
                for j in sorted(said, key=lambda j: j.answer_id)
            }
            if pair in wanted:
                standing = (j for j in last.values() if j.state is not State.CLEARED)
                found[pair] = sorted(standing, key=lambda j: j.answer_id)
    return found


def undone_at(tx: Transaction, answer_ids: Collection[int]) -> dict[int, datetime]:
    """Return when answers were taken back, by answer id; those that stand are left out."""
    undo = op.alias("undo")
    query = (
        sa.select(answer.c.id, sa.func.max(undo.c.recorded_at))
        .join(undo, undo.c.target == answer.c.operation_id)
        .where(undo.c.kind == OperationKind.UNDO.value, undo.c.cancelled.is_(False))
        .group_by(answer.c.id)
    )
    found: dict[int, datetime] = {}
    for part in chunks(answer_ids):
        found.update({i: at for i, at in tx.execute(query.where(answer.c.id.in_(part)))})
    return found


def images_named(tx: Transaction, text: str) -> Keys:
    """Return the ids of the images with a text in one of their paths, in any case, ascending."""
    query = sa.select(image_path.c.image_id).distinct()
    fits = image_path.c.path.icontains(text, autoescape=True)
    ids = tx.execute(query.where(image_path.c.image_id.is_not(None), fits)).scalars()
    return np.array(sorted(ids), dtype=np.int64)


def image_ordinals(tx: Transaction) -> npt.NDArray[np.int32]:
    """Return an array that leads from image ids to ordinals; -1 where there is no image."""
    pairs = tx.execute(sa.select(image.c.id, image.c.ordinal)).all()
    found = np.full(1 + max((row.id for row in pairs), default=0), -1, np.int32)
    if pairs:
        found[[row.id for row in pairs]] = [row.ordinal for row in pairs]
    return found


def _joined() -> sa.Join:
    return label.join(answer, answer.c.id == label.c.answer_id).join(
        op, op.c.id == answer.c.operation_id
    )


def _packed() -> sa.ColumnElement[int]:
    state = sa.case((label.c.conflict.is_(True), CONFLICT), else_=label.c.state)
    return (
        sa.cast(label.c.category_id, sa.BigInteger) * (1 << _CATEGORY)
        + sa.cast(sa.func.coalesce(op.c.version, 0), sa.BigInteger) * (1 << _VERSION)
        + op.c.annotator_id * (1 << _ANNOTATOR)
        + label.c.source * (1 << _SOURCE)
        + state
    )


def _unpacked(image_ids: npt.NDArray[np.integer], packed: Keys) -> PairRows:
    key = (image_ids.astype(np.int64) << IMAGE) | (packed >> _CATEGORY)
    order = np.argsort(key, kind="stable")
    packed = packed[order]
    return PairRows(
        key=key[order],
        state=(packed & 3).astype(np.int8),
        source=((packed >> _SOURCE) & 7).astype(np.int8),
        annotator=((packed >> _ANNOTATOR) & 0xFFFF).astype(np.int32),
        version=((packed >> _VERSION) & 0xFFFFF).astype(np.int32),
    )


def _take(rows: PairRows, mask: npt.NDArray[np.bool_]) -> PairRows:
    return PairRows(**{name: getattr(rows, name)[mask] for name in _NAMES})


def _without(pairs: Collection[Pair], rows: PairRows) -> list[Pair]:
    keys = keys_of(pairs)
    places = np.searchsorted(rows.key, keys)  # both ascend; `np.isin` would sort millions again
    inside = places < len(rows.key)
    there = np.zeros(len(keys), bool)
    there[inside] = rows.key[places[inside]] == keys[inside]
    return [pair_of(key) for key in keys[~there]]


def _unsure(tx: Transaction, unlabelled: Collection[Pair]) -> PairRows:
    """Return the pairs without a label about which somebody's last word is "cannot tell"."""
    by_operation: dict[int, list[tuple[int, Judgement]]] = defaultdict(list)
    for (image_id, category_id), said in opinions(tx, unlabelled).items():
        unsure = [j for j in said if j.state is State.UNSURE]
        if unsure:
            key = (image_id << IMAGE) | category_id
            by_operation[unsure[-1].operation_id].append((key, unsure[-1]))
    versions: dict[int, int] = {}
    for part in chunks(by_operation):
        found = tx.execute(sa.select(op.c.id, op.c.version).where(op.c.id.in_(part)))
        versions.update({i: v or 0 for i, v in found})
    rows = sorted(
        (key, j.annotator_id, versions[number])
        for number, items in by_operation.items()
        for key, j in items
    )
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return PairRows(
        key=table[:, 0],
        state=np.full(len(rows), UNSURE, np.int8),
        source=np.zeros(len(rows), np.int8),
        annotator=table[:, 1].astype(np.int32),
        version=table[:, 2].astype(np.int32),
    )
