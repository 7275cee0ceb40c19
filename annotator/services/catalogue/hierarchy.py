"""What one label says about others: a dog is an animal, and where there is no animal is no dog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from annotator.domain import Category, PairLabel, State
from annotator.errors import ProjectError
from annotator.services.catalogue.lookup import CategoryNames
from annotator.store.answers import LabelTable
from annotator.wire.label import Implies

_CATEGORY = 20
"""Bits for the category in the key of a pair."""

Parents = Mapping[int, frozenset[int]]
"""All ancestors of a category by its id; categories without any are left out."""


@dataclass(frozen=True)
class Implication:
    """A label that nobody gave and that follows from one that somebody gave. Never stored."""

    state: State
    source: int
    """Id of the category whose label it follows from."""


@dataclass(frozen=True)
class Implications:
    """Everything that follows from the labels of one image."""

    implied: dict[int, Implication]
    """By category id; only categories without a label."""
    contradictions: list[tuple[int, int]]
    """`(child, parent)` where the child is present and the parent absent."""


class ImpliedPairs(NamedTuple):
    """Pairs of the whole project whose labels follow from others, `n` of them, each once."""

    image: npt.NDArray[np.int64]
    """Ordinals."""
    category: npt.NDArray[np.int64]
    absent: npt.NDArray[np.bool_]
    """The others are present."""


def resolve(names: Mapping[str, Sequence[str]], categories: Iterable[Category]) -> Parents:
    """Return the ancestors of each category from the settings' `[hierarchy]`.

    Args:
        names: The names of the parents by the name of the child, in any case, aliases too.
        categories: All categories of the project, archived ones included.

    Raises:
        ProjectError: If a name is unknown or a category is its own ancestor.
    """
    known = CategoryNames(categories)
    parents: dict[int, set[int]] = {}
    for child, listed in names.items():
        ids = {_id(known, name) for name in listed}
        parents.setdefault(_id(known, child), set()).update(ids)
    return {child: frozenset(_ancestors(child, parents, names)) for child in parents}


def implications(parents: Parents, labels: Mapping[int, State | None]) -> Implications:
    """Return what follows from the labels of one image.

    A present child makes its ancestors present, an absent ancestor makes its descendants absent.
    Where both would hold for one category there is a contradiction further up, and it stays
    unknown.

    Args:
        parents: From `resolve`.
        labels: What people said, by category id; None is a pair in conflict, which implies
            nothing and is implied by nothing.
    """
    above: dict[int, Implication] = {}
    below: dict[int, Implication] = {}
    contradictions = []
    for child, ancestors in parents.items():
        for ancestor in sorted(ancestors):
            here, there = labels.get(child), labels.get(ancestor)
            if here is State.PRESENT and there is State.ABSENT:
                contradictions.append((child, ancestor))
            if here is State.PRESENT and ancestor not in labels:
                above.setdefault(ancestor, Implication(State.PRESENT, child))
            if there is State.ABSENT and child not in labels:
                below.setdefault(child, Implication(State.ABSENT, ancestor))
    torn = above.keys() & below.keys()
    implied = {c: found for c, found in {**above, **below}.items() if c not in torn}
    return Implications(implied, contradictions)


def consequences(parents: Parents) -> dict[str, Implies]:
    """Return what a label of each category decides, for the browser to show it at once.

    Returns:
        By category id, as JSON has it: the ids in `present` are present where it is, and those in
        `absent` are absent where it is. Categories that decide nothing are left out.
    """
    found: dict[str, Implies] = {}
    for child in sorted(parents):
        for ancestor in sorted(parents[child]):
            for category in (child, ancestor):
                found.setdefault(str(category), {"present": [], "absent": []})
            found[str(child)]["present"].append(ancestor)
            found[str(ancestor)]["absent"].append(child)
    return found


def implied_pairs(table: LabelTable, ordinals: Mapping[int, int], parents: Parents) -> ImpliedPairs:
    """Return what follows from the labels of all images: `implications`, for many at once.

    Args:
        table: All labels of the project.
        ordinals: Of the categories, by id.
        parents: From `resolve`.
    """
    says = ~table.conflict
    none = np.empty(0, np.int64)
    found = {State.PRESENT: [none], State.ABSENT: [none]}
    for child, ancestors in parents.items():
        here = ordinals[child]
        for there in (ordinals[ancestor] for ancestor in ancestors):
            above = table.image[says & table.present & (table.category == here)]
            below = table.image[says & ~table.present & (table.category == there)]
            found[State.PRESENT].append(above.astype(np.int64) << _CATEGORY | there)
            found[State.ABSENT].append(below.astype(np.int64) << _CATEGORY | here)
    present, absent = (np.unique(np.concatenate(keys)) for keys in found.values())
    labelled = table.image.astype(np.int64) << _CATEGORY | table.category
    keys = np.setdiff1d(np.setxor1d(present, absent), labelled)  # not those that both hold for
    return ImpliedPairs(keys >> _CATEGORY, keys & ((1 << _CATEGORY) - 1), np.isin(keys, absent))


def states_of(labels: Iterable[PairLabel]) -> dict[int, State | None]:
    """Return the labels of one image as `implications` takes them."""
    return {label.category_id: label.state for label in labels if label.answer_id is not None}


def _id(known: CategoryNames, name: str) -> int:
    found = known.find(name)
    if found is None:
        raise ProjectError(
            f"[hierarchy] in project.toml names {name!r}, which is not a category; add it or "
            "correct the name."
        )
    return found.id


def _ancestors(
    child: int, parents: Mapping[int, set[int]], names: Mapping[str, Sequence[str]]
) -> set[int]:
    found: set[int] = set()
    waiting = list(parents[child])
    while waiting:
        one = waiting.pop()
        if one == child:
            raise ProjectError(
                "[hierarchy] in project.toml has a cycle: a category is its own ancestor among "
                f"{', '.join(map(repr, names))}; remove one of these lines."
            )
        if one not in found:
            found.add(one)
            waiting.extend(parents.get(one, ()))
    return found
