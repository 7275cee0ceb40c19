"""How far the probabilities of a version can be trusted: measured on held-out and probe answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from annotator.arrays import versions as version_files
from annotator.arrays.versions import VersionArrays, VersionParameters
from annotator.errors import NotFound
from annotator.settings import Project
from annotator.store import Transaction, activity, quality, versions
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.prior_shift import MIN_PROBES, expected_calibration_error

CALIBRATION_PRESENT = 30
"""Present answers below which nothing is said about the model's probabilities."""

BINS = 10
"""Equal steps of probability in the calibration."""

MeasuredOn = Literal["probes", "held_out"]
"""Which answers something was measured on: blind ones, or those on held-out images."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Sureness(TypedDict):
    """How far the probabilities of a version lay from what is there when it was made.

    All are None where that could not be measured.
    """

    ece: float | None
    """Expected calibration error, 0 to 1."""
    ece_on: MeasuredOn | None
    ece_pairs: int | None


class CalibrationBin(TypedDict):
    """One step of predicted probability with any answer; all but `answers` are 0 to 1."""

    low: float
    high: float
    predicted: float
    """Mean of what the model said."""
    observed: float
    """Share of the answers that say present, with its 95 % interval (Wilson's)."""
    observed_low: float
    observed_high: float
    answers: int


class CalibrationReport(Sureness):
    """What a version said against what people said."""

    version: int | None
    """None: there is none."""
    on: MeasuredOn
    answers: int
    present: int
    """Of the answers."""
    needed: int
    """Present answers that it takes."""
    bins: list[CalibrationBin]
    """None with too few answers."""
    error: float | None
    """Mean distance, 0 to 1; None with too few answers."""
    seen: bool
    """Whether these answers have set the percentages."""


def calibration_of(
    tx: Transaction, project: Project, number: int | None, arrays: VersionArrays | None
) -> CalibrationReport:
    """Return what a version said against what people said.

    Probe answers come first, because chance alone chose what they are about; with too few of them
    the answers on held-out images have to do.

    Args:
        tx: A transaction.
        project: Whose version it is.
        number: Of the version; None: there is none.
        arrays: Of the version, where it has any.
    """
    row: CalibrationReport = {
        "version": number,
        "needed": CALIBRATION_PRESENT,
        "on": "held_out",
        "present": 0,
        "answers": 0,
        "bins": [],
        "seen": False,
        "error": None,
        **sureness({}),
    }
    if number is None or arrays is None:
        return row
    metrics = versions.get(tx, number).metrics
    said = blind_answers(tx, arrays)
    if len(said[0]) >= MIN_PROBES and int(said[1].sum()) >= CALIBRATION_PRESENT:
        row["on"] = "probes"
        # Probe answers that were there already have moved its percentages towards them.
        seen = any((metrics.get("prior_shift") or {}).values())
    else:
        said = _measurable(arrays, *activity.held_out_labels(tx))
        # A network that was fine-tuned is calibrated on fold 0 itself, which flatters it.
        seen = _owner(project, number) is not None
    probability, present = said
    enough = int(present.sum()) >= CALIBRATION_PRESENT
    return {
        **row,
        "present": int(present.sum()),
        "answers": len(present),
        "bins": reliability(probability, present) if enough else [],
        "error": expected_calibration_error(probability, present) if enough else None,
        "seen": seen,
        **sureness(metrics),
    }


def sureness(metrics: Mapping[str, Any]) -> Sureness:
    """Return what the metrics of a version say about its probabilities."""
    return {
        "ece": metrics.get("ece"),
        "ece_on": metrics.get("ece_on"),
        "ece_pairs": metrics.get("ece_pairs"),
    }


def _owner(project: Project, number: int) -> int | None:
    try:
        folder = version_files.folder(project, number)
        return version_files.read_parameters(folder).features_of
    except NotFound:
        return None


def blind_answers(tx: Transaction, arrays: VersionArrays) -> tuple[Floats, Bools]:
    """Return what a version says of random open pairs, and what people said blind, `(n,)` each.

    Pairs that were labelled since are left out: they are no sample of those that are open now, and
    a version may have learned from them.
    """
    said = quality.blind_answers(tx)
    is_open = said.still_open
    return _measurable(arrays, said.image[is_open], said.category[is_open], said.present[is_open])


def _measurable(
    arrays: VersionArrays, image: activity.Ordinals, category: activity.Ordinals, present: Bools
) -> tuple[Floats, Bools]:
    probability = held_out_probabilities(arrays, image, category)
    usable = np.isfinite(probability)
    return probability[usable], present[usable]


def held_out_probabilities(
    arrays: VersionArrays, image: activity.Ordinals, category: activity.Ordinals
) -> Floats:
    """Return the probability of present of pairs `(n,)`, NaN where the version has none."""
    parameters = arrays.parameters
    result = np.full(len(image), np.nan)
    ranked = set(parameters.ranked_only)
    columns = np.array(
        [-1 if o in ranked else j for j, o in enumerate(parameters.category_ordinals)] or [-1]
    )
    column_of = np.full(1 + max([*parameters.category_ordinals, *category.tolist()], default=0), -1)
    column_of[list(parameters.category_ordinals)] = columns[: len(parameters.category_ordinals)]
    column = column_of[category]
    intercepts = parameters.calibration.intercepts
    there = np.flatnonzero((column >= 0) & (image < len(arrays.scores)))
    for start in range(0, len(there), 100_000):
        part = there[start : start + 100_000]
        scores = np.asarray(arrays.scores[image[part], column[part]], dtype=np.float64)
        each = Calibration(slope=parameters.slope, intercepts=intercepts[column[part]])
        result[part] = probabilities(scores, each)
    return result


def reliability(probability: Floats, present: npt.NDArray[np.bool_]) -> list[CalibrationBin]:
    """Return the share of present pairs in each step of predicted probability.

    Args:
        probability: `(n,)`, what the model said.
        present: `(n,)`, what people said.

    Returns:
        A row for each step with any answer.
    """
    step = np.minimum((probability * BINS).astype(int), BINS - 1)
    rows: list[CalibrationBin] = []
    for number in np.unique(step).tolist():
        inside = step == number
        count, share = int(inside.sum()), float(present[inside].mean())
        low, high = _wilson(share, count)
        rows.append(
            {
                "low": number / BINS,
                "high": (number + 1) / BINS,
                "predicted": float(probability[inside].mean()),
                "observed": share,
                "observed_low": low,
                "observed_high": high,
                "answers": count,
            }
        )
    return rows


def _wilson(share: float, count: int) -> tuple[float, float]:
    z = 1.96
    middle = share + z * z / (2 * count)
    spread = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def is_taught(arrays: VersionArrays | None, ordinal: int) -> bool:
    """Return whether the model had a present answer of a category to learn from."""
    column = None if arrays is None else arrays.columns.get(ordinal)
    return arrays is not None and column is not None and bool(arrays.taught[column])


def is_calibrated(parameters: VersionParameters | None, ordinal: int) -> bool:
    """Return whether a version may say how sure it is of a category."""
    if parameters is None or ordinal in parameters.ranked_only:
        return False
    if ordinal not in parameters.category_ordinals:
        return False
    return bool(np.isfinite(parameters.thresholds[parameters.category_ordinals.index(ordinal)]))
