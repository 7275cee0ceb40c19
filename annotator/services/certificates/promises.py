"""What certificates promise about the pairs that they filled in, in pairs that may be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotator.domain import Category
from annotator.services.certificates.pool import plan_of
from annotator.services.knowledge.fills import Fill
from mlrpl.decision.stopping import Filled


def promised(
    fills: Sequence[Fill],
    left: Mapping[str, int],
    shown: Sequence[Category],
    open_present: float,
) -> Filled:
    """Return what is filled in as present, and how much of all that is filled in may be wrong.

    Of the pairs filled in as present as many may be wrong as the certificates allow; what people
    have corrected since is not taken off. Of those filled in as absent as many may be lost as the
    promise allows beside the present pairs that are known or expected, but no more than the
    certificate bounds by itself.

    Args:
        fills: Those that stand.
        left: Filled pairs that nobody has answered, `present` and `absent`.
        shown: The categories that are not archived.
        open_present: How many open pairs are expected to be present.
    """
    present = left["present"]
    wrong = min(sum(_may_be_wrong(fill.row.plan) for fill in fills), present)
    kept = present - wrong + open_present
    lost = sum(_lost(fill.row.plan, kept + _known(fill, shown)) for fill in fills)
    return Filled(present=present, wrong=wrong, lost=min(lost, left["absent"]))


def _known(fill: Fill, shown: Sequence[Category]) -> int:
    ordinals = set(fill.row.plan["ordinals"])
    return sum(c.present_count for c in shown if c.ordinal in ordinals)


def _may_be_wrong(plan: Mapping[str, Any]) -> int:
    """Return how many pairs filled in as present may be wrong; older plans have no budget."""
    said = plan.get("budget")
    if said is not None:
        return int(said["may_be_wrong"])
    return int((plan["statement"]["present"] or {}).get("at_most_wrong", 0))


def _lost(plan: Mapping[str, Any], kept: float) -> float:
    """Return how many present pairs may be among those filled in as absent.

    Args:
        plan: Of the certificate.
        kept: Present pairs that are known, expected, or filled in as present.
    """
    said = plan["statement"]["absent"]
    if said is None:
        return 0.0
    promise = plan_of(plan["fill"]).promise
    most = float(said["own_statement"]["lost_at_most"])
    if promise.over == "filled":
        return most
    if promise.over == "pool":  # what was known when the pool was frozen is not in it
        kept = max(kept - promise.known, 0.0)
    return min(most, promise.max_lost / (1 - promise.max_lost) * kept)
