"""Finding a project's categories by the names that people and files use for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from annotator.domain import Category, name_key
from annotator.errors import NotFound


def in_order(categories: Iterable[Category]) -> list[Category]:
    """Return categories in the order in which every page lists them.

    Those of one group (supercategory) stand together, by position and then by ordinal; a group
    stands where its first category would stand alone.
    """
    groups: dict[str, list[Category]] = defaultdict(list)
    for category in sorted(categories, key=_place):
        groups[category.supercategory].append(category)
    return [category for group in groups.values() for category in group]


def _place(category: Category) -> tuple[bool, int, int]:
    return category.position is None, category.position or 0, category.ordinal


class CategoryNames:
    """Categories by name and alias, in any case."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self._by_name: dict[str, Category] = {}
        listed = list(categories)
        for category in listed:
            for alias in category.aliases:
                self._by_name.setdefault(name_key(alias), category)
        for category in listed:
            self._by_name[name_key(category.name)] = category

    def find(self, name: str) -> Category | None:
        """Return the category of that name or alias, or None."""
        return self._by_name.get(name_key(name))

    def get(self, name: str) -> Category:
        """Return the category of that name or alias.

        Raises:
            NotFound: If there is none; the message suggests the nearest names.
        """
        category = self.find(name)
        if category is None:
            raise NotFound(f"No category named {name!r}; {nearest(name, list(self._by_name))}.")
        return category


def nearest(name: str, known: Sequence[str]) -> str:
    """Return what to say of a name that is not known: those like it, or some that there are."""
    by_key = {name_key(n): n for n in known}
    near = get_close_matches(name_key(name), by_key, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(by_key[n]) for n in near)
    if not known:
        return "there are none yet"
    return f"known are {', '.join(repr(n) for n in known[:8])}{' ...' if len(known) > 8 else ''}"
