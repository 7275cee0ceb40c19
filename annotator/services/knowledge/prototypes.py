"""Ranks all images for a category from its first present answer on, before a version knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import features_path, usable_features
from annotator.arrays.versions import QUANTILES, VersionArrays
from annotator.domain import Category, State
from annotator.services.background.background_task import BackgroundTask
from annotator.services.background.following_cache import FollowingCache
from annotator.services.knowledge.calibration import is_taught
from annotator.services.knowledge.suggestions import ImageSuggestions, Suggestions
from annotator.settings import Project
from annotator.store import Store, Transaction, categories, changes, images, versions
from annotator.store.changes import Moment
from mlrpl.decision.retrieval import likeness, prototype

EXAMPLES = 500
"""Examples of a state whose mean stands for a category; more of them hardly move it."""

SAMPLE = 20_000
"""Images, spread evenly, among which the place of an image is told; more hardly move it."""

FEW_CHANGES = 2000
"""Answers that are followed; after more of them every ranking is made anew."""

Counts = tuple[int, int]
"""Present and absent labels of a category."""

Examples = tuple[tuple[int, ...], tuple[int, ...]]
"""Ordinals of the present and of the absent examples."""
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranking:
    """How much images are like the examples of one category."""

    counts: Counts
    direction: Vector
    """`(128,)`, unit length."""
    quantiles: Vector
    """`(101,)` of the likeness of the images, from the lowest to the highest."""

    def place(self, vector: Vector) -> float:
        """Return the share of all images that are less like the examples than one image."""
        alike = float(vector @ self.direction)
        return float(np.interp(alike, self.quantiles, np.linspace(0, 1, QUANTILES)))


@dataclass(frozen=True, eq=False)
class Rankings:
    """The rankings that are ready, by category ordinal."""

    features: FeatureFiles | None = None
    of: dict[int, Ranking] = field(default_factory=dict)

    def added_to(
        self, opinion: ImageSuggestions, arrays: VersionArrays | None, ordinal: int
    ) -> ImageSuggestions:
        """Return what a version says about an image, and a ranking where it knows nothing.

        A ranking is no suggestion: it has a bar, and nothing is marked.
        """
        if self.features is None or not self.features.is_done(ordinal):
            return opinion
        vector = np.asarray(self.features.search[ordinal])
        fresh = {c: ranking for c, ranking in self.of.items() if not is_taught(arrays, c)}
        places = {c: ranking.place(vector) for c, ranking in fresh.items()}
        return replace(
            opinion, bars={**opinion.bars, **places}, ranked=opinion.ranked | places.keys()
        )


class Prototypes:
    """Rankings of the categories that the promoted version does not know, made in a thread.

    No request waits for them: it gets those that are ready and has newer ones made if anybody has
    answered since.
    """

    def __init__(self, project: Project, store: Store, suggestions: Suggestions) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._cache = FollowingCache(self._build, self._patched)
        self.task = BackgroundTask[None]("ranking the images by likeness")
        self._ready = Rankings()
        self._asked: tuple[Moment, int | None] | None = None

    def current(self, tx: Transaction) -> Rankings:
        """Return the rankings that are ready, and begin newer ones where there is news."""
        if self._asked != self._news(tx):
            self.task.start(self._make)
        return self._ready

    def _news(self, tx: Transaction) -> tuple[Moment, int | None]:
        promoted = versions.promoted(tx)
        return changes.moment(tx), None if promoted is None else promoted.number

    def _make(self) -> None:
        with self._store.reading() as tx:
            self._asked = self._news(tx)  # if it fails the next answer tries again
            features, arrays = self._sources(tx)
            if features is not None:
                key = features.path, len(features.done_rows), arrays
                self._ready = self._cache.current(tx, key)

    def _sources(self, tx: Transaction) -> tuple[FeatureFiles | None, VersionArrays | None]:
        number, arrays = self._suggestions.current(tx)
        return usable_features(features_path(self._project, number)), arrays

    def _build(self, tx: Transaction) -> Rankings:
        return self._made(tx, {})

    def _patched(self, tx: Transaction, rankings: Rankings, after: int) -> Rankings | None:
        moved = changes.moved_since(tx, after, FEW_CHANGES)
        if moved is None:
            return None
        touched = set(moved.category.tolist())
        return self._made(tx, {c: kept for c, kept in rankings.of.items() if c not in touched})

    def _made(self, tx: Transaction, kept: Mapping[int, Ranking]) -> Rankings:
        features, arrays = self._sources(tx)
        assert features is not None  # `_make` has just opened them
        untaught = [
            c for c in categories.every(tx) if c.present_count and not is_taught(arrays, c.ordinal)
        ]
        of = {
            c.ordinal: kept[c.ordinal]
            for c in untaught
            if c.ordinal in kept and kept[c.ordinal].counts == _counts(c)
        }
        wanted = [(c, examples_of(tx, c.id)) for c in untaught if c.ordinal not in of]
        return Rankings(features, of | _ranked(features, wanted))


def _counts(category: Category) -> Counts:
    return category.present_count, category.absent_count


def _ranked(
    features: FeatureFiles, wanted: Sequence[tuple[Category, Examples]]
) -> dict[int, Ranking]:
    directions = [(c, direction_of(features, examples)) for c, examples in wanted]
    new = [(c, direction) for c, direction in directions if direction is not None]
    if not new:
        return {}
    rows = features.done_rows
    rows = rows[:: max(1, len(rows) // SAMPLE)]
    alike = likeness(features.search[rows], np.stack([direction for _, direction in new], axis=1))
    points = np.quantile(alike, np.linspace(0, 1, QUANTILES), axis=0)
    return {
        c.ordinal: Ranking(_counts(c), direction, points[:, place])
        for place, (c, direction) in enumerate(new)
    }


def examples_of(tx: Transaction, category_id: int, like: Sequence[int] = ()) -> Examples:
    """Return the examples of a category, or some images instead of them.

    Args:
        tx: A transaction.
        category_id: Id of the category.
        like: Ids of those images; none means the examples.
    """
    if like:
        return (tuple(i.ordinal for i in images.many(tx, like).values()), ())
    present, absent = (
        categories.labelled_images(tx, category_id, state, EXAMPLES)
        for state in (State.PRESENT, State.ABSENT)
    )
    ordinals = {i: image.ordinal for i, image in images.many(tx, {*present, *absent}).items()}
    return tuple(sorted(ordinals[i] for i in present)), tuple(sorted(ordinals[i] for i in absent))


def direction_of(features: FeatureFiles, examples: Examples) -> Vector | None:
    """Return the prototype of some examples; None if none of the present ones has features."""
    present, absent = ([o for o in part if features.is_done(o)] for part in examples)
    return prototype(features.search[present], features.search[absent])
