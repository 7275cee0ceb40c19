"""Categories that going from image to image hardly finds, and looking by likeness would."""

from __future__ import annotations

from collections.abc import Mapping

from annotator.domain import Category
from annotator.wire.label import RareCategory
from annotator.wire.verify import CategoryCounts

FEW_PRESENT = 10
"""Present answers from which on a category is not looked for any more."""

LEAST_ANSWERED = 50
"""Answers that show how rarely it comes up."""

MOST_SHARE = 0.1
"""Share of them that are present."""

LEAST_OPEN = 20
"""Open pairs among which more could be found."""


def is_rare(category: Category, still_open: int) -> bool:
    """Whether a category has a present answer to rank by, and few of the many answers are one."""
    present, answered = category.present_count, answered_pairs(category)
    return (
        0 < present < FEW_PRESENT
        and answered >= LEAST_ANSWERED
        and present <= MOST_SHARE * answered
        and still_open >= LEAST_OPEN
    )


def answered_pairs(category: Category) -> int:
    """Return how many pairs of a category are present or absent."""
    return category.present_count + category.absent_count


def rarest(counts: Mapping[str, CategoryCounts]) -> list[RareCategory]:
    """Return the rare ones of all categories, those with the smallest share of present first."""
    rare = [
        RareCategory(id=int(key), present=row["present"], answered=row["answered"])
        for key, row in counts.items()
        if row["rare"]
    ]
    return sorted(rare, key=lambda row: row["present"] / row["answered"])
