"""What an import is about to bring: staged out of everybody's sight, then applied in small parts.

While a label file is taken in, a note under `RUNNING` says how far it is. Until `start` all of it
lies in tables that nothing else reads, and `clear` takes it back. From `start` on each part is
applied and struck off in one transaction: first the answers, and whoever finds the note before the
last of them is in takes the import back (`taken_back`); then the rest, which is gone on with.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from annotator.domain import Operation, OperationKind, Source, State
from annotator.store import answers, derivation, images, imported_annotations, key_values, merges
from annotator.store.connection import Transaction
from annotator.store.merges import Pair
from annotator.store.rows import chunks
from annotator.store.tables import (
    SCORE_STEPS,
    SOURCES,
    STATES,
    answer,
    label,
    operation,
    staged_annotation,
    staged_answer,
    staged_category,
    staged_path,
)

RUNNING = "import.running"
"""Name of the note about the import that is running or was broken off."""

_TABLES = (staged_answer, staged_path, staged_annotation)


class StagedAnswer(NamedTuple):
    """One answer of a file."""

    person: int
    """Place in the import's list of people."""
    image_id: int
    category: int
    """Place in the import's list of categories."""
    state: State
    source: Source
    score: float | None


class StagedPath(NamedTuple):
    """What a file says about one picture file beside its labels."""

    path_id: int
    coco_id: int | None
    extra: dict[str, Any]


class StagedAnnotation(NamedTuple):
    """A box or the like."""

    path_id: int
    category: int
    """Place in the import's list of categories."""
    coco_id: int | None
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Running:
    """The note about an import."""

    file: str
    applying: bool = False
    """Whether parts of it may be in the project already."""
    categories: Sequence[int] = ()
    """Ids by place, as soon as it is applied; likewise the rest."""
    people: Sequence[int] = ()
    after: int = 0
    """Newest operation before it."""
    at: str = ""
    """When it was begun, ISO 8601."""
    new_categories: Sequence[int] = ()
    """Ids of those that it brought."""
    category_ids: Sequence[tuple[int, int]] = ()
    """Ids of categories, each with the COCO id that it gets if it has none."""
    values: Sequence[str] = ()
    """Names of the values that it put."""
    taking_back: bool = False
    """Whether it was broken off and is being taken back; see `taken_back`."""


def running(tx: Transaction) -> Running | None:
    """Return the note about the import that is running or was broken off."""
    kept = key_values.get(tx, RUNNING)
    return None if kept is None else Running(**kept)


def note(tx: Transaction, about: Running | None) -> None:
    """Keep the note; None says that no import is running."""
    tx.execute(sa.delete(staged_category))
    if about is None:
        key_values.drop(tx, RUNNING)
        return
    key_values.put(tx, RUNNING, asdict(about))
    places = [{"place": place, "category_id": i} for place, i in enumerate(about.categories)]
    if places:
        tx.execute(sa.insert(staged_category), places)


def add_answers(tx: Transaction, new: Sequence[StagedAnswer]) -> None:
    """Stage answers, in the order in which they are to be applied."""
    rows = [
        {
            "person": a.person,
            "image_id": a.image_id,
            "category": a.category,
            "state": STATES[a.state],
            "source": SOURCES[a.source],
            "score": None if a.score is None else round(a.score * SCORE_STEPS),
        }
        for a in new
    ]
    tx.execute(sa.insert(staged_answer), rows)


def add_paths(tx: Transaction, new: Sequence[StagedPath]) -> None:
    """Stage ids and unknown keys of COCO files."""
    tx.execute(sa.insert(staged_path), [row._asdict() for row in new])


def add_annotations(tx: Transaction, new: Sequence[StagedAnnotation]) -> None:
    """Stage boxes and the like."""
    tx.execute(sa.insert(staged_annotation), [row._asdict() for row in new])


def clear(tx: Transaction, size: int) -> int:
    """Delete so many staged rows at most; return how many, 0 if there were none."""
    for table in _TABLES:
        (key,) = table.primary_key.columns
        first = sa.select(key).order_by(key).limit(size)
        if gone := tx.execute(sa.delete(table).where(key.in_(first))).rowcount:
            return gone
    return 0


