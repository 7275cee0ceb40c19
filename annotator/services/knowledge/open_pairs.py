"""Which pairs are open, and which of them are settled all the same: one image, many, in numbers.

A pair is *answered* if it has a label or people disagree about it, *filled* if it is filled in
under a certificate and not answered, and *open* if it is neither. Counts go by these three words.
An open pair is *implied* if its label follows by the hierarchy from another label of the image.
Whatever is not open, or is implied, is *settled*: nobody is asked about it, no version decides it.

Three places differ on purpose. The Verify page asks about implied pairs, too: whoever works on one
category teaches it, and an implied label teaches nothing. A completed export decides filled pairs:
it is the opinion of one version, and a certified export is there for the fills. In counts a pair in
conflict is open, as its label is unknown until somebody reviews it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.domain import Category, PairLabel
from annotator.services.catalogue import hierarchy
from annotator.services.knowledge.fills import Fill
from annotator.store import Transaction, activity, answers, categories, image_use
from annotator.store.activity import Bools, Ordinals

CHUNK = 8192
"""Images whose pairs are looked at together."""

Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PairCounts:
    """How many pairs there are in some categories; none is counted twice."""

    pairs: int
    answered: int
    filled: int

    @classmethod
    def of(cls, images: int, shown: Sequence[Category], filled: Mapping[int, int]) -> PairCounts:
        """Count from the counters of categories.

        Args:
            images: Of the project.
            shown: The categories.
            filled: Filled pairs by category ordinal, from `Fills.counts`.
        """
        return cls(
            pairs=images * len(shown),
            answered=sum(c.present_count + c.absent_count for c in shown),
            filled=sum(filled.get(c.ordinal, 0) for c in shown),
        )

    @property
    def open(self) -> int:
        """Pairs that are neither answered nor filled; those in conflict are among them."""
        return max(0, self.pairs - self.answered - self.filled)


def settled_categories(
    labels: Iterable[PairLabel],
    parents: hierarchy.Parents,
    filled: Collection[int] = (),
) -> set[int]:
    """Return the ids of the categories of one image that are settled.

    Args:
        labels: Of the image.
        parents: Of the hierarchy.
        filled: Ids of the categories that are filled in.
    """
    known = hierarchy.states_of(labels)
    return {*known, *hierarchy.implications(parents, known).implied, *filled}


def settled_matrix(
    tx: Transaction, parents: hierarchy.Parents, fills: Sequence[Fill] = ()
) -> Bools:
    """Return which pairs of the project are settled, `(images, categories)` by ordinal.

    All pairs of images that are not in use are.

    Args:
        tx: A transaction.
        parents: Of the hierarchy.
        fills: Those that stand.
    """
    rows, columns = activity.shape(tx)
    settled = np.zeros((rows, columns), dtype=bool)
    for part in activity.each_label(tx):
        settled[part.image, part.category] = True
    settled[image_use.unused_ordinals(tx)] = True
    if parents:
        table, ordinals = answers.label_table(tx), categories.ordinals(tx)
        implied = hierarchy.implied_pairs(table, ordinals, parents)
        settled[implied.image, implied.category] = True
    for fill in fills:
        for start in range(0, rows, CHUNK):
            stop = min(rows, start + CHUNK)
            settled[start:stop] |= fill.rows(start, stop, columns)
    return settled


class Labelled:
    """Which pairs have a label, one bit a pair: 100,000 images x 200 categories in 2.5 MB."""

    def __init__(self, rows: int, columns: int) -> None:
        self.columns = columns
        self._bits: Bits = np.zeros((rows, -(-columns // 8)), dtype=np.uint8)

    def close(self, images: Ordinals) -> None:
        """Set the bits of all pairs of some images."""
        self._bits[images] = 0xFF

    def mark(self, image: Ordinals, category: Ordinals) -> None:
        """Set the bits of pairs, which may be named twice."""
        np.bitwise_or.at(self._bits, (image, category >> 3), _bit(category))

    def clear(self, image: Ordinals, category: Ordinals) -> None:
        """Clear the bits of pairs, which may be named twice."""
        np.bitwise_and.at(self._bits, (image, category >> 3), ~_bit(category))

    def contains(self, image: Ordinals, category: Ordinals) -> Bools:
        """Return which pairs have a label."""
        return np.asarray(self._bits[image, category >> 3] & _bit(category), bool)

    def rows(self, start: int, stop: int) -> Bools:
        """Return the bits of some images, `(stop - start, columns)`."""
        part = self._bits[start:stop]
        bits = np.unpackbits(part, axis=1, count=self.columns, bitorder="little")
        return bits.astype(bool)

    def closed_images(self, fills: Sequence[Fill], columns: Sequence[int]) -> int:
        """Return in how many images no pair of some categories is open."""
        if fills:
            rows = len(self._bits)
            parts = (
                self.open_rows(fills, start, min(rows, start + CHUNK))[:, columns]
                for start in range(0, rows, CHUNK)
            )
            return sum(int((~part.any(axis=1)).sum()) for part in parts)
        wanted = np.zeros(self._bits.shape[1], dtype=np.uint8)
        for column in columns:
            wanted[column >> 3] |= np.uint8(1 << (column & 7))
        return int(((self._bits & wanted) == wanted).all(axis=1).sum())

    def copy(self) -> Labelled:
        """Return a copy that does not change with this one."""
        other = Labelled(0, self.columns)
        other._bits = self._bits.copy()
        return other

    def open_rows(self, fills: Sequence[Fill], start: int, stop: int) -> Bools:
        """Return which pairs of some images are open, `(stop - start, columns)`."""
        is_open = ~self.rows(start, stop)
        for fill in fills:
            is_open &= ~fill.rows(start, stop, self.columns)
        return is_open


def _bit(category: Ordinals) -> Bits:
    return np.asarray(np.left_shift(1, category & 7), np.uint8)
