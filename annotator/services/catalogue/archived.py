"""Categories that are on no page any more: what becomes of an answer to one, and what is said."""

from __future__ import annotations

from shlex import quote

from annotator.errors import AnnotatorError
from annotator.store import Transaction, categories


class Archived:
    """The archived categories of a project, merged ones among them."""

    def __init__(self, tx: Transaction) -> None:
        self._rows = categories.archived(tx)

    def __contains__(self, category_id: object) -> bool:
        """Return whether a category is archived, alone or by a merge."""
        return category_id in self._rows

    def target(self, category_id: int) -> int | None:
        """Return what a category is merged into, through all merges; None if it is not merged."""
        target, row = None, self._rows.get(category_id)
        while row is not None and row.merged_into is not None:
            target = row.merged_into
            row = self._rows.get(target)
        return target

    def refusal(self, category_id: int) -> str | None:
        """Return why nobody can answer about a category; None if it is in use.

        An answer to a merged category counts in the one that took it over, so that is in use.
        """
        target = self.target(category_id)
        if target is None:
            return self.sentence(category_id) if category_id in self else None
        if target not in self:
            return None
        return (
            f"{self.name(category_id)!r} is merged into another category: {self.sentence(target)}"
        )

    def refuse(self, category_id: int) -> None:
        """Refuse an answer about a category.

        Raises:
            AnnotatorError: With the `refusal`, if there is one.
        """
        said = self.refusal(category_id)
        if said is not None:
            raise AnnotatorError(said)

    def name(self, category_id: int) -> str:
        """Return the name of an archived category."""
        return self._rows[category_id].name

    def sentence(self, category_id: int) -> str:
        """Return that a category is archived or merged, and how it comes back."""
        return sentence(self._rows[category_id].name, self._rows[category_id].target)


def sentence(name: str, target: str = "") -> str:
    """Return that a category is archived, or merged into `target`, and how it comes back."""
    if target:
        return (
            f"{name!r} is merged into {target!r}; use that, or undo the merge on the Settings page "
            f"or with `annotator categories PROJECT split {quote(name)}`."
        )
    return (
        f"{name!r} is archived; restore it on the Settings page or with "
        f"`annotator categories PROJECT restore {quote(name)}`."
    )
