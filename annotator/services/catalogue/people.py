"""The people who answer: their names, and whose answers come first."""

from __future__ import annotations

from typing_extensions import TypedDict

from annotator.domain import person_name
from annotator.services.background.short_transactions import Progress, nobody
from annotator.services.catalogue import recomputing
from annotator.services.message import Message, counted
from annotator.store import Store, annotators


class PersonRow(TypedDict):
    """Somebody who answers."""

    id: int
    name: str
    reviewer: bool
    """Their answers come before those of others."""


class Reevaluated(Message):
    """Labels that were worked out anew."""

    pairs: int


class People:
    """The annotators of one project."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self) -> list[PersonRow]:
        """Return everybody, in the order of their first visit."""
        with self._store.reading() as tx:
            everybody = annotators.every(tx)
        return [{"id": a.id, "name": a.name, "reviewer": a.reviewer} for a in everybody]

    def rename(self, annotator_id: int, name: str) -> Message:
        """Give a person another name, under which all their answers are known from now on.

        What still comes under the old name, from pages that are open, is this person's too.

        Raises:
            NotFound: If there is no such person.
            AnnotatorError: If it is no name, see `person_name`, or somebody else's.
        """
        with self._store.writing() as tx:
            annotators.rename(tx, annotator_id, name)
        said = "is saved; open pages keep working and show the new name after a reload."
        return {"message": f"{person_name(name)!r} {said}"}

    def set_reviewer(
        self,
        annotator_id: int,
        reviewer: bool,
        on_progress: Progress = nobody,
    ) -> Reevaluated:
        """Say whether a person's answers come before those of others, also the earlier ones.

        Raises:
            NotFound: If there is no such person.
        """
        with self._store.writing() as tx:
            annotators.set_reviewer(tx, annotator_id, reviewer)
        with self._store.reading() as tx:
            pairs = annotators.contested(tx, annotator_id)
        recomputing.recompute_pairs(self._store, pairs, on_progress)
        said = (
            "now take precedence over those of others"
            if reviewer
            else "now count like those of others"
        )
        looked_at = counted(len(pairs), "pair was", "pairs were")
        return {
            "pairs": len(pairs),
            "message": f"Their answers {said}; {looked_at} re-evaluated.",
        }
