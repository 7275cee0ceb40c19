"""The pairs that several people answered, laid side by side, and how far the answers agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.store.quality import Opinions
from mlrpl.decision.agreement import (
    alpha_of,
    alpha_parts,
    interval,
    kappa_of,
    kappa_parts,
    resampled,
)
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Figure = tuple[float, float, float]
"""A figure with the ends of its 95 % interval; NaN where there is none."""

NO_INTERVAL = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class Overlap:
    """The pairs of one category that two people or more answered, `n` of them."""

    image: Whole
    """`(n,)` ids."""
    people: Whole
    """`(p,)` ids of those who answered any of them."""
    answers: npt.NDArray[np.int8]
    """`(p, n)`, each `PRESENT`, `UNKNOWN` or `ABSENT`."""
    blind: Bools
    """`(p, n)`, which of them were given blind."""

    @property
    def pairs(self) -> int:
        """How many there are."""
        return len(self.image)

    @property
    def independent(self) -> Bools:
        """Which pairs, `(n,)`, nobody answered who could see another's answer.

        A probe answer is never shown to anybody, so at most one other may be beside it.
        """
        return np.asarray(((self.answers != UNKNOWN) & ~self.blind).sum(axis=0) <= 1)

    @property
    def agreed(self) -> Bools:
        """On which pairs, `(n,)`, all said the same."""
        said = [(self.answers == state).any(axis=0) for state in (PRESENT, ABSENT)]
        return np.asarray(said[0] != said[1])

    @property
    def compared(self) -> Whole:
        """Comparisons of each person with the others, `(p, 4)`: all, agreeing; blind ones alike."""
        given = self.answers != UNKNOWN
        same = np.zeros(self.answers.shape, np.int64)
        for state in (PRESENT, ABSENT):
            mine = self.answers == state
            same += mine * (mine.sum(axis=0) - 1)
        others = given * (given.sum(axis=0) - 1)
        columns = (others, same, others * self.blind, same * self.blind)
        return np.stack([column.sum(axis=1) for column in columns], axis=1)


def overlaps(ordinary: Opinions, blind: Opinions) -> dict[int, Overlap]:
    """Return the shared pairs of each category that has any, by category id.

    Where a person answered a pair both ways, the probe answer is the opinion.
    """
    parts = [np.concatenate([getattr(o, name) for o in (ordinary, blind)]) for name in _FIELDS]
    image, category, person, present = parts
    is_blind = np.arange(len(image)) >= len(ordinary.image)
    found = {}
    for number in np.unique(category).tolist():
        own = category == number
        overlap = _overlap(image[own], person[own], present[own], is_blind[own])
        if overlap is not None:
            found[number] = overlap
    return found


def figures(found: Iterable[Overlap], rng: np.random.Generator | None) -> dict[str, Figure]:
    """Return Krippendorff's `alpha`, and Cohen's `kappa` where two people answered all the pairs.

    Args:
        found: The pairs, of one category or several.
        rng: For the intervals; None: without.
    """
    each = list(found)
    if not each:
        return {}
    images = np.concatenate([o.image for o in each])
    alpha = np.concatenate([alpha_parts(o.answers) for o in each])
    result = {"alpha": _figure(alpha, alpha_of, images, rng)}
    people = sorted(set().union(*(o.people.tolist() for o in each)))
    if len(people) == 2:
        cells = np.concatenate([kappa_parts(o.answers[0], o.answers[1]) for o in each])
        result["kappa"] = _figure(cells, kappa_of, images, rng)
    return result


_FIELDS = ("image", "category", "annotator", "present")


def _overlap(image: Whole, person: Whole, present: Bools, blind: Bools) -> Overlap | None:
    images, column = np.unique(image, return_inverse=True)
    people, row = np.unique(person, return_inverse=True)
    answers = np.full((len(people), len(images)), UNKNOWN, np.int8)
    is_blind = np.zeros(answers.shape, bool)
    for which in (~blind, blind):  # the later one stays
        answers[row[which], column[which]] = np.where(present[which], PRESENT, ABSENT)
        is_blind[row[which], column[which]] = blind[which]
    shared = (answers != UNKNOWN).sum(axis=0) >= 2
    if not shared.any():
        return None
    those = (answers[:, shared] != UNKNOWN).any(axis=1)
    return Overlap(
        images[shared], people[those], answers[those][:, shared], is_blind[those][:, shared]
    )


def _figure(
    parts: Floats,
    figure: Callable[[Floats], Floats],
    images: Whole,
    rng: np.random.Generator | None,
) -> Figure:
    value = float(figure(parts.sum(axis=0)))
    ends = NO_INTERVAL if rng is None else interval(figure(resampled(parts, images, rng)))
    return value, *ends
