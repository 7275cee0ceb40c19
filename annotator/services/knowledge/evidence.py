"""Why a category is suggested for an image: where in it, because of what, looks like what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays import versions as version_files
from annotator.arrays.evidence import map_of, map_shape, read_where
from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import owned, usable_features
from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Image
from annotator.errors import NotFound
from annotator.services.catalogue.pictures import names_of
from annotator.services.knowledge.conditional_update import own_labels, reasons
from annotator.services.knowledge.explanations import Question, explanation, isolated, moved
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels, KnownLabelsCache
from annotator.services.knowledge.predictions import PredictorOpinions
from annotator.services.knowledge.suggestions import Suggestions
from annotator.settings import Project
from annotator.store import Store, answers, categories, images
from annotator.wire import evidence as wire

NEAREST = 50
"""Similar pictures that are asked how often they have the category."""
ALIKE = 6
UNLIKE = 2
NO_MAPS = "This version has no attention maps; one that learns from 20 images or more has them."

SAYS_WHERE = 0.1
"""Share of a score's variance that a map has to explain to be shown."""
SAYS_WELL = 0.5
"""Below this share a map is called a rough hint."""

COUNTING = "The labels are being counted for the first time; this takes a few seconds."

_BLOCK = 8192

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Pair:
    """What is asked about, and what a version and the labels know about it."""

    image: Image
    category: Category
    own: dict[int, int]
    """Labels of the image by category ordinal."""
    number: int | None
    arrays: VersionArrays | None
    features: FeatureFiles | None
    known: KnownLabels | None


class Evidence:
    """Answers the question why, for one pair at a time, cheaply enough for a key press."""

    def __init__(
        self, project: Project, store: Store, suggestions: Suggestions, labels: KnownLabelsCache
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._labels = labels
        self._predictions = PredictorOpinions(project)

    def of(self, image_id: int, category_id: int) -> wire.Evidence:
        """Return what speaks for a category on an image and what against it.

        Raises:
            NotFound: If there is no such image or category.
        """
        known = self._labels.current()
        with self._store.reading() as tx:
            image = images.get(tx, image_id)
            listed = categories.every(tx)
            category = next((c for c in listed if c.id == category_id), None)
            if category is None:
                raise NotFound("This category is not in the project any more; reload the page.")
            labels = answers.labels_of(tx, [image_id]).get(image_id, [])
            own = own_labels(labels, {c.id: c.ordinal for c in listed})
            number, arrays = self._suggestions.current(tx)
            opinions = self._predictions.current(tx)
        pair = _Pair(image, category, own, number, arrays, self._features(arrays), known)
        near = _nearest(pair)
        alike, unlike = near.take(PRESENT, ALIKE), near.take(ABSENT, UNLIKE)
        with self._store.reading() as tx:
            names = names_of(tx, [*alike, *unlike])
        explained: wire.EvidenceReasons = {"reasons": [], "near": None, "text": COUNTING}
        if known is not None:
            explained = explanation(
                Question(known, image.ordinal, category, near.first()), own, listed
            )
        return {
            "image": image_id,
            "category": category_id,
            "version": number,
            "pending": known is None,
            "where": self._where(pair),
            "explanation": {**explained, "moved": _moved(pair, listed)},
            "alike": [{"id": i, "name": names.get(i, f"image {i}")} for i in alike],
            "unlike": [{"id": i, "name": names.get(i, f"image {i}")} for i in unlike],
            "similar": near.text,
            "predictors": self._predictions.reasons(
                opinions, number, arrays, image.ordinal, category
            ),
        }

    def _features(self, arrays: VersionArrays | None) -> FeatureFiles | None:
        owner = None if arrays is None else arrays.parameters.features_of
        path = self._project.features_path if owner is None else owned(self._project, owner)
        return usable_features(path)

    def _where(self, pair: _Pair) -> wire.EvidenceMap:
        name = isolated(pair.category.name)
        if pair.number is None or pair.arrays is None:
            return {"text": "No version has been trained yet; the first one will show this."}
        column = pair.arrays.columns.get(pair.category.ordinal)
        if column is None:
            return {"text": f"This version does not know {name} yet; the next one will."}
        features = pair.features
        if features is None or features.backbone != pair.arrays.parameters.backbone:
            return {"text": "The image features must be recomputed before this can be shown."}
        if not features.is_done(pair.image.ordinal):
            return {"text": "This image has no features yet."}
        if map_shape(features.tokens.shape[1]) is None:
            return {"text": "This backbone has no token maps, so there is no attention map."}
        where = read_where(version_files.folder(self._project, pair.number))
        if where is None:
            return {"text": NO_MAPS}
        explained = float(where.explained[column])
        if not explained >= SAYS_WHERE:
            return {"text": f"The model cannot say where it sees {name}."}
        tokens = np.asarray(features.tokens[pair.image.ordinal], np.float32)
        return _drawn(map_of(tokens, where.directions[column]), explained, name)


def _drawn(grid: npt.NDArray[np.float64], explained: float, name: str) -> wire.EvidenceMap:
    """Return a map as the page draws it: above the middle of the picture's own values."""
    if grid.max() <= 0:
        return {"text": f"No part of this image supports {name}."}
    floor = max(0.0, float(grid.mean()))
    values = np.clip((grid - floor) / max(float(grid.max()) - floor, 1e-12), 0, 1)
    text = f"The coloured parts of the image support {name}."
    if explained < SAYS_WELL:
        text += " Take it as a rough hint."
    return {
        "text": text,
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "values": [round(float(v), 3) for v in values.ravel()],
    }


def _moved(pair: _Pair, listed: list[Category]) -> str:
    arrays, ordinal = pair.arrays, pair.category.ordinal
    if arrays is None:
        return ""
    moves = reasons(arrays, arrays.image_scores(pair.image.ordinal), pair.own, ordinal)
    return moved(moves, pair.own, listed)


@dataclass(frozen=True)
class _Near:
    """Images whose label for a category is known, the most similar ones first."""

    ordinals: Rows
    states: npt.NDArray[np.int8]
    """Labels of the category on them."""
    ids: npt.NDArray[np.int64]
    """0 where the file is missing."""
    text: str
    """Why there are none to show, or an empty text."""

    def take(self, state: int, count: int) -> list[int]:
        """Return the ids of the first images with a label."""
        return [int(i) for i in self.ids[(self.states == state) & (self.ids > 0)][:count]]

    def first(self) -> Rows:
        """Return the ordinals of the nearest ones."""
        return self.ordinals[:NEAREST]


def _nearest(pair: _Pair) -> _Near:
    nothing = np.zeros(0, np.int64)
    none = _Near(nothing, nothing.astype(np.int8), nothing, "")
    features, known, ordinal = pair.features, pair.known, pair.category.ordinal
    if known is None or features is None or not features.is_done(pair.image.ordinal):
        text = "" if known is None else "This image has no features yet."
        return _Near(none.ordinals, none.states, none.ids, text)
    states = known.labels[: features.rows, ordinal : ordinal + 1].sum(axis=1, dtype=np.int8)
    rows = np.flatnonzero((states != 0) & (features.done[: len(states)] == 1))
    rows = rows[rows != pair.image.ordinal]
    query = np.asarray(features.search[pair.image.ordinal])
    alike = np.zeros(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        alike[start : start + _BLOCK] = features.search[rows[start : start + _BLOCK]] @ query
    rows = rows[np.argsort(-alike, kind="stable")]
    text = ""
    if not (states[rows] == PRESENT).any():
        text = f"No other image is labelled with {isolated(pair.category.name)} yet."
    return _Near(rows, states[rows], known.ids[rows], text)
