"""What one more hour of work would bring, and whether the goal of the project is reached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from typing_extensions import TypedDict

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, OperationKind
from annotator.services.certificates.promises import promised
from annotator.services.knowledge.calibration import blind_answers
from annotator.services.knowledge.open_pairs import CHUNK, PairCounts
from annotator.services.progress.cached_report import CachedReport
from annotator.store import Transaction, activity, categories, images, quality
from mlrpl.decision.acquisition import fit_costs
from mlrpl.decision.calibration import probabilities
from mlrpl.decision.stopping import (
    Expected,
    OpenPairs,
    after,
    answers_needed,
    correction,
    counted,
    expected,
    nothing_open,
)

ENOUGH_PRESENT = 30
"""Present answers below which nothing is said in percent."""

ENOUGH_PROBES = 50
"""Probe answers about open pairs from which on they correct what the model expects of itself."""

HOUR = 3600.0
BREAK = 60.0
"""Seconds of one decision from which on the rest was a break."""


@dataclass(frozen=True)
class Pace:
    """How fast people decide pairs."""

    single_seconds: float
    """One answer about one pair."""
    grid_seconds: float
    """One picture of a grid."""
    single_share: float
    """Of the recorded time, the share spent on single answers, 0 to 1."""
    recorded: int
    """Operations that this is drawn from; with few, published figures weigh more."""

    @property
    def an_hour(self) -> float:
        """Pairs decided in an hour, if the time is spent as it was so far."""
        grids = (1 - self.single_share) / self.grid_seconds
        return HOUR * (self.single_share / self.single_seconds + grids)

    def row(self) -> PaceRow:
        """Return the pace by names."""
        return {
            "single_seconds": self.single_seconds,
            "grid_seconds": self.grid_seconds,
            "single_share": self.single_share,
            "recorded": self.recorded,
            "an_hour": self.an_hour,
        }


class GoalRow(TypedDict):
    """The goal of the settings; both are shares, 0 to 1."""

    coverage: float
    error: float


class PaceRow(TypedDict):
    """A `Pace` with what it comes to."""

    single_seconds: float
    grid_seconds: float
    single_share: float
    recorded: int
    an_hour: float


class ErrorRow(TypedDict):
    """What is to be expected where the model decides: pairs and shares, see `Expected`."""

    error: float
    wrong_present: int
    lost: int
    wrong_share: float
    lost_share: float
    open_error: float


class LaterRow(ErrorRow):
    """What is to be expected after an hour."""

    pairs: int
    """Decided in the hour."""
    present: int
    """Of them."""
    coverage: float


class ProbesRow(TypedDict):
    """What probe answers about open pairs say about the model's errors."""

    answers: int
    wrong: int
    needed: int
    used: bool
    """Whether they correct what the model expects of itself."""


class PromisedRow(TypedDict):
    """Of the filled pairs, how many are present, and what certificates allow to be an error."""

    present: int
    wrong: int
    lost: int


class ErrorsRow(TypedDict):
    """What can be said about errors; all but `left_out` are None where nothing can."""

    now: ErrorRow | None
    later: LaterRow | None
    answers_needed: int | None
    """For the goal's error; None also where no number of them would do."""
    probes: ProbesRow | None
    promised: PromisedRow | None
    left_out: int
    """Open pairs without a probability."""


class ForecastRow(TypedDict):
    """The work that is left until the goal, at the pace so far."""

    answers: int
    """About open pairs, the most uncertain ones first, until the model can decide the rest."""
    seconds: float


class StoppingRow(ErrorsRow):
    """How far the goal is and what an hour would bring."""

    goal: GoalRow
    pairs: int
    open: int
    filled: int
    coverage: float
    covered: bool
    """Whether the goal for coverage is reached."""
    reached: bool
    """Whether the whole goal is."""
    pace: PaceRow
    forecast: ForecastRow | None
    """The work that is left; None where the goal is reached, or nothing can be said."""
    note: str
    """Why nothing can be said about errors, or an empty text."""
    counted_at: str


