"""Categories that were taken together: noted in one row each, so that they can be split again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import (
    Judgement,
    Merge,
    PairLabel,
    Source,
    State,
    merged_label,
    winning_label,
)
from annotator.errors import AnnotatorError, NotFound
from annotator.store.connection import Transaction
from annotator.store.tables import STATES, answer, category, label, operation

Pair = tuple[int, int]
"""`(image id, category id)`."""

Said = dict[Pair, list[Judgement]]
"""The uncancelled, timely answers of each pair."""

STEPS = ("absent", "unknown", "conflict", "present")
"""What a pair can be, from the lowest step of `domain.merged_label` to the highest."""


class Merges:
    """All merges of a project."""

    def __init__(self, merges: Iterable[Merge]) -> None:
        self._into: dict[int, int] = {}
        self._parts: dict[int, list[Merge]] = defaultdict(list)
        for merge in merges:
            self._into[merge.category_id] = merge.into
            self._parts[merge.into].append(merge)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._into)

    def with_targets(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Return the pairs, and those whose labels depend on theirs."""
        found = set(pairs)
        if not self._into:
            return found
        for image_id, category_id in list(found):
            found.update((image_id, target) for target in self.targets_of(category_id))
        return found

    def targets_of(self, category_id: int) -> list[int]:
        """Return what a category was merged into, and that in turn, the nearest first."""
        found = []
        while (target := self._into.get(category_id)) is not None:
            found.append(target)
            category_id = target
        return found

    def last_targets(self, category_ids: Iterable[int]) -> dict[int, int]:
        """Return what each category is part of in the end: itself, unless it was merged."""
        return {i: [i, *self.targets_of(i)][-1] for i in category_ids}

    def with_parts(self, category_ids: Collection[int]) -> set[int]:
        """Return categories together with all that was merged into them."""
        found = set(category_ids)
        waiting = list(found)
        while waiting:
            parts = {merge.category_id for merge in self._parts.get(waiting.pop(), ())} - found
            found |= parts
            waiting += parts
        return found

    def label(self, pair: Pair, judgements: Said) -> PairLabel:
        """Return the label that the answers about a pair and its merged categories add up to.

        What people say about the pair after a merge comes before it: that merge then counts no
        more for this pair. Imported files are not people in this respect.
        """
        said = judgements.get(pair, ())
        own = winning_label(*pair, said)
        parts = self._parts.get(pair[1])
        if not parts:
            return own
        last = max((j.operation_id for j in said if j.source is not Source.IMPORTED), default=0)
        counted = [merge.category_id for merge in parts if last <= merge.after]
        return merged_label(own, [self.label((pair[0], c), judgements) for c in counted])


def read(tx: Transaction) -> Merges:
    """Return the merges of a project."""
    query = sa.select(category.c.id, category.c.merged_into, category.c.merged_after)
    rows = tx.execute(query.where(category.c.merged_into.is_not(None)))
    return Merges(Merge(row.id, row.merged_into, row.merged_after or 0) for row in rows)


def merge(tx: Transaction, category_id: int, into: int) -> None:
    """Take a category together with another, and archive it; no answer is touched.

    The labels of `category_id`'s targets are recomputed by the caller; see `touched`.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If the two are one, or either is merged or hidden already.
    """
    refuse(tx, category_id, into)
    newest = tx.execute(sa.select(sa.func.max(operation.c.id))).scalar() or 0
    values = {"merged_into": into, "merged_after": newest, "archived": True}
    tx.execute(sa.update(category).where(category.c.id == category_id).values(**values))


def split(tx: Transaction, category_id: int) -> int:
    """Undo a merge: show the category again, and return the id of what it was merged into.

    The labels of that category and its targets are recomputed by the caller; see `touched`.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If it is not merged.
    """
    row = _row(tx, category_id)
    if row.merged_into is None:
        raise AnnotatorError(f"{row.name!r} is not merged into another category.")
    values = {"merged_into": None, "merged_after": None, "archived": False}
    tx.execute(sa.update(category).where(category.c.id == category_id).values(**values))
    return int(row.merged_into)


