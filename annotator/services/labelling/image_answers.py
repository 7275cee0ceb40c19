"""What people have said about every pair, as arrays in memory that follow the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.store import (
    Transaction,
    activity,
    authors,
    categories,
    changes,
    image_rows,
    pair_search,
)
from annotator.store.pair_search import PairRows

UNKNOWN, PRESENT, ABSENT, UNSURE, CONFLICT = 0, 1, -1, 2, 3
"""Values of `Answers.states`."""

FEW_CHANGES = 20_000
"""Answers since the last look up to which the labels follow; more, and all are read anew."""

_STATES = np.zeros(4, np.int8)
_STATES[[pair_search.PRESENT, pair_search.ABSENT]] = PRESENT, ABSENT
_STATES[[pair_search.UNSURE, pair_search.CONFLICT]] = UNSURE, CONFLICT

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What people have said about each pair, by ordinal of image (N) and category (C)."""

    states: npt.NDArray[np.int8]
    """`(N, C)` UNKNOWN, PRESENT, ABSENT, UNSURE or CONFLICT."""
    people: npt.NDArray[np.uint16]
    """`(N, C)` id of who gave the newest answer that counts; 0 where there is none."""
    others: Numbers
    """`(n, 3)` image, category and id of who else has an answer that stands, beside `people`."""
    newest: Numbers
    """`(N,)` when the newest label was recorded, microseconds since 1970; 0 without one."""
    ordinals: npt.NDArray[np.int32]
    """Of images by id; -1 where there is none."""


def read(tx: Transaction) -> Answers:
    """Return the answers of the whole project."""
    rows, columns = activity.shape(tx)
    ordinals = pair_search.image_ordinals(tx)
    answers = Answers(
        states=np.zeros((rows, columns), np.int8),
        people=np.zeros((rows, columns), np.uint16),
        others=_others(tx, ordinals, None),
        newest=np.zeros(rows, np.int64),
        ordinals=ordinals,
    )
    _put(answers, pair_search.every(tx), categories.ordinals(tx))
    image_ids, at = image_rows.newest_answers(tx)
    answers.newest[ordinals[image_ids]] = at
    return answers


def patched(tx: Transaction, old: Answers, after: int) -> Answers | None:
    """Follow the operations after one; None if they touched too many pairs."""
    pairs = changes.touched_since(tx, after, FEW_CHANGES)
    if pairs is None:
        return None
    columns = categories.ordinals(tx)
    touched = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    image = old.ordinals[touched[:, 0]]
    images = set(touched[:, 0].tolist())
    kept = old.others[~np.isin(old.others[:, 0], image)]
    new = Answers(
        states=old.states.copy(),
        people=old.people.copy(),
        others=np.concatenate([kept, _others(tx, old.ordinals, images)]),
        newest=old.newest.copy(),
        ordinals=old.ordinals,
    )
    category = np.array([columns[c] for c in touched[:, 1].tolist()], np.int64)
    new.states[image, category] = UNKNOWN
    new.people[image, category] = 0
    _put(new, pair_search.some(tx, pairs), columns)
    new.newest[image] = 0
    image_ids, at = image_rows.newest_answers(tx, images)
    new.newest[old.ordinals[image_ids]] = at
    return new


def _others(tx: Transaction, ordinals: npt.NDArray[np.int32], images: set[int] | None) -> Numbers:
    found = authors.others(tx, images)
    columns = categories.ordinals(tx)
    found[:, 0] = ordinals[found[:, 0]]
    found[:, 1] = [columns[category] for category in found[:, 1].tolist()]
    return found


def _put(answers: Answers, rows: PairRows, columns: Mapping[int, int]) -> None:
    column = np.zeros(1 + max(columns, default=0), np.int64)
    column[list(columns)] = list(columns.values())
    image, category = answers.ordinals[rows.image], column[rows.category]
    answers.states[image, category] = _STATES[rows.state]
    answers.people[image, category] = rows.annotator
