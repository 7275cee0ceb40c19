"""The categories of a project: added, renamed and hidden, never deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from annotator.domain import Category
from annotator.errors import AnnotatorError, NotFound
from annotator.store.connection import Transaction
from annotator.store.rows import folded, to_category
from annotator.store.tables import category, category_alias

MAX_NAME = 200
"""Longest category name, in characters."""


@dataclass(frozen=True)
class NewCategory:
    """A category to be added."""

    name: str
    supercategory: str = ""
    coco_id: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def add(tx: Transaction, new: Sequence[NewCategory]) -> list[Category]:
    """Add categories, each with the next ordinal.

    Raises:
        AnnotatorError: If a name is empty, too long, or equal to another but for its case.
    """
    taken = _taken(tx)
    last = tx.execute(sa.select(sa.func.max(category.c.ordinal))).scalar()
    first = 0 if last is None else last + 1
    rows = []
    for offset, item in enumerate(new):
        name = item.name.strip()
        _refuse(name, taken)
        taken[folded(name)] = name
        rows.append(
            {
                "ordinal": first + offset,
                "name": name,
                "folded": folded(name),
                "supercategory": item.supercategory,
                "coco_id": item.coco_id,
                "extra": dict(item.extra),
            }
        )
    if rows:
        tx.execute(sa.insert(category), rows)
    return [c for c in every(tx, archived=True) if c.ordinal >= first]


def every(tx: Transaction, *, archived: bool = False) -> list[Category]:
    """Return the categories by ordinal, archived ones only if asked for."""
    aliases: dict[int, list[str]] = defaultdict(list)
    for row in tx.execute(sa.select(category_alias).order_by(category_alias.c.id)):
        aliases[row.category_id].append(row.name)
    query = sa.select(category).order_by(category.c.ordinal)
    if not archived:
        query = query.where(category.c.archived.is_(False))
    return [to_category(row, aliases[row.id]) for row in tx.execute(query)]


def rename(tx: Transaction, category_id: int, name: str) -> Category:
    """Give a category a new name; the old one stays as an alias.

    Raises:
        AnnotatorError: If the name is empty or another category has it.
        NotFound: If there is no such category.
    """
    old = _get(tx, category_id)
    name = name.strip()
    own = {folded(n) for n in (old.name, *old.aliases)}
    taken = {key: value for key, value in _taken(tx).items() if key not in own}
    _refuse(name, taken)
    tx.execute(
        sa.delete(category_alias).where(
            category_alias.c.category_id == category_id, category_alias.c.folded == folded(name)
        )
    )
    tx.execute(
        sa.update(category)
        .where(category.c.id == category_id)
        .values(name=name, folded=folded(name))
    )
    if folded(old.name) != folded(name):
        alias = {"category_id": category_id, "name": old.name, "folded": folded(old.name)}
        tx.execute(sa.insert(category_alias), alias)
    return _get(tx, category_id)


def archive(tx: Transaction, category_id: int, archived: bool) -> Category:
    """Hide a category, or show it again; its answers stay.

    Raises:
        NotFound: If there is no such category.
    """
    tx.execute(sa.update(category).where(category.c.id == category_id).values(archived=archived))
    return _get(tx, category_id)


def set_coco(
    tx: Transaction, category_id: int, coco_id: int | None, extra: Mapping[str, Any]
) -> None:
    """Keep a category's id and unknown keys in COCO files."""
    tx.execute(
        sa.update(category)
        .where(category.c.id == category_id)
        .values(coco_id=coco_id, extra=dict(extra))
    )


def _get(tx: Transaction, category_id: int) -> Category:
    for found in every(tx, archived=True):
        if found.id == category_id:
            return found
    raise NotFound(f"There is no category with id {category_id}; reload the page.")


def _taken(tx: Transaction) -> dict[str, str]:
    """Return every name and alias in use by its folded form."""
    names = tx.execute(sa.select(category.c.folded, category.c.name)).all()
    aliases = tx.execute(sa.select(category_alias.c.folded, category_alias.c.name)).all()
    return {key: name for key, name in [*aliases, *names]}


def _refuse(name: str, taken: Mapping[str, str]) -> None:
    if not name:
        raise AnnotatorError("A category name is empty; give every category a name.")
    if len(name) > MAX_NAME:
        raise AnnotatorError(
            f"The category name {name[:40]!r}... is too long; use at most {MAX_NAME} characters."
        )
    other = taken.get(folded(name))
    if other == name:
        raise AnnotatorError(f"The category {name!r} is named twice; name it once.")
    if other is not None:
        raise AnnotatorError(
            f"The categories {other!r} and {name!r} differ in upper and lower case only; "
            "rename one of them."
        )
