"""What one more hour of work would bring, and whether the goal of the project is reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

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
"""Blind answers about open pairs from which on they correct what the model expects of itself."""

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


class Stopping(CachedReport):
    """When to stop: how far the goal is and what an hour would bring.

    `report` has `goal` (`coverage`, `error`), `coverage`, `pairs`, `open`, `covered` (whether the
    goal for coverage is reached), `reached` (whether both are), `note` (why nothing can be said
    about errors, or an empty text), `pace` (see `Pace`, and `an_hour`), `probes` (`answers`,
    `wrong`, `needed`, `used`), `left_out` (open pairs without a probability), `filled`, `promised`
    (of the filled pairs, how many are `present`, and how many may be `wrong` and `lost` by their
    certificates), `now` and `later` (see `error_row`, `later` also has `pairs`, `present` and
    `coverage`; None where nothing can be said), `answers_needed` for the goal's error, None also
    where no number of them would do, and `counted_at`.
    """

    def _depends_on(self, tx: Transaction) -> object:
        fills = [fill.key for fill in self._fills.active(tx)]
        return fills, self._project.settings.goal, activity.shape(tx)

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> dict[str, Any]:
        del number
        shown, goal = categories.every(tx), self._project.settings.goal
        filled = self._fills.counts_by_state(tx)
        counts = PairCounts.of(images.count(tx), shown, self._fills.counts(tx))
        coverage = 1 - counts.open / counts.pairs if counts.pairs else 0.0
        pace = _pace(tx)
        row: dict[str, Any] = {
            "goal": goal.model_dump(),
            "pairs": counts.pairs,
            "open": counts.open,
            "filled": counts.filled,
            "coverage": coverage,
            "covered": counts.pairs > 0 and coverage >= goal.coverage,
            "reached": counts.pairs > 0 and counts.open == 0,
            "pace": {**asdict(pace), "an_hour": pace.an_hour},
            "counted_at": self._clock().isoformat(timespec="seconds"),
            **dict.fromkeys(("now", "later", "answers_needed", "probes", "promised")),
            "left_out": counts.open,
        }
        present = sum(c.present_count for c in shown)
        row["note"] = _note(shown, present, arrays)
        if row["note"] or arrays is None:
            return row
        row |= self._errors(tx, arrays, shown, row, filled)
        row["reached"] = row["covered"] and row["now"]["error"] <= goal.error
        return row

    def _errors(
        self,
        tx: Transaction,
        arrays: VersionArrays,
        shown: list[Category],
        row: dict[str, Any],
        left: dict[str, int],
    ) -> dict[str, Any]:
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
            "promised": {name: round(value) for name, value in asdict(filled).items()},
            "probes": probes,
            "left_out": max(0, row["open"] - round(found.pairs)),
            "now": error_row(now),
            "later": error_row(later)
            | {
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


def error_row(found: Expected) -> dict[str, Any]:
    """Return what is to be expected, as the page knows it: pairs and shares."""
    return {
        "error": found.error,
        "wrong_present": round(found.wrong_present),
        "lost": round(found.lost),
        "wrong_share": found.wrong_share,
        "lost_share": found.lost_share,
        "open_error": found.open_error,
    }


def _note(shown: list[Category], present: int, arrays: VersionArrays | None) -> str:
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
    return ""


def _pace(tx: Transaction) -> Pace:
    single = quality.recorded_times(tx, OperationKind.ANSWER)
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


def _probed(
    tx: Transaction, arrays: VersionArrays, threshold: float
) -> tuple[dict[str, Any], float]:
    """Return what audit probes say about the model's errors, and the factor to correct them by."""
    p, present = blind_answers(tx, arrays)
    says = p >= threshold
    wrong, believed = int((says != present).sum()), float(np.where(says, 1 - p, p).sum())
    used = len(p) >= ENOUGH_PROBES
    row = {"answers": len(p), "wrong": wrong, "needed": ENOUGH_PROBES, "used": used}
    return row, correction(wrong, believed) if used else 1.0
