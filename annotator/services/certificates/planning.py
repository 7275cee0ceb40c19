"""How a certificate begins: what could be filled in at which price, the pilot, the frozen plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import certificates as files
from annotator.arrays.versions import VersionArrays
from annotator.errors import AnnotatorError, NotReady
from annotator.services.background import running_import
from annotator.services.catalogue import hierarchy
from annotator.services.catalogue.definitions import changed, definitions
from annotator.services.certificates import pilot as pilots
from annotator.services.certificates import pool as pools
from annotator.services.certificates.report import forecast_row, plan_report
from annotator.services.certificates.rows import Aim, ChosenOptions, Offer, PlanOptions, PlanRow
from annotator.services.clock import Clock
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.message import counted
from annotator.settings import Project
from annotator.store import Store, Transaction, activity, categories, certificates
from annotator.store.certificates import Certificate, CertificateState
from mlrpl.decision.fill_forecast import Forecast, forecasts
from mlrpl.decision.fill_plan import Over, Promise, plan_fill

SMALLEST = 5_000
"""Pairs of a pool below which it is called too small where certifying does not pay."""

LEAST_SAVING = 0.1
"""Share of the pool that the best forecast has to save people from answering."""

DEFAULTS: ChosenOptions = {
    "max_error": 0.05,
    "max_lost": 0.10,
    "confidence": 0.95,
    "over": None,
}
"""Options of a plan that nobody sets."""

AIMS: dict[Aim, tuple[float, float]] = {
    "strict": (0.02, 0.05),
    "usual": (DEFAULTS["max_error"], DEFAULTS["max_lost"]),
    "lenient": (0.10, 0.20),
}
"""Largest error and largest lost share of the promises to choose from."""

Chances = npt.NDArray[np.floating]


@dataclass(frozen=True)
class _Pool:
    """What could be filled in, with everything that a plan needs to know about it."""

    pool: pools.Pool
    predictions: pilots.Predictions | None
    """After a finished pilot."""
    version: int
    index: int
    """Which plan of the project this would be, from 1."""
    operation: int
    images: int
    pilot: Certificate | None
    """The open certificate whose pilot comes first."""
    asked: pilots.Progress | None
    """How far that pilot is."""


@dataclass(frozen=True)
class _Choice:
    promise: Promise
    ways: list[Forecast]


class Planner:
    """Plans certificates of one project; at most one of them is open."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        fills: Fills,
        clock: Clock,
    ) -> None:
        """Take the parts."""
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._fills = fills
        self._clock = clock

    def plan(
        self,
        options: PlanOptions,
        *,
        pilot: int,
        start: bool,
        seed: Callable[[], int],
        offers: bool = False,
    ) -> PlanRow:
        """Return what `Certification.plan` says.

        Args:
            options: What is asked for.
            pilot: Questions that come first; 0 for none. An open pilot is continued in any case.
            start: Whether to begin.
            seed: Returns the seed of a random draw.
            offers: Whether to say what the promises of `AIMS` would take.
        """
        pilots.check(pilot)
        at_hand = self._collect(options, start=start)
        chosen = _with_defaults(options, at_hand.pilot)
        promise = _promise(chosen)
        promise = replace(promise, risk=promise.risk / 2**at_hand.index, known=at_hand.pool.known)
        after = at_hand.predictions
        chances = at_hand.pool.probabilities if after is None else after.credible
        choices = _ways(chances, promise, chosen["over"])
        best, begins_pilot = choices[0], bool(pilot) and at_hand.pilot is None
        refused = _refusal(at_hand.pool, best.ways[0], before_pilot=begins_pilot)
        row = plan_report(
            at_hand.version,
            at_hand.pool,
            best.promise,
            [(choice.promise, choice.ways) for choice in choices],
            at_hand.index,
            refused,
            None if at_hand.asked is None else at_hand.asked.row(),
        )
        if offers:
            ways = {aim: _ways(chances, _aimed(promise, aim), None)[0] for aim in AIMS}
            row["offers"] = [_offer(at_hand.pool, a, way, begins_pilot) for a, way in ways.items()]
        if start:
            if refused:
                raise NotReady(refused)
            if begins_pilot:
                row["certificate"] = self._begin_pilot(at_hand, chosen, pilot, seed())
                row["pilot"] = {"asked": pilot, "answered": 0, "present": 0}
            else:
                plan = {"project_risk": 1 - chosen["confidence"]}
                row["certificate"] = self._begin(at_hand, best, plan, seed())
        return row

    def _collect(self, options: PlanOptions, *, start: bool) -> _Pool:
        running_import.settle(self._project, self._store)
        with self._store.reading() as tx:
            running_import.refuse_running(tx)
            number, arrays = self._suggestions.required(
                tx, "Certificates need a trained version; train one first."
            )
            if start:
                _refuse_second(tx)
            pilot = pilots.open_pilot(tx)
            _promise(
                _with_defaults(options, pilot)
            )  # a number out of range is told before the long part
            drawn = certificates.piloted(tx, pilot.id) if pilot else []
            asked = pilots.progress(drawn) if pilot else None
            if start and asked is not None:
                asked.refuse_early()
            pool = self._pool(tx, arrays)
            finished = asked is not None and asked.done
            return _Pool(
                pool=pool,
                predictions=pilots.predictions(tx, pool, arrays, drawn) if finished else None,
                version=number,
                index=1 + _plans(tx),
                operation=activity.newest_operation(tx),
                images=activity.shape(tx)[0],
                pilot=pilot,
                asked=asked,
            )

    def _pool(self, tx: Transaction, arrays: VersionArrays) -> pools.Pool:
        every = categories.every(tx, archived=True)
        parents = hierarchy.resolve(self._project.settings.hierarchy, every)
        return pools.build(tx, arrays, [f.bits for f in self._fills.active(tx)], parents)

    def _begin_pilot(self, at_hand: _Pool, chosen: ChosenOptions, count: int, seed: int) -> int:
        """Keep a certificate whose pilot is asked first; nothing is frozen yet."""
        now, pool = self._clock(), at_hand.pool
        with self._store.writing() as tx:
            _refuse_second(tx)
            if pilots.open_pilot(tx) is not None:
                raise AnnotatorError("A pilot has just been started; answer its questions first.")
            number = _next_number(tx)
            plan = {
                "format": "fill-pilot/1",
                "wishes": dict(chosen),
                "pool": len(pool.pairs),
                "seed": seed,
                "definitions": _definitions(tx, [c.ordinal for c in pool.categories]),
            }
            certificates.add(tx, number, at_hand.version, plan, now)
            rows = pilots.questions(tx, pool, count, seed)
            certificates.add_probes(tx, number, rows, now)
            certificates.cannot_be_asked(tx, number, now)
        return number

    def _begin(self, at_hand: _Pool, best: _Choice, plan: dict[str, Any], seed: int) -> int:
        """Freeze a plan and keep it under its number; that of its pilot, where it had one."""
        temporary, frozen = self._freeze(at_hand, best, seed)
        plan |= frozen | {
            "index": at_hand.index,
            "version": at_hand.version,
            "newest_operation": at_hand.operation,
        }
        now = self._clock()
        try:
            with self._store.writing() as tx:
                _refuse_second(tx)
                pilot = pilots.open_pilot(tx)
                if _plans(tx) + 1 != plan["index"] or pilot != at_hand.pilot:
                    raise AnnotatorError("Another plan has just been started; plan again.")
                number = pilot.id if pilot else _next_number(tx)
                plan["definitions"] = _definitions(tx, plan["ordinals"])
                files.publish(self._project, temporary, number, plan)
                if pilot is None:
                    certificates.add(tx, number, plan["version"], plan, now)
                else:
                    certificates.frozen(tx, number, plan["version"], plan)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return number

    def _freeze(self, at_hand: _Pool, best: _Choice, seed: int) -> tuple[Path, dict[str, Any]]:
        """Write the arrays of a plan; return their temporary folder and the rest of the plan."""
        pool, promise, forecast = at_hand.pool, best.promise, best.ways[0]
        present = forecast.fill_present > 0
        fill, told = plan_fill(pool.probabilities, promise, present=present), None
        if at_hand.predictions is not None and at_hand.asked is not None:
            bent = plan_fill(at_hand.predictions.bent, promise, present=present)
            fill, forecast, told = at_hand.predictions.choose(fill, bent)
            told |= at_hand.asked.row()
        ordinals = [c.ordinal for c in pool.categories]
        draws = pools.draw(fill, pool.pairs, seed)
        sizes = pools.sizes_by_category(fill, pool.pairs, ordinals)
        temporary, sha256 = files.write_plan(self._project, pool.pairs, draws, sizes)
        return temporary, {
            "format": "fill-plan/1",
            "fill": pools.plan_row(fill),
            "pilot": told,
            "seed": seed,
            "sha256": sha256,
            "ordinals": ordinals,
            "super_categories": pools.super_categories(pool.categories),
            "columns": 1 + max(ordinals),
            "images": at_hand.images,
            "left_out": list(pool.left_out),
            "forecast": forecast.row(),
            "certified": {},
            "p_values": {},
        }


