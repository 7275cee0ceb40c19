"""A version's folder: parameters, scores and queues, written once and read by pages."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tomlkit

from annotator.arrays import checksums
from annotator.arrays.error_correlation import ERRORS, read_errors
from annotator.errors import NotFound, ProjectError
from annotator.settings import Project, write_atomically
from mlrpl.decision.calibration import Calibration, decide, probabilities, raw_threshold
from mlrpl.decision.conditional import ErrorCorrelation

READY = "READY"
"""Name of the file that is written last; a version without it does not exist."""
WEIGHTS = "weights.safetensors"
FEATURES = "features"
"""Folder of the features of a version with a network of its own; see `version_features`."""
QUANTILES = 101
"""Points of a category's stored score distribution, from its lowest to its highest score."""

CHECKED_BYTES = 2**31
"""Arrays up to this size are compared with their checksums whenever a version is opened, about a
second; of larger ones only `doctor` does it."""

CONFIG = "config.toml"
_METRICS = "metrics.json"
_SCORES = "scores"
_ARRAYS = ("scores_by_category", "queue", "pairs", "quantiles", _SCORES)
"""Without `.npy`; scores come last when written and go first when deleted."""

ARRAY_FILES = tuple(f"{name}.npy" for name in _ARRAYS)
"""What can be computed again from a version's weights."""

Scores = npt.NDArray[np.float32]
Ordinals = npt.NDArray[np.int32]
Columns = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class VersionParameters:
    """What turns a version's raw scores into suggestions."""

    method: str
    backbone: str
    category_ordinals: tuple[int, ...]
    """Column `j` of every array holds the category with this ordinal."""
    slope: float
    """Of the calibration; shared by all categories, above 0."""
    intercepts: tuple[float, ...]
    """Of the calibration, one a column; of no meaning where `ranked_only`."""
    thresholds: tuple[float, ...]
    """Raw scores, one a column; a pair is suggested as present from its threshold on. Infinite
    where the version has learned nothing about the category."""
    ranked_only: tuple[int, ...]
    """Ordinals of the categories whose score orders the images but is no probability."""
    features_of: int | None = None
    """Number of the version whose fine-tuned network makes the features that are scored; None where
    the project's own frozen network does."""

    def __post_init__(self) -> None:
        columns = len(self.category_ordinals)
        for name in ("intercepts", "thresholds"):
            if len(getattr(self, name)) != columns:
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} values for {columns} categories"
                )

    @property
    def calibration(self) -> Calibration:
        """The calibration as `mlrpl.decision.calibration` takes it."""
        return Calibration(slope=self.slope, intercepts=np.asarray(self.intercepts, np.float64))


@dataclass(frozen=True)
class Queue:
    """What a version finds most worth asking."""

    images: Ordinals
    """`(M,)` ordinals of the images with open pairs, the first one first."""
    pairs: Ordinals
    """`(C, K)` ordinals of the best images of each category, best first, filled up with -1."""


