"""Lays the plan of a promise over a pool, by the predictions with which people answer least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.services.certificates.frozen import MOST_DRAWS, CertificatePlan, linear_promise
from annotator.services.certificates.pilot import Ladder, Predictions
from annotator.services.certificates.rows import PromiseRow
from mlrpl.decision.linear_plan import LOWEST, LinearPlan, freeze
from mlrpl.decision.linear_price import Outcome, Step, best_step, freeze_roughly, outcome
from mlrpl.decision.linear_promises import LinearPromise
from mlrpl.decision.present_zone import plan_present, present_forecast

PRESENT_SHARE = 0.35
"""Share of the risk that the present fill has where it is tested by itself."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Laid:
    """A plan, and how far it is likely to get by the most credible predictions."""

    plan: CertificatePlan
    ladder: Ladder
    """The predictions that it was laid by."""
    means: npt.NDArray[np.float64]
    """`(bins,)` the most credible ones."""
    step: Step | None
    """The rung with which people answer least; None where no rung is to be expected."""
    present_fill: int
    """Pairs that the present side fills in by itself."""
    present_probes: int

    def outcome(self) -> Outcome:
        """Return what becomes of the pairs that are not asked about."""
        size, taken = self.plan.linear.size, self.present_fill + self.present_probes
        rest = Outcome(0.0, 0.0, float(size))
        if self.step is not None:
            rest = outcome(self.plan.linear, self.step.rung, self.step.questions)
        return Outcome(rest.absent, rest.present + self.present_fill, max(rest.left - taken, 0.0))

    @property
    def questions(self) -> float:
        """Questions until then, of both streams, as a median."""
        return self.present_probes + (0.0 if self.step is None else self.step.questions)

    @property
    def questions_high(self) -> float:
        """One run in ten takes more than these; `inf` where that is more than can be asked."""
        return self.present_probes + (0.0 if self.step is None else self.step.high)

    @property
    def people(self) -> int:
        """Pairs that people are likely to answer in all."""
        return round(self.questions + self.outcome().left)

    @property
    def seconds(self) -> float:
        """What people are likely to take in all."""
        extra = self.plan.question_seconds - self.plan.pair_seconds
        return self.people * self.plan.pair_seconds + self.questions * extra


class Layer:
    """Lays plans over one pool."""

    def __init__(
        self, predictions: Predictions, *, question_seconds: float, pair_seconds: float
    ) -> None:
        """Take what is the same for every promise.

        Args:
            predictions: Of the pool.
            question_seconds: What a probe costs.
            pair_seconds: What answering an open pair by hand costs.
        """
        self._predictions = predictions
        self._question_seconds = question_seconds
        self._pair_seconds = pair_seconds
        self._rough: dict[tuple[Ladder, LinearPromise, float], LinearPlan] = {}

    def lay(self, promise: PromiseRow, *, roughly: bool = False) -> dict[Ladder, Laid]:
        """Return the plan that each kind of predictions lays; see `cheapest`.

        Args:
            promise: What is to be certified.
            roughly: To tell the price only, which is quick for a large pool.
        """
        return {
            ladder: self._lay(ladder, chances, promise, roughly)
            for ladder, chances in self._predictions.ladders.items()
        }

    def _lay(self, ladder: Ladder, chances: Floats, promise: PromiseRow, roughly: bool) -> Laid:
        risk = 1 - promise["confidence"]
        linear = self._linear(ladder, chances, promise, roughly)
        plan = CertificatePlan(promise, linear, None, self._question_seconds, self._pair_seconds)
        ways = [_judged(plan, ladder, self._predictions.credible)]
        if promise["precision"] is not None and linear.tests:
            present = plan_present(
                chances,
                max_error=1 - promise["precision"],
                risk=PRESENT_SHARE * risk,
                floor=linear.tests[-1].fill.absent,
            )
            # The bets do not depend on the risk, so both ways can share them.
            split = replace(linear, risk=(1 - PRESENT_SHARE) * risk)
            both = replace(plan, linear=split, present=present)
            ways.append(_judged(both, ladder, self._predictions.credible))
        return min(ways, key=lambda one: one.seconds)

    def _linear(
        self, ladder: Ladder, chances: Floats, promise: PromiseRow, roughly: bool
    ) -> LinearPlan:
        about, risk = linear_promise(promise), 1 - promise["confidence"]
        price = self._question_seconds / self._pair_seconds
        if not roughly:
            return freeze(chances, about, risk=risk, price=price)
        key = ladder, about, risk
        if key not in self._rough:
            self._rough[key] = freeze_roughly(chances, about, risk=risk, price=price)
        return self._rough[key]


def cheapest(laid: Mapping[Ladder, Laid]) -> Laid:
    """Return the plan with which people are likely to take the least time."""
    return min(laid.values(), key=lambda one: one.seconds)


def told(laid: Mapping[Ladder, Laid]) -> dict[str, Any]:
    """Return what is kept about the choice after a pilot."""
    plain = laid["plain"]
    people = {"plain": plain.people, "refitted": laid.get("refitted", plain).people}
    return {"ladder": cheapest(laid).ladder, "people": people}


def _judged(plan: CertificatePlan, ladder: Ladder, credible: Floats) -> Laid:
    linear, present = plan.linear, plan.present
    means = np.zeros(0)
    if linear.tests:
        highest = linear_promise(plan.promise).highest
        sums = np.add.reduceat(credible, linear.edges[:-1], dtype=np.float64)
        means = np.clip(sums / np.diff(linear.edges), LOWEST, highest)
    fill, probes = (0, 0) if present is None else present_forecast(present, credible)
    return Laid(
        plan=plan,
        ladder=ladder,
        means=means,
        step=best_step(linear, means, plan.price, min(MOST_DRAWS, linear.size)),
        present_fill=fill,
        present_probes=probes,
    )
