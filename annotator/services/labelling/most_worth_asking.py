"""Which ten categories of an image have the digit keys: mostly those that are likely there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from scipy.special import expit, logit

from annotator.domain import Category
from annotator.services.knowledge.suggestions import ImageSuggestions
from annotator.wire.label import AskedBy

LIMIT = 10
"""Digit keys."""

LOOK_FOR = 2
"""Rows of these at most that are there to find a rare category, likely or not."""
RARE = 20
"""Present answers below which a category is looked for."""
ALIKE = 0.9
"""Share of all images that must be less like a rare category."""

STEEPNESS = 8.0
"""How much more often present images rank high: of a ranking with AUC 8 / 9."""
EVEN = 0.2
"""Share of the present images that may rank anywhere, as they do not look like the others."""
DOUBT = 5.0
"""Images that are added to those looked at, so that a first answer does not say too much."""


def chances_of(
    every: Sequence[Category],
    opinion: ImageSuggestions,
    moves: Mapping[int, float] = MappingProxyType({}),
) -> dict[int, float]:
    """Return how likely categories are present in an image, 0 to 1, by category id.

    A version's probability is taken as it is. A ranking is none: there the share of images that
    have the category is moved by the place of this image among all, and where nothing is known of
    the image that share alone counts.

    Args:
        every: The categories, with their counts.
        opinion: On the image.
        moves: By how many logits what is known of the image moves them, by category ordinal.
    """
    looked_at = max((c.present_count + c.absent_count for c in every), default=0)
    chances = {}
    for each in every:
        chance = _chance(each, opinion, (each.present_count + 0.5) / (looked_at + DOUBT))
        chances[each.id] = _moved(chance, moves.get(each.ordinal, 0.0))
    return chances


def _moved(chance: float, move: float) -> float:
    return chance if not move or not 0 < chance < 1 else float(expit(logit(chance) + move))


def _chance(category: Category, opinion: ImageSuggestions, share: float) -> float:
    bar = opinion.bars.get(category.ordinal)
    if bar is None:
        return share
    if category.ordinal not in opinion.ranked:
        return bar
    # The places of most present images have the density k q^(k-1), those of all others are even.
    present = share * (EVEN + (1 - EVEN) * STEEPNESS * float(bar ** (STEEPNESS - 1)))
    return present / (present + 1 - share)


def most_worth_asking(
    open_categories: Sequence[Category], opinion: ImageSuggestions, chances: Mapping[int, float]
) -> list[Category]:
    """Return the open categories most worth asking about, `LIMIT` at most, most worth first.

    The cheapest key says present, so those likely present come first. Only the last rows may go to
    rare categories that this image is more like than nearly all others.

    Args:
        open_categories: In the order of the project, which decides between equals.
        opinion: On the image.
        chances: By category id, from `chances_of`.
    """
    by_chance = sorted(open_categories, key=lambda c: -chances[c.id])
    rare = [c for c in by_chance[LIMIT - LOOK_FOR :] if _is_looked_for(c, opinion)]
    rare.sort(key=lambda c: -opinion.bars[c.ordinal])
    looked_for = rare[:LOOK_FOR]
    likely = [c for c in by_chance if c not in looked_for]
    return likely[: LIMIT - len(looked_for)] + looked_for


def _is_looked_for(category: Category, opinion: ImageSuggestions) -> bool:
    alike = opinion.bars.get(category.ordinal, 0.0) if category.ordinal in opinion.ranked else 0.0
    return category.present_count < RARE and alike >= ALIKE


def asked_by(
    version: int | None, open_categories: Sequence[Category], opinion: ImageSuggestions
) -> AskedBy:
    """Return what the categories most worth asking were chosen by."""
    if opinion.bars:
        return "likeness" if version is None else "version"
    return "counts" if any(c.present_count for c in open_categories) else "order"
