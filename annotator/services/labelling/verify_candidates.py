"""What the model says about the images of one category, and which of them are still open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.arrays.versions import VersionArrays
from annotator.domain import State
from annotator.services.knowledge.calibration import is_calibrated
from annotator.services.knowledge.fills import Fill, has_fill
from annotator.services.labelling.verify_order import (
    FIRST_PART,
    Keys,
    Ordinals,
    in_order,
    suggested,
)
from annotator.store import Transaction, categories, grid, images
from annotator.wire.verify import Mode

FIRST_LOOK = 100
"""Images that are looked up before further ones are, `FIRST_PART` at a time."""


@dataclass(frozen=True)
class Opinion:
    """What the promoted version says about one category that it was taught."""

    version: int
    arrays: VersionArrays
    ordinal: int
    calibrated: bool

    def scores_of(self, ordinals: Sequence[int]) -> Keys:
        """Return raw scores of some images, NaN beyond the last row."""
        row = self.arrays.scores_by_category[self.arrays.columns[self.ordinal]]
        return np.array([row[o] if o < len(row) else np.nan for o in ordinals], np.float32)

    def guesses(self, scores: Keys) -> list[str | None]:
        """Return the state on the model's side of the threshold; None without a score."""
        sides = suggested(self.arrays, self.ordinal, scores)
        return [
            None if np.isnan(score) else state_of(bool(side))
            for score, side in zip(scores, sides, strict=True)
        ]

    def bars(self, scores: Keys) -> list[float | None]:
        """Return the probabilities, None where there is no score."""
        column = self.arrays.columns[self.ordinal]
        wide = np.full((len(scores), len(self.arrays.columns)), np.nan)
        wide[:, column] = scores
        found = self.arrays.bars(wide)[:, column]
        return [None if np.isnan(bar) else round(float(bar), 4) for bar in found]


@dataclass(frozen=True)
class Order:
    """Which images come, what the order goes by, and the opinion where there is one."""

    keys: Keys
    basis: str
    """As `GridPage` has it."""
    opinion: Opinion | None


class Search:
    """Looks for images that are open, have a file, and that nobody else has."""

    def __init__(
        self,
        tx: Transaction,
        category_id: int,
        annotator_id: int,
        *,
        elsewhere: Collection[int],
        left_out: Collection[int],
        fills: Sequence[Fill] = (),
    ) -> None:
        """Tie the search to one category and annotator.

        Args:
            tx: A transaction.
            category_id: Id of the category.
            annotator_id: Who is asked.
            elsewhere: Ids of the images that others have on the screen.
            left_out: Ids of further images to leave out.
            fills: What is filled in under certificates, which nobody has to answer.
        """
        self._fills = list(fills)
        self._ordinal = categories.ordinals(tx)[category_id]
        self._tx = tx
        self._category = category_id
        self._annotator = annotator_id
        self.elsewhere = elsewhere
        self._left_out = left_out
        self.elsewhere_count = 0

    def first(self, keys: Keys, count: int) -> list[tuple[int, int]]:
        """Return ordinal and id of the first `count` images by their keys."""
        found: list[tuple[int, int]] = []
        for ordinals in _parts(in_order(keys)):
            ids = images.ids_at(self._tx, ordinals)
            answered = self.answered(ids.values())
            for ordinal in ordinals:
                image = ids.get(ordinal)
                if image is None or image in answered or image in self._left_out:
                    continue
                if has_fill(self._fills, ordinal, self._ordinal):
                    continue
                if image in self.elsewhere:
                    self.elsewhere_count += 1
                else:
                    found.append((ordinal, image))
                if len(found) == count:
                    return found
        return found

    def answered(self, image_ids: Iterable[int]) -> set[int]:
        """Return those of some images that the annotator is not to be asked about any more."""
        return grid.answered(self._tx, self._category, self._annotator, image_ids)


def _parts(ordered: Iterator[Ordinals]) -> Iterator[list[int]]:
    for part in ordered:
        start, size = 0, FIRST_LOOK  # mostly enough for a page
        while start < len(part):
            yield part[start : start + size].tolist()
            start, size = start + size, FIRST_PART


def shown(
    order: Order, mode: Mode, ordinals: Sequence[int]
) -> tuple[list[str | None], list[float | None]]:
    """Return guesses and scores as drawn; where there may be checks, a score would give them away.

    A category that is only ranked has neither: its order is all there is to say.
    """
    nothing: list[Any] = [None] * len(ordinals)
    opinion = order.opinion
    if opinion is None or not opinion.calibrated:
        return nothing, nothing
    if mode in (Mode.CONFIRM, Mode.SWEEP):
        return [state_of(mode is Mode.CONFIRM)] * len(ordinals), nothing
    scores = opinion.scores_of(ordinals)
    return opinion.guesses(scores), opinion.bars(scores)


def guesses_of(arrays: VersionArrays, ordinal: int, ordinals: Mapping[int, int]) -> dict[int, str]:
    """Return the model's guess by image id, for the images of which it may say one."""
    if not is_calibrated(arrays.parameters, ordinal):
        return {}
    opinion = Opinion(0, arrays, ordinal, calibrated=True)
    said = zip(ordinals, opinion.guesses(opinion.scores_of(list(ordinals.values()))), strict=True)
    return {image: guess for image, guess in said if guess is not None}


def state_of(present: bool) -> str:
    """Return the state as the page knows it."""
    return (State.PRESENT if present else State.ABSENT).value
