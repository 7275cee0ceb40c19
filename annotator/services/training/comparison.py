"""Versions side by side: what changed between two, and methods on the same held-out answers."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from typing_extensions import TypedDict

from annotator.arrays import versions as version_files
from annotator.arrays.versions import QUANTILES, VersionArrays
from annotator.domain import Category, Version
from annotator.errors import NotFound
from annotator.services.knowledge.calibration import CalibrationReport, calibration_of
from annotator.services.knowledge.open_pairs import CHUNK
from annotator.services.knowledge.open_suggestions import OpenSuggestions, SuggestionCounts
from annotator.services.knowledge.suggestions import as_wished
from annotator.services.training.control import VersionFigure
from annotator.settings import Project
from annotator.store import Store, Transaction, activity, categories, images, versions
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.metrics import bootstrap_interval, evaluated

TOP_CATEGORIES = 20
"""Categories with the most changes that are listed."""

TOP_IMAGES = 24
"""Images with the strongest change that are shown."""

MIN_EACH = 3
"""Present, and absent, held-out answers that a category needs to be measured."""

REDRAWS = 100
"""How often the images are drawn again for an interval."""

MEASURED_IMAGES = 2_000
"""Most held-out images that methods are measured on, evenly spread over all that have answers."""

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]


class ChangedCategory(TypedDict):
    """A category whose suggestions changed."""

    name: str
    appeared: int
    disappeared: int


class ChangedImage(TypedDict):
    """An image and the suggestion of it that changed most."""

    id: int
    category: str
    appeared: bool
    strength: float


class ChangesRow(TypedDict):
    """Which suggestions of open pairs one version makes and another does not."""

    older: int
    newer: int
    appeared: int
    disappeared: int
    categories_changed: int
    categories: list[ChangedCategory]
    """The most changed first, at most `TOP_CATEGORIES`."""
    images: list[ChangedImage]
    """The strongest change first."""


class MethodRow(VersionFigure):
    """The newest version of a method."""

    answers: int
    seconds: float
    measured_now: bool
    """Not so where its scores were deleted: the figure is from when it was made."""


class MethodsRow(TypedDict):
    """Methods measured on the same held-out answers."""

    methods: list[MethodRow]
    pairs: int
    """What they were measured on."""
    categories: int
    images: int
    held_out_images: int
    """All that have answers."""


@dataclass
class _Changes:
    """What was found so far, over all chunks of images."""

    appeared: Indexes
    """`(K,)` by category ordinal."""
    disappeared: Indexes
    strongest: list[tuple[float, int, int, bool]] = field(default_factory=list)
    """A heap of the `TOP_IMAGES` images: strength, image and category ordinal, appeared."""

    def add(self, columns: Indexes, appeared: npt.NDArray[np.bool_]) -> None:
        self.appeared += np.bincount(columns[appeared], minlength=len(self.appeared))
        self.disappeared += np.bincount(columns[~appeared], minlength=len(self.appeared))

    def offer(
        self, strength: Floats, rows: Indexes, columns: Indexes, appeared: npt.NDArray[np.bool_]
    ) -> None:
        """Keep the images that change most; an image counts by its strongest pair."""
        order = np.lexsort((columns, rows, -strength))
        _, first = np.unique(rows[order], return_index=True)
        best = order[np.sort(first)[:TOP_IMAGES]]
        for i in best.tolist():
            entry = (float(strength[i]), -int(rows[i]), int(columns[i]), bool(appeared[i]))
            heapq.heappush(self.strongest, entry)
            if len(self.strongest) > TOP_IMAGES:
                heapq.heappop(self.strongest)


class Comparison:
    """Comparisons that a person asks for; each takes seconds in a large project."""

    def __init__(self, project: Project, store: Store, open_suggestions: OpenSuggestions) -> None:
        self._project = project
        self._store = store
        self._open_suggestions = open_suggestions

    def changes(self, older: int, newer: int) -> ChangesRow:
        """Return which suggestions of open pairs one version makes and another does not.

        Args:
            older: Number of the version to start from.
            newer: Number of the version to end at.

        Raises:
            NotFound: If one of them does not exist, or its scores were deleted.
        """
        with self._store.reading() as tx:
            first, second = self._arrays(tx, older), self._arrays(tx, newer)
            counts = self._open_suggestions.now(tx)
            rows, _ = activity.shape(tx)
            shown = {c.ordinal: c for c in categories.every(tx)}
            found = _compare(first, second, counts, rows, sorted(shown))
            kept = sorted(found.strongest, reverse=True)
            ids = images.ids_at(tx, [-row for _, row, _, _ in kept])
        changed = _changed(found, shown)
        return {
            "older": older,
            "newer": newer,
            "appeared": int(found.appeared.sum()),
            "disappeared": int(found.disappeared.sum()),
            "categories_changed": len(changed),
            "categories": changed[:TOP_CATEGORIES],
            "images": [
                {
                    "id": ids[-row],
                    "category": shown[ordinal].name,
                    "appeared": appeared,
                    "strength": strength,
                }
                for strength, row, ordinal, appeared in kept
                if -row in ids
            ],
        }

    def calibration(self, number: int) -> CalibrationReport:
        """Return what a version says against what people said; see `calibration_of`.

        Raises:
            NotFound: If it does not exist, or its scores were deleted.
        """
        with self._store.reading() as tx:
            return calibration_of(tx, self._project, number, self._arrays(tx, number))

    def methods(self) -> MethodsRow:
        """Return the newest version of each method, measured on the same held-out answers.

        A version whose scores were deleted keeps the figure from when it was made, and says so.
        """
        with self._store.reading() as tx:
            newest = {v.method: v for v in versions.every(tx)}
            image, category, present = activity.held_out_labels(tx)
            shown = {c.ordinal for c in categories.every(tx)}
        made = sorted(newest.values(), key=lambda v: v.number)
        opened = {v.number: a for v in made if (a := self._opened(v.number)) is not None}
        visible = np.isin(category, list(shown))
        image, category, present = image[visible], category[visible], present[visible]
        answered = np.unique(image)
        if len(answered) > MEASURED_IMAGES:
            places = np.linspace(0, len(answered) - 1, MEASURED_IMAGES).astype(int)
            taken = np.isin(image, answered[places])
            image, category, present = image[taken], category[taken], present[taken]
        labels, rows = _label_matrix(image, category, present)
        scores = {n: _scores_of(a, rows, labels.shape[1]) for n, a in opened.items()}
        for each in scores.values():
            labels[~np.isfinite(each)] = UNKNOWN
        measured = evaluated(labels, MIN_EACH, MIN_EACH)
        pairs = int((labels[:, measured] != UNKNOWN).sum())
        found = [_figure(v, scores.get(v.number), labels, bool(measured.any())) for v in made]
        return {
            "methods": found,
            "pairs": pairs,
            "categories": int(measured.sum()),
            "images": len(rows),
            "held_out_images": len(answered),
        }

    def _arrays(self, tx: Transaction, number: int) -> VersionArrays:
        versions.get(tx, number)
        arrays = self._opened(number)
        if arrays is None:
            raise NotFound(
                f"The scores of version {number} were deleted to save space, so it cannot be "
                "measured; use that version again to recompute them."
            )
        return arrays

    def _opened(self, number: int) -> VersionArrays | None:
        folder = version_files.folder(self._project, number)
        try:
            return as_wished(version_files.read(folder), self._project.settings.suggestions)
        except NotFound:
            return None


def _compare(
    first: VersionArrays,
    second: VersionArrays,
    counts: SuggestionCounts,
    rows: int,
    shown: list[int],
) -> _Changes:
    ordinals, columns = np.array(shown, dtype=np.int64), counts.labelled.columns
    found = _Changes(np.zeros(columns, dtype=np.int64), np.zeros(columns, dtype=np.int64))
    for start in range(0, rows, CHUNK):
        stop = min(rows, start + CHUNK)
        before = _suggested(first, start, stop, ordinals)
        after = _suggested(second, start, stop, ordinals)
        is_open = counts.labelled.open_rows(counts.fills, start, stop)[:, ordinals]
        flipped = (before != after) & is_open
        row, place = np.nonzero(flipped)
        appeared, row, column = after[row, place], row + start, ordinals[place]
        found.add(column, appeared)
        strength = np.abs(_opinion(second, row, column) - _opinion(first, row, column))
        found.offer(strength, row, column, appeared)
    return found


def _changed(found: _Changes, shown: Mapping[int, Category]) -> list[ChangedCategory]:
    """Return the categories whose suggestions changed, the most changed first."""
    both = found.appeared + found.disappeared
    order = sorted((o for o in shown if both[o]), key=lambda o: (-both[o], shown[o].name))
    return [
        {
            "name": shown[o].name,
            "appeared": int(found.appeared[o]),
            "disappeared": int(found.disappeared[o]),
        }
        for o in order
    ]


def _suggested(
    arrays: VersionArrays, start: int, stop: int, ordinals: Indexes
) -> npt.NDArray[np.bool_]:
    """Return what a version suggests of images `start` to `stop`, a column for each ordinal."""
    result = np.zeros((stop - start, len(ordinals)), dtype=bool)
    scores = np.asarray(arrays.scores[start:stop])
    if len(scores):
        decided = arrays.suggested(scores)
        there = [j for j, o in enumerate(ordinals.tolist()) if o in arrays.columns]
        columns = [arrays.columns[int(ordinals[j])] for j in there]
        result[: len(scores), there] = decided[:, columns]
    return result


def _opinion(arrays: VersionArrays, rows: Indexes, ordinals: Indexes) -> Floats:
    """Return what a page draws for pairs, 0 to 1; 0 where the version has no opinion."""
    parameters, result = arrays.parameters, np.zeros(len(rows))
    ranked = set(parameters.ranked_only)
    for ordinal in np.unique(ordinals).tolist():
        column = arrays.columns.get(ordinal)
        mine = np.flatnonzero((ordinals == ordinal) & (rows < len(arrays.scores)))
        if column is None or not len(mine):
            continue
        scores = np.asarray(arrays.scores[rows[mine], column], dtype=np.float64)
        if ordinal in ranked:
            share = np.linspace(0, 1, QUANTILES)
            opinion = np.interp(scores, arrays.quantiles[column], share)
        else:
            opinion = expit(parameters.slope * scores + parameters.intercepts[column])
        result[mine] = np.nan_to_num(opinion)
    return result


def _label_matrix(
    image: Indexes, category: Indexes, present: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int8], Indexes]:
    """Return labels `(M, K)` of the images that have any, and those images' ordinals."""
    rows, place = np.unique(image, return_inverse=True)
    labels = np.full((len(rows), 1 + int(category.max(initial=-1))), UNKNOWN, dtype=np.int8)
    labels[place, category] = np.where(present, PRESENT, ABSENT)
    return labels, rows


