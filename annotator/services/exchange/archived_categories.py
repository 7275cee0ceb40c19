"""What an import says about the archived categories that its file names."""

from __future__ import annotations

from collections.abc import Sequence

from annotator.domain import Category
from annotator.services.catalogue.archived import Archived
from annotator.services.catalogue.lookup import CategoryNames
from annotator.store import Transaction, import_rollback


def archived_in(
    tx: Transaction, named: Sequence[str], categories: Sequence[Category]
) -> tuple[str, ...]:
    """Return for each archived category of a file a sentence on what becomes of its labels.

    Args:
        tx: A transaction.
        named: The categories of the file.
        categories: Every category of the project, archived ones included.
    """
    archived, by_name = Archived(tx), CategoryNames(categories)
    found = {c.id for name in named if (c := by_name.find(name)) is not None and c.id in archived}
    found -= set(import_rollback.hidden(tx, named))  # those are shown again by this import
    return tuple(
        "labels are imported, but not shown or exported for now: " + said
        if (said := archived.refusal(i)) is not None
        else "labels of a merged category count where it was merged into: " + archived.sentence(i)
        for i in sorted(found)
    )
