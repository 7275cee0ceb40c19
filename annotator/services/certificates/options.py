"""What a certificate is asked for: the options of a plan, their defaults, the promise they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotator.errors import AnnotatorError
from annotator.services.certificates.price_texts import AIMS, NUMBERS, TITLES, promised
from annotator.services.certificates.rows import Aim, ChosenOptions, PromiseRow
from mlrpl.decision.acquisition import Costs


def defaults(costs: Costs) -> ChosenOptions:
    """Return the options of a plan that nobody sets.

    Args:
        costs: What people take. A probe shows an image that nobody is looking at, so it costs a
            look at the image besides the answer.
    """
    usual = AIMS["usual"]
    return {
        "promise": "recall",
        "recall": usual["recall"],
        "precision": usual["precision"],
        "f1": usual["f1"],
        "confidence": 0.95,
        "over": "dataset",
        "question_seconds": round(costs.switch + costs.verify, 2),
        "pair_seconds": max(round(costs.verify, 2), 0.01),
    }


def complete(
    options: Mapping[str, Any], wishes: Mapping[str, Any] | None, costs: Costs
) -> ChosenOptions:
    """Return all options; those left open are those of the pilot, else the defaults.

    Args:
        options: What is asked for, as `PlanOptions`, not checked yet.
        wishes: What the open pilot was begun with; None without one.
        costs: What people take.

    Raises:
        AnnotatorError: If one is out of range.
    """
    asked = {name: value for name, value in options.items() if value is not None}
    chosen = _checked({**defaults(costs), **(wishes or {}), **asked})
    _refuse_unused(chosen, asked)
    return chosen


def offers(chosen: ChosenOptions) -> list[tuple[Aim, ChosenOptions]]:
    """Return the promises to choose from: every kind with every aim, otherwise as chosen."""
    return [
        (aim, _checked({**chosen, **numbers, "promise": kind}))
        for kind in TITLES
        for aim, numbers in AIMS.items()
    ]


def promise_row(chosen: ChosenOptions, *, confidence: float, known: int) -> PromiseRow:
    """Return what a certificate would promise.

    Args:
        chosen: The options.
        confidence: Of this certificate alone.
        known: Present labels of the categories in the pool.
    """
    kind = chosen["promise"]
    numbers = {"recall": chosen["recall"], "precision": chosen["precision"], "f1": chosen["f1"]}
    used = {name: numbers[name] for name in NUMBERS[kind]}
    return {
        "promise": kind,
        "recall": used.get("recall"),
        "precision": used.get("precision"),
        "f1": used.get("f1"),
        "confidence": confidence,
        "over": chosen["over"],
        "known_present": known,
        "sentence": promised(kind, used, chosen["over"]),
    }


def _refuse_unused(chosen: ChosenOptions, asked: Mapping[str, Any]) -> None:
    """Refuse a number of another promise, which would have no effect without anybody noticing."""
    used = NUMBERS[chosen["promise"]]
    for name in ("recall", "precision", "f1"):
        if name in asked and name not in used:
            kinds = [kind.replace("_", "-") for kind, names in NUMBERS.items() if name in names]
            raise AnnotatorError(
                f"--{name} has no effect on --promise {chosen['promise'].replace('_', '-')}; "
                f"leave it out, or choose --promise {' or '.join(kinds)}."
            )


def _checked(chosen: Mapping[str, Any]) -> ChosenOptions:
    if chosen["promise"] not in TITLES:
        raise AnnotatorError(
            f"--promise must be recall, precision-recall or f1, not {chosen['promise']!r}."
        )
    for name in ("recall", "precision", "f1", "confidence"):
        if not 0 < chosen[name] < 1:
            raise AnnotatorError(
                f"--{name} must be between 0 and 1, such as 0.9, not {chosen[name]:g}."
            )
    if chosen["over"] not in ("pool", "dataset"):
        raise AnnotatorError(f"--over must be pool or dataset, not {chosen['over']!r}.")
    for name in ("question_seconds", "pair_seconds"):
        if not 0 < chosen[name] < float("inf"):
            raise AnnotatorError(
                f"--{name.replace('_', '-')} must be above 0, such as 2.5, not {chosen[name]:g}."
            )
    return {
        "promise": chosen["promise"],
        "recall": chosen["recall"],
        "precision": chosen["precision"],
        "f1": chosen["f1"],
        "confidence": chosen["confidence"],
        "over": chosen["over"],
        "question_seconds": chosen["question_seconds"],
        "pair_seconds": chosen["pair_seconds"],
    }
