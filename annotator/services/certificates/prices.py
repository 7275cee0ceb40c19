"""What promises take: questions, hours and what is left for people, or why one cannot begin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from annotator.services.certificates.frozen import MOST_DRAWS, Parts, linear_promise, parts_of
from annotator.services.certificates.laying import Laid
from annotator.services.certificates.own_promises import RISK
from annotator.services.certificates.pool import Pool, super_categories
from annotator.services.certificates.rows import Aim, PartPrice, Price, PromiseRow
from annotator.services.message import counted
from mlrpl.decision.linear_price import expected_growth, part_growth

SMALLEST = 500
"""Pairs of a pool below which no certificate begins."""

LEAST_SAVING = 0.1
"""Share of the work by hand that a certificate has to save."""

PILOT_SHARE = 0.1
"""Largest pilot, as a share of the pool, that may find out whether a certificate pays."""

PartKind = Literal["category", "super_category"]


def pool_refusal(pool: Pool) -> str:
    """Return why nothing can be certified about a pool, or an empty text."""
    size = len(pool.pairs)
    if not pool.categories:
        return (
            "No category has calibrated probabilities yet, so nothing can be filled in: answer "
            "more pairs of each category, present and absent, and train again."
        )
    if not size:
        return "No open pair with a probability is left to fill in."
    if size < SMALLEST:
        return (
            f"The pool of {counted(size, 'open pair')} is too small: the probes would cost as many "
            "answers as they save; label the rest by hand."
        )
    if pool.probabilities[0] == pool.probabilities[-1]:
        return (
            "The model gives every open pair the same probability, so none can be told from "
            "another: label more pairs and train again."
        )
    return ""


def price_of(laid: Laid, *, aim: Aim | None = None, pilot: int = 0) -> Price:
    """Return what a promise would take.

    Args:
        laid: The plan for it.
        aim: How much it promises; None for numbers of one's own.
        pilot: Questions of a pilot that is asked first and may improve the plan.
    """
    plan, size = laid.plan, laid.plan.linear.size
    rest = laid.outcome()
    questions = min(math.ceil(laid.questions), size)
    high = math.ceil(laid.questions_high) if math.isfinite(laid.questions_high) else None
    absent, present = int(rest.absent), int(rest.present)
    left = max(size - questions - absent - present, 0)
    seconds = questions * plan.question_seconds
    saved = (size - left) * plan.pair_seconds - seconds
    return {
        "promise": plan.promise,
        "aim": aim,
        "questions": questions,
        "questions_high": high,
        "seconds": seconds,
        "seconds_high": None if high is None else high * plan.question_seconds,
        "fill_absent": absent,
        "fill_present": present,
        "left": left,
        "saved_seconds": saved,
        "refused": _refusal(laid, saved, pilot),
    }


def nothing(promise: PromiseRow, size: int, refused: str) -> Price:
    """Return the price of a promise about a pool that nothing can be certified about."""
    return {
        "promise": promise,
        "aim": None,
        "questions": 0,
        "questions_high": None,
        "seconds": 0.0,
        "seconds_high": None,
        "fill_absent": 0,
        "fill_present": 0,
        "left": size,
        "saved_seconds": 0.0,
        "refused": refused,
    }


def part_prices(pool: Pool, laid: Laid, least: int) -> list[PartPrice]:
    """Return which super-categories and categories are likely to have the promise on their own.

    As in the statement about them, each family has half of the risk, and the clearest parts come
    first: the more of them are proven, the less evidence the next one needs.

    Args:
        pool: What could be filled in.
        laid: The plan for the promise.
        least: Questions of the whole certificate, before which nothing is filled in.
    """
    if laid.step is None:
        return []
    parts = parts_of(pool, laid.plan.linear)
    place = {c.ordinal: row for row, c in enumerate(pool.categories)}
    families: dict[PartKind, dict[str, list[int]]] = {
        "super_category": {
            name: [place[ordinal] for ordinal in own]
            for name, own in super_categories(pool.categories).items()
        },
        "category": {c.name: [place[c.ordinal]] for c in pool.categories},
    }
    found: list[PartPrice] = []
    for kind, groups in families.items():
        pairs = {name: int(parts.counts[rows].sum()) for name, rows in groups.items()}
        rates = {name: _rate(laid, parts, groups[name]) for name, count in pairs.items() if count}
        needed = _needed(rates, laid.plan.linear.size)
        found += [
            {
                "name": name,
                "kind": kind,
                "pairs": pairs[name],
                "questions": None if questions is None else max(questions, least),
            }
            for name, questions in needed.items()
        ]
    return found


def _rate(laid: Laid, parts: Parts, rows: Sequence[int]) -> float:
    """Return how fast the evidence for some categories together grows per question."""
    assert laid.step is not None  # or nothing is filled in
    counts, means, known = parts.together(rows)
    promise = linear_promise(laid.plan.promise, known)
    return part_growth(laid.plan.linear, promise, counts, means, laid.step.rung)


def _needed(rates: Mapping[str, float], size: int) -> dict[str, int | None]:
    """Return the questions until each part of a family is proven by the procedure of Holm."""
    found: dict[str, int | None] = dict.fromkeys(rates)
    questions = 0.0
    for rank, name in enumerate(sorted(rates, key=lambda name: -rates[name])):
        line = math.log((len(rates) - rank) * 2 / RISK)
        questions = max(questions, line / rates[name] if rates[name] > 0 else math.inf)
        if questions > min(MOST_DRAWS, size):
            break
        found[name] = math.ceil(questions)
    return found


def _refusal(laid: Laid, saved: float, pilot: int) -> str:
    """Return why beginning would not pay, or an empty text."""
    size, linear = laid.plan.linear.size, laid.plan.linear
    if 0 < pilot <= PILOT_SHARE * size:
        return ""
    if laid.step is None and not (expected_growth(linear, laid.means)[0][:1] > 0).any():
        return (
            "The model itself expects this promise to be broken, whatever is filled in: promise "
            "less, or label more pairs and train again."
        )
    if saved < LEAST_SAVING * size * laid.plan.pair_seconds:
        return (
            "The model is not good enough for this promise yet: it would save less than a tenth "
            f"of the work on {counted(size, 'open pair')}; promise less, or label more and train "
            "again."
        )
    return ""
