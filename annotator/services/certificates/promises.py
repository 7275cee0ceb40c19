"""What certificates promise about the pairs that they filled in, in pairs that may be wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from annotator.domain import Category
from annotator.services.knowledge.fills import Fill
from mlrpl.decision.stopping import Filled


def promised(
    fills: Sequence[Fill],
    left: Mapping[str, int],
    shown: Sequence[Category],
    open_present: float,
) -> Filled:
    """Return what is filled in as present, and how much of all that is filled in may be wrong.

    Of the pairs filled in as absent as many may be lost as the promise allows beside the present
    pairs that are known or expected. Of those filled in as present as many may be wrong as a
    promise of precision, or of F1, allows; what people have corrected since is not taken off. A
    promise of F1 allows either, not both in full.

    Args:
        fills: Those that stand.
        left: Filled pairs that nobody has answered, `present` and `absent`.
        shown: The categories that are not archived.
        open_present: How many open pairs are expected to be present.
    """
    present = left["present"]
    there = present + open_present
    wrong = min(sum(_may_be_wrong(fill, there, shown) for fill in fills), present)
    lost = 0.0
    for fill in fills:
        # Under F1 nothing is lost beside the wrong ones that it allows, so none are taken off.
        kept = there - (wrong if fill.row.plan["promise"]["f1"] is None else 0)
        lost += _lost(fill.row.plan, _with_known(fill, kept, shown))
    return Filled(present=present, wrong=wrong, lost=min(lost, left["absent"]))


def _with_known(fill: Fill, present: float, shown: Sequence[Category]) -> float:
    """Return present pairs with the labels that the promise counts on."""
    promise, ordinals = fill.row.plan["promise"], set(fill.row.plan["ordinals"])
    total = present + sum(c.present_count for c in shown if c.ordinal in ordinals)
    # With `pool`, what was known before is not in it.
    known = 0 if promise["over"] == "dataset" else int(promise["known_present"])
    return max(total - known, 0.0)


def _may_be_wrong(fill: Fill, present: float, shown: Sequence[Category]) -> float:
    """Return how many pairs filled in as present may be wrong."""
    plan = fill.row.plan
    if plan["promise"]["f1"] is not None:
        share = _f1_share(float(plan["promise"]["f1"]))
        most = share / (1 + share) * _with_known(fill, present, shown)
        return float(min(math.floor(most), plan["applied"]["present"]))
    return float(plan["budget"]["may_be_wrong"]) if "budget" in plan else 0.0


def _lost(plan: Mapping[str, Any], kept: float) -> float:
    """Return how many present pairs may be among those filled in as absent.

    Args:
        plan: Of the certificate.
        kept: Present pairs that are known, expected, or filled in as present.
    """
    promise = plan["promise"]
    if not plan["applied"]["absent"]:
        return 0.0
    if promise["f1"] is not None:
        return _f1_share(float(promise["f1"])) * kept
    most = (1 - float(promise["recall"])) / float(promise["recall"]) * kept
    # A certificate of the earlier procedure also bounds the number by itself.
    alone = (plan["statement"].get("absent") or {}).get("own_statement")
    return min(most, float(alone["lost_at_most"])) if alone else most


def _f1_share(f1: float) -> float:
    """Return the most wrong or lost pairs beside one present pair that is not lost."""
    return 2 * (1 - f1) / f1