class Applier:
    """Takes the rows of an import that has been started into the project, a part at a time."""

    def __init__(self, about: Running) -> None:
        self._about = about
        self.applied = 0
        """Answers recorded so far."""

    def part(self, tx: Transaction, size: int) -> int:
        """Apply so many rows at most; return how many, 0 if none were left."""
        return self._answers(tx, size) or self._paths(tx, size) or self._annotations(tx, size)

    def _answers(self, tx: Transaction, size: int) -> int:
        """Record answers and the labels that follow.

        A pair that somebody answered since the file was read keeps what that person said.
        """
        ids = sa.select(staged_answer.c.id).order_by(staged_answer.c.id).limit(size).subquery()
        last, count = tx.execute(sa.select(sa.func.max(ids.c.id), sa.func.count(ids.c.id))).one()
        if not count:
            return 0
        part = _Part(tx, self._about, last)
        if part.is_fresh(count):
            part.take_all()
            self.applied += count
        else:
            self._record(tx, part)
        tx.execute(sa.delete(staged_answer).where(staged_answer.c.id <= last))
        return int(count)

    def _record(self, tx: Transaction, part: _Part) -> None:
        rows, operations = part.rows(), part.operations
        image_ids = sorted({row.image_id for row in rows})
        by_people = _labels_by_people(tx, image_ids, self._about.after)
        taken = _answered(tx, image_ids)
        merged = merges.read(tx)
        fresh: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        for row in rows:
            pair = row.image_id, row.category_id
            if pair in by_people:
                continue
            (others if merged or pair in taken else fresh).append(
                {
                    "operation_id": operations.of(row.person),
                    "image_id": pair[0],
                    "category_id": pair[1],
                    "state": row.state,
                    "source": row.source,
                    "score": row.score,
                    "late": False,
                }
            )
            taken.add(pair)
        newest = _newest_answer(tx)
        if fresh:
            tx.execute(sa.insert(answer), fresh)
            derivation.take_over(tx, newest, operations.ids())
        if others:
            tx.execute(sa.insert(answer), others)
            derivation.recompute(tx, {(a["image_id"], a["category_id"]) for a in others})
        self.applied += len(fresh) + len(others)

    def _paths(self, tx: Transaction, size: int) -> int:
        """Take over ids and unknown keys of picture files."""
        query = sa.select(staged_path).order_by(staged_path.c.path_id).limit(size)
        rows = tx.execute(query).all()
        if not rows:
            return 0
        images.set_coco(tx, [(row.path_id, row.coco_id, row.extra) for row in rows])
        tx.execute(sa.delete(staged_path).where(staged_path.c.path_id <= rows[-1].path_id))
        return len(rows)

    def _annotations(self, tx: Transaction, size: int) -> int:
        """Let boxes and the like replace those of the same picture file and category."""
        columns = staged_annotation.c
        some = sa.select(columns.path_id).order_by(columns.path_id).limit(size).subquery()
        last = tx.execute(sa.select(sa.func.max(some.c.path_id))).scalar()
        if last is None:
            return 0
        query = sa.select(staged_annotation).where(columns.path_id <= last)
        rows = tx.execute(query.order_by(columns.path_id, columns.id)).all()
        ids = self._about.categories
        imported_annotations.add(
            tx,
            [
                imported_annotations.ImportedAnnotation(
                    r.path_id, ids[r.category], r.coco_id, r.body
                )
                for r in rows
            ],
        )
        tx.execute(sa.delete(staged_annotation).where(columns.path_id <= last))
        return len(rows)


def left(tx: Transaction) -> int:
    """Return how many staged rows there are."""
    counted = [tx.execute(sa.select(sa.func.count()).select_from(table)) for table in _TABLES]
    return sum(int(count.scalar_one()) for count in counted)


