"""The pilot of a certificate: probes that help to lay its plan and prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from annotator.domain import State
from annotator.errors import AnnotatorError, NotReady
from annotator.services.catalogue.definitions import changed
from annotator.services.certificates import pool as pools
from annotator.services.certificates.rows import PilotRow
from annotator.services.message import counted
from annotator.store import Transaction, categories, certificates, images
from annotator.store.certificates import PILOT, Certificate, CertificateState, Drawn
from mlrpl.decision.pilot_scores import credible, draw_pilot, pilot_inclusion, refit

LEAST, MOST = 100, 2_000
"""Questions of a pilot."""

Floats = npt.NDArray[np.floating]
Ladder = Literal["plain", "refitted"]


def open_pilot(tx: Transaction) -> Certificate | None:
    """Return the open certificate whose pilot is being asked; None without one."""
    for row in certificates.in_state(tx, CertificateState.OPEN):
        if not row.is_frozen and not changed(tx, row):
            return row
    return None


def check(count: int) -> None:
    """Refuse a number of questions that makes no pilot.

    Raises:
        AnnotatorError: If it is neither 0 nor a useful number.
    """
    if count and not LEAST <= count <= MOST:
        raise AnnotatorError(f"--pilot is 0 or {LEAST} to {MOST:,} questions, not {count:,}.")


def questions(tx: Transaction, pool: pools.Pool, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the questions of a pilot as rows to be kept.

    Half of them follow the predicted present pairs, half the predicted uncertainty.

    Args:
        tx: A transaction.
        pool: What could be filled in.
        count: Questions.
        seed: Of the draw.
    """
    inclusion = pilot_inclusion(pool.probabilities)
    chosen = draw_pilot(inclusion, count, seed)
    pairs = pool.pairs[chosen]
    ids = certificates.image_ids(tx, set(pairs[:, 0].tolist()))
    named = {ordinal: i for i, ordinal in categories.ordinals(tx).items()}
    return [
        {
            "purpose": PILOT,
            "zone": PILOT,
            "position": place,
            "image_id": ids[image],
            "category_id": named[category],
            "inclusion_probability": float(min(count * inclusion[position], 1.0)),
        }
        for place, (position, (image, category)) in enumerate(
            zip(chosen.tolist(), pairs.tolist(), strict=True)
        )
    ]


@dataclass(frozen=True)
class Progress:
    """How far a pilot is."""

    asked: int
    answered: int
    present: int
    """Answered present."""

    @property
    def done(self) -> bool:
        """Whether every question is answered."""
        return self.answered >= self.asked

    def row(self) -> PilotRow:
        """Return the numbers by name."""
        return {"asked": self.asked, "answered": self.answered, "present": self.present}

    def refuse_early(self) -> None:
        """Refuse to lay a plan before every question is answered.

        Raises:
            NotReady: If questions are left.
        """
        if not self.done:
            raise NotReady(
                f"{self.answered:,} of {self.asked:,} pilot questions are answered; answer the "
                "rest on the Probe page, then start, or cancel."
            )

    def refuse_filling(self) -> None:
        """Refuse to fill in by answers that are no evidence.

        Raises:
            NotReady: Always.
        """
        raise NotReady(
            "Pilot answers prove nothing, so nothing can be filled in yet: run `certify plan "
            "--start` once its questions are answered."
        )


def progress(drawn: list[Drawn]) -> Progress:
    """Return how far a pilot is by its questions."""
    states = [one.state for one in drawn]
    answered = sum(state is not None for state in states)
    return Progress(len(states), answered, states.count(State.PRESENT))


@dataclass(frozen=True)
class Predictions:
    """Probabilities of a pool, ascending, `(N,)`: those of the model, and what a pilot says."""

    plain: Floats
    bent: Floats | None
    """Refitted to the pilot's answers; None without one."""
    credible: Floats
    """Between both, as the answers speak for each; every forecast is made by these."""

    @property
    def ladders(self) -> dict[Ladder, Floats]:
        """The predictions that a plan can be laid by."""
        return {"plain": self.plain, **({} if self.bent is None else {"refitted": self.bent})}


def predictions(
    tx: Transaction, pool: pools.Pool, arrays: VersionArrays, drawn: list[Drawn]
) -> Predictions:
    """Return the predictions of a pool after a pilot, or without one.

    Pairs that nobody can tell, and those of categories that the version can only rank, are left
    out: nothing depends on a pilot's being whole.

    Args:
        tx: A transaction.
        pool: What could be filled in; the pilot's pairs are not in it.
        arrays: Of the version whose opinion it is.
        drawn: The questions of the pilot; none without one.
    """
    pictures, columns = images.many(tx, {d.image_id for d in drawn}), categories.ordinals(tx)
    asked, present, inclusion = [], [], []
    for one in drawn:
        ordinal = pictures[one.image_id].ordinal
        chance = pools.probability(arrays, ordinal, columns[one.category_id])
        if chance is not None and one.state in (State.PRESENT, State.ABSENT):
            asked.append(chance)
            present.append(one.state is State.PRESENT)
            inclusion.append(one.inclusion_probability or 1.0)
    if not asked:
        return Predictions(pool.probabilities, None, pool.probabilities)
    plain = np.concatenate([pool.probabilities, np.array(asked)])
    said, size = np.array(present), len(pool.pairs)
    fitted = refit(plain, np.arange(size, len(plain)), said, np.array(inclusion))
    bent = np.maximum.accumulate(fitted[:size])  # rounding must not turn the order around
    mixed = credible(plain[:size], bent, (plain[size:], fitted[size:]), said)
    return Predictions(plain[:size], bent, mixed)


def sentence(found: Mapping[str, Any]) -> str:
    """Return what a finished pilot led to."""
    told = {"plain": "with the original scores", "refitted": "with the recalibrated scores"}[
        found["ladder"]
    ]
    people = found["people"]
    return (
        f"A pilot of {counted(found['answered'], 'question')}, {found['present']:,} of them "
        f"present, led to the plan {told}: people would answer about "
        f"{counted(people['plain'], 'pair')} with the original scores, "
        f"{people['refitted']:,} with the recalibrated ones."
    )
