"""The people who answer."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from annotator.domain import Annotator, name_key, person_name
from annotator.errors import AnnotatorError, NotFound
from annotator.store import key_values
from annotator.store.connection import Transaction
from annotator.store.tables import annotator, answer, operation

FORMER_NAMES = "people.former_names"
"""Names that people had before, by `name_key`: `id` of the person and the `name` as it was."""


def named(tx: Transaction, name: str, now: datetime) -> Annotator:
    """Return the annotator of a name, in any case; a new one if nobody has it yet.

    A name that somebody had before is still theirs, so that no answer that was given under it is
    taken for a stranger's.

    Raises:
        AnnotatorError: If nobody has the name and it is none; see `person_name`.
    """
    found = find(tx, name)  # as it is: somebody may have had it since before the rule
    if found is None:
        name = person_name(name)
        found = find(tx, name)
    if found is None:
        row = {"name": name, "folded": name_key(name), "created_at": now}
        tx.execute(sa.insert(annotator), row)
        found = find(tx, name)
    assert found is not None  # it has just been put in
    return found


def find(tx: Transaction, name: str) -> Annotator | None:
    """Return the annotator who has a name or had it before, in any case; None if nobody has."""
    wanted = name_key(name)
    row = tx.execute(sa.select(annotator).where(annotator.c.folded == wanted)).first()
    if row is None:
        former = (key_values.get(tx, FORMER_NAMES) or {}).get(wanted)
        if former is None:
            return None
        row = tx.execute(sa.select(annotator).where(annotator.c.id == former["id"])).first()
    return None if row is None else Annotator(id=row.id, name=row.name, reviewer=row.reviewer)


def id_of(tx: Transaction, name: str) -> int:
    """Return the id of the annotator whom `find` finds; 0 if nobody has the name."""
    found = find(tx, name)
    return 0 if found is None else found.id


def former_names(tx: Transaction, annotator_id: int) -> list[str]:
    """Return the names that somebody had before."""
    known = (key_values.get(tx, FORMER_NAMES) or {}).values()
    return sorted(each["name"] for each in known if each["id"] == annotator_id)


def every(tx: Transaction) -> list[Annotator]:
    """Return everybody, in the order of their first visit."""
    rows = tx.execute(sa.select(annotator).order_by(annotator.c.id))
    return [Annotator(id=r.id, name=r.name, reviewer=r.reviewer) for r in rows]


def set_reviewer(tx: Transaction, annotator_id: int, reviewer: bool) -> None:
    """Say whether a person's answers come before those of others.

    The labels of `contested` pairs are recomputed by the caller.

    Raises:
        NotFound: If there is no such person.
    """
    _update(tx, annotator_id, reviewer=reviewer)


def rename(tx: Transaction, annotator_id: int, name: str) -> None:
    """Give a person another name; the old one stays theirs.

    Raises:
        NotFound: If there is no such person.
        AnnotatorError: If it is no name, see `person_name`, or somebody else's now or before.
    """
    name = person_name(name)
    other = find(tx, name)
    if other is not None and other.id != annotator_id:
        is_now = name_key(other.name) == name_key(name)
        called = f"is called {other.name!r}" if is_now else f"was called {name!r} before"
        raise AnnotatorError(f"Somebody else {called}; choose another name.")
    query = sa.select(annotator.c.name).where(annotator.c.id == annotator_id)
    before = str(tx.execute(query).scalar())
    _update(tx, annotator_id, name=name, folded=name_key(name))
    former = key_values.get(tx, FORMER_NAMES) or {}
    kept = {**former, name_key(before): {"id": annotator_id, "name": before}}
    kept.pop(name_key(name), None)
    key_values.put(tx, FORMER_NAMES, kept)


def contested(tx: Transaction, annotator_id: int) -> list[tuple[int, int]]:
    """Return the pairs whose label may depend on whether a person is a reviewer.

    These are the `(image id, category id)` with an answer of theirs beside any other answer.
    """
    own = sa.func.max(sa.case((operation.c.annotator_id == annotator_id, 1), else_=0))
    query = (
        sa.select(answer.c.image_id, answer.c.category_id)
        .join(operation, operation.c.id == answer.c.operation_id)
        .group_by(answer.c.image_id, answer.c.category_id)
        .having(sa.func.count() > 1, own == 1)
    )
    return [(int(i), int(c)) for i, c in tx.execute(query)]


def _update(tx: Transaction, annotator_id: int, **columns: object) -> None:
    query = sa.update(annotator).where(annotator.c.id == annotator_id).values(**columns)
    if not tx.execute(query).rowcount:
        raise NotFound(f"There is no person with id {annotator_id}; reload the page.")
