"""Certificates from the plan to the fill: what could be filled in, what is proven, doing it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from annotator.arrays import certificates as files
from annotator.arrays.versions import VersionArrays
from annotator.errors import AnnotatorError, NotFound, NotReady
from annotator.services import certificate_pool as pools
from annotator.services import hierarchy
from annotator.services.aside import plan_aside
from annotator.services.bound_probes import BoundProbes, changed
from annotator.services.certificate_fill import Filling, labelled_in_middle
from annotator.services.certificate_report import open_report, plan_report, report
from annotator.services.clock import Clock, utc_now
from annotator.services.fills import Fills
from annotator.services.suggestions import Suggestions
from annotator.settings import Project
from annotator.store import Store, Transaction, activity, categories, certificates
from annotator.store.certificates import Certificate, CertificateState
from mlrpl.decision.fill_forecast import Forecast, forecasts
from mlrpl.decision.fill_plan import FillPlan, Over, Promise, plan_fill

SMALLEST = 5_000
"""Pairs of a pool below which it is called too small where certifying does not pay."""

LEAST_SAVING = 0.1
"""Share of the pool that the best forecast has to save people from answering."""


class Certification:
    """The certificates of one project; at most one of them is open."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        fills: Fills,
        clock: Clock = utc_now,
        seed: Callable[[], int] | None = None,
    ) -> None:
        """Take the parts; without `seed` the operating system's randomness draws the pairs."""
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._fills = fills
        self._bound = BoundProbes(project)
        self._clock = clock
        self._seed = seed or _random_seed

    def plan(
        self,
        *,
        max_error: float = 0.05,
        max_lost: float = 0.10,
        confidence: float = 0.95,
        over: str | None = None,
        start: bool = False,
    ) -> dict[str, Any]:
        """Return what could be filled in and what that would cost; with `start`, begin.

        Beginning freezes the pairs, their order, the zones and the random draws. A project of
        100,000 images takes a gigabyte of memory and some seconds, so pages let the command do it.

        Args:
            max_error: Wrong ones among the pairs filled in as present, at most, 0 to 1.
            max_lost: Present pairs filled in as absent, at most, as a share of `over`.
            confidence: That all certificates of the project are true together, 0 to 1.
            over: `pool` or `dataset`; None takes the cheaper one.
            start: Whether to begin.

        Raises:
            NotReady: If there is no version; with `start`, if it would not pay.
            AnnotatorError: If a number is out of range; with `start`, if one is open.
        """
        promise = _promise(max_error, max_lost, confidence, over)
        with self._store.reading() as tx:
            number, arrays = self._suggestions.current(tx)
            if number is None or arrays is None:
                raise NotReady("Certificates need a trained version; train one first.")
            if start:
                self._refuse_second(tx)
            index = 1 + len(certificates.every(tx))
            pool = self._pool(tx, arrays)
            operation = activity.newest_operation(tx)
        promise = replace(promise, risk=promise.risk / 2**index, known=pool.known)
        choices = [(p, forecasts(pool.probabilities, p)) for p in _choices(promise, over)]
        choices.sort(key=lambda choice: choice[1][0].people)
        promise, ways = choices[0]
        refused = _refusal(pool, ways[0])
        row = plan_report(number, pool, promise, choices, index, refused)
        if start:
            if refused:
                raise NotReady(refused)
            temporary, plan = self._freeze(pool, promise, ways[0])
            plan |= {"index": index, "version": number, "newest_operation": operation}
            plan |= {"project_risk": 1 - confidence}
            row["certificate"] = self._begin(temporary, plan)
        return row

    def plan_aside(self, wishes: Mapping[str, Any], *, start: bool = False) -> dict[str, Any]:
        """Return the same as `plan`, made in a process of its own; for pages.

        Args:
            wishes: The arguments of `plan` by name.
            start: Whether to begin.

        Raises:
            AnnotatorError: If the plan is refused.
        """
        return plan_aside(self._project, wishes, start=start)

    def status(self, number: int | None = None) -> dict[str, Any]:
        """Return where a certificate stands: the open one, else the newest.

        Everything that was certified once is kept, so looking often costs nothing.

        Raises:
            NotFound: If there is no such certificate.
        """
        with self._store.writing() as tx:
            self._bound.open(tx)
        with self._store.reading() as tx:
            rows = certificates.every(tx)
            row = self._chosen(tx, rows, number)
            listed = [_listed(r) for r in rows]
            if row is None:
                return {"certificate": None, "certificates": []}
            drawn = certificates.drawn(tx, row.id)
            shown = {str(c.ordinal): c.name for c in categories.every(tx, archived=True)}
            told = changed(tx, row)
            current, _ = self._suggestions.current(tx)
            labelled = self._labelled(tx, row)
        found = self._bound.evidence(row, drawn, labelled)
        sizes = files.read(self._project, row.id, files.SIZES)
        result, kept = open_report(row, found, sizes, shown, current)
        self._keep(row, kept)
        result |= {"certificates": listed, "changed_categories": told}
        if row.state is CertificateState.APPLIED:
            result["fill"] = dict(row.plan["applied"])
        return result

    def apply(self, number: int | None = None, *, dry_run: bool = False) -> dict[str, Any]:
        """Fill in what is certified and still open; the certificate asks nothing more then.

        Pairs that people have answered, on any page or blind, are left as they are.

        Args:
            number: Of the certificate; None takes the open one.
            dry_run: Only count.

        Raises:
            AnnotatorError: If it is not open, or nothing is certified yet.
            NotFound: If there is no such certificate.
        """
        with self._store.writing() as tx:
            self._bound.open(tx)
        with self._store.reading() as tx:
            row = self._the_open_one(tx, number)
            drawn = certificates.drawn(tx, row.id)
            found = self._bound.evidence(row, drawn, self._labelled(tx, row))
            filling = Filling.collect(self._project, tx, row, found)
        filling.refuse_if_empty()
        if dry_run:
            return {"certificate": row.id, "applied": False, **filling.row()}
        filling.write(self._project)
        now = self._clock()
        with self._store.writing() as tx:
            self._the_open_one(tx, row.id)
            if self._bound.open(tx) is None:
                raise AnnotatorError("A category was changed just now; plan a new certificate.")
            certificates.remember(tx, row.id, filling.plan(report(found)["statement"]))
            certificates.applied(tx, row.id, filling.path, now)
        return {"certificate": row.id, "applied": True, **filling.row()}

    def cancel(self, number: int | None = None) -> dict[str, Any]:
        """End an open certificate without filling in anything; its answers are kept.

        Raises:
            AnnotatorError: If it is not open.
            NotFound: If there is no such certificate.
        """
        with self._store.writing() as tx:
            row = self._the_open_one(tx, number)
            certificates.closed(tx, row.id, CertificateState.CANCELLED)
        return {"certificate": row.id, "state": CertificateState.CANCELLED.value}

    def roll_back(self, number: int) -> dict[str, Any]:
        """Take back what a certificate filled in; the files stay.

        Raises:
            AnnotatorError: If it fills in nothing.
            NotFound: If there is no such certificate.
        """
        with self._store.writing() as tx:
            row = certificates.get(tx, number)
            if row.state is not CertificateState.APPLIED:
                raise AnnotatorError(
                    f"Certificate {number} is {_said(row.state)}; only one that is applied can be "
                    "rolled back."
                )
            certificates.rolled_back(tx, number, self._clock())
        return {
            "certificate": number,
            "state": CertificateState.ROLLED_BACK.value,
            "pairs": sum(row.plan["filled"].values()),
        }

    def _pool(self, tx: Transaction, arrays: VersionArrays) -> pools.Pool:
        every = categories.every(tx, archived=True)
        parents = hierarchy.resolve(self._project.settings.hierarchy, every)
        return pools.build(tx, arrays, [f.bits for f in self._fills.active(tx)], parents)

    def _freeze(
        self, pool: pools.Pool, promise: Promise, best: Forecast
    ) -> tuple[Any, dict[str, Any]]:
        """Write the arrays of a plan; return their temporary folder and the rest of the plan."""
        frozen: FillPlan = plan_fill(pool.probabilities, promise, present=best.fill_present > 0)
        seed = self._seed()
        ordinals = [c.ordinal for c in pool.categories]
        draws = pools.draw(frozen, pool.pairs, seed)
        sizes = pools.sizes_by_category(frozen, pool.pairs, ordinals)
        temporary, sha256 = files.write_plan(self._project, pool.pairs, draws, sizes)
        return temporary, {
            "format": "fill-plan/1",
            "fill": pools.plan_row(frozen),
            "seed": seed,
            "sha256": sha256,
            "ordinals": ordinals,
            "columns": 1 + max(ordinals),
            "left_out": list(pool.left_out),
            "forecast": best.row(),
            "certified": {},
            "p_values": {},
        }

    def _begin(self, temporary: Any, plan: dict[str, Any]) -> int:
        now = self._clock()
        try:
            with self._store.writing() as tx:
                self._refuse_second(tx)
                rows = certificates.every(tx)
                number = 1 + max((row.id for row in rows), default=0)
                if len(rows) + 1 != plan["index"]:
                    raise AnnotatorError("Another plan was begun just now; plan again.")
                every = categories.every(tx, archived=True)
                mine = [c for c in every if c.ordinal in set(plan["ordinals"])]
                plan["definitions"] = pools.definitions(mine, every)
                files.publish(self._project, temporary, number, plan)
                certificates.add(tx, number, plan["version"], plan, now)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return number

    def _labelled(self, tx: Transaction, row: Certificate) -> int:
        is_open = row.state is CertificateState.OPEN
        return labelled_in_middle(self._project, tx, row) if is_open else 0

    def _refuse_second(self, tx: Transaction) -> None:
        for row in certificates.in_state(tx, CertificateState.OPEN):
            if not changed(tx, row):
                raise AnnotatorError(
                    f"Certificate {row.id} is open; apply or cancel it before you plan another."
                )

    def _chosen(
        self, tx: Transaction, rows: list[Certificate], number: int | None
    ) -> Certificate | None:
        if number is not None:
            return certificates.get(tx, number)
        opened = [row for row in rows if row.state is CertificateState.OPEN]
        return opened[-1] if opened else rows[-1] if rows else None

    def _the_open_one(self, tx: Transaction, number: int | None) -> Certificate:
        if number is None:
            opened = certificates.in_state(tx, CertificateState.OPEN)
            if not opened:
                raise NotFound("No certificate is open; begin one with `certify plan --start`.")
            return opened[0]
        row = certificates.get(tx, number)
        if row.state is not CertificateState.OPEN:
            raise AnnotatorError(f"Certificate {number} is {_said(row.state)}, not open.")
        return row

    def _keep(self, row: Certificate, kept: dict[str, Any]) -> None:
        """Keep what never goes away again; another process may have kept more meanwhile."""
        if row.state is not CertificateState.OPEN or all(row.plan.get(k) == kept[k] for k in kept):
            return
        with self._store.writing() as tx:
            fresh = certificates.get(tx, row.id)
            said = fresh.plan["certified"]
            most = {k: max(said.get(k, 0), value) for k, value in kept["certified"].items()}
            certificates.remember(tx, row.id, {**fresh.plan, **kept, "certified": most})


