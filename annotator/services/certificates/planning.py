"""How a certificate begins: what could be filled in at which price, the pilot, the frozen plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from annotator.arrays import certificates as files
from annotator.arrays.versions import VersionArrays
from annotator.errors import AnnotatorError, NotReady
from annotator.services.background import running_import
from annotator.services.catalogue import hierarchy
from annotator.services.catalogue.definitions import changed, definitions
from annotator.services.certificates import frozen
from annotator.services.certificates import pilot as pilots
from annotator.services.certificates import pool as pools
from annotator.services.certificates.laying import Laid, Layer, cheapest, told
from annotator.services.certificates.options import complete, promise_row
from annotator.services.certificates.options import offers as every_offer
from annotator.services.certificates.pilot import Ladder
from annotator.services.certificates.prices import (
    nothing,
    part_prices,
    pool_refusal,
    price_of,
)
from annotator.services.certificates.rows import (
    ChosenOptions,
    PlanRow,
    Price,
    PromiseRow,
)
from annotator.services.clock import Clock
from annotator.services.knowledge.annotation_times import costs_from
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.suggestions import Suggestions
from annotator.settings import Project
from annotator.store import Store, Transaction, activity, categories, certificates
from annotator.store.certificates import Certificate, CertificateState
from annotator.store.decision_times import decision_times

FORECAST = ("questions", "questions_high", "fill_absent", "fill_present", "left")
"""Numbers of the price that are kept with a frozen plan."""

MOST_PLANS = 30
"""Plans of a project. Each has half of the risk that is left, so a later one proves nothing."""


@dataclass(frozen=True)
class _Pool:
    """What could be filled in, with everything that a plan needs to know about it."""

    pool: pools.Pool
    predictions: pilots.Predictions
    chosen: ChosenOptions
    version: int
    index: int
    """Which plan of the project this would be, from 1."""
    operation: int
    images: int
    pilot: Certificate | None
    """The open certificate whose pilot comes first."""
    asked: pilots.Progress | None
    """How far that pilot is."""

    def promise(self, options: ChosenOptions) -> PromiseRow:
        """Return what a certificate with some options would promise.

        The plans of a project hold together: each has half of the risk that is left.
        """
        risk = (1 - options["confidence"]) / 2**self.index
        return promise_row(options, confidence=1 - risk, known=self.pool.known)


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
        options: Mapping[str, Any],
        *,
        pilot: int,
        start: bool,
        seed: Callable[[], int],
        offers: bool = False,
    ) -> PlanRow:
        """Return what `Certification.plan` says.

        Args:
            options: What is asked for, as `PlanOptions`, not checked yet.
            pilot: Questions that come first; 0 for none. An open pilot is continued in any case.
            start: Whether to begin.
            seed: Returns the seed of a random draw.
            offers: Whether to say what the promises to choose from would take.
        """
        pilots.check(pilot)
        at_hand = self._collect(options, start=start)
        begins_pilot = pilot if at_hand.pilot is None else 0
        pool, promise = at_hand.pool, at_hand.promise(at_hand.chosen)
        refused = _plans_refusal(at_hand.index) or pool_refusal(pool)
        row = _row(at_hand, nothing(promise, len(pool.pairs), refused))
        freezes = start and not begins_pilot
        if not row["chosen"]["refused"]:
            layer = Layer(
                at_hand.predictions,
                question_seconds=row["question_seconds"],
                pair_seconds=row["pair_seconds"],
            )
            laid = layer.lay(promise, roughly=not freezes)
            row["chosen"] = price_of(cheapest(laid), pilot=begins_pilot)
            if offers:
                row["parts"] = part_prices(pool, cheapest(laid), row["chosen"]["questions"])
                row["offers"] = _offers(at_hand, layer, row["chosen"], begins_pilot)
        row["refused"] = row["chosen"]["refused"]
        if start and row["refused"]:
            raise NotReady(row["refused"])
        if freezes:
            row["certificate"] = self._begin(at_hand, laid, row["chosen"], seed())
        elif start:
            row["certificate"] = self._begin_pilot(at_hand, pilot, seed())
            row["pilot"] = {"asked": pilot, "answered": 0, "present": 0}
        return row

    def _collect(self, options: Mapping[str, Any], *, start: bool) -> _Pool:
        running_import.settle(self._project, self._store)
        with self._store.reading() as tx:
            running_import.refuse_running(tx)
            number, arrays = self._suggestions.required(
                tx, "Certificates need a trained version; train one first."
            )
            if start:
                _refuse_second(tx)
            pilot = pilots.open_pilot(tx)
            wishes = None if pilot is None else pilot.plan["wishes"]
            costs = costs_from(decision_times(tx))
            # An option out of range is told before the long part.
            chosen = complete(options, wishes, costs)
            drawn = certificates.piloted(tx, pilot.id) if pilot else []
            asked = pilots.progress(drawn) if pilot else None
            if start and asked is not None:
                asked.refuse_early()
            pool = self._pool(tx, arrays)
            finished = asked is not None and asked.done
            return _Pool(
                pool=pool,
                predictions=pilots.predictions(tx, pool, arrays, drawn if finished else []),
                chosen=chosen,
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

    def _begin_pilot(self, at_hand: _Pool, count: int, seed: int) -> int:
        """Keep a certificate whose pilot is asked first; nothing is frozen yet."""
        now, pool = self._clock(), at_hand.pool
        with self._store.writing() as tx:
            _refuse_second(tx)
            if pilots.open_pilot(tx) is not None:
                raise AnnotatorError("A pilot has just been started; answer its questions first.")
            number = _next_number(tx)
            plan = {
                "format": "fill-pilot/1",
                "wishes": dict(at_hand.chosen),
                "pool": len(pool.pairs),
                "seed": seed,
                "definitions": _definitions(tx, [c.ordinal for c in pool.categories]),
            }
            certificates.add(tx, number, at_hand.version, plan, now)
            rows = pilots.questions(tx, pool, count, seed)
            certificates.add_probes(tx, number, rows, now)
            certificates.cannot_be_asked(tx, number, now)
        return number

    def _begin(self, at_hand: _Pool, laid: Mapping[Ladder, Laid], price: Price, seed: int) -> int:
        """Freeze a plan and keep it under its number; that of its pilot, where it had one."""
        best = cheapest(laid)
        temporary, plan = frozen.write(self._project, at_hand.pool, best.plan, seed)
        plan |= {
            "project_risk": 1 - at_hand.chosen["confidence"],
            "index": at_hand.index,
            "version": at_hand.version,
            "newest_operation": at_hand.operation,
            "images": at_hand.images,
            "forecast": {name: value for name, value in price.items() if name in FORECAST},
            "pilot": None,
        }
        if at_hand.asked is not None:
            plan["pilot"] = {**at_hand.asked.row(), **told(laid)}
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


def _plans(tx: Transaction) -> int:
    """Return how many plans were ever frozen; a pilot alone promises nothing and costs no risk."""
    return sum(row.is_frozen for row in certificates.every(tx))


def _plans_refusal(index: int) -> str:
    """Return why a project has had its last plan, or an empty text."""
    if index <= MOST_PLANS:
        return ""
    return (
        f"This project has begun {MOST_PLANS} certificates, and each took half of the risk that "
        "was left, so nothing can be proven any more: label the rest by hand."
    )


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


def _row(at_hand: _Pool, chosen: Price) -> PlanRow:
    pool, options = at_hand.pool, at_hand.chosen
    return {
        "certificate": None,
        "version": at_hand.version,
        "pool": len(pool.pairs),
        "categories": [c.name for c in pool.categories],
        "suggest_only": list(pool.left_out),
        "known_present": pool.known,
        "plan_of_the_project": at_hand.index,
        "question_seconds": options["question_seconds"],
        "pair_seconds": options["pair_seconds"],
        "chosen": chosen,
        "offers": [],
        "parts": [],
        "pilot": None if at_hand.asked is None else at_hand.asked.row(),
        "refused": chosen["refused"],
    }


def _offers(at_hand: _Pool, layer: Layer, chosen: Price, pilot: int) -> list[Price]:
    """Return what the promises to choose from would take; the chosen one as it is told there."""
    found: list[Price] = []
    for aim, options in every_offer(at_hand.chosen):
        promise = at_hand.promise(options)
        if promise == chosen["promise"]:
            found.append({**chosen, "aim": aim})
        else:
            laid = cheapest(layer.lay(promise, roughly=True))
            found.append(price_of(laid, aim=aim, pilot=pilot))
    return found