def _scores_of(arrays: VersionArrays, rows: Indexes, columns: int) -> npt.NDArray[np.float32]:
    scores = np.full((len(rows), columns), np.nan, dtype=np.float32)
    there = np.flatnonzero(rows < len(arrays.scores))
    take = [(o, c) for o, c in arrays.columns.items() if o < columns]
    if len(there) and take:
        found = np.asarray(arrays.scores[rows[there]])
        ordinals, columns_of = np.array(take).T
        scores[there[:, None], ordinals] = found[:, columns_of]
    return scores


def _figure(
    version: Version,
    scores: npt.NDArray[np.float32] | None,
    labels: npt.NDArray[np.int8],
    measured: bool,
) -> MethodRow:
    metrics = version.metrics
    row: MethodRow = {
        "number": version.number,
        "method": version.method,
        "promoted": version.promoted,
        "answers": version.trained_answers,
        "seconds": version.training_seconds,
        "map": metrics.get("map"),
        "map_low": metrics.get("map_low"),
        "map_high": metrics.get("map_high"),
        "measured_now": False,
    }
    if scores is None or not measured:
        return row
    interval = bootstrap_interval(
        scores, labels, min_present=MIN_EACH, min_absent=MIN_EACH, repeats=REDRAWS
    )
    return {
        **row,
        "map": interval.value,
        "map_low": interval.low,
        "map_high": interval.high,
        "measured_now": True,
    }
