"""What a promise takes, in sentences: the same on the pages and at the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from annotator.services.certificates.rows import Aim, Over, Price, PromiseKind, ProofStatus
from annotator.services.message import counted, span

TITLES: dict[PromiseKind, str] = {
    "recall": "Recall",
    "precision_recall": "Precision and recall",
    "f1": "F1",
}
"""What the promises are called."""

NUMBERS: Mapping[PromiseKind, tuple[str, ...]] = {
    "recall": ("recall",),
    "precision_recall": ("recall", "precision"),
    "f1": ("f1",),
}
"""The numbers that each promise uses."""

AIMS: Mapping[Aim, Mapping[str, float]] = {
    "strict": {"recall": 0.95, "precision": 0.98, "f1": 0.95},
    "usual": {"recall": 0.9, "precision": 0.95, "f1": 0.9},
    "lenient": {"recall": 0.8, "precision": 0.9, "f1": 0.85},
}
"""The numbers of the promises to choose from."""

LITTLE = 0.05
"""Share of the open pairs that may stay for people without advice to answer more first."""


def percent(share: float) -> str:
    """Return a share as a person writes it.

    A promise is not rounded: 99.99 % is less than 100 %.

    >>> percent(0.9), percent(0.925), percent(0.9999)
    ('90 %', '92.5 %', '99.99 %')
    """
    return f"{100 * share:.12g} %"


def promised(kind: PromiseKind, numbers: Mapping[str, float], over: Over = "dataset") -> str:
    """Return a promise as a sentence.

    Args:
        kind: The promise.
        numbers: Those that it uses, of `recall`, `precision` and `f1`, as shares.
        over: What it is about: all that is present, or what was open alone.
    """
    is_pool = over == "pool"
    if kind == "f1":
        of = "Of the pairs that were still open, the" if is_pool else "The"
        return f"{of} finished set has an F1 of at least {numbers['f1']:.12g}."
    of = "the present pairs that were still open are" if is_pool else "what is present is"
    said = f"At least {percent(numbers['recall'])} of {of} in the finished set"
    if kind == "recall":
        return f"{said}."
    right = percent(numbers["precision"])
    return f"{said}, and at least {right} of the pairs filled in as present are right."


def asked(price: Price) -> str:
    """Return what would be asked, as `286 probes, about 12 minutes; ...`."""
    said = f"{counted(price['questions'], 'probe')}, about {span(price['seconds'])}"
    high, seconds_high = price["questions_high"], price["seconds_high"]
    if high is not None and seconds_high is not None:
        said += f"; one time in ten more than {high:,} ({span(seconds_high)})"
    return said


def fills(price: Price, pool: int) -> str:
    """Return what would be filled in and what stays, as `fills in 900 of 1,000 open pairs ...`."""
    absent, present = price["fill_absent"], price["fill_present"]
    values = f"{absent:,} as absent, {present:,} as present" if present else "all as absent"
    return (
        f"fills in {absent + present:,} of {counted(pool, 'open pair')}, {values}; "
        f"{counted(price['left'], 'stays', 'stay')} for people"
    )


def later(price: Price, pool: int) -> str:
    """Return that it would be cheaper later; empty where next to nothing stays for people.

    Simulated sets were finished 7 to 25 % sooner where people had answered that before; see
    `benchmarks/README.md`.
    """
    if price["left"] <= LITTLE * pool:
        return ""
    return "cheaper later: answer what stays for people first, as it teaches the model"


def saves(price: Price) -> str:
    """Return the work that would be saved, as `saves about 6 hours`; empty without any."""
    seconds = price["saved_seconds"]
    return f"saves about {span(seconds)} of answering by hand" if seconds > 0 else ""


def proof_share(row: ProofStatus) -> float:
    """Return how much of the proof there is for the step that is tested now, 0 to 1."""
    if row["certified_steps"] == row["steps"]:
        return 1.0
    if not row["evidence"] or row["line"] <= 0:
        return 0.0
    return min(1.0, max(0.0, row["evidence"][-1]["evidence"] / row["line"]))


def capital(said: str) -> str:
    """Return a sentence with its first letter in upper case."""
    return said[:1].upper() + said[1:]
