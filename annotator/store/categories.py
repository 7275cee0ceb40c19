"""The categories of a project: added, renamed and hidden, never deleted."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from annotator.domain import Category, State, name_key
from annotator.errors import AnnotatorError, NotFound
from annotator.store.connection import Transaction
from annotator.store.rows import to_category
from annotator.store.tables import (
    STATES,
    category,
    category_alias,
    category_example,
    image,
    label,
)

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
        taken[name_key(name)] = name
        rows.append(
            {
                "ordinal": first + offset,
                "name": name,
                "folded": name_key(name),
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


@dataclass(frozen=True)
class ArchivedCategory:
    """A category that no page shows."""

    name: str
    merged_into: int | None
    """Id of the category that took it over; None: it is archived alone."""
    target: str
    """Name of that category, else empty."""


def archived(tx: Transaction) -> dict[int, ArchivedCategory]:
    """Return the archived categories by id; cheap enough for every key press."""
    target = category.alias("target")
    columns = category.c.id, category.c.name, category.c.merged_into, target.c.name.label("target")
    tables = category.outerjoin(target, target.c.id == category.c.merged_into)
    query = sa.select(*columns).select_from(tables).where(category.c.archived.is_(True))
    return {
        row.id: ArchivedCategory(row.name, row.merged_into, row.target or "")
        for row in tx.execute(query)
    }


def ordinals(tx: Transaction) -> dict[int, int]:
    """Return the ordinal of every category by id, archived ones included; cheap enough for keys."""
    return {i: o for i, o in tx.execute(sa.select(category.c.id, category.c.ordinal))}


def get(tx: Transaction, category_id: int) -> Category:
    """Return a category, archived or not.

    Raises:
        NotFound: If there is no such category.
    """
    for found in every(tx, archived=True):
        if found.id == category_id:
            return found
    raise NotFound(f"There is no category with id {category_id}; reload the page.")


def rename(tx: Transaction, category_id: int, name: str) -> Category:
    """Give a category a new name; the old one stays as an alias.

    Raises:
        AnnotatorError: If the name is empty or another category has it.
        NotFound: If there is no such category.
    """
    old = get(tx, category_id)
    name = name.strip()
    own = {name_key(n) for n in (old.name, *old.aliases)}
    taken = {key: value for key, value in _taken(tx).items() if key not in own}
    _refuse(name, taken)
    tx.execute(
        sa.delete(category_alias).where(
            category_alias.c.category_id == category_id, category_alias.c.folded == name_key(name)
        )
    )
    tx.execute(
        sa.update(category)
        .where(category.c.id == category_id)
        .values(name=name, folded=name_key(name))
    )
    if name_key(old.name) != name_key(name):
        alias = {"category_id": category_id, "name": old.name, "folded": name_key(old.name)}
        tx.execute(sa.insert(category_alias), alias)
    return get(tx, category_id)


def archive(tx: Transaction, category_id: int, archived: bool) -> Category:
    """Hide a category, or show it again; its answers stay.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If it is merged into another and should be shown.
    """
    if get(tx, category_id).merged_into is not None and not archived:
        raise AnnotatorError("This category is merged into another; undo the merge to restore it.")
    tx.execute(sa.update(category).where(category.c.id == category_id).values(archived=archived))
    return get(tx, category_id)


def edit(
    tx: Transaction,
    category_id: int,
    *,
    supercategory: str | None = None,
    description: str | None = None,
    hotkey: str | None = None,
) -> Category:
    """Change what is said about a category; None leaves a value as it is, an empty text clears it.

    Raises:
        NotFound: If there is no such category.
    """
    given = {"supercategory": supercategory, "description": description, "hotkey": hotkey}
    values: dict[str, str | None] = {k: v.strip() for k, v in given.items() if v is not None}
    if "hotkey" in values:
        values["hotkey"] = values["hotkey"] or None
    if values:
        tx.execute(sa.update(category).where(category.c.id == category_id).values(**values))
    return get(tx, category_id)


def set_aliases(tx: Transaction, category_id: int, names: Sequence[str]) -> Category:
    """Replace the other names of a category, by which imports and searches find it.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If a name is empty or another category has it.
    """
    old = get(tx, category_id)
    own = {name_key(n) for n in (old.name, *old.aliases)}
    taken = {key: value for key, value in _taken(tx).items() if key not in own}
    taken[name_key(old.name)] = old.name
    rows = []
    for name in (n.strip() for n in names):
        _refuse(name, taken)
        taken[name_key(name)] = name
        rows.append({"category_id": category_id, "name": name, "folded": name_key(name)})
    tx.execute(sa.delete(category_alias).where(category_alias.c.category_id == category_id))
    if rows:
        tx.execute(sa.insert(category_alias), rows)
    return get(tx, category_id)


def set_order(tx: Transaction, category_ids: Sequence[int]) -> None:
    """Give categories the positions 0, 1, 2 ... in this order."""
    rows = [{"b_id": i, "b_position": place} for place, i in enumerate(category_ids)]
    if rows:
        statement = sa.update(category).where(category.c.id == sa.bindparam("b_id"))
        tx.execute(statement.values(position=sa.bindparam("b_position")), rows)


def examples(tx: Transaction) -> dict[int, list[int]]:
    """Return the ids of the images that show what a category is, by category id."""
    found: dict[int, list[int]] = defaultdict(list)
    query = sa.select(category_example).order_by(category_example.c.image_id)
    for row in tx.execute(query):
        found[row.category_id].append(row.image_id)
    return dict(found)


def set_examples(tx: Transaction, category_id: int, image_ids: Sequence[int]) -> None:
    """Replace the images that show what a category is.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If one of the images is not labelled present.
    """
    wanted = sorted(set(image_ids))
    found = get(tx, category_id)
    known = label.c.category_id == category_id, label.c.state == STATES[State.PRESENT]
    query = sa.select(label.c.image_id).where(*known, label.c.image_id.in_(wanted))
    if sorted(tx.execute(query).scalars()) != wanted:
        raise AnnotatorError(
            f"An example of {found.name!r} must be labelled present; answer that image first."
        )
    tx.execute(sa.delete(category_example).where(category_example.c.category_id == category_id))
    rows = [{"category_id": category_id, "image_id": i} for i in wanted]
    if rows:
        tx.execute(sa.insert(category_example), rows)


def present_images(tx: Transaction, category_id: int, limit: int) -> list[int]:
    """Return ids of images that are labelled present and not missing, at most `limit`."""
    return labelled_images(tx, category_id, State.PRESENT, limit)


def labelled_images(tx: Transaction, category_id: int, state: State, limit: int) -> list[int]:
    """Return ids of images with this label of a category and not missing, at most `limit`."""
    query = (
        sa.select(label.c.image_id)
        .join(image, image.c.id == label.c.image_id)
        .where(
            label.c.category_id == category_id,
            label.c.state == STATES[state],
            image.c.missing.is_(False),
        )
    )
    return [int(i) for i in tx.execute(query.limit(limit)).scalars()]


def take_coco_ids(tx: Transaction, wanted: Iterable[tuple[int, int]]) -> None:
    """Give categories without an id in COCO files the ids of a file, where these are free."""
    taken = {c.coco_id for c in every(tx, archived=True)}
    for category_id, coco_id in wanted:
        if coco_id not in taken:
            lacking = category.c.id == category_id, category.c.coco_id.is_(None)
            tx.execute(sa.update(category).where(*lacking).values(coco_id=coco_id))
            taken.add(coco_id)


def give_coco_ids(tx: Transaction) -> None:
    """Give every category that has no id in COCO files yet the next free one."""
    listed = every(tx, archived=True)
    free = 1 + max((c.coco_id for c in listed if c.coco_id is not None), default=0)
    lacking = [c.id for c in listed if c.coco_id is None]
    if lacking:
        tx.execute(
            sa.update(category)
            .where(category.c.id == sa.bindparam("b_id"))
            .values(coco_id=sa.bindparam("b_coco_id")),
            [{"b_id": i, "b_coco_id": free + place} for place, i in enumerate(lacking)],
        )


def _taken(tx: Transaction) -> dict[str, str]:
    """Return every name and alias in use by its `name_key`."""
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
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        raise AnnotatorError(
            f"The category name {name[:40]!r} holds a character that cannot be seen; leave it out."
        )
    other = taken.get(name_key(name))
    if other == name:
        raise AnnotatorError(f"The category {name!r} is named twice; name it once.")
    if other is not None:
        raise AnnotatorError(
            f"The categories {other!r} and {name!r} differ in upper and lower case only; "
            "rename one of them."
        )