def _plans(tx: Transaction) -> int:
    """Return how many plans were ever frozen; a pilot alone promises nothing and costs no risk."""
    return sum(row.is_frozen for row in certificates.every(tx))


def _next_number(tx: Transaction) -> int:
    return 1 + max((row.id for row in certificates.every(tx)), default=0)


def _definitions(tx: Transaction, ordinals: list[int]) -> dict[str, str]:
    every = categories.every(tx, archived=True)
    return definitions([c for c in every if c.ordinal in set(ordinals)], every)


def _refuse_second(tx: Transaction) -> None:
    for row in certificates.in_state(tx, CertificateState.OPEN):
        if row.is_frozen and not changed(tx, row):
            raise AnnotatorError(
                f"Certificate {row.id} is open; apply or cancel it before you plan another."
            )


def _with_defaults(options: PlanOptions, pilot: Certificate | None) -> ChosenOptions:
    """Return all options; those left open are those of the pilot, else the defaults."""
    kept: ChosenOptions = DEFAULTS if pilot is None else pilot.plan["wishes"]
    error, lost, sure = options["max_error"], options["max_lost"], options["confidence"]
    return {
        "max_error": kept["max_error"] if error is None else error,
        "max_lost": kept["max_lost"] if lost is None else lost,
        "confidence": kept["confidence"] if sure is None else sure,
        "over": kept["over"] if options["over"] is None else options["over"],
    }


