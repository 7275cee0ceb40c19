"""What somebody has chosen on the Certify page: which promise, with which numbers."""

from __future__ import annotations

import math
from typing import NamedTuple

from annotator.services.certificates.price_texts import AIMS, NUMBERS
from annotator.services.certificates.rows import ChosenOptions, Over, PlanOptions, PromiseKind
from annotator.ui import certify_prices as prices

PILOT = 400
"""Probes of a pilot that is begun on the page."""


class Wishes(NamedTuple):
    """What the widgets of the choice hold, in their order."""

    kind: PromiseKind = "recall"
    aim: str = "usual"
    recall: float | None = 90
    """Per cent."""
    precision: float | None = 95
    """Per cent."""
    f1: float | None = 0.9
    """A share."""
    confidence: float | None = 95
    """Per cent."""
    over: str = "dataset"
    question_seconds: float | None = 0
    """0 or None: as people took so far."""
    pair_seconds: float | None = 0
    pilot: bool = False

    def own(self) -> dict[str, float]:
        """Return the numbers of one's own, as shares."""
        shares = {"recall": (self.recall or 0) / 100, "precision": (self.precision or 0) / 100}
        return {**shares, "f1": self.f1 or 0}

    def scope(self) -> Over:
        """Return what the promise is about."""
        return "pool" if self.over == "pool" else "dataset"

    def options(self) -> PlanOptions:
        """Return what a plan is asked for."""
        numbers = prices.numbers_of(self.aim, self.own())
        used = {name: numbers[name] for name in NUMBERS[self.kind]}
        return {
            "promise": self.kind,
            "recall": used.get("recall"),
            "precision": used.get("precision"),
            "f1": used.get("f1"),
            "confidence": (self.confidence or 0) / 100,
            "over": self.scope(),
            "question_seconds": self.question_seconds or None,
            "pair_seconds": self.pair_seconds or None,
        }

    def used(self) -> tuple[str, ...]:
        """Return the numbers of one's own that the promise needs."""
        return NUMBERS[self.kind] if self.aim == prices.OWN else ()

    def problems(self) -> dict[str, str]:
        """Return what is wrong, by field; empty if the numbers can be asked for."""
        own, found = self.own(), {}
        for name in self.used():
            if not prices.is_share(own[name]):
                found[name] = prices.NO_SHARE[name]
        if not 0 < (self.confidence or 0) < 100:
            found["confidence"] = "The confidence must be between 0 and 100 %, such as 95."
        for name in ("question_seconds", "pair_seconds"):
            if not 0 <= (getattr(self, name) or 0) < math.inf:
                found[name] = "Seconds cannot be negative; 0 takes what people took so far."
        return found

    def problem(self) -> str:
        """Return the first thing that is wrong; an empty text if there is nothing."""
        return next(iter(self.problems().values()), "")

    def pilot_questions(self) -> int | None:
        """Return how many probes come first; None for none."""
        return PILOT if self.pilot else None


DEFAULTS = Wishes()


def wishes_of(chosen: ChosenOptions) -> Wishes:
    """Return the values of the widgets for the options of a plan."""
    kind = chosen["promise"]
    numbers = {"recall": chosen["recall"], "precision": chosen["precision"], "f1": chosen["f1"]}
    aims = (
        aim
        for aim, shares in AIMS.items()
        if all(math.isclose(shares[name], numbers[name]) for name in NUMBERS[kind])
    )
    return Wishes(
        kind=kind,
        aim=next(aims, prices.OWN),
        recall=_per_cent(chosen["recall"]),
        precision=_per_cent(chosen["precision"]),
        f1=chosen["f1"],
        confidence=_per_cent(chosen["confidence"]),
        over=chosen["over"],
        question_seconds=chosen["question_seconds"],
        pair_seconds=chosen["pair_seconds"],
        pilot=True,
    )


def _per_cent(share: float) -> float:
    return float(f"{100 * share:.6g}")
