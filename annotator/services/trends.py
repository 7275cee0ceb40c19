"""How the project grows, how fast people are, how sure the model is, and what is left to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import versions as version_files
from annotator.arrays.versions import VersionArrays
from annotator.errors import NotFound
from annotator.services.clock import Clock, utc_now
from annotator.services.growth import fill_steps, growth_row
from annotator.services.rested import Rested
from annotator.services.suggestions import Suggestions
from annotator.services.training_control import SURENESS
from annotator.services.waiting import Waiting
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    activity,
    categories,
    certificates,
    quality,
    versions,
)
from annotator.store.activity import Pace
from mlrpl.decision.calibration import Calibration, probabilities
from mlrpl.decision.prior_shift import MIN_PROBES, expected_calibration_error

CALIBRATION_PRESENT = 30
"""Present answers below which nothing is said about the model's probabilities."""

RATE_DECISIONS = 50
"""Measured decisions below which nothing is said about the time that is left."""

BINS = 10
"""Equal steps of probability in the calibration."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Trends:
    """The charts of the Progress page; counted anew only now and then in a large project."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        waiting: Waiting,
        clock: Clock = utc_now,
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._waiting = waiting
        self._clock = clock
        self._rested = Rested()

    def report(self) -> dict[str, Any]:
        """Return `growth`, `people`, `pace`, `calibration`, `remaining` and `counted_at`."""
        return self._rested.get(self._stands(), self._counted)

    def soon(self) -> dict[str, Any]:
        """Return `report` as `Rested.soon` does, without waiting for it."""
        with self._store.reading() as tx:
            rows, columns = activity.shape(tx)
        return self._rested.soon(self._stands(), self._counted, pairs=rows * columns)

    def _stands(self) -> object:
        with self._store.reading() as tx:
            number, arrays = self._suggestions.current(tx)
            fills = tuple(fill.key for fill in self._waiting.filled_now(tx))
            blind = quality.newest_blind_answer(tx)
            return activity.newest_operation(tx), blind, number, id(arrays), fills

    def _counted(self) -> dict[str, Any]:
        with self._store.reading() as tx:
            return self._count(tx, *self._suggestions.current(tx))

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> dict[str, Any]:
        people = activity.paces(tx)
        now = self._clock()
        shown = categories.every(tx)
        unsure = None if arrays is None else self._waiting.now(tx).unsure_of(shown)
        taught = set() if arrays is None else _taught(arrays)
        return {
            "growth": self._growth(tx, [c.ordinal for c in shown], now),
            "people": [person_row(p) for p in people],
            "pace": _pace(people),
            "calibration": calibration_of(tx, self._project, number, arrays),
            "remaining": remaining(people, unsure, sum(c.ordinal not in taught for c in shown)),
            "counted_at": now.isoformat(timespec="seconds"),
        }

    def _growth(self, tx: Transaction, shown: list[int], now: datetime) -> dict[str, Any]:
        filled = self._waiting.filled(tx)
        fills = fill_steps(certificates.every(tx), sum(filled.get(o, 0) for o in shown), now)
        first = activity.first_operation_at(tx)
        return growth_row(activity.growth(tx), first, versions.every(tx), now, fills)