@dataclass(frozen=True, eq=False)
class VersionArrays:
    """One version's opinion about every image; NaN where it has none.

    The arrays may be shorter than the project: images and categories that were added later have
    no row or no column, which the methods answer with NaN or false.
    """

    parameters: VersionParameters
    scores: Scores
    """`(N, C)` raw scores by image ordinal, mapped from disk."""
    scores_by_category: Scores
    """`(C, N)`, the same numbers."""
    queue: Queue
    quantiles: Columns
    """`(C, 101)` of each column's scores; NaN where a column has none."""
    errors: ErrorCorrelation | None = None
    """How its errors on one image go together; None where too little was known to tell."""

    @cached_property
    def columns(self) -> dict[int, int]:
        """Column of each category, by category ordinal."""
        return {ordinal: j for j, ordinal in enumerate(self.parameters.category_ordinals)}

    def image_scores(self, ordinal: int) -> Scores:
        """Return one image's raw scores `(C,)`."""
        if ordinal >= len(self.scores):
            return np.full(len(self.columns), np.nan, np.float32)
        return np.array(self.scores[ordinal])

    def category_scores(self, ordinal: int) -> Scores:
        """Return one category's raw scores of all images `(N,)`."""
        column = self.columns.get(ordinal)
        if column is None:
            return np.full(len(self.scores), np.nan, np.float32)
        return np.array(self.scores_by_category[column])

    @property
    def image_order(self) -> Ordinals:
        """Ordinals of the images with open pairs, the one most worth a look first."""
        return self.queue.images

    def bars(self, scores: Columns) -> Columns:
        """Return what a page draws for raw scores `(..., C)`, 0 to 1, NaN without a suggestion.

        It is a probability, except for the categories that are only ranked: there it is the share
        of all images that the model finds less alike.
        """
        scores = np.asarray(scores, np.float64)
        bars = np.array(probabilities(scores, self.parameters.calibration))
        for ordinal in self.parameters.ranked_only:
            column = self.columns[ordinal]
            bars[..., column] = self._rank(column, scores[..., column])
        return np.where(np.isnan(scores), np.nan, bars)

    @cached_property
    def taught(self) -> npt.NDArray[np.bool_]:
        """Which columns had a present answer to learn from, `(C,)`; others only order images."""
        return np.asarray(np.isfinite(self.parameters.thresholds), dtype=bool)

    def at_threshold(self, probability: float) -> VersionArrays:
        """Return the same version, suggesting as present from another probability on.

        Categories that are only ranked have no probability; their thresholds stay.
        """
        old = self.parameters
        raw = raw_threshold(old.calibration, probability)
        keep = ~self.taught
        keep[[self.columns[ordinal] for ordinal in old.ranked_only]] = True
        thresholds = np.where(keep, np.asarray(old.thresholds), raw)
        return replace(self, parameters=replace(old, thresholds=tuple(thresholds.tolist())))

    def suggested(self, scores: Columns) -> npt.NDArray[np.bool_]:
        """Return which of the raw scores `(..., C)` suggest present."""
        return decide(np.asarray(scores), np.asarray(self.parameters.thresholds))

    def _rank(self, column: int, scores: Columns) -> Columns:
        return np.interp(scores, self.quantiles[column], np.linspace(0, 1, QUANTILES))


def folder(project: Project, number: int) -> Path:
    """Return where a version lies."""
    return project.versions_path / f"{number:04d}"


def is_ready(path: Path) -> bool:
    """Whether the version in this folder was written to its end."""
    return (path / READY).exists()


def has_arrays(path: Path) -> bool:
    """Whether the version's scores are on disk; pruning deletes those of old versions."""
    return is_ready(path) and (path / f"{_SCORES}.npy").exists()


def write(
    path: Path,
    parameters: VersionParameters,
    scores: Scores,
    queue: Queue,
    metrics: Mapping[str, Any],
    *,
    save_weights: Callable[[Path], None],
    features: Path | None = None,
) -> None:
    """Write a version's folder; it appears whole or not at all.

    Args:
        path: The folder, which must not exist.
        parameters: Kept in `config.toml`.
        scores: `(N, C)`, NaN where there is no suggestion.
        queue: What is most worth asking.
        metrics: JSON-able, kept in `metrics.json`.
        save_weights: Called with the path to write the weights to.
        features: Folder of features that the version shall own; it is moved.

    Raises:
        ProjectError: If the folder exists or cannot be written.
    """
    path.parent.mkdir(exist_ok=True)  # not that of the project: one that was deleted stays so
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    try:
        temporary.chmod(0o755)
        save_weights(temporary / WEIGHTS)
        write_atomically(temporary / CONFIG, _dump(parameters).encode())
        write_atomically(temporary / _METRICS, json.dumps(metrics, indent=1).encode())
        write_arrays(temporary, scores, queue)
        written = (file.name for file in temporary.iterdir() if file.is_file())
        checksums.record(temporary, [name for name in written if name != checksums.SUMS])
        if features is not None:
            features.rename(temporary / FEATURES)
        write_atomically(temporary / READY, b"")
        if path.exists():
            raise ProjectError(f"{path} exists already; a version is never written twice")
        temporary.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise ProjectError(f"the version in {path} cannot be written: {error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_arrays(path: Path, scores: Scores, queue: Queue) -> None:
    """Write a version's arrays into its folder, the one that `has_arrays` looks for last."""
    arrays = {
        "scores": np.ascontiguousarray(scores, np.float32),
        "scores_by_category": np.ascontiguousarray(scores.T, np.float32),
        "queue": queue.images.astype(np.int32),
        "pairs": queue.pairs.astype(np.int32),
        "quantiles": _quantiles(scores),
    }
    checksums.forget(path, ARRAY_FILES)
    for name in _ARRAYS:
        temporary = path / f".{name}.tmp"
        with temporary.open("wb") as file:
            np.save(file, arrays[name])
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path / f"{name}.npy")
    checksums.record(path, ARRAY_FILES)


