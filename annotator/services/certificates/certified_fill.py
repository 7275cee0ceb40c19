"""What a certificate allows to be filled in, as positions in its frozen order."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from annotator.domain import State
from annotator.services.certificates.rows import PresentSide
from mlrpl.decision.present_zone import PresentLook, PresentPlan

Pair = tuple[int, int]
"""Image and category ordinal."""


class PresentStep(NamedTuple):
    """One step of a present fill whose precision is promised."""

    start: int
    """Pairs from this position on are filled in as present."""
    may_be_wrong: int
    """How many of them may be wrong, those that probes found taken off."""


@dataclass(frozen=True)
class CertifiedFill:
    """The certified steps, and what people said to the probes."""

    size: int
    """Pairs in the pool."""
    absent: int
    """Pairs below this position may be filled in as absent."""
    present: int
    """Pairs from this position on may be filled in as present."""
    present_steps: tuple[PresentStep, ...] = ()
    """Where the precision of the present fill is promised: its certified steps, the smallest
    first; the last one begins at `present`."""
    max_error: float = 0.0
    """Wrong ones among the pairs filled in as present, at most, as a share; only with steps."""
    said: Mapping[Pair, Set[State | None]] = field(default_factory=dict)
    """What people said in the end to each drawn pair; None where that is not settled. A pair that
    both streams drew may have two answers."""
    drawn_present: frozenset[Pair] = frozenset()
    """Those drawn for the precision of the present fill: wrong ones are in its counts already."""


def present_steps(plan: PresentPlan, look: PresentLook) -> tuple[PresentStep, ...]:
    """Return the certified steps of a present fill."""
    left = np.maximum(look.allowed_wrong - look.wrong, 0)[: look.certified]
    return tuple(
        PresentStep(start, int(wrong)) for start, wrong in zip(plan.rungs, left, strict=False)
    )


def present_side(plan: PresentPlan, look: PresentLook, *, worth_asking: bool) -> PresentSide | None:
    """Return how far the promise about the precision of a present fill is; None without steps."""
    if not plan.rungs:
        return None
    step = min(look.certified, len(plan.rungs) - 1)
    return {
        "certified_steps": look.certified,
        "steps": len(plan.rungs),
        "pairs": int(plan.sizes[step]),
        "asked": int(look.drawn[step]),
        "wrong": int(look.wrong[step]),
        "wrong_allowed": int(look.allowed_wrong[step]),
        "worth_asking": worth_asking,
    }
