"""What is said about a certificate: numbers for programs, sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotator.services.certificates.advice import advice
from annotator.services.certificates.earlier import EarlierCertificate
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.own_promises import own_promises, smallest
from annotator.services.certificates.pilot import Progress, sentence
from annotator.services.certificates.rows import (
    Fill,
    Kept,
    PilotStatus,
    PromiseRow,
    ProofStatus,
    Standing,
    StatusHead,
)
from annotator.services.certificates.statement import statement
from annotator.services.message import counted
from annotator.store.certificates import Certificate, CertificateState

GIVEN_UP: Mapping[CertificateState, str] = {
    CertificateState.CANCELLED: "It is cancelled; its answers are kept.",
    CertificateState.VOID: (
        "It is void, because the meaning of a category was changed while it was open; its answers "
        "are kept, and you can begin another."
    ),
}
"""What is said of certificates that will never fill in anything, in place of how far they are."""


@dataclass(frozen=True)
class Around:
    """What a status needs to know beside the answers of its certificate."""

    head: StatusHead
    standing: Standing | None
    """Whether the promise of its fill holds, once it is applied; see `standings`."""
    names: Mapping[str, str]
    """Of the categories, by ordinal."""
    current: int | None
    """Number of the promoted version."""


def open_report(
    row: Certificate, found: Evidence, p_values: Mapping[str, float], around: Around
) -> tuple[ProofStatus, Kept]:
    """Return what `certify status` says, and what of it never goes away again.

    Args:
        row: The certificate.
        found: What its answers say.
        p_values: Of the promises of its categories and super-categories by these answers.
        around: What else is to be known.
    """
    p_values = smallest(row.plan["p_values"], p_values)
    said: Mapping[str, Any] = row.plan.get("statement") or statement(found)
    # The p-values count the labels that were known when the plan was frozen.
    supers, own = own_promises(row, 0 if found.taken_back else found.steps, p_values, around.names)
    given_up = row.state in GIVEN_UP
    is_open = row.state is CertificateState.OPEN
    expected = found.expected_questions() if is_open else None
    price = found.plan.question_seconds
    result: ProofStatus = {
        **_same(row, said, around),
        "earlier": False,
        "answers": found.answered,
        "steps": len(found.linear.tests),
        "certified_steps": found.steps,
        "line": found.line,
        "evidence": found.curve(),
        "present_side": found.present_side(),
        "questions_expected": expected,
        "seconds_expected": None if expected is None else expected * price,
        "next_fill": found.next_fill() if is_open else None,
        "waiting": found.waiting,
        "second_looks": found.second_looks,
        "cannot_tell": found.cannot_tell,
        "advice": advice(row, found, around.current) if is_open else [],
        "super_categories": None if given_up else supers,
        "categories": None if given_up else own,
    }
    result["sentences"] += _further(row, found, expected)
    return result, {"certified": found.certified, "p_values": p_values}


def earlier_report(row: Certificate, found: EarlierCertificate, around: Around) -> ProofStatus:
    """Return what `certify status` says of a certificate of the earlier procedure.

    Args:
        row: The certificate.
        found: What it proved.
        around: What else is to be known.
    """
    result: ProofStatus = {
        **_same(row, found.statement(), around),
        "earlier": True,
        "answers": len(found.kept),
        "steps": len(found.absent_rungs),
        "certified_steps": found.certified_absent,
        "line": found.line,
        "evidence": [],
        "present_side": found.present_side(),
        "questions_expected": None,
        "seconds_expected": None,
        "next_fill": None,
        "waiting": 0,
        "second_looks": 0,
        "cannot_tell": 0,
        "advice": [],
        "super_categories": None,
        "categories": None,
    }
    said = "It was begun under the earlier procedure, with zones"
    if row.state is CertificateState.OPEN:
        said += (
            ", and asks nothing more: apply what it has certified, or cancel it; a new certificate "
            "takes about a third of its questions"
        )
    result["sentences"].append(f"{said}.")
    return result


def pilot_report(row: Certificate, asked: Progress, around: Around) -> PilotStatus:
    """Return what `certify status` says while nothing is frozen yet.

    Args:
        row: A certificate whose pilot comes first.
        asked: How far that is.
        around: What else is to be known.
    """
    sentences = [
        f"{asked.answered:,} of {counted(asked.asked, 'pilot question')} "
        f"{'is' if asked.asked == 1 else 'are'} answered. They are no evidence; they only improve "
        "the plan."
    ]
    if row.state is CertificateState.OPEN and asked.done:
        sentences.append("Start now: the better of the plans with and without them is frozen.")
    if row.state is not CertificateState.OPEN:
        sentences = [*_done(row), *sentences]
    return {
        "certificate": row.id,
        "state": row.state.value,
        "earlier": False,
        "standing": None,
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "pilot": {**asked.row(), "open": row.state is CertificateState.OPEN, "done": asked.done},
        "wishes": row.plan["wishes"],
        "pool": row.plan["pool"],
        "fill": {"present": 0, "absent": 0},
        "answers": 0,
        "sentences": sentences,
        "super_categories": None,
        "categories": None,
        **around.head,
    }


class _Same(StatusHead):
    certificate: int
    state: str
    standing: Standing | None
    version: int
    created_at: str
    pilot: Mapping[str, Any] | None
    promise: PromiseRow
    project_confidence: float
    pool: int
    fill: Fill
    statement: Mapping[str, Any]
    sentences: list[str]
    suggest_only: list[str]
    sha256: str
    seed: int


def _same(row: Certificate, said: Mapping[str, Any], around: Around) -> _Same:
    """Return what is said of certificates of both procedures alike."""
    given_up = row.state in GIVEN_UP
    sentences = [*_done(row), *([] if given_up else said["sentences"])]
    if around.standing is not None:
        sentences.insert(1, around.standing["sentence"])
    if row.plan["index"] > 1 and not given_up:
        sentences.append(
            "All certificates of this project hold jointly with "
            f"{100 * (1 - row.plan['project_risk']):.4g} % confidence."
        )
    return {
        "certificate": row.id,
        "state": row.state.value,
        "standing": around.standing,
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "pilot": row.plan.get("pilot"),
        "promise": row.plan["promise"],
        "project_confidence": 1 - row.plan["project_risk"],
        "pool": row.plan["size"],
        "fill": _fill(row, said),
        "statement": said,
        "sentences": sentences,
        "suggest_only": row.plan["left_out"],
        "sha256": row.plan["sha256"],
        "seed": row.plan["seed"],
        **around.head,
    }


def _fill(row: Certificate, said: Mapping[str, Any]) -> Fill:
    """Return what was filled in, or what could be now by the statement."""
    if "applied" in row.plan:
        fill: Mapping[str, int] = row.plan["applied"]
    elif "fill" in said:
        fill = said["fill"]
    else:  # those of the earlier procedure say it by side
        fill = {side: (said[side] or {}).get("fill", 0) for side in ("present", "absent")}
    return {"present": fill["present"], "absent": fill["absent"]}


def _done(row: Certificate) -> list[str]:
    """Return what became of a certificate that is closed."""
    if row.state is CertificateState.OPEN:
        return []
    if row.state in GIVEN_UP:
        return [GIVEN_UP[row.state]]
    said = f"It is {row.state.value.replace('_', ' ')}."
    if "applied" in row.plan:
        filled = row.plan["applied"]
        said += f" It filled in {counted(filled['present'], 'pair')} as present"
        said += f" and {filled['absent']:,} as absent."
    return [said]


def _further(row: Certificate, found: Evidence, expected: int | None) -> list[str]:
    said = []
    if found.taken_back:
        taken = counted(found.taken_back, "present label")
        said.append(
            f"{taken} that the promise counted on {'is' if found.taken_back == 1 else 'are'} not "
            "there any more, so it counts without "
            f"{'it' if found.taken_back == 1 else 'them'}."
        )
    if row.plan.get("pilot"):
        said.append(sentence(row.plan["pilot"]))
    if row.state is CertificateState.OPEN and found.held_up:
        more = counted(found.held_up, "more answer counts", "more answers count")
        said.append(
            f"{more} as soon as the probes drawn before are answered; those of a card that is left "
            "unfinished go to the next card, after ten minutes if the browser crashed."
        )
    if found.steps and row.state not in GIVEN_UP:
        said.append("A promise over all categories together can hide a rare one that is lost.")
    if row.state is CertificateState.OPEN:
        said.append(_asking(found, expected))
    return said


def _asking(found: Evidence, expected: int | None) -> str:
    if expected is not None:
        return f"About {counted(expected, 'more probe')} to the next step."
    if found.second_looks:
        return "A few unexpected answers are still checked with a second question."
    if any(found.certified.values()):
        return "More questions would not save enough answers; apply it."
    if not found.answered:
        return "No probe has been answered yet."
    return "More questions are not likely to help: cancel it, train more and plan again."
