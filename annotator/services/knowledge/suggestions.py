"""What the promoted version says about open pairs, the same for page, command line and export."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.arrays import versions as version_files
from annotator.arrays.versions import Columns, VersionArrays
from annotator.errors import NotFound, NotReady, ProjectError
from annotator.services.knowledge.conditional_update import given
from annotator.settings import Project
from annotator.settings import Suggestions as Wish
from annotator.store import Store, Transaction, versions


@dataclass(frozen=True)
class ImageSuggestions:
    """The opinions of one version about one image, by category ordinal."""

    bars: dict[int, float]
    """0..1: a probability, or for ranked categories the rank among all images."""
    ranked: frozenset[int]
    """Ordinals whose bar is a ranking only: no percentage, no accept-all."""
    suggested: frozenset[int]
    """Ordinals at or above the version's threshold."""
    sources: Mapping[int, str] = field(default_factory=dict)
    """Names of the trusted predictors that suggest a category which the version does not know."""


NOTHING = ImageSuggestions({}, frozenset(), frozenset())


class Suggestions:
    """The promoted version's arrays, opened once and swapped when another is promoted."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._lock = threading.Lock()
        self._opened: tuple[int, int, Wish] | None = None
        self._arrays: VersionArrays | None = None
        self.problem = ""
        """Why the promoted version suggests nothing; empty if nothing is wrong."""

    def current(self, tx: Transaction | None = None) -> tuple[int | None, VersionArrays | None]:
        """Return the promoted version's number and arrays, or two Nones before there is one.

        The arrays are opened again when they were rewritten, as when new images were scored, and
        when the settings under `suggestions` have changed. A version whose files are damaged is
        as good as none: labelling goes on, and `problem` says why there are no suggestions.
        """
        if tx is None:
            with self._store.reading() as fresh:
                return self.current(fresh)
        version = versions.promoted(tx)
        if version is None:
            return None, None
        folder = version_files.folder(self._project, version.number)
        with self._lock:
            if not version_files.has_arrays(folder):  # pruned; the worker is scoring again
                return None, None
            wish = self._project.settings.suggestions
            wanted = (version.number, version_files.stamp(folder), wish)
            if wanted != self._opened:
                self._open(folder, wish)
                self._opened = wanted
            return (version.number, self._arrays) if self._arrays else (None, None)

    def required(self, tx: Transaction, otherwise: str) -> tuple[int, VersionArrays]:
        """Return the promoted version's number and arrays, for what cannot go on without.

        Args:
            tx: Of the caller.
            otherwise: What to say where there is no version yet.

        Raises:
            NotReady: If there is none, or if its files are damaged; then the message says which.
        """
        number, arrays = self.current(tx)
        if number is None or arrays is None:
            raise NotReady(self.problem or otherwise)
        return number, arrays

    def _open(self, folder: Path, wish: Wish) -> None:
        self._arrays, self.problem = None, ""
        try:
            self._arrays = as_wished(version_files.read(folder), wish)
        except NotFound:  # pruned a moment ago
            pass
        except ProjectError as error:
            self.problem = str(error)

    def of_image(
        self, arrays: VersionArrays | None, ordinal: int, own: Mapping[int, int] | None = None
    ) -> ImageSuggestions:
        """Return what a version says about the image in row `ordinal`; nothing if it has no row.

        Args:
            arrays: Of the version, or None before there is one.
            ordinal: Of the image.
            own: Its known labels, from `conditional_update.own_labels`; they move the others.
        """
        if arrays is None or ordinal >= len(arrays.scores):
            return NOTHING
        parameters = arrays.parameters
        scores: Columns = np.asarray(arrays.scores[ordinal], dtype=np.float32)  # (C,)
        known = np.isfinite(scores)
        if not known.any():
            return NOTHING
        scores = given(arrays, scores, own or {})
        bars = arrays.bars(scores)  # (C,)
        suggested = arrays.suggested(scores)  # (C,)
        ordinals = list(parameters.category_ordinals)
        return ImageSuggestions(
            bars={o: float(bars[c]) for c, o in enumerate(ordinals) if known[c]},
            ranked=frozenset(parameters.ranked_only),
            suggested=frozenset(o for c, o in enumerate(ordinals) if suggested[c]),
        )


def as_wished(arrays: VersionArrays, wish: Wish) -> VersionArrays:
    """Return a version with the thresholds that the settings wish.

    One probability for all takes effect at once. For other aims the worker has found a threshold
    for each category when it made the version, and these stay.
    """
    return arrays.at_threshold(wish.threshold) if wish.aim == "probability" else arrays


def suggested_matrix(arrays: VersionArrays, images: int, columns: int) -> NDArray[np.bool_]:
    """Return which pairs a version suggests as present, `(images, columns)` by ordinal."""
    matrix = np.zeros((images, columns), dtype=bool)
    rows = min(images, len(arrays.scores))
    ordinals = [o for o in arrays.parameters.category_ordinals if o < columns]
    take = [c for c, o in enumerate(arrays.parameters.category_ordinals) if o < columns]
    chunk = 8192
    for start in range(0, rows, chunk):
        stop = min(rows, start + chunk)
        decided = arrays.suggested(np.asarray(arrays.scores[start:stop]))
        matrix[start:stop, ordinals] = decided[:, take]
    return matrix


def decided_columns(arrays: VersionArrays) -> NDArray[np.bool_]:
    """Return which columns a version may decide, `(C,)`: those it was taught and is sure enough of.

    Of a category that is only ranked it suggests more than it expects to be there, so that people
    look at them; most of these may be wrong, and what it leaves out may be there.
    """
    return arrays.taught & ~_ranked_columns(arrays)


def decided_matrix(arrays: VersionArrays, images: int, columns: int) -> NDArray[np.bool_]:
    """Return which pairs a version decides one way or the other, `(images, columns)` by ordinal.

    Those that it also suggests are present, the others absent; the pairs that are left out, such
    as those of categories that are only ranked, stay unknown.
    """
    return _scored(arrays, decided_columns(arrays), images, columns)


def ranked_matrix(arrays: VersionArrays, images: int, columns: int) -> NDArray[np.bool_]:
    """Return which pairs a version can only rank, `(images, columns)` by ordinal."""
    return _scored(arrays, arrays.taught & _ranked_columns(arrays), images, columns)


def _ranked_columns(arrays: VersionArrays) -> NDArray[np.bool_]:
    return np.isin(arrays.parameters.category_ordinals, arrays.parameters.ranked_only)


def _scored(
    arrays: VersionArrays, take: NDArray[np.bool_], images: int, columns: int
) -> NDArray[np.bool_]:
    """Return which pairs of some of a version's columns have a score, by ordinal."""
    matrix = np.zeros((images, columns), dtype=bool)
    rows = min(images, len(arrays.scores))
    for column, ordinal in enumerate(arrays.parameters.category_ordinals):
        if ordinal < columns and take[column]:
            matrix[:rows, ordinal] = np.isfinite(arrays.category_scores(ordinal)[:rows])
    return matrix