class Stopping(CachedReport[StoppingRow]):
    """When to stop: how far the goal is and what an hour would bring."""

    def _depends_on(self, tx: Transaction) -> object:
        fills = [fill.key for fill in self._fills.active(tx)]
        return fills, self._project.settings.goal, activity.shape(tx)

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> StoppingRow:
        del number
        shown, goal = categories.every(tx), self._project.settings.goal
        filled = self._fills.counts_by_state(tx)
        counts = PairCounts.of(images.count(tx), shown, self._fills.counts(tx))
        coverage = 1 - counts.open / counts.pairs if counts.pairs else 0.0
        pace = _pace(tx)
        row: StoppingRow = {
            "goal": {"coverage": goal.coverage, "error": goal.error},
            "pairs": counts.pairs,
            "open": counts.open,
            "filled": counts.filled,
            "coverage": coverage,
            "covered": counts.pairs > 0 and coverage >= goal.coverage,
            "reached": counts.pairs > 0 and counts.open == 0,
            "pace": pace.row(),
            "counted_at": self._clock().isoformat(timespec="seconds"),
            "note": _note(shown, sum(c.present_count for c in shown), images.count(tx), arrays),
            "now": None,
            "later": None,
            "answers_needed": None,
            "forecast": None,
            "probes": None,
            "promised": None,
            "left_out": counts.open,
        }
        if row["note"] or arrays is None:
            return row
        errors = self._errors(tx, arrays, shown, row, filled)
        now = errors["now"]
        reached = row["covered"] and now is not None and now["error"] <= goal.error
        left = forecast(errors["answers_needed"], row["pace"]["an_hour"])
        return {**row, **errors, "reached": reached, "forecast": left}

    def _errors(
        self,
        tx: Transaction,
        arrays: VersionArrays,
        shown: list[Category],
        row: StoppingRow,
        left: dict[str, int],
    ) -> ErrorsRow:
        found, present = self._open(tx, arrays, shown), sum(c.present_count for c in shown)
        threshold = self._project.settings.suggestions.threshold
        probes, factor = _probed(tx, arrays, threshold)
        filled = promised(self._fills.active(tx), left, shown, float(found.present.sum()))
        expect = partial(expected, threshold=threshold, factor=factor, filled=filled)
        now = expect(found, known_present=present)
        hour = min(row["pace"]["an_hour"], row["open"])
        then, said = after(found, hour, threshold=threshold)
        later = expect(then, known_present=present + said)
        needed = answers_needed(
            found,
            row["goal"]["error"],
            known_present=present,
            threshold=threshold,
            factor=factor,
            filled=filled,
        )
        return {
            "promised": {
                "present": round(filled.present),
                "wrong": round(filled.wrong),
                "lost": round(filled.lost),
            },
            "probes": probes,
            "left_out": max(0, row["open"] - round(found.pairs)),
            "now": error_row(now),
            "later": {
                **error_row(later),
                "pairs": round(hour),
                "present": round(said),
                "coverage": row["coverage"] + hour / max(row["pairs"], 1),
            },
            "answers_needed": needed,
        }

    def _open(self, tx: Transaction, arrays: VersionArrays, shown: list[Category]) -> OpenPairs:
        """Return the open pairs that have a probability, counted in parts."""
        labelled = self._open_suggestions.now(tx).labelled
        fills = self._fills.active(tx)
        rows, _ = activity.shape(tx)
        parameters = arrays.parameters
        wanted = {c.ordinal for c in shown} - set(parameters.ranked_only)
        take = [
            column
            for column, ordinal in enumerate(parameters.category_ordinals)
            if ordinal in wanted and arrays.taught[column]
        ]
        ordinals = [parameters.category_ordinals[column] for column in take]
        found = nothing_open()
        last = min(rows, len(arrays.scores))
        for start in range(0, last if take else 0, CHUNK):
            stop = min(last, start + CHUNK)
            scores = np.asarray(arrays.scores[start:stop])
            is_open = labelled.open_rows(fills, start, stop)
            p = probabilities(scores, parameters.calibration)[:, take]
            found = found + counted(p[is_open[:, ordinals]])
        return found


def forecast(answers: int | None, an_hour: float) -> ForecastRow | None:
    """Return the work that is left; None where there is nothing to do or no number would do.

    Args:
        answers: That are needed.
        an_hour: Pairs that are decided in an hour, as the time was spent so far.

    >>> forecast(1800, 900.0)
    {'answers': 1800, 'seconds': 7200.0}
    >>> forecast(0, 900.0)
    """
    return {"answers": answers, "seconds": 3600 * answers / an_hour} if answers else None


def error_row(found: Expected) -> ErrorRow:
    """Return what is to be expected, as the page knows it: pairs and shares."""
    return {
        "error": found.error,
        "wrong_present": round(found.wrong_present),
        "lost": round(found.lost),
        "wrong_share": found.wrong_share,
        "lost_share": found.lost_share,
        "open_error": found.open_error,
    }


def _note(shown: list[Category], present: int, pictures: int, arrays: VersionArrays | None) -> str:
    if not shown:
        return "There is no category yet; add some on the Settings page."
    if present < ENOUGH_PRESENT:
        return (
            f"The effect of another hour can be estimated once {ENOUGH_PRESENT} pairs are known "
            f"to be present; there are {present}."
        )
    if arrays is None:
        return "The effect of another hour can be estimated once there is a version."
    if len(arrays.parameters.ranked_only) >= len(arrays.taught):
        return (
            "The effect of another hour can be estimated once the model gives percentages; so "
            "far it only ranks the images."
        )
    scored = int(np.isfinite(arrays.scores_by_category[0]).sum())
    if 2 * scored < pictures:  # the first version of a project comes before most are analysed
        return (
            "The effect of another hour can be estimated once a version has scored half of the "
            f"images; so far it has scored {scored:,} of {pictures:,}."
        )
    return ""


def _pace(tx: Transaction) -> Pace:
    single = quality.recorded_times(tx, OperationKind.ANSWER, OperationKind.NAMED)
    grid = quality.recorded_times(tx, OperationKind.PAGE)
    costs = fit_costs(
        {"verify": single.seconds / single.pairs, "glance": grid.seconds / grid.pairs}
    )
    spent = [float(np.minimum(times.seconds, BREAK).sum()) for times in (single, grid)]
    return Pace(
        single_seconds=costs.verify,
        grid_seconds=costs.glance,
        single_share=spent[0] / sum(spent) if sum(spent) else 1.0,
        recorded=len(single.seconds) + len(grid.seconds),
    )


def _probed(tx: Transaction, arrays: VersionArrays, threshold: float) -> tuple[ProbesRow, float]:
    """Return what audit probes say about the model's errors, and the factor to correct them by."""
    p, present = blind_answers(tx, arrays)
    says = p >= threshold
    wrong, believed = int((says != present).sum()), float(np.where(says, 1 - p, p).sum())
    used = len(p) >= ENOUGH_PROBES
    row: ProbesRow = {"answers": len(p), "wrong": wrong, "needed": ENOUGH_PROBES, "used": used}
    return row, correction(wrong, believed) if used else 1.0