def _random_seed() -> int:
    return secrets.randbits(48)


def _promise(max_error: float, max_lost: float, confidence: float, over: str | None) -> Promise:
    for name, value in (
        ("--max-error", max_error),
        ("--max-lost", max_lost),
        ("--confidence", confidence),
    ):
        if not 0 < value < 1:
            raise AnnotatorError(f"{name} lies between 0 and 1, such as 0.05, not {value:g}.")
    if over not in (None, "pool", "dataset"):
        raise AnnotatorError(f"--over is pool or dataset, not {over!r}.")
    return Promise(max_error=max_error, max_lost=max_lost, risk=1 - confidence)


def _choices(promise: Promise, over: str | None) -> list[Promise]:
    names: list[Over] = ["pool", "dataset"] if promise.known else ["pool"]
    if over is not None:
        names = ["dataset" if over == "dataset" else "pool"]
    return [replace(promise, over=name) for name in names]


def _refusal(pool: pools.Pool, best: Forecast) -> str:
    """Return why beginning would not pay, or an empty text."""
    size = len(pool.pairs)
    if not pool.categories:
        return (
            "No category has a calibrated opinion yet, so nothing can be filled in: answer more "
            "pairs of each category, present and absent, and train again."
        )
    if not size:
        return "No open pair is left to fill in."
    if best.people <= (1 - LEAST_SAVING) * size:
        return ""
    if size < SMALLEST:
        return (
            f"The pool of {size:,} open pairs is too small: the blind questions would cost as many "
            "answers as they save; label the rest by hand."
        )
    return (
        f"The model is not good enough yet: of {size:,} open pairs people would still answer about "
        f"{best.people:,}; label and train more, or allow a larger --max-lost."
    )


def _said(state: CertificateState) -> str:
    return state.value.replace("_", " ")


def _listed(row: Certificate) -> dict[str, Any]:
    return {
        "certificate": row.id,
        "state": row.state.value,
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "pairs": row.plan["fill"]["size"],
        "filled": sum(row.plan.get("filled", {}).values()),
    }
