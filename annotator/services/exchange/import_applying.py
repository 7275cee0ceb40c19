"""The content of an import: staged out of sight, then applied beside those who answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from annotator.services.background.short_transactions import Pace, for_all
from annotator.services.background.subprocesses import Progress
from annotator.services.catalogue.lookup import CategoryNames
from annotator.services.exchange.import_plan import ImportPlan
from annotator.store import (
    Store,
    Transaction,
    activity,
    annotators,
    categories,
    import_rollback,
    staged_imports,
)


def stage(store: Store, plan: ImportPlan, pace: Pace, on_progress: Progress) -> None:
    """Put everything that an import brings aside."""
    parts: list[tuple[Any, Callable[[Transaction, Any], None]]] = [
        (plan.answers, staged_imports.add_answers),
        (plan.paths, staged_imports.add_paths),
        (plan.annotations, staged_imports.add_annotations),
    ]
    before, total = 0, sum(len(things) for things, _ in parts)

    def tell(done: int, _: int) -> None:
        on_progress(before + done, total, "Reading labels")

    for things, add in parts:
        for_all(store, things, add, pace=pace, on_progress=tell)
        before += len(things)


def start(
    tx: Transaction, plan: ImportPlan, file: str, now: datetime, kept: Sequence[str] = ()
) -> None:
    """Begin to apply what is staged.

    Args:
        tx: A transaction.
        plan: The import.
        file: Name of its file.
        now: The time of day.
        kept: Names of the values that were put with it, dropped again if it is taken back.

    Raises:
        AnnotatorError: If a new category has a name that cannot be used.
    """
    names = CategoryNames(categories.every(tx, archived=True))
    new = [c for c in plan.new_categories if names.find(c.name) is None]
    added = categories.add(tx, new)
    names = CategoryNames(categories.every(tx, archived=True))
    used = [names.get(name).id for name in plan.categories]
    import_rollback.show_again(tx, used)
    about = staged_imports.Running(
        file=file,
        applying=True,
        categories=used,
        new_categories=[category.id for category in added],
        category_ids=list(plan.category_ids.items()),
        values=kept,
        people=[annotators.named(tx, person, now).id for person in plan.people],
        after=activity.newest_operation(tx),
        at=now.isoformat(),
    )
    staged_imports.note(tx, about)