class _Operations:
    """One operation of each person in a part: who looks for changes goes by their numbers."""

    def __init__(self, tx: Transaction, about: Running) -> None:
        self._tx = tx
        self._about = about
        self._ids: dict[int, int] = {}

    def of(self, person: int) -> int:
        if person not in self._ids:
            at = datetime.fromisoformat(self._about.at)
            new = Operation(
                client_id=f"import-{uuid.uuid4()}",
                annotator_id=self._about.people[person],
                kind=OperationKind.IMPORT,
                changes=(),  # inserted many at a time
                happened_at=at,
            )
            self._ids[person] = answers.record(self._tx, new, at).operation_id
        return self._ids[person]

    def ids(self) -> list[int]:
        return list(self._ids.values())


class _Part:
    """The answers that are applied in one transaction: those up to an id."""

    def __init__(self, tx: Transaction, about: Running, last: int) -> None:
        self._tx = tx
        self._size = 1 + max(about.categories)
        self.operations = _Operations(tx, about)
        self._category = staged_category.c.category_id
        same = staged_category.c.place == staged_answer.c.category
        self._from = staged_answer.join(staged_category, same)
        self._inside = staged_answer.c.id <= last

    def rows(self) -> Sequence[sa.Row[Any]]:
        """Return the answers, each with its `category_id`."""
        query = sa.select(staged_answer, self._category).select_from(self._from)
        return self._tx.execute(query.where(self._inside).order_by(staged_answer.c.id)).all()

    def is_fresh(self, count: int) -> bool:
        """Whether nothing was ever said about any of its pairs, which are all different."""
        if merges.read(self._tx):
            return False
        said = sa.exists().where(
            answer.c.image_id == staged_answer.c.image_id, answer.c.category_id == self._category
        )
        pair = sa.cast(staged_answer.c.image_id, sa.BigInteger) * self._size + self._category
        query = sa.select(
            sa.func.count(sa.distinct(pair)), sa.func.max(sa.case((said, 1), else_=0))
        ).select_from(self._from)
        return tuple(self._tx.execute(query.where(self._inside)).one()) == (count, 0)

    def take_all(self) -> None:
        """Record all answers of a fresh part, and make them the labels; see `Applier._record`."""
        people = sa.select(staged_answer.c.person).where(self._inside).distinct()
        by_person = {i: self.operations.of(i) for i in self._tx.execute(people).scalars()}
        names = ["operation_id", "image_id", "category_id", "state", "source", "score", "late"]
        columns = staged_answer.c
        query = sa.select(
            sa.case(by_person, value=columns.person),
            columns.image_id,
            self._category,
            columns.state,
            columns.source,
            columns.score,
            sa.false(),
        ).select_from(self._from)
        newest = _newest_answer(self._tx)
        rows = query.where(self._inside).order_by(columns.id)
        self._tx.execute(sa.insert(answer).from_select(names, rows))
        derivation.take_over(self._tx, newest, self.operations.ids())


def _newest_answer(tx: Transaction) -> int:
    return tx.execute(sa.select(sa.func.max(answer.c.id))).scalar() or 0


def _labels_by_people(tx: Transaction, image_ids: list[int], after: int) -> set[Pair]:
    """Return the pairs of images whose labels come from people, not from files or this import."""
    ours = sa.and_(operation.c.id > after, operation.c.kind == OperationKind.IMPORT.value)
    query = (
        sa.select(label.c.image_id, label.c.category_id)
        .join(answer, answer.c.id == label.c.answer_id)
        .join(operation, operation.c.id == answer.c.operation_id)
        .where(label.c.source != SOURCES[Source.IMPORTED], ~ours)
    )
    return {
        (i, c)
        for part in chunks(image_ids)
        for i, c in tx.execute(query.where(label.c.image_id.in_(part)))
    }


def _answered(tx: Transaction, image_ids: list[int]) -> set[Pair]:
    """Return the pairs of images about which there is any answer."""
    query = sa.select(answer.c.image_id, answer.c.category_id)
    return {
        (i, c)
        for part in chunks(image_ids)
        for i, c in tx.execute(query.where(answer.c.image_id.in_(part)))
    }