def refuse(tx: Transaction, category_id: int, into: int) -> None:
    """Return if one category can be merged into another.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If the two are one, or either is merged or hidden already.
    """
    source, target = _row(tx, category_id), _row(tx, into)
    if category_id == into:
        raise AnnotatorError(f"{source.name!r} cannot be merged into itself; choose another.")
    if category_id in read(tx).targets_of(into):
        raise AnnotatorError(
            f"{target.name!r} is already merged into {source.name!r}; undo that merge first."
        )
    for row in (source, target):
        if row.merged_into is not None:
            name = _row(tx, row.merged_into).name
            raise AnnotatorError(
                f"{row.name!r} is merged into {name!r}; undo that merge first, or use {name!r}."
            )
        if row.archived:  # a merge that is undone shows its category
            raise AnnotatorError(f"{row.name!r} is archived; restore it first.")


def touched(tx: Transaction, category_ids: Collection[int]) -> npt.NDArray[np.int64]:
    """Return the ids of all images with an answer or a label about some categories, ascending."""
    queries = [
        sa.select(table.c.image_id).where(table.c.category_id.in_(sorted(category_ids)))
        for table in (answer, label)
    ]
    found = [np.fromiter(tx.execute(query).scalars(), np.int64) for query in queries]
    return np.unique(np.concatenate(found))


@dataclass(frozen=True, kw_only=True)
class MergePreview:
    """What a merge would make of the labels of the category that stays."""

    before: dict[str, int]
    """Images by what the pair is now, one of `STEPS`; images without a label left out."""
    after: dict[str, int]
    """The same images by what the pair would be."""
    changes: dict[tuple[str, str], int]
    """Pairs by what they are and what they would become, where that differs."""
    examples: dict[tuple[str, str], list[int]]
    """The first image ids of each change."""


def preview(tx: Transaction, category_id: int, into: int, examples: int = 5) -> MergePreview:
    """Return what `merge` would do; nothing is written.

    Raises:
        NotFound: If there is no such category.
        AnnotatorError: If `merge` would be refused.
    """
    refuse(tx, category_id, into)
    ids, mine, theirs = _steps(tx, (into, category_id))
    becomes = np.maximum(mine, theirs)
    changes: dict[tuple[str, str], int] = {}
    shown: dict[tuple[str, str], list[int]] = {}
    for old in range(len(STEPS)):
        for new in range(old + 1, len(STEPS)):
            rows = np.flatnonzero((mine == old) & (becomes == new))
            if len(rows):
                changes[STEPS[old], STEPS[new]] = len(rows)
                shown[STEPS[old], STEPS[new]] = ids[rows[:examples]].tolist()
    return MergePreview(
        before=_counted(mine), after=_counted(becomes), changes=changes, examples=shown
    )


def _steps(
    tx: Transaction, category_ids: Sequence[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return image ids, and the step of each in two categories."""
    step = sa.case(
        (label.c.conflict.is_(True), STEPS.index("conflict")),
        (label.c.state == STATES[State.PRESENT], STEPS.index("present")),
        else_=STEPS.index("absent"),
    )
    by_category = []
    for category_id in category_ids:
        packed = sa.select(sa.cast(label.c.image_id, sa.BigInteger) * len(STEPS) + step)
        rows = tx.execute(packed.where(label.c.category_id == category_id)).scalars()
        by_category.append(np.fromiter(rows, np.int64))
    ids = np.unique(np.concatenate(by_category) // len(STEPS))
    found = []
    for packed_rows in by_category:
        steps = np.full(len(ids), STEPS.index("unknown"), np.int8)
        places = np.searchsorted(ids, packed_rows // len(STEPS))
        steps[places] = packed_rows % len(STEPS)
        found.append(steps)
    return ids, found[0], found[1]


def _counted(steps: npt.NDArray[np.int8]) -> dict[str, int]:
    counts = Counter(steps.tolist())
    return {name: counts[place] for place, name in enumerate(STEPS)}


def _row(tx: Transaction, category_id: int) -> Any:
    columns = category.c.id, category.c.name, category.c.archived, category.c.merged_into
    row = tx.execute(sa.select(*columns).where(category.c.id == category_id)).first()
    if row is None:
        raise NotFound(f"There is no category with id {category_id}; reload the page.")
    return row
