"""Which images look like others, as the features have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.arrays import likeness
from annotator.arrays.features import FeatureFiles
from annotator.arrays.likeness import NO_GROUP
from annotator.arrays.version_features import usable_features
from annotator.errors import AnnotatorError
from annotator.services.knowledge.prototypes import EXAMPLES, direction_of
from annotator.services.labelling.image_answers import Mask
from annotator.services.labelling.image_filter import number_range, parse_sort
from annotator.services.labelling.verify_order import keys_by_likeness

Floats = npt.NDArray[np.float64]
LARGEST_ID = 2**31 - 1
Groups = npt.NDArray[np.int32]

NO_FEATURES = (
    "These images have not been read by the trainer yet, so nothing can be compared with them; "
    "try again once it has."
)
NO_GROUPS = (
    "Near duplicates have not been looked for yet; the trainer does it when it has read the "
    "images and has nothing else to do."
)


def numbers_of(sort: str) -> list[int]:
    """Return the ids of the images that an order by likeness names, `EXAMPLES` at most.

    Raises:
        AnnotatorError: If there is no such order.
    """
    named = (number_range(value) for value in parse_sort(sort).images)
    spans = (range(int(max(each.low, 1)), int(min(each.high, LARGEST_ID)) + 1) for each in named)
    return list(islice(chain.from_iterable(spans), EXAMPLES))


@dataclass(frozen=True, eq=False)
class SimilarImages:
    """What the features in a folder say, opened when it is asked for."""

    path: Path

    @cached_property
    def features(self) -> FeatureFiles | None:
        """The features; None without any that can be used."""
        return usable_features(self.path)

    def likeness(self, ordinals: Sequence[int], size: int) -> Floats:
        """Return how much each image is like some others on average.

        Args:
            ordinals: Of those others; the mean of their search vectors stands for them.
            size: Images of the project, N.

        Returns:
            `(N,)` cosines, NaN for images without features.

        Raises:
            AnnotatorError: If none of the others has features.
        """
        features = self.features
        direction = None if features is None else direction_of(features, (tuple(ordinals), ()))
        keys = None if features is None else keys_by_likeness(features, direction, size)
        if keys is None:
            raise AnnotatorError(NO_FEATURES)
        return -keys.astype(np.float64)

    def groups(self, in_use: Mask) -> Groups:
        """Return the number of the group of near duplicates that each image is in.

        Args:
            in_use: `(N,)` images of the project that count.

        Returns:
            `(N,)` numbers from 0, NO_GROUP for an image that is like no other.

        Raises:
            AnnotatorError: If they have not been looked for yet.
        """
        if self._groups is None:
            raise AnnotatorError(NO_GROUPS)
        found = np.full(len(in_use), NO_GROUP, np.int32)
        found[: len(self._groups)] = self._groups[: len(found)]
        found[~in_use] = NO_GROUP
        counts = np.bincount(found[found != NO_GROUP], minlength=1)
        found[(found != NO_GROUP) & (counts[found] < 2)] = NO_GROUP
        return found

    def groups_if_known(self, in_use: Mask) -> Groups | None:
        """Return what `groups` does; None if they have not been looked for yet."""
        return None if self._groups is None else self.groups(in_use)

    @cached_property
    def _groups(self) -> Groups | None:
        kept = likeness.read(self.path, likeness.GROUPS)
        return None if kept is None else kept.values
