"""A certificate in a simulation: begun when it pays, proven, applied, and compared with truth."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.services.certificates.rows import PlanRow
from annotator.simulate.actions import WHO, SimulatedAnnotator
from annotator.simulate.clock import Seconds
from annotator.wire.probe import ProbeAnswerRequest
from annotator.wire.verify import Mode
from mlrpl.decision.acquisition import Costs
from mlrpl.labels import UNKNOWN

PAGE = 40
"""Pictures of a page on which people answer what a certificate leaves open."""
CORRECTED = 0.25
"""Share of these that are expected to take a key: they are the doubtful ones."""
LEFT = 0.05
"""Share of the open pairs that a certificate may leave to people; what they answer first teaches
the model, and the loop asks for the pairs that matter most."""
CARDS = 3
"""Cards between two looks at where the certificate stands."""
GIVE_UP = 4.0
"""Probes, as a multiple of the expected ones, after which a certificate has failed."""

Bools = npt.NDArray[np.bool_]


def begun(person: SimulatedAnnotator) -> PlanRow | None:
    """Begin a certificate if next to nothing is left to people beside its probes.

    Returns:
        Its plan, or None if it is too early.
    """
    row = planned(person)
    unknown = int((person.labels == UNKNOWN).sum())
    left = row["chosen"]["left"] + unknown - row["pool"]
    price = row["question_seconds"] * row["chosen"]["questions"] + row["pair_seconds"] * left
    person.forecast = None if row["refused"] else person.clock.seconds + price
    if row["refused"] or left > LEFT * unknown:
        return None
    person.begun = person.clock.seconds
    return planned(person, start=True)


def planned(person: SimulatedAnnotator, *, start: bool = False) -> PlanRow:
    """Return what the certificate that is wished for would take, or begin it."""
    wish, costs = person.wish, person.costs
    return person.services.certification.plan(
        promise=wish.promise,
        recall=None if wish.promise == "f1" else wish.recall,
        f1=wish.f1 if wish.promise == "f1" else None,
        question_seconds=question_seconds(costs),
        pair_seconds=costs.glance + costs.page / PAGE + CORRECTED * costs.correct,
        start=start,
    )


def question_seconds(costs: Costs) -> float:
    """Return what a probe costs: each shows another image, so a switch and a yes or no."""
    return costs.switch + costs.verify


def prove(person: SimulatedAnnotator, plan: PlanRow) -> Generator[None, None, bool]:
    """Answer cards of probes until more would not pay; return whether anything is filled in."""
    certification, most = person.services.certification, GIVE_UP * plan["chosen"]["questions"]
    asked, found = 0, False
    while asked < most:
        for _ in range(CARDS):
            asked += _card(person)
            yield
        status = certification.status()
        if "questions_expected" not in status:  # it became void
            return False
        found = bool(status["fill"]["present"] + status["fill"]["absent"])
        if status["questions_expected"] is None and not status["second_looks"]:
            break
    if found:
        certification.apply()
    else:
        certification.cancel()
    return found


def finish(person: SimulatedAnnotator) -> Iterator[None]:
    """Answer what the certificate leaves open, on pages of one category."""
    for column in range(person.labels.shape[1]):
        while person.grid(column, Mode.UNCERTAIN, PAGE).pictures:
            yield


def filled(person: SimulatedAnnotator) -> tuple[Bools, Bools]:
    """Return the pairs `(N, C)` that are filled in as present and as absent."""
    present, absent = np.zeros(person.labels.shape, bool), np.zeros(person.labels.shape, bool)
    with person.services.store.reading() as tx:
        for fill in person.services.fills.active(tx):
            for whole, part in zip((present, absent), fill.bits.rows(0, len(present)), strict=True):
                whole[: len(part), : part.shape[1]] |= part
    return present, absent


def against_truth(person: SimulatedAnnotator, truth: Bools) -> dict[str, Any] | None:
    """Return what a certificate filled in, and how much of it is true; None without one."""
    present, absent = filled(person)
    if not (present.any() or absent.any()):
        return None
    is_open = person.labels == UNKNOWN
    present, absent = present & is_open, absent & is_open
    return {
        "begun": person.begun,
        "probes": person.probes,
        "present": int(present.sum()),
        "absent": int(absent.sum()),
        "wrong": float((present & ~truth).sum() / max(1, present.sum())),
        "lost": float((absent & truth).sum() / max(1, truth.sum())),
    }


def _card(person: SimulatedAnnotator) -> int:
    card = uuid.uuid4().hex
    questions = person.services.probing.card(WHO, card)["questions"]
    for question in questions:
        row, column = person.place(question["image"], question["category"]["name"])
        is_present = person.oracle.answer(row, column)
        said = ProbeAnswerRequest(
            probe=question["probe"], card=card, state="present" if is_present else "absent"
        )
        person.services.probing.answer(WHO, said)
    costs, count = person.costs, len(questions)
    spent = Seconds(taking_in=costs.switch * count, keys=costs.verify * count)
    person.clock.spend(spent, count)
    person.probes += len(questions)
    return len(questions)
