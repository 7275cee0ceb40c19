"""The promises to choose from on the Certify page, each with its price, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from annotator.services.certificates.price_texts import (
    AIMS,
    NUMBERS,
    TITLES,
    asked,
    capital,
    fills,
    later,
    percent,
    promised,
    saves,
)
from annotator.services.certificates.rows import Aim, Over, PlanRow, Price, PromiseKind
from annotator.services.message import counted
from annotator.ui.html_table import html_table

OWN = "own"
"""The choice of numbers that are none of the aims."""

AIM_TITLES: Mapping[Aim, str] = {"strict": "Strict", "usual": "Usual", "lenient": "Lenient"}
UNKNOWN = "The price is not known yet."
WORKING = "Working out what each promise takes …"
NO_SHARE: Mapping[str, str] = {
    "recall": "Recall must be between 0 and 100 %, such as 90.",
    "precision": "Precision must be between 0 and 100 %, such as 95.",
    "f1": "F1 must be between 0 and 1, such as 0.9.",
}
"""What is said of a number of one's own that no promise can have."""

MOST_NAMES = 12
"""Names of categories in one sentence."""

Choices = list[tuple[str, str]]
"""Texts with their values."""


def aim_choices(kind: PromiseKind) -> Choices:
    """Return how much a promise can promise, with its numbers."""
    named: Choices = []
    for aim, title in AIM_TITLES.items():
        numbers = AIMS[aim]
        said = {
            "recall": percent(numbers["recall"]),
            "precision_recall": f"{percent(numbers['recall'])}, {percent(numbers['precision'])}",
            "f1": f"{numbers['f1']:g}",
        }[kind]
        named.append((f"{title}: {said}", aim))
    return [*named, ("Own numbers", OWN)]


def numbers_of(aim: str, own: Mapping[str, float]) -> Mapping[str, float]:
    """Return the numbers of an aim, as shares; those of `OWN` are given."""
    return next((shares for name, shares in AIMS.items() if name == aim), own)


def is_share(value: float) -> bool:
    """Return whether a promise can have this number."""
    return 0 < value < 1


def price_of(
    plan: PlanRow | None, kind: PromiseKind, aim: str, own: Mapping[str, float]
) -> Price | None:
    """Return the price of a promise; None where the plan does not have it.

    Args:
        plan: The last one; None before there is one.
        kind: The promise.
        aim: One of `AIMS`, or `OWN`.
        own: The numbers for `OWN`.
    """
    if plan is None:
        return None
    numbers = numbers_of(aim, own)
    for price in (*plan["offers"], plan["chosen"]):
        promise = price["promise"]
        said = {
            "recall": promise["recall"], "precision": promise["precision"], "f1": promise["f1"]
        }  # fmt: skip
        if promise["promise"] == kind and all(
            math.isclose(said[name] or 0, numbers[name]) for name in NUMBERS[kind]
        ):
            return price
    return None


def cards(
    plan: PlanRow | None, aim: str, own: Mapping[str, float], over: Over, waiting: str
) -> Choices:
    """Return the three promises with their price, as texts of several lines, and their values.

    Args:
        plan: The last one; None before there is one.
        aim: How much is promised.
        own: Numbers of the promises for `OWN`.
        over: What they are about.
        waiting: What to say where no price is known.
    """
    return [(_card(plan, kind, aim, own, over, waiting), kind) for kind in TITLES]


def _card(
    plan: PlanRow | None,
    kind: PromiseKind,
    aim: str,
    own: Mapping[str, float],
    over: Over,
    waiting: str,
) -> str:
    for name in NUMBERS[kind] if aim == OWN else ():
        if not is_share(own[name]):
            return "\n".join([TITLES[kind], NO_SHARE[name]])
    price = price_of(plan, kind, aim, own)
    if price is None or plan is None:
        sentence = promised(kind, numbers_of(aim, own), over)
        return "\n".join([TITLES[kind], sentence, "", waiting])
    lines = [TITLES[kind], price["promise"]["sentence"], ""]
    if price["refused"]:
        return "\n".join([*lines, f"Not now: {price['refused']}"])
    lines += [f"{capital(asked(price))}.", f"{capital(fills(price, plan['pool']))}."]
    further = filter(None, (saves(price), later(price, plan["pool"])))
    return "\n".join([*lines, *(f"{capital(said)}." for said in further)])