def read_parameters(path: Path) -> VersionParameters:
    """Read a version's parameters, which stay when its arrays are deleted.

    Raises:
        NotFound: If there is no such version.
        ProjectError: If its `config.toml` is damaged.
    """
    if not is_ready(path):
        raise NotFound(f"there is no version {path.name}; train one with `annotator train`")
    if checksums.changed(path, [CONFIG]):
        raise _damaged(path / CONFIG)
    try:
        table = tomllib.loads((path / CONFIG).read_text(encoding="utf-8"))
        categories = table["category"]
        return VersionParameters(
            method=table["method"],
            backbone=table["backbone"],
            slope=float(table["slope"]),
            category_ordinals=tuple(int(c["ordinal"]) for c in categories),
            intercepts=tuple(float(c["intercept"]) for c in categories),
            thresholds=tuple(float(c["threshold"]) for c in categories),
            ranked_only=tuple(int(c["ordinal"]) for c in categories if c["ranked_only"]),
            features_of=int(table["features_of"]) if "features_of" in table else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(path / CONFIG) from None


def read(path: Path) -> VersionArrays:
    """Read a version; the big arrays are mapped, not loaded.

    Raises:
        NotFound: If there is no such version, or its arrays were deleted to save space.
        ProjectError: If a file is damaged.
    """
    parameters = read_parameters(path)
    if not has_arrays(path):
        raise NotFound(
            f"the scores of version {path.name} were deleted to save space; "
            "promote it again to have them recomputed"
        )
    _check(path)
    try:
        maps = {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in _ARRAYS[::-1]}
    except (OSError, ValueError, EOFError):
        raise _damaged(path) from None
    rows, columns = len(maps["scores"]), len(parameters.category_ordinals)
    wanted = {"scores": (rows, columns), "scores_by_category": (columns, rows)}
    if any(maps[name].shape != shape for name, shape in wanted.items()):
        raise _damaged(path)
    return VersionArrays(
        parameters=parameters,
        scores=maps["scores"],
        scores_by_category=maps["scores_by_category"],
        queue=Queue(np.array(maps["queue"]), np.array(maps["pairs"])),
        quantiles=np.array(maps["quantiles"]),
        errors=read_errors(path, len(parameters.category_ordinals)),
    )


def delete_arrays(path: Path) -> None:
    """Delete what can be recomputed; weights, `config.toml` and `metrics.json` stay."""
    checksums.forget(path, ARRAY_FILES)
    for name in _ARRAYS[::-1]:
        (path / f"{name}.npy").unlink(missing_ok=True)


def stamp(path: Path) -> int:
    """Return a number that changes whenever the version's files are written anew; 0 without."""
    try:
        return sum((path / name).stat().st_mtime_ns for name in (f"{_SCORES}.npy", CONFIG))
    except OSError:
        return 0


def _dump(parameters: VersionParameters) -> str:
    document = tomlkit.document()
    for name in ("method", "backbone", "slope"):
        document.add(name, getattr(parameters, name))
    if parameters.features_of is not None:
        document.add("features_of", tomlkit.item(parameters.features_of))
    tables = tomlkit.aot()
    columns = zip(
        parameters.category_ordinals,
        parameters.intercepts,
        parameters.thresholds,
        strict=True,
    )
    for ordinal, intercept, threshold in columns:
        table = tomlkit.table()
        table.add("ordinal", int(ordinal))
        table.add("intercept", float(intercept))
        table.add("threshold", float(threshold))
        table.add("ranked_only", ordinal in parameters.ranked_only)
        tables.append(table)
    document.add("category", tables)
    return tomlkit.dumps(document)


def _quantiles(scores: Scores) -> Columns:
    result = np.full((scores.shape[1], QUANTILES), np.nan, np.float32)
    for column in range(scores.shape[1]):
        finite = scores[:, column][~np.isnan(scores[:, column])]
        if len(finite):
            result[column] = np.quantile(finite, np.linspace(0, 1, QUANTILES))
    return result


def _check(path: Path) -> None:
    sizes = {name: (path / name).stat().st_size for name in ARRAY_FILES if (path / name).exists()}
    names = ARRAY_FILES if sum(sizes.values()) <= CHECKED_BYTES else ()
    wrong = checksums.changed(path, [*names, ERRORS])
    if wrong:
        raise _damaged(path / wrong[0])


def _damaged(path: Path) -> ProjectError:
    cure = checksums.repair_command(path)
    return ProjectError(f"{path} is damaged; run `{cure}`, or train again")


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
