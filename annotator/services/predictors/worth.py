"""What predictors are worth on a project's held-out answers, as the newest version measured it."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from annotator.services.training import retraining
from annotator.services.training.retraining import WORTH
from annotator.store import Store, categories


class CategoryWorth(TypedDict("With", {"with": float})):  # `with` is a word of Python's own
    """Average precision of one category with a predictor and without it."""

    category: str
    without: float


class PredictorWorth(TypedDict("WithIt", {"with": float | None})):
    """Mean average precision with a predictor and without it; None with too few answers."""

    name: str
    weight: float | None
    """Logits for one standard deviation of what it says; None for the names."""
    without: float | None
    gain: float | None
    low: float | None
    high: float | None
    pairs: int
    """Held-out answers that it was measured on."""
    present: int
    categories: list[CategoryWorth]
    """The most changed first."""


class WorthRow(TypedDict):
    """What all predictors are worth."""

    version: int | None
    """Which measured it; None before there is one."""
    predictors: list[PredictorWorth]


def worth(store: Store) -> WorthRow:
    """Return what the newest version found each predictor to be worth."""
    with store.reading() as tx:
        newest = retraining.newest(tx)
        names = {c.ordinal: c.name for c in categories.every(tx, archived=True)}
    if newest is None:
        return {"version": None, "predictors": []}
    found = [_row(each, names) for each in newest.metrics.get(WORTH, [])]
    return {"version": newest.number, "predictors": found}


def _row(each: dict[str, Any], names: dict[int, str]) -> PredictorWorth:
    listed: list[CategoryWorth] = [
        {"category": names[c["ordinal"]], "with": c["with"], "without": c["without"]}
        for c in each.get("categories", [])
        if c["ordinal"] in names
    ]
    listed.sort(key=lambda c: -abs(c["with"] - c["without"]))
    return {
        "name": each["name"],
        "weight": each["weight"],
        "with": each.get("with"),
        "without": each.get("without"),
        "gain": each.get("gain"),
        "low": each.get("low"),
        "high": each.get("high"),
        "pairs": each["pairs"],
        "present": each["present"],
        "categories": listed,
    }


def verdict(each: PredictorWorth) -> str:
    """Return in words what a predictor is worth."""
    if each["gain"] is None or each["low"] is None or each["high"] is None:
        return "too few held-out answers to tell"
    if each["weight"] == 0:
        return "not followed: the answers do not speak for it"
    if each["low"] > 0:
        return "helps"
    if each["high"] < 0:
        return "harms"
    return "no difference beyond chance"


def worth_line(each: PredictorWorth | None) -> str:
    """Return one line for a terminal; empty where nothing was measured."""
    if each is None:
        return ""
    if each["gain"] is None:
        return f"- {verdict(each)}"
    return (
        f"- mAP {each['with']:.1%} with it, {each['without']:.1%} without it "
        f"({each['pairs']:,} held-out answers): {verdict(each)}"
    )