def _promise(chosen: ChosenOptions) -> Promise:
    for option, share in (
        ("max-error", chosen["max_error"]),
        ("max-lost", chosen["max_lost"]),
        ("confidence", chosen["confidence"]),
    ):
        if not 0 < share < 1:
            raise AnnotatorError(
                f"--{option} must be between 0 and 1, such as 0.05, not {share:g}."
            )
    if chosen["over"] not in (None, "pool", "dataset"):
        raise AnnotatorError(f"--over must be pool or dataset, not {chosen['over']!r}.")
    return Promise(
        max_error=chosen["max_error"],
        max_lost=chosen["max_lost"],
        risk=1 - chosen["confidence"],
    )


def _choices(promise: Promise, over: str | None) -> list[Promise]:
    names: list[Over] = ["pool", "dataset"] if promise.known else ["pool"]
    if over is not None:
        names = ["dataset" if over == "dataset" else "pool"]
    return [replace(promise, over=name) for name in names]


def _ways(chances: Chances, promise: Promise, over: str | None) -> list[_Choice]:
    """Return the ways to keep a promise by what its lost share is taken of, the cheapest first."""
    choices = [_Choice(p, forecasts(chances, p)) for p in _choices(promise, over)]
    return sorted(choices, key=lambda choice: choice.ways[0].people)


def _aimed(promise: Promise, aim: Aim) -> Promise:
    error, lost = AIMS[aim]
    return replace(promise, max_error=error, max_lost=lost)


def _offer(pool: pools.Pool, aim: Aim, best: _Choice, begins_pilot: bool) -> Offer:
    return {
        **forecast_row(best.ways[0]),
        "aim": aim,
        "max_error": best.promise.max_error,
        "max_lost": best.promise.max_lost,
        "refused": _refusal(pool, best.ways[0], before_pilot=begins_pilot),
    }


def _refusal(pool: pools.Pool, best: Forecast, *, before_pilot: bool) -> str:
    """Return why beginning would not pay, or an empty text."""
    size = len(pool.pairs)
    if not pool.categories:
        return (
            "No category has calibrated probabilities yet, so nothing can be filled in: answer "
            "more pairs of each category, present and absent, and train again."
        )
    if not size:
        return "No open pair is left to fill in."
    if best.people <= (1 - LEAST_SAVING) * size or (before_pilot and size >= SMALLEST):
        return ""
    if size < SMALLEST:
        return (
            f"The pool of {counted(size, 'open pair')} is too small: the probes would cost as many "
            "answers as they save; label the rest by hand."
        )
    return (
        f"The model is not good enough yet: of {size:,} open pairs people would still answer about "
        f"{best.people:,}; label and train more, or allow a larger --max-lost."
    )
