"""What a certificate says by now: numbers for programs and exports, sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.rows import Fill, PromiseRow
from annotator.services.message import counted
from mlrpl.decision.linear_evidence import ABSENT, PRESENT
from mlrpl.decision.linear_totals import estimated_total

FORMAT = "fill-certificate/2"


def statement(found: Evidence) -> dict[str, Any]:
    """Return what the answers of a certificate prove, as an export keeps it.

    Args:
        found: What the answers say.
    """
    certified = found.fill()
    fill = found.fillable(certified.absent, certified.present)
    promise, look, plan = found.plan.promise, found.present_look, found.plan.present
    present = None
    if certified.present_steps:
        present = {
            "fill": fill["present"],
            "promised_precision": promise["precision"],
            "at_most_wrong": certified.present_steps[-1].may_be_wrong,
        }
    left = certified.present - certified.absent
    return {
        "format": FORMAT,
        "promise": dict(promise),
        "pool": found.linear.size,
        "known_present_counted": found.known_counted,
        "oracle": "blind annotator answers",
        "annotator_error_assumed": {"false_alarm": 0.0, "miss": 0.0},
        "risks": {
            "linear": found.linear.risk,
            "present": 0.0 if plan is None else plan.risk,
        },
        "steps": {"certified": found.steps, "of": len(found.linear.tests)},
        "present_steps": {
            "certified": 0 if look is None else look.certified,
            "of": 0 if plan is None else len(plan.rungs),
        },
        "probes": {"pool": len(found.kept), "present": len(found.kept_present)},
        "cannot_tell": found.cannot_tell,
        "fill": fill,
        "best_guess": best_guess(found, found.steps) if found.steps else None,
        "present": present,
        "left_for_people": left,
        "sentences": sentences(promise, fill, present, left, _guess(found)),
    }


def best_guess(found: Evidence, steps: int) -> float | None:
    """Return the recall, or the F1, that the finished set is likely to have with some steps.

    It is an estimate by the weights of the draws and no bound; None without answers.
    """
    if not len(found.kept) or not steps:
        return None
    fill = found.linear.tests[steps - 1].fill
    present = found.answers == PRESENT
    parts = [
        present,
        present & (found.positions < fill.absent),
        (found.answers == ABSENT) & (found.positions >= fill.present),
    ]
    total, lost, wrong = (estimated_total(found.linear, found.positions, x) for x in parts)
    every = found.known_counted + total
    if every <= 0:
        return None
    if found.plan.promise["f1"] is None:
        return float(np.clip(1 - lost / every, 0, 1))
    return float(np.clip(2 * (every - lost) / (2 * every - lost + wrong), 0, 1))


def _guess(found: Evidence) -> str:
    guess = best_guess(found, found.steps)
    return "" if guess is None else f" (best guess: {said(found.plan.promise, guess)})"


def in_few_words(promise: Mapping[str, Any]) -> str:
    """Return the promise of a certificate, or that of the options of a plan, for a list.

    >>> in_few_words({"promise": "precision_recall", "recall": 0.9, "precision": 0.95})
    'recall 90 %, precision 95 %'
    """
    if promise["promise"] == "f1":
        return f"F1 {promise['f1']:.3g}"
    words = f"recall {100 * promise['recall']:.4g} %"
    if promise["promise"] == "precision_recall":
        words += f", precision {100 * promise['precision']:.4g} %"
    return words


def said(promise: PromiseRow, value: float) -> str:
    """Return a recall or an F1 as it is said for a promise."""
    return f"{value:.3f}" if promise["f1"] is not None else f"{100 * value:.3g} %"


def sentences(
    promise: PromiseRow,
    fill: Fill,
    present: Mapping[str, Any] | None,
    left: int,
    guess: str,
) -> list[str]:
    """Return what a certificate says, in sentences.

    Args:
        promise: Of the certificate.
        fill: What can be filled in.
        present: What is known of the pairs filled in as present, if their precision is promised.
        left: Pairs of the pool that stay open.
        guess: What is added to the promise about the finished set.
    """
    if not fill["absent"] and not fill["present"]:
        return ["Nothing can be filled in yet: the answers do not prove it."]
    told = []
    absent = f"{counted(fill['absent'], 'pair')} can be marked absent"
    if promise["f1"] is not None:
        told.append(
            f"{absent} and {fill['present']:,} present; the finished set then has an F1 of at "
            f"least {promise['f1']:.3g}{guess}."
        )
    elif fill["absent"]:
        told.append(
            f"{absent}; the finished set then holds at least "
            f"{100 * (promise['recall'] or 0):.4g} % of {_OF[promise['over']]}{guess}."
        )
    if present is not None:
        share = present["at_most_wrong"] / max(present["fill"], 1)
        told.append(
            f"{counted(present['fill'], 'pair')} can be marked present; at most "
            f"{present['at_most_wrong']:,} of them ({100 * share:.1f} %) "
            f"{'is' if present['at_most_wrong'] == 1 else 'are'} wrong."
        )
    told.append(
        f"{counted(left, 'pair')} {'stays open and needs' if left == 1 else 'stay open and need'} "
        "a person."
    )
    told.append(
        "If this were repeated with other random probes, at least "
        f"{100 * promise['confidence']:.6g} % of such certificates would be true. True means: as "
        "your annotators would have answered without seeing the model's opinion."
    )
    return told


_OF = {
    "pool": "the present pairs that were still open",
    "dataset": "all present pairs of the data set",
}
