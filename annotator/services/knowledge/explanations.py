"""Which known labels of an image speak for a category or against it, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import Category
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels
from annotator.wire.evidence import EvidenceReason, EvidenceReasons

FEWEST = 5
"""Pictures known together below which nothing is concluded."""
MOST_REASONS = 4
FEW = 20
"""Pictures below which a share is told as "3 of 7" rather than in percent."""
SMOOTHING = 2.0
"""Pictures' worth of the share of all pictures that is mixed into the share of a few."""
WORTH_TELLING = {PRESENT: math.log(1.25), ABSENT: math.log(2.0)}
"""Change of the log odds from which on a label is a reason; what is not there says little."""
WORTH_MOVING = 0.1
"""Logits that a label has to move a bar by to be told."""
BEYOND_CHANCE = {PRESENT: 1.5, ABSENT: 2.5}
"""Standard errors that the share has to differ by; many labels are absent, so some do by chance."""

Rows = npt.NDArray[np.int64]
Share = tuple[int, int]


@dataclass(frozen=True)
class Question:
    """The pair that is asked about, and the labels it is judged by."""

    known: KnownLabels
    image: int
    """Ordinal."""
    category: Category
    near: Rows
    """Ordinals of the pictures most like this one where the category is known."""


def explanation(
    question: Question, own: Mapping[int, int], listed: Sequence[Category]
) -> EvidenceReasons:
    """Return the reasons that the known labels of the image give, the strongest first.

    Args:
        question: About one pair; the image itself is never counted.
        own: Label of this image, `PRESENT` or `ABSENT`, by category ordinal.
        listed: Categories that may be reasons.
    """
    ordinal, name = question.category.ordinal, isolated(question.category.name)
    base = _without_itself(question, question.known.share(ordinal))
    given = [(c, own[c.ordinal]) for c in listed if c.ordinal in own and c.ordinal != ordinal]
    found = [_reason(question, c, state, base) for c, state in given] if base[1] >= FEWEST else []
    counted = [each for each in found if each is not None]
    strong = [reason for reason, tells in counted if tells]
    strong.sort(key=lambda r: -abs(r["strength"]))
    near = _share_near(question, question.near)
    return {
        "reasons": strong[:MOST_REASONS],
        "near": _near_sentence(near, base, name),
        "text": "" if strong else _nothing(given, counted, base, name),
    }


def moved(moves: Mapping[int, float], own: Mapping[int, int], listed: Sequence[Category]) -> str:
    """Return in a sentence which labels hold a category's bar higher or lower; empty if none does.

    Args:
        moves: Logits by ordinal of the label, from `conditional_update.reasons`.
        own: As in `explanation`.
        listed: As in `explanation`.
    """
    names = {c.ordinal: isolated(c.name) for c in listed}
    strong = [o for o, move in moves.items() if abs(move) >= WORTH_MOVING and o in names]
    strong.sort(key=lambda o: -abs(moves[o]))
    parts = []
    for word, sign in (("higher", 1), ("lower", -1)):
        said = [
            f"{names[o]} is {'present' if own[o] == PRESENT else 'absent'}"
            for o in strong[:MOST_REASONS]
            if moves[o] * sign > 0
        ]
        if said:
            parts.append(f"{word} because {' and '.join(said)}")
    return f"The score is {', and '.join(parts)}." if parts else ""


def _reason(
    question: Question, given: Category, state: int, base: Share
) -> tuple[EvidenceReason, bool] | None:
    """Return what one known label says and if it is worth telling; None with too few pictures."""
    share = question.known.share_with(given.ordinal, state, question.category.ordinal)
    if question.known.state(question.image, given.ordinal) == state:
        share = _without_itself(question, share)
    if share[1] < FEWEST:
        return None
    general = (base[0] + 1) / (base[1] + 2)
    smoothed = (share[0] + SMOOTHING * general) / (share[1] + SMOOTHING)
    strength = math.log(smoothed / (1 - smoothed)) - math.log(general / (1 - general))
    name, other = isolated(question.category.name), isolated(given.name)
    mark, within = ("present", "With") if state == PRESENT else ("absent", "Without")
    states = question.known.labels[question.near, given.ordinal]
    near = _share_near(question, question.near[states == state])
    tells = (
        abs(strength) >= WORTH_TELLING[state] and _errors(share, general) >= BEYOND_CHANCE[state]
    )
    reason: EvidenceReason = {
        "text": (
            f"{other} is {mark}. {within} it, {share_text(share, 'images')} have {name}; of all "
            f"images, {share_text(base)}."
        ),
        "near": f"Of similar images {within.lower()} it, {share_text(near)}."
        if near[1] >= FEWEST
        else None,
        "for": strength > 0,
        "share": round(smoothed, 3),
        "base": round(general, 3),
        "strength": round(strength, 3),
    }
    return reason, tells


def _errors(share: Share, general: float) -> float:
    """Return by how many standard errors a share differs from the general one.

    Half a picture less, so that a single one is no reason.
    """
    apart = max(0.0, abs(share[0] - share[1] * general) - 0.5)
    return apart / math.sqrt(share[1] * general * (1 - general))


def _nothing(given: Sequence[Any], counted: Sequence[Any], base: Share, name: str) -> str:
    if base[1] < FEWEST:
        return f"Too few images are known to have {name} or not: {base[1]} so far."
    if not given:
        return "No other category of this image is known yet."
    if not counted:
        return f"Too few images are known to have both {name} and what is known here."
    return f"The known labels of this image say little about {name}."


def _near_sentence(near: Share, base: Share, name: str) -> str | None:
    if near[1] < FEWEST:
        return None
    return (
        f"Of the {near[1]} most similar images, {_number(near)} have {name}; of all images, "
        f"{share_text(base)}."
    )


def _number(share: Share) -> str:
    return str(share[0]) if share[1] < FEW else share_text(share)


def _share_near(question: Question, rows: Rows) -> Share:
    states = question.known.labels[rows, question.category.ordinal] if len(rows) else rows
    return int((states == PRESENT).sum()), len(rows)


def _without_itself(question: Question, share: Share) -> Share:
    """Return a share without this image, whose own label is no evidence for itself."""
    own = question.known.state(question.image, question.category.ordinal)
    return share[0] - (own == PRESENT), share[1] - (own != 0)


def share_text(share: Share, noun: str = "") -> str:
    """Return a share in words: "3 of 7 pictures" where there are few, else "62 % of pictures"."""
    present, known = share
    if known < FEW:
        return f"{present} of {known} {noun}".strip()
    percent = f"{round(100 * present / known)}\N{NO-BREAK SPACE}%"
    return f"{percent} of {noun}" if noun else percent


def isolated(name: str) -> str:
    """Return a name that keeps its own direction of writing within a sentence."""
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
