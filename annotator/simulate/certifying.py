"""A certificate in a simulation: begun when it pays, its probes answered, and compared."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.services.certificates.rows import PlanRow
from annotator.simulate.actions import WHO, SimulatedAnnotator
from annotator.wire.probe import ProbeAnswerRequest
from mlrpl.labels import UNKNOWN

MAX_LOST = 0.2
"""Present pairs that may be lost, as a share; the tool's own 0.1 asks three times as much."""
LEFT = 0.25
"""Most answers that a certificate may still ask of people, as a share of the open pairs."""
GIVE_UP = 3.0
"""Probes, as a multiple of the forecast, after which a certificate has failed."""
CARDS = 5
"""Cards between two looks at where the certificate stands."""

Bools = npt.NDArray[np.bool_]


def planned(person: SimulatedAnnotator) -> PlanRow | None:
    """Begin a certificate if it pays to; return its plan, or None.

    It pays when the probes and the answers that it leaves to people are fewer than a
    quarter of the open pairs.
    """
    row = person.services.certification.plan(max_lost=MAX_LOST)
    if row["refused"] or row["forecasts"][0]["people"] > row["pool"] * LEFT:
        return None
    return person.services.certification.plan(max_lost=MAX_LOST, start=True)


def answer_blindly(person: SimulatedAnnotator, plan: PlanRow) -> Iterator[None]:
    """Answer cards of probes until the fill reaches what was forecast, and fill in.

    Each question shows another image, so it costs a switch and a yes or no.
    """
    most = GIVE_UP * plan["forecasts"][0]["probes"]
    asked, fill, expected = 0, 0, 1
    while asked < most and expected:
        for _ in range(CARDS):
            asked += _card(person)
            yield
        status = person.services.certification.status()
        if "questions_expected" not in status:
            break
        fill = status["fill"]["present"] + status["fill"]["absent"]
        expected = status["questions_expected"]
    if fill:
        person.services.certification.apply()
    else:
        person.services.certification.cancel()


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
    person.clock.spend((person.costs.switch + person.costs.verify) * len(questions), len(questions))
    return len(questions)