def calibration_of(
    tx: Transaction, project: Project, number: int | None, arrays: VersionArrays | None
) -> dict[str, Any]:
    """Return what a version said against what people said.

    Blind answers come first, because chance alone chose what they are about; with too few of them
    the answers on held-out images have to do.

    Args:
        tx: A transaction.
        project: Whose version it is.
        number: Of the version; None: there is none.
        arrays: Of the version, where it has any.

    Returns:
        `version`, `on` (`probes` or `held_out`), `answers`, `present` (of them), `needed` (of the
        present ones), `bins` (see `reliability`; none with too few), `error` (mean distance, 0 to
        1), `seen` (whether these answers have set the percentages), and what was measured when
        the version was made: `ece`, `ece_on`, `ece_pairs`.
    """
    row: dict[str, Any] = {"version": number, "needed": CALIBRATION_PRESENT, "on": "held_out"}
    if number is None or arrays is None:
        return row | {"present": 0, "answers": 0, "bins": [], "seen": False, "error": None}
    metrics = versions.get(tx, number).metrics
    said = blind_answers(tx, arrays)
    if len(said[0]) >= MIN_PROBES and int(said[1].sum()) >= CALIBRATION_PRESENT:
        row["on"] = "probes"
        # Blind answers that were there already have moved its percentages towards them.
        seen = any((metrics.get("prior_shift") or {}).values())
    else:
        said = _measurable(arrays, *activity.held_out_labels(tx))
        # A network that was fine-tuned is calibrated on fold 0 itself, which flatters it.
        seen = _owner(project, number) is not None
    probability, present = said
    enough = int(present.sum()) >= CALIBRATION_PRESENT
    return row | {
        "present": int(present.sum()),
        "answers": len(present),
        "bins": reliability(probability, present) if enough else [],
        "error": expected_calibration_error(probability, present) if enough else None,
        "seen": seen,
        **{name: metrics.get(name) for name in SURENESS},
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
    fair = said.audit & said.still_open
    return _measurable(arrays, said.image[fair], said.category[fair], said.present[fair])


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


def reliability(probability: Floats, present: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the share of present pairs in each step of predicted probability.

    Args:
        probability: `(n,)`, what the model said.
        present: `(n,)`, what people said.

    Returns:
        `low` and `high` of the step, `predicted` (its mean), `observed` with its 95 % interval
        `observed_low` to `observed_high` (Wilson's), and `answers`; steps without answers are
        left out.
    """
    step = np.minimum((probability * BINS).astype(int), BINS - 1)
    rows = []
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


def person_row(pace: Pace) -> dict[str, Any]:
    """Return what the page shows of one person; None where there is nothing to divide by."""
    answers = pace.present + pace.absent
    return {
        "name": pace.name,
        "decisions": pace.decisions,
        "answers": answers,
        "present_share": pace.present / answers if answers else None,
        "per_minute": _per_minute(pace.decisions, pace.active_seconds),
        "active_seconds": pace.active_seconds,
        "median_seconds": pace.median_seconds,
        "checks": pace.checks,
        "agreement": pace.checks_agreed / pace.checks if pace.checks else None,
    }


def remaining(people: list[Pace], unsure: int | None, untaught: int) -> dict[str, Any] | None:
    """Return how long the pairs that the model is not sure about take at the pace so far.

    Args:
        people: What each person did; only decisions about one pair count, because these remain.
        unsure: Open pairs that the model is not sure about; None without a version.
        untaught: Categories that the model knows nothing about yet, which are not among them.

    Returns:
        `seconds`, `pairs`, `per_minute`, `decisions` and `untaught`; None where too few
        decisions were measured.
    """
    decisions = sum(p.single_decisions for p in people)
    rate = _per_minute(decisions, sum(p.single_seconds for p in people))
    if unsure is None or decisions < RATE_DECISIONS or rate is None:
        return None
    return {
        "seconds": unsure / rate * 60,
        "pairs": unsure,
        "per_minute": rate,
        "decisions": decisions,
        "untaught": untaught,
    }


def _pace(people: list[Pace]) -> dict[str, Any]:
    decisions = sum(p.decisions for p in people)
    seconds = sum(p.active_seconds for p in people)
    return {
        "decisions": decisions,
        "active_seconds": seconds,
        "per_minute": _per_minute(decisions, seconds),
        "needed": RATE_DECISIONS,
    }


def _per_minute(decisions: int, seconds: float) -> float | None:
    return 60 * decisions / seconds if seconds > 0 else None


def _taught(arrays: VersionArrays) -> set[int]:
    ordinals = arrays.parameters.category_ordinals
    return {o for o, taught in zip(ordinals, arrays.taught, strict=True) if taught}


def _wilson(share: float, count: int) -> tuple[float, float]:
    z = 1.96
    middle = share + z * z / (2 * count)
    spread = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
