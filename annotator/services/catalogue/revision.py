"""A short text that is another one as soon as what the pages show of categories is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from annotator.domain import Category


def categories_revision(shown: Iterable[Category], chosen: Mapping[int, str]) -> str:
    """Return the revision of a list of categories; counts of labels are no part of it.

    Every open page asks for it every other second, and any process may change categories, so it is
    worked out from the rows that the status line reads anyway: nothing has to be kept up to date.

    Args:
        shown: The categories that are not archived.
        chosen: The keys that this person chose, by category id.
    """
    rows = [
        (c.id, c.name, c.supercategory, c.position, c.aliases, c.description, c.hotkey)
        for c in shown
    ]
    said = repr((sorted(rows), sorted(chosen.items())))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
