"""Certificates from the plan to the fill: what could be filled in, what is proven, doing it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from annotator.arrays import certificates as files
from annotator.errors import AnnotatorError, NotFound, NotReady
from annotator.services.background.subprocesses import plan_in_subprocess
from annotator.services.catalogue.definitions import changed
from annotator.services.certificates import frozen
from annotator.services.certificates.blind_questions import BlindQuestions
from annotator.services.certificates.certified_fill import CertifiedFill
from annotator.services.certificates.earlier import EarlierCertificate
from annotator.services.certificates.filling import Filling, known_outside
from annotator.services.certificates.own_promises import PartTests
from annotator.services.certificates.pilot import progress
from annotator.services.certificates.planning import Planner
from annotator.services.certificates.report import (
    Around,
    earlier_report,
    open_report,
    pilot_report,
)
from annotator.services.certificates.rows import (
    EndedRow,
    FillRow,
    Kept,
    ListedCertificate,
    PilotStatus,
    PlanOptions,
    PlanRow,
    ProofStatus,
    RolledBackRow,
    Standing,
    Status,
    StatusHead,
)
from annotator.services.certificates.statement import in_few_words, statement
from annotator.services.certificates.validity import standings, state_of, uncovered
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.message import counted
from annotator.settings import Project
from annotator.store import Store, Transaction, categories, certificates
from annotator.store.certificates import Certificate, CertificateState
from annotator.store.changes import Moment, moment


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
        self._bound = BlindQuestions(project)
        self._part_tests = PartTests(project)
        self._known: tuple[tuple[int, Moment], int] | None = None  # of the last look
        self._clock = clock
        self._seed = seed or _random_seed
        self._planner = Planner(project, store, suggestions, fills, clock)

    def plan(
        self,
        *,
        promise: str | None = None,
        recall: float | None = None,
        precision: float | None = None,
        f1: float | None = None,
        confidence: float | None = None,
        over: str | None = None,
        question_seconds: float | None = None,
        pair_seconds: float | None = None,
        pilot: int = 0,
        start: bool = False,
        offers: bool = False,
    ) -> PlanRow:
        """Return what could be filled in and what that would cost; with `start`, begin.

        Beginning freezes the pairs, their order, the bets and the random draws; where a pilot is
        asked for, its questions come first, and beginning again after them freezes the better of
        the plans with and without their answers. A project of 100,000 images takes a gigabyte of
        memory and some seconds, so pages let the command do it.

        Args:
            promise: `recall`, `precision_recall` or `f1`. None, here and below, takes what the open
                pilot was begun with, else the default: `recall`.
            recall: Share of the present pairs that the finished set holds, at least; 0.9.
            precision: Right ones among the pairs filled in as present, at least, as a share; 0.95.
            f1: F1 of the finished set, at least; 0.9.
            confidence: That all certificates of the project are true together; 0.95.
            over: What recall is taken of: the present pairs of the `pool`, or of the `dataset`,
                known ones included; `dataset`.
            question_seconds: What a probe costs; what people took so far.
            pair_seconds: What answering an open pair by hand costs; what people took so far.
            pilot: Questions of the pilot; 0 for none.
            start: Whether to begin.
            offers: Whether to say what the promises to choose from would take.

        Raises:
            NotReady: If there is no version; with `start`, if it would not pay, or if questions of
                the pilot are left.
            AnnotatorError: If an option is out of range; with `start`, if one is open.
        """
        options = {
            "promise": promise,
            "recall": recall,
            "precision": precision,
            "f1": f1,
            "confidence": confidence,
            "over": over,
            "question_seconds": question_seconds,
            "pair_seconds": pair_seconds,
        }
        return self._planner.plan(options, pilot=pilot, start=start, seed=self._seed, offers=offers)

    def plan_in_subprocess(
        self, options: PlanOptions, *, pilot: int | None = None, start: bool = False
    ) -> PlanRow:
        """Return the same as `plan` with offers, made in a process of its own; for pages.

        Args:
            options: As the arguments of `plan`.
            pilot: Questions of the pilot; None for none.
            start: Whether to begin.

        Raises:
            AnnotatorError: If the plan is refused.
        """
        values = {**options, "pilot": pilot, "offers": None if start else True}
        plan: PlanRow = plan_in_subprocess(self._project, values, start=start)
        return plan

    def status(self, number: int | None = None) -> Status:
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
            standing = standings(tx, self._project, self._fills.active(tx))
            listed = [_listed(r, standing.get(r.id)) for r in rows]
            if row is None:
                return {"certificate": None, "certificates": []}
            drawn = certificates.drawn(tx, row.id)
            asked = progress(certificates.piloted(tx, row.id))
            shown = {str(c.ordinal): c.name for c in categories.every(tx, archived=True)}
            head: StatusHead = {"certificates": listed, "changed_categories": changed(tx, row)}
            current, _ = self._suggestions.current(tx)
            taken_back = self._taken_back(tx, row)
            beyond = uncovered(tx, row) if row.is_frozen else []
        around = Around(head, standing.get(row.id), shown, current)
        result: PilotStatus | ProofStatus
        if not row.is_frozen:
            result = pilot_report(row, asked, around)
        elif row.is_earlier:
            result = earlier_report(row, EarlierCertificate(self._project, row, drawn), around)
        else:
            found = self._bound.evidence(row, drawn, taken_back)
            is_open = row.state is CertificateState.OPEN
            p_values = self._part_tests.p_values(row, found) if is_open else {}
            result, kept = open_report(row, found, p_values, around)
            self._keep(row, kept)
        others = [one for n, one in standing.items() if n != row.id and not one["holds"]]
        result["sentences"] += [*beyond, *(one["sentence"] for one in others)]
        return result

    def states(self) -> dict[int, str]:
        """Return the states of all certificates by number; none of their files is read.

        An open one whose categories were changed meanwhile is void already.
        """
        with self._store.reading() as tx:
            return {row.id: self._bound.state(tx, row).value for row in certificates.every(tx)}

    def apply(self, number: int | None = None, *, dry_run: bool = False) -> FillRow:
        """Fill in what is certified and still open; the certificate asks nothing more then.

        Pairs that people have answered, on any page or blind, are left as they are.

        Args:
            number: Of the certificate; None takes the open one.
            dry_run: Only count.

        Raises:
            AnnotatorError: If it is not open, or nothing is certified yet.
            NotFound: If there is no such certificate, or one of its files is not the frozen one.
        """
        with self._store.writing() as tx:
            self._bound.open(tx)
        with self._store.reading() as tx:
            row = self._the_open_one(tx, number)
            if not row.is_frozen:
                progress(certificates.piloted(tx, row.id)).refuse_filling()
            certified, said = self._proven(tx, row)
            filling = Filling.collect(self._project, tx, row, certified)
        filling.refuse_if_empty()
        if dry_run:
            return filling.row(applied=False)
        filling.write(self._project)
        now = self._clock()
        with self._store.writing() as tx:
            self._the_open_one(tx, row.id)
            if self._bound.open(tx) is None:
                raise AnnotatorError("A category was changed just now; plan a new certificate.")
            certificates.remember(tx, row.id, filling.plan(said))
            certificates.applied(tx, row.id, filling.path, now)
        return filling.row(applied=True)

    def cancel(self, number: int | None = None) -> EndedRow:
        """End an open certificate without filling in anything; its answers are kept.

        Raises:
            AnnotatorError: If it is not open.
            NotFound: If there is no such certificate.
        """
        with self._store.writing() as tx:
            row = self._the_open_one(tx, number)
            certificates.closed(tx, row.id, CertificateState.CANCELLED)
        return {"certificate": row.id, "state": CertificateState.CANCELLED.value}

    def roll_back(self, number: int) -> RolledBackRow:
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

    def _proven(self, tx: Transaction, row: Certificate) -> tuple[CertifiedFill, dict[str, Any]]:
        """Return what is certified by files that are still the frozen ones, and the statement."""
        drawn = certificates.drawn(tx, row.id)
        if row.is_earlier:
            files.check(self._project, row.id, {files.PAIRS: row.plan["sha256"]})
            before = EarlierCertificate(self._project, row, drawn)
            return before.fill(), before.statement()
        frozen.check(self._project, row)
        found = self._bound.evidence(row, drawn, self._taken_back(tx, row))
        if row.plan["certified"]["steps"] and not found.steps:
            gone = counted(found.taken_back, "present label")
            raise NotReady(
                f"{gone} that the promise counted on {'is' if found.taken_back == 1 else 'are'} "
                "not there any more, and without them it does not follow: answer more probes, or "
                "cancel and plan again."
            )
        return found.fill(), statement(found)

    def _taken_back(self, tx: Transaction, row: Certificate) -> int:
        """Return how many present labels the promise counts on that are not there any more."""
        if row.state is not CertificateState.OPEN or not row.is_frozen or row.is_earlier:
            return 0
        promise = row.plan["promise"]
        if promise["over"] != "dataset" or not promise["known_present"]:
            return 0
        about = row.id, moment(tx)
        known = self._known
        if known is None or known[0] != about:  # reads every label and every pair of the pool
            known = self._known = about, known_outside(self._project, tx, row)
        return max(int(promise["known_present"]) - known[1], 0)

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
                raise NotFound("No certificate is open; start one with `certify plan --start`.")
            return opened[0]
        row = certificates.get(tx, number)
        if row.state is not CertificateState.OPEN:
            raise AnnotatorError(f"Certificate {number} is {_said(row.state)}, not open.")
        return row

    def _keep(self, row: Certificate, kept: Kept) -> None:
        """Keep what never goes away again; another process may have kept more meanwhile."""
        known = {name: row.plan.get(name) for name in kept}
        if row.state is not CertificateState.OPEN or known == kept:
            return
        with self._store.writing() as tx:
            fresh = certificates.get(tx, row.id)
            said = fresh.plan["certified"]
            most = {k: max(said.get(k, 0), value) for k, value in kept["certified"].items()}
            certificates.remember(tx, row.id, {**fresh.plan, **kept, "certified": most})


def _random_seed() -> int:
    return secrets.randbits(48)


def _said(state: CertificateState) -> str:
    return state.value.replace("_", " ")


def _listed(row: Certificate, standing: Standing | None) -> ListedCertificate:
    return {
        "certificate": row.id,
        "state": row.state.value,
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "pairs": row.plan["size"] if row.is_frozen else row.plan["pool"],
        "filled": sum(row.plan.get("filled", {}).values()),
        "promised": in_few_words(row.plan["promise" if row.is_frozen else "wishes"]),
        "promise": state_of(standing),
    }
