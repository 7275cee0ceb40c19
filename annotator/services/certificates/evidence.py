"""What the probe answers of a certificate say so far: the evidence of each step, and what is next.

The first answers of the frozen order count, up to the first pair without one. A pair whose second
look is pending, or that nobody can tell, counts in the linear test as whatever gives less evidence,
and among the pairs to be filled in as present as wrong.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.domain import State
from annotator.services.certificates.certified_fill import (
    CertifiedFill,
    Pair,
    PresentStep,
    present_side,
    present_steps,
)
from annotator.services.certificates.frozen import FrozenPlan
from annotator.services.certificates.looks import counted, looks
from annotator.services.certificates.rows import EvidencePoint, Fill, PresentSide
from annotator.store.certificates import POOL, PRESENT, Certificate, Drawn
from mlrpl.decision import linear_evidence
from mlrpl.decision.linear_evidence import certified_rungs, log_evidence
from mlrpl.decision.linear_forecast import filled, further_questions
from mlrpl.decision.linear_known import with_less_allowed
from mlrpl.decision.present_zone import (
    PresentLook,
    further_present_questions,
    look_present,
    present_is_worth_asking,
)

POINTS = 40
"""Moments at which the chart shows the evidence."""

PRESENT_SHARE = 0.4
"""Of a batch, the questions about pairs that may be filled in as present, while these are worth it;
they have to prove more with fewer pairs."""

LEAST_BATCH = 10
BATCH_SHARE = 1 / 3
"""Of the questions to the next step, those that are drawn together."""

SAID: Mapping[State | None, int] = {
    State.PRESENT: linear_evidence.PRESENT,
    State.ABSENT: linear_evidence.ABSENT,
    None: linear_evidence.UNKNOWN,
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Next:
    """The step that is aimed at, with all steps below it."""

    step: int
    """From 0."""
    questions: float
    """Until it is likely certified."""


class Evidence:
    """The answers of one certificate, and what they certify."""

    def __init__(
        self,
        row: Certificate,
        plan: FrozenPlan,
        chances: Floats,
        drawn: Sequence[Drawn],
        *,
        taken_back: int = 0,
    ) -> None:
        """Evaluate the answers.

        Args:
            row: The certificate.
            plan: What is frozen.
            chances: `(bins,)` mean predicted probability of the pairs of each bin.
            drawn: Its questions.
            taken_back: Present labels that the promise counts on and that are not there any more.
        """
        self.plan = plan
        self.chances = chances
        self._draws = {POOL: np.asarray(plan.draws), PRESENT: np.asarray(plan.present_draws)}
        positions = self._draws[POOL][:, 0].astype(np.int64)
        self._likely = chances[plan.linear.bins_of(positions)] >= 0.5
        self._top = min((test.fill.present for test in plan.linear.tests), default=0)
        self.looks = looks(drawn, self._surprise)
        self.kept = counted(self.looks, POOL)
        self.kept_present = counted(self.looks, PRESENT)
        self.positions = positions[: len(self.kept)]
        self.ordinals = self._draws[POOL][: len(self.kept), 2]
        self.answers = np.array([SAID[look.said] for look in self.kept], np.int8)
        self.taken_back = taken_back
        self.linear = with_less_allowed(plan.linear, _allowance(plan, taken_back))
        self._logs = log_evidence(self.linear, self.positions, self.answers)
        said = row.plan["certified"]
        # What was certified with more known pairs may not follow with fewer.
        before = 0 if taken_back else said.get("steps", 0)
        self._by_then = certified_rungs(self.linear, self._logs)
        self.steps = max(before, int(self._by_then[-1]) if len(self.kept) else 0)
        self.present_look = self._look_present(said.get("present", 0))

    def _surprise(self, stream: str, place: int) -> State | None:
        if stream == PRESENT or self._draws[POOL][place, 0] >= self._top:
            return State.ABSENT
        return None if self._likely[place] else State.PRESENT

    def _look_present(self, certified: int) -> PresentLook | None:
        if self.plan.present is None:
            return None
        positions = self._draws[PRESENT][: len(self.kept_present), 0]
        present = np.array([look.said is State.PRESENT for look in self.kept_present], bool)
        return look_present(self.plan.present, positions, present, certified)

    @property
    def known_counted(self) -> int:
        """Present labels outside the pool that the promise counts on."""
        promise = self.plan.promise
        known = promise["known_present"] if promise["over"] == "dataset" else 0
        return max(known - self.taken_back, 0)

    @property
    def line(self) -> float:
        """Log of the evidence that a step has to reach."""
        return math.log(1 / self.linear.risk)

    @property
    def certified(self) -> dict[str, int]:
        """What never goes away again, for the row of the certificate."""
        look = self.present_look
        return {"steps": self.steps, "present": 0 if look is None else look.certified}

    @property
    def answered(self) -> int:
        """Answers that count."""
        return len(self.kept) + len(self.kept_present)

    @property
    def held_up(self) -> int:
        """Answers that count as soon as the pairs drawn before them are answered."""
        return self._held_up(POOL) + self._held_up(PRESENT)

    def _held_up(self, stream: str) -> int:
        counts = len(self.kept if stream == POOL else self.kept_present)
        return sum(bool(look.states) for look in self.looks if look.stream == stream) - counts

    def evidence(self) -> Floats:
        """Return the log evidence of each step by now, `(steps,)`; 0 without answers."""
        return self._logs[:, -1] if len(self.kept) else np.zeros(len(self._logs))

    def _left(self, stream: str) -> int:
        """Return how many more pairs of a stream can be drawn."""
        return len(self._draws[stream]) - self._drawn(stream)

    def _drawn(self, stream: str) -> int:
        return sum(look.stream == stream for look in self.looks)

    def next_step(self) -> Next | None:
        """Return the further step that gains most pairs a question; None where none pays."""
        plan, now, best, most = self.linear, self.evidence(), None, 0.0
        if len(self.kept) >= len(self.plan.draws):
            return None
        questions = 1.0
        for step in range(self.steps, len(plan.tests)):
            further = further_questions(plan, step, len(self.kept), float(now[step]))
            questions = max(questions, further)
            gain = filled(plan, step + 1) - filled(plan, self.steps)
            if gain > self.plan.price * questions and gain / questions > most:
                best, most = Next(step, questions), gain / questions
        return best

    def present_is_worth_asking(self) -> bool:
        """Return whether questions about pairs to be filled in as present are likely to pay."""
        if self.plan.present is None or self.present_look is None:
            return False
        return present_is_worth_asking(self.plan.present, self.present_look, self.plan.price)

    def next_draws(self, most: int) -> list[tuple[str, int]]:
        """Return stream and place of the next pairs to be asked, at most so many.

        Whatever is drawn has to be asked, so no more are drawn than the next step is likely to
        take. Answers that are held up will count, so they are not asked for a second time.
        """
        step, wanted = self.next_step(), {POOL: 0, PRESENT: 0}
        if step is not None:
            wanted[POOL] = min(_batch(step.questions, self._held_up(POOL)), most)
        if self.present_is_worth_asking():
            batch = most if step is None else math.ceil(PRESENT_SHARE * wanted[POOL])
            wanted[PRESENT] = min(_batch(self._further_present(), self._held_up(PRESENT)), batch)
            wanted[POOL] -= 0 if step is None else wanted[PRESENT]
        return [
            (stream, self._drawn(stream) + n)
            for stream, count in wanted.items()
            for n in range(min(count, self._left(stream)))
        ]

    def place_of(self, stream: str, place: int) -> Pair:
        """Return image and category ordinal of a pair of a stream by its place."""
        _, image, category = self._draws[stream][place].tolist()
        return image, category

    def expected_questions(self) -> int | None:
        """Return how many more questions the next step is likely to take; None: none helps."""
        step, present = self.next_step(), self.present_is_worth_asking()
        if step is None and not present:
            return None
        further = 0.0 if step is None else step.questions
        if present:
            further += self._further_present()
        return max(math.ceil(further) - self.held_up, 1) + self.second_looks

    def _further_present(self) -> float:
        """Return how many more questions the next step of the present fill is likely to take."""
        if self.plan.present is None or self.present_look is None:
            return 0.0
        further = further_present_questions(self.plan.present, self.present_look)
        return min(further, self.plan.present.cap - len(self.kept_present))

    @property
    def second_looks(self) -> int:
        """Pairs whose answer surprises and is asked again."""
        return sum(look.needs_look for look in self.looks)

    @property
    def waiting(self) -> int:
        """Pairs with a question that is drawn and not answered."""
        return sum(look.waits for look in self.looks)

    @property
    def cannot_tell(self) -> int:
        """Answered pairs that count against the fill because people cannot tell, or disagree."""
        kept = [*self.kept, *self.kept_present]
        return sum(look.said is None and not look.needs_look for look in kept)

    def curve(self) -> list[EvidencePoint]:
        """Return how the evidence grew with the answers.

        It is the least evidence of the steps that are tested now, which have to pass together: all
        from the first one that is not certified to the one that is aimed at.
        """
        total, step = len(self.kept), self.next_step()
        last = len(self.linear.tests) - 1
        if not total or last < 0:
            return []
        first = min(self.steps, last)
        least = self._logs[first : max(first, first if step is None else step.step) + 1].min(0)
        looked = sorted({math.ceil(total * n / POINTS) for n in range(1, POINTS + 1)})
        return [
            {
                "answers": n,
                "evidence": round(float(least[n - 1]), 3),
                "certified": int(self._by_then[n - 1]),
            }
            for n in looked
        ]

    def present_side(self) -> PresentSide | None:
        """Return how far the promise about the precision of the present fill is."""
        plan, look = self.plan.present, self.present_look
        if plan is None or look is None:
            return None
        return present_side(plan, look, worth_asking=self.present_is_worth_asking())

    def fill(self) -> CertifiedFill:
        """Return what is certified by now."""
        plan, look, size = self.plan.present, self.present_look, self.linear.size
        low = self.linear.tests[self.steps - 1].fill if self.steps else None
        absent, top = (0, size) if low is None else low
        steps: tuple[PresentStep, ...] = ()
        if plan is not None and look is not None and look.certified:
            steps = present_steps(plan, look)
            top = steps[-1].start
        said = defaultdict(set)
        for one in self.looks:
            said[self.place_of(one.stream, one.place)].add(one.said)
        asked = (self.place_of(x.stream, x.place) for x in self.looks if x.stream == PRESENT)
        return CertifiedFill(
            size=size,
            absent=absent,
            present=top,
            present_steps=steps,
            max_error=0.0 if plan is None else plan.max_error,
            said=said,
            drawn_present=frozenset(asked),
        )

    def fillable(self, absent: int, present: int) -> Fill:
        """Return how many pairs a fill has without those drawn that people do not say the same of.

        Pairs that are labelled are left out only where it is applied.

        Args:
            absent: Pairs below this position are filled in as absent.
            present: Pairs from this position on are filled in as present.
        """
        found = wrong = 0
        positions = {stream: draws[:, 0].tolist() for stream, draws in self._draws.items()}
        for look in self.looks:
            at = positions[look.stream][look.place]
            found += at < absent and look.said is not State.ABSENT
            wrong += at >= present and look.said is not State.PRESENT
        return {
            "present": max(self.linear.size - present - wrong, 0),
            "absent": max(absent - found, 0),
        }

    def next_fill(self) -> Fill | None:
        """Return what can be filled in once the next step is certified."""
        step, now = self.next_step(), self.fill()
        absent, top = now.absent, now.present
        if step is not None:
            absent, high = self.linear.tests[step.step].fill
            top = min(top, high)
        if self.present_is_worth_asking() and self.plan.present and self.present_look:
            top = min(top, self.plan.present.rungs[self.present_look.certified])
        return None if (absent, top) == (now.absent, now.present) else self.fillable(absent, top)


def _batch(questions: float, held_up: int) -> int:
    """Return how many pairs to draw, where so many answers do not count yet."""
    if 0 < questions <= held_up:
        return 0
    return max(LEAST_BATCH, math.ceil(BATCH_SHARE * (questions - held_up)))


def _allowance(plan: FrozenPlan, taken_back: int) -> float:
    """Return by how much the promise allows less, with fewer present labels known."""
    promise = plan.promise
    if promise["f1"] is not None:
        return 2 * (1 - promise["f1"]) * taken_back
    assert promise["recall"] is not None  # every other promise has it
    return (1 - promise["recall"]) * taken_back
