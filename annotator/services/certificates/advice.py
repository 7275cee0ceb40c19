"""What would help an open certificate on: each piece of advice only where it is true."""

from __future__ import annotations

import math

from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.rows import PromiseRow
from annotator.services.certificates.statement import best_guess, said
from annotator.services.message import counted
from annotator.store.certificates import Certificate

ENOUGH_ANSWERS = 50
"""Answers below which they say little about the predictions."""

SLOW = 0.5
"""Share of the predicted evidence below which the predictions are called too sure."""

MANY_QUESTIONS = 300
"""Questions to the next step from which on it is worth saying how there would be fewer."""

PILOT = 300
"""Questions of a pilot that is advised."""

_CANCEL = "cancel this certificate and plan again"


def advice(row: Certificate, found: Evidence, current: int | None) -> list[str]:
    """Return what would help, the most useful first; nothing where the next step is near.

    Args:
        row: An open certificate.
        found: What its answers say.
        current: Number of the promoted version.
    """
    expected = found.expected_questions()
    # Where nothing more pays, but something is certified, it is to be applied.
    is_near = any(found.certified.values()) if expected is None else expected < MANY_QUESTIONS
    if is_near or found.steps >= len(found.linear.tests):
        return []
    told = [
        _newer_version(row, current),
        _too_sure(row, found),
        _lower(found),
        _middle(found),
    ]
    return [sentence for sentence in told if sentence]


def _newer_version(row: Certificate, current: int | None) -> str:
    if current is None or current == row.version:
        return ""
    return (
        f"Version {current} is in use now, and this plan keeps the scores of version "
        f"{row.version}: {_CANCEL} to use the newer ones."
    )


def _too_sure(row: Certificate, found: Evidence) -> str:
    if row.plan.get("pilot") or len(found.kept) < ENOUGH_ANSWERS or not found.linear.tests:
        return ""
    step = max(found.steps, found.linear.target)
    grown = float(found.evidence()[step]) / len(found.kept)
    growth = found.linear.tests[step].growth
    if growth <= 0 or grown >= SLOW * growth:
        return ""
    share = f"only {100 * grown / growth:.0f} % of" if grown > 0 else "none of"
    return (
        f"The answers so far gave {share} the evidence that the model's probabilities predicted, "
        f"so these are too sure: {_CANCEL} with a pilot of {PILOT} questions, which corrects them."
    )


def _lower(found: Evidence) -> str:
    """Advise a lower promise if by the answers the step that is tested breaks this one."""
    if len(found.kept) < ENOUGH_ANSWERS:
        return ""
    promise = found.plan.promise
    name, asked = (
        ("f1", promise["f1"])
        if promise["f1"] is not None
        else (
            "recall",
            promise["recall"],
        )
    )
    guess = best_guess(found, found.steps + 1)
    if guess is None or asked is None or guess >= asked:
        return ""
    lower = math.floor(20 * guess - 0.5) / 20
    if lower < 0.5:
        return ""
    return (
        f"By the answers so far the next step would reach {_named(promise)} of about "
        f"{said(promise, guess)}, less than promised: {_CANCEL} with --{name} {lower:g}."
    )


def _named(promise: PromiseRow) -> str:
    return "an F1" if promise["f1"] is not None else "a recall"


def _middle(found: Evidence) -> str:
    """Advise to answer what no step fills in, where the labels made by that count."""
    plan = found.linear
    if found.plan.promise["over"] != "dataset" or not plan.tests:
        return ""
    top = plan.tests[-1].fill
    counts = plan.edges[1:] - plan.edges[:-1]
    inside = (plan.edges[:-1] >= top.absent) & (plan.edges[:-1] < top.present)
    pairs, likely = int(counts[inside].sum()), round(float((counts * found.chances)[inside].sum()))
    if not likely:
        return ""
    return (
        f"Answer the {counted(pairs, 'pair')} that no step fills in, and then {_CANCEL}: about "
        f"{likely:,} of them {'is' if likely == 1 else 'are'} present, and the more present pairs "
        "are known, the fewer questions a proof takes."
    )