def refusal(
    plan: PlanRow | None, kind: PromiseKind, aim: str, own: Mapping[str, float]
) -> str | None:
    """Return why a promise cannot begin; an empty text if it can, None while that is not known."""
    price = price_of(plan, kind, aim, own)
    if price is None or plan is None:
        return None
    pilot = plan["pilot"]
    if pilot is not None and pilot["answered"] < pilot["asked"]:
        left = pilot["asked"] - pilot["answered"]
        return f"{counted(left, 'pilot probe is', 'pilot probes are')} not answered yet."
    return price["refused"]


def first_to_be_had(plan: PlanRow | None, aim: str, own: Mapping[str, float]) -> PromiseKind | None:
    """Return the first promise, in the order of the cards, that can begin; None without one."""
    return next((kind for kind in TITLES if refusal(plan, kind, aim, own) == ""), None)


def about_html(plan: PlanRow | None, said: str) -> str:
    """Return what the prices rest on, in small sentences.

    Args:
        plan: The last one; None before there is one.
        said: Why the chosen promise cannot begin, or what its price waits for.
    """
    first = f'<p class="pg-note" role="status">{escape(said)}</p>'
    return first + ("" if plan is None else _basis(plan))


def _basis(plan: PlanRow) -> str:
    names = counted(len(plan["categories"]), "category", "categories")
    said = [
        f"Forecasts for {counted(plan['pool'], 'open pair')} of {names}, by version "
        f"{plan['version']}, at {plan['question_seconds']:.1f} seconds a probe and "
        f"{plan['pair_seconds']:.1f} seconds a pair answered by hand.",
    ]
    if plan["suggest_only"]:
        said.append(f"Too few answers, so not filled in: {_names(plan['suggest_only'])}.")
    pilot = plan["pilot"]
    if pilot is not None and pilot["answered"] >= pilot["asked"]:
        verb = "is" if pilot["present"] == 1 else "are"
        said.append(
            f"According to the pilot: {pilot['present']:,} of its "
            f"{counted(pilot['asked'], 'pair')} {verb} present."
        )
    if plan["plan_of_the_project"] > 1:
        said.append(
            f"This would be plan {plan['plan_of_the_project']} of the project: each one halves "
            "the risk that is left, so the next takes more probes."
        )
    return notes(*said)


def parts_html(plan: PlanRow | None) -> str:
    """Return which categories can have the promise on their own, and for how many probes."""
    if plan is None:
        return notes("Known once the prices are.")
    known = [part for part in plan["parts"] if part["questions"] is not None]
    if not known:
        return notes("No category can be expected to have the promise on its own.")
    heads = ("category", "open pairs", "probes until then")
    body = [
        [
            part["name"] + (" (all of it)" if part["kind"] == "super_category" else ""),
            f"{part['pairs']:,}",
            f"{part['questions']:,}",
        ]
        for part in sorted(known, key=lambda part: part["questions"] or 0)
    ]
    left = len(plan["parts"]) - len(known)
    return "".join(
        (
            notes(
                f"{plan['chosen']['promise']['sentence']} The probes are those of the whole "
                "certificate; a category asks none of its own."
            ),
            html_table(heads, body),
            notes(f"Not to be expected of {counted(left, 'other')}." if left else ""),
        )
    )


def notes(*sentences: str) -> str:
    """Return small sentences, each a paragraph; none of them is read as markup."""
    return "".join(f'<p class="pg-note">{escape(one)}</p>' for one in sentences if one)


def _names(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
