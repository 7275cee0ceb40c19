"""What is said about a plan and about a certificate: numbers for programs, sentences for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotator.arrays.certificates import Ints
from annotator.services.certificates.evidence import (
    CATEGORY_RISK,
    SIDES,
    Evidence,
    smallest,
    zone_rows,
)
from annotator.services.certificates.pilot import Progress, sentence
from annotator.services.certificates.pool import Pool
from annotator.services.certificates.rows import (
    Fill,
    ForecastRow,
    Kept,
    OwnPromise,
    PilotRow,
    PilotStatus,
    PlanRow,
    PromiseRow,
    ProofStatus,
    Standing,
    StatusHead,
)
from annotator.services.message import counted
from annotator.store.certificates import Certificate, CertificateState
from mlrpl.decision.anytime_bounds import holm_in_order
from mlrpl.decision.certifier import statement
from mlrpl.decision.fill_forecast import Forecast
from mlrpl.decision.fill_plan import Promise

WAYS = 4
"""Forecasts that a plan shows of each kind."""


def plan_report(
    version: int,
    pool: Pool,
    promise: Promise,
    choices: Sequence[tuple[Promise, list[Forecast]]],
    index: int,
    refused: str,
    pilot: PilotRow | None,
) -> PlanRow:
    """Return what `certify plan` says.

    Args:
        version: Number of the version whose opinion it is.
        pool: What could be filled in.
        promise: The one that was chosen.
        choices: Promises with their forecasts, the cheapest first; they differ in what the lost
            share is taken of.
        index: Which plan of the project it is, from 1.
        refused: Why it cannot begin, or an empty text.
        pilot: How far the pilot is; None without one.
    """
    return {
        "certificate": None,
        "version": version,
        "pool": len(pool.pairs),
        "categories": [c.name for c in pool.categories],
        "suggest_only": list(pool.left_out),
        "known_present": pool.known,
        "over": promise.over,
        "promise": promise_row(promise),
        "plan_of_the_project": index,
        "forecasts": [
            {"over": each.over, **forecast_row(way)}
            for each, found in choices
            for way in found[:WAYS]
        ],
        "best": next(
            forecast_row(found[0]) for each, found in choices if each.over == promise.over
        ),
        "offers": [],
        "refused": refused,
        "pilot": pilot,
    }


def forecast_row(found: Forecast) -> ForecastRow:
    """Return a forecast by names."""
    return {
        "fill_absent": found.fill_absent,
        "fill_present": found.fill_present,
        "probes": found.probes,
        "people": found.people,
        "lost_share": found.lost_share,
    }


def promise_row(promise: Promise) -> PromiseRow:
    """Return the numbers of a promise by the names of the options."""
    return {
        "max_error": promise.max_error,
        "max_lost": promise.max_lost,
        "confidence": 1 - promise.risk,
        "over": promise.over,
        "known_present": promise.known,
    }


def open_report(
    row: Certificate,
    found: Evidence,
    sizes: Ints,
    names: Mapping[str, str],
    current: int | None,
    head: StatusHead,
    standing: Standing | None = None,
) -> tuple[ProofStatus, Kept]:
    """Return what `certify status` says, and what of it never goes away again.

    Args:
        row: The certificate.
        found: What its answers say.
        sizes: `(C, J + 1)`, the file of the sizes by category.
        names: Of the categories, by ordinal.
        current: Number of the promoted version.
        head: What is said with every status.
        standing: Whether the promise of its fill holds, once it is applied; see `standings`.
    """
    ordinals = row.plan["ordinals"]
    groups = {_CATEGORY.format(o): [o] for o in ordinals}
    groups |= {_SUPER.format(name): own for name, own in _supers(row).items()}
    found_p = found.p_values(sizes, ordinals, groups)
    fresh = {f"{name}:{rung}": p for name, rung, p in found_p}
    p_values = smallest(row.plan.get("p_values", {}), fresh)
    said: Mapping[str, Any] = row.plan.get("statement") or statement(found.certifier, found.counts)
    supers, own = _promises_of_their_own(row, found, p_values, names)
    expected = found.expected_questions()
    sentences = [*_done(row), *said["sentences"], *_further(row, found, expected, current)]
    if standing is not None:
        sentences.insert(1, standing["sentence"])
    result: ProofStatus = {
        "zones": zone_rows(found),
        "bounds": found.sides(),
        "answers": len(found.kept),
        "questions_expected": expected,
        "certificate": row.id,
        "state": row.state.value,
        "standing": standing,
        "pilot": row.plan.get("pilot"),
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "promise": promise_row(found.plan.promise),
        "project_confidence": 1 - row.plan["project_risk"],
        "pool": found.plan.size,
        "fill": _fill(row, said),
        "statement": said,
        "sentences": sentences,
        "super_categories": supers,
        "categories": own,
        "suggest_only": row.plan["left_out"],
        "sha256": row.plan["sha256"],
        "seed": row.plan["seed"],
        "closing": found.closing(),
        **head,
    }
    return result, {"certified": found.certified, "p_values": p_values}


def pilot_report(row: Certificate, asked: Progress, head: StatusHead) -> PilotStatus:
    """Return what `certify status` says while nothing is frozen yet.

    Args:
        row: A certificate whose pilot comes first.
        asked: How far that is.
        head: What is said with every status.
    """
    sentences = [
        f"{asked.answered:,} of {asked.asked:,} pilot questions are answered. They are no "
        "evidence; they only improve the plan."
    ]
    if row.state is CertificateState.OPEN and asked.done:
        sentences.append("Start now: the better of the plans with and without them is frozen.")
    if row.state is not CertificateState.OPEN:
        sentences = [*_done(row), *sentences]
    return {
        "certificate": row.id,
        "state": row.state.value,
        "standing": None,
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "pilot": {**asked.row(), "open": row.state is CertificateState.OPEN, "done": asked.done},
        "wishes": row.plan["wishes"],
        "pool": row.plan["pool"],
        "fill": {"present": 0, "absent": 0},
        "answers": 0,
        "zones": [],
        "bounds": [],
        "closing": [],
        "sentences": sentences,
        "super_categories": None,
        "categories": None,
        **head,
    }


def _fill(row: Certificate, said: Mapping[str, Any]) -> Fill:
    """Return what was filled in, or what could be now by the statement."""
    fill: Mapping[str, int] = {side: (said[side] or {}).get("fill", 0) for side in SIDES}
    if row.state is CertificateState.APPLIED:
        fill = row.plan["applied"]
    return {"present": fill["present"], "absent": fill["absent"]}


def _supers(row: Certificate) -> Mapping[str, list[int]]:
    """Return the super-categories as they were frozen; older plans have none."""
    found: Mapping[str, list[int]] = row.plan.get("super_categories", {})
    return found


def _promises_of_their_own(
    row: Certificate, found: Evidence, p_values: Mapping[str, float], names: Mapping[str, str]
) -> tuple[OwnPromise, OwnPromise]:
    """Return which super-categories and categories keep the promise about lost pairs alone.

    The pool comes first, since only certified rungs count; then come the super-categories, then
    the categories, both under one further risk.
    """
    supers, ordinals = sorted(_supers(row)), [str(ordinal) for ordinal in row.plan["ordinals"]]
    # A rung counts only with all below it, so choosing among the rungs costs nothing.
    last = range(found.certifier.absent)

    def worst(name: str) -> float:
        return max((p_values.get(f"{name}:{rung}", 1.0) for rung in last), default=1.0)

    first, second = holm_in_order(
        [worst(_SUPER.format(name)) for name in supers],
        [worst(_CATEGORY.format(ordinal)) for ordinal in ordinals],
        CATEGORY_RISK,
    )
    kept = {supers[place] for place in first}, {ordinals[place] for place in second}
    lost = found.plan.promise.max_lost
    return (
        {
            "risk": CATEGORY_RISK,
            "promised": sorted(kept[0]),
            "no_promise_of_its_own": [name for name in supers if name not in kept[0]],
            "sentence": _super_sentence(sorted(kept[0]), len(supers), lost),
        },
        {
            "risk": CATEGORY_RISK,
            "promised": sorted(names[o] for o in kept[1]),
            "no_promise_of_its_own": sorted(names[o] for o in ordinals if o not in kept[1]),
            "sentence": _category_sentence(len(kept[1]), len(ordinals), lost, bool(supers)),
        },
    )


_SUPER, _CATEGORY = "super-category {}", "{}"
"""Names of groups of categories under which their p-values are kept."""


def _super_sentence(held: list[str], total: int, max_lost: float) -> str:
    if not total:
        return ""
    if not held:
        return f"None of the {total} super-categories has a promise of its own yet."
    return (
        f"{len(held)} of {total} super-categories keep the promise about lost pairs (at most "
        f"{max_lost:.3g} of their present pairs) on their own: {', '.join(held)}. This is a "
        f"separate statement, with {1 - CATEGORY_RISK:.0%} confidence for all super-categories "
        "and categories together."
    )


def _category_sentence(held: int, total: int, max_lost: float, with_supers: bool) -> str:
    if not held:
        return "No category has a promise of its own; the promise is about all of them together."
    together = "these and the super-categories" if with_supers else "these"
    return (
        f"{held} of {counted(total, 'category', 'categories')} "
        f"{'keeps' if held == 1 else 'keep'} the promise about lost pairs (at most {max_lost:.3g} "
        f"of their present pairs) on their own, all of {together} together with "
        f"{1 - CATEGORY_RISK:.0%} confidence; the others have no promise of their own."
    )


def _done(row: Certificate) -> list[str]:
    """Return what became of a certificate that is closed."""
    if row.state is CertificateState.OPEN:
        return []
    said = f"It is {row.state.value.replace('_', ' ')}."
    if "applied" in row.plan:
        filled = row.plan["applied"]
        said += f" It filled in {counted(filled['present'], 'pair')} as present"
        said += f" and {filled['absent']:,} as absent."
    return [said]


def _further(row: Certificate, found: Evidence, expected: int, current: int | None) -> list[str]:
    said = []
    if row.plan.get("pilot"):
        said.append(sentence(row.plan["pilot"]))
    if row.plan["index"] > 1:
        said.append(
            "All certificates of this project hold jointly with "
            f"{100 * (1 - row.plan['project_risk']):.4g} % confidence."
        )
    if found.certifier.absent:
        said.append("A promise over all categories together can hide a rare one that is lost.")
    if row.state is CertificateState.OPEN:
        said.append(_asking(found, expected))
        if current is not None and current != row.version:
            said.append(
                f"Version {current} is in use now; this plan keeps the scores of version "
                f"{row.version}."
            )
    if row.state is CertificateState.VOID:
        said.append("It is void: the meaning of a category was changed while it was open.")
    return said


def _asking(found: Evidence, expected: int) -> str:
    if found.worth("absent") or found.worth("present"):
        return f"About {counted(expected, 'more probe')} to the next step."
    if any(look.needs_look for look in found.looks):
        return "A few unexpected answers are still checked with a second question."
    if found.certifier.absent or found.certifier.present:
        return "More questions would not save enough answers; apply it."
    if not found.kept:
        return "No probe has been answered yet."
    return "More questions are not likely to help: cancel it, train more and plan again."
