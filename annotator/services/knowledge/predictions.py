"""What predictors say about one image: why, and before a version knows a category."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from annotator.arrays import predictions as files
from annotator.arrays import versions as version_files
from annotator.arrays.followed import Followed, read_followed
from annotator.arrays.predictions import Predictions
from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.errors import ProjectError
from annotator.services.knowledge.calibration import is_taught
from annotator.services.knowledge.explanations import isolated
from annotator.services.knowledge.suggestions import ImageSuggestions
from annotator.settings import Project
from annotator.store import Transaction, predictors
from mlrpl.decision.stacking import normal_scores

STRONG, LITTLE = 0.85, 0.6
"""Shares of all images that stand lower from which on a predictor speaks strongly for a category,
and below which it says little; likewise against it."""
FIRST = 0.05
"""Share of all images that a trusted predictor suggests in a category where it gives ranks only."""
SAMPLE = 20_000
"""Images, spread evenly, among which the place of an image is told."""

_LOG = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Opened:
    """One predictor with its scores."""

    name: str
    trusted: bool
    scale: str
    found: Predictions
    sample: Floats
    """`(S, C)`, each category's scores in rising order, NaN last; of at most `SAMPLE` images."""
    heard: npt.NDArray[np.int64]
    """`(C,)`, how many of them are no NaN."""

    def share(self, image: int, ordinal: int) -> float | None:
        """Return the share of all images that it scores lower in a category; None: it is silent."""
        if image >= len(self.found.scores) or ordinal >= self.found.scores.shape[1]:
            return None
        score = self.found.scores[image, ordinal]
        if np.isnan(score) or not self.heard[ordinal]:
            return None
        others = self.sample[: self.heard[ordinal], ordinal]
        lower, upto = (int(np.searchsorted(others, score, side)) for side in ("left", "right"))
        return (lower + upto) / (2 * len(others))

    def suggests(self, image: int, ordinal: int) -> bool:
        """Whether the predictor itself says present; of ranks, whether it is among the first."""
        share = self.share(image, ordinal)
        if share is None or self.scale == "rank":
            return share is not None and share >= 1 - FIRST
        return bool(self.found.scores[image, ordinal] > 0)


def opened(row: predictors.Predictor, found: Predictions) -> Opened:
    """Return a predictor with its scores, made ready to tell how one image stands among all."""
    rows = found.scores[:: max(1, len(found.scores) // SAMPLE)]
    sample = np.sort(np.asarray(rows, np.float32), axis=0)
    scale = str(row.report.get("scale", "rank"))
    return Opened(row.name, row.trusted, scale, found, sample, np.isfinite(sample).sum(axis=0))


@dataclass(frozen=True, eq=False)
class Opinions:
    """The predictors of a project as they stand now."""

    every: Sequence[Opened] = ()

    def added_to(
        self,
        opinion: ImageSuggestions,
        arrays: VersionArrays | None,
        image: int,
        listed: Sequence[Category],
    ) -> ImageSuggestions:
        """Return what is known of an image, and what predictors say where nothing else is.

        A ranking for categories that nothing speaks for yet. Those that the owner trusts suggest,
        too, until a version has learned the category from answers; a certificate counts none of it.

        Args:
            opinion: What the version and the examples say.
            arrays: Of the version, or None before there is one.
            image: Its ordinal.
            listed: The categories.
        """
        if not self.every:
            return opinion
        bars, ranked = dict(opinion.bars), set(opinion.ranked)
        suggested, sources = set(opinion.suggested), dict(opinion.sources)
        for category in listed:
            ordinal = category.ordinal
            if category.archived or is_taught(arrays, ordinal):
                continue
            if ordinal not in bars:
                said = [s for p in self.every if (s := p.share(image, ordinal)) is not None]
                if not said:
                    continue
                bars[ordinal] = float(np.mean(said))
                ranked.add(ordinal)
            by = [p.name for p in self.every if p.trusted and p.suggests(image, ordinal)]
            if by:
                suggested.add(ordinal)
                sources[ordinal] = ", ".join(by)
        return replace(
            opinion,
            bars=bars,
            ranked=frozenset(ranked),
            suggested=frozenset(suggested),
            sources=sources,
        )

    def keys(self, ordinal: int, images: int) -> Floats | None:
        """Return keys `(images,)` that put first what predictors rank high; None: all are silent.

        An image that they are silent about has an infinite key.
        """
        said = np.stack(
            [normal_scores(p.found.column(ordinal, images)) for p in self.every]
            or [np.full(images, np.nan, np.float32)]
        )
        speaks = np.isfinite(said)
        if not speaks.any():
            return None
        total = np.where(speaks, said, 0).sum(axis=0) / np.maximum(speaks.sum(axis=0), 1)
        return np.where(speaks.any(axis=0), -total, np.inf).astype(np.float32)


class PredictorOpinions:
    """Opens the scores of a project's predictors, each once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._opened: dict[str, Opened] = {}

    def current(self, tx: Transaction) -> Opinions:
        """Return the predictors as they stand now; one whose scores are damaged is left out."""
        rows = [p for p in predictors.every(tx) if p.version]
        with self._lock:
            kept = {row.version: self._opened.get(row.version) or self._open(row) for row in rows}
            self._opened = {version: found for version, found in kept.items() if found is not None}
            every = [(row, kept[row.version]) for row in rows]
        return Opinions(
            tuple(
                replace(found, name=row.name, trusted=row.trusted)
                for row, found in every
                if found is not None
            )
        )

    def _open(self, row: predictors.Predictor) -> Opened | None:
        try:
            return opened(row, files.read(self._project, row.version))
        except ProjectError as error:
            _LOG.warning("predictor %s is left out: %s", row.name, error)
            return None

    def reasons(
        self,
        opinions: Opinions,
        version: int | None,
        arrays: VersionArrays | None,
        image: int,
        category: Category,
    ) -> list[str]:
        """Return a sentence for each predictor that speaks for a category on an image, or against.

        Args:
            opinions: From `current`.
            version: Number of the version in use, or None.
            arrays: Of that version, or None.
            image: Ordinal.
            category: Which.
        """
        weights = self._weights(version, arrays, category.ordinal)
        return [
            sentence
            for each in opinions.every
            if (sentence := _sentence(each, image, category, weights.get(each.name)))
        ]

    def _weights(
        self, version: int | None, arrays: VersionArrays | None, ordinal: int
    ) -> Mapping[str, float]:
        """Return how far the version in use follows each predictor in a category, by name."""
        if version is None or arrays is None or ordinal not in arrays.columns:
            return {}
        try:
            kept: Followed | None = read_followed(
                version_files.folder(self._project, version), len(arrays.columns)
            )
        except ProjectError:
            kept = None
        if kept is None:
            return {}
        column = kept.weights[:, arrays.columns[ordinal]].tolist()
        return dict(zip(kept.names, column, strict=True))


def _sentence(each: Opened, image: int, category: Category, weight: float | None) -> str:
    share = each.share(image, category.ordinal)
    if share is None:
        return ""
    name, about = isolated(each.name), isolated(category.name)
    told = f"{name} says little about {about} here"
    if not 1 - LITTLE < share < LITTLE:
        how = "" if 1 - STRONG < share < STRONG else "strongly "
        way = "for" if share > 0.5 else "against"
        told = f"{name} speaks {how}{way} {about}: it ranks {share:.0%} of all images lower"
    if weight == 0:
        return f"{told}. It is not followed, as the answers do not speak for it."
    if weight is None:
        return f"{told}. No version has weighed it for this category yet."
    return f"{told}."
