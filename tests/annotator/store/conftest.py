"""An empty database, and a desk with three people, three pictures and four categories."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annotator.domain import (
    Change,
    Operation,
    OperationKind,
    PairLabel,
    Receipt,
    Source,
    State,
)
from annotator.store import Store, annotators, answers, categories, images

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
PRESENT, ABSENT, UNSURE, CLEARED = State.PRESENT, State.ABSENT, State.UNSURE, State.CLEARED


class Desk:
    """Short ways to answer and to look. Categories 1 to 4 are cat, dog, bird and fish."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.numbers = itertools.count(1)
        with store.writing() as tx:
            self.people = {n: annotators.named(tx, n, NOW).id for n in ("ann", "bob", "chief")}
            annotators.set_reviewer(tx, self.people["chief"], True)
            names = ("cat", "dog", "bird", "fish")
            categories.add(tx, [categories.NewCategory(name) for name in names])
            found = [
                images.FoundImage(f"{i}.png", f"{i:064x}", 40, 30, "PNG", 10, i) for i in (1, 2, 3)
            ]
            images.add(tx, "pictures", found, [])

    def operation(
        self,
        who: str,
        *said: tuple[int, int, State],
        source: Source = Source.HUMAN,
        kind: OperationKind = OperationKind.ANSWER,
        op: str | None = None,
        seen: int | str | None = "now",
        after: str | None = None,
        score: float | None = None,
    ) -> Operation:
        """Return an operation that says something about `(image, category)` pairs."""
        changes = tuple(
            Change(
                image_id=i,
                category_id=c,
                state=state,
                source=source,
                score=score,
                seen_answer_id=self.label(i, c).answer_id if seen == "now" else seen,
                seen_operation=after,
            )
            for i, c, state in said
        )
        return Operation(
            client_id=op or f"op {next(self.numbers)}",
            annotator_id=self.people[who],
            kind=kind,
            changes=changes,
            happened_at=NOW,
        )

    def record(self, operation: Operation) -> Receipt:
        """Deliver an operation."""
        with self.store.writing() as tx:
            return answers.record(tx, operation, NOW)

    def say(self, who: str, *said: tuple[int, int, State], **more: Any) -> Receipt:
        """Make an operation and deliver it at once."""
        return self.record(self.operation(who, *said, **more))

    def bring_in(self, who: str, *said: tuple[int, int, State], **more: Any) -> Receipt:
        """Import labels."""
        source, kind = Source.IMPORTED, OperationKind.IMPORT
        return self.say(who, *said, source=source, kind=kind, seen=None, **more)

    def undo(self, who: str, op: str | None = None) -> Receipt | None:
        """Press undo."""
        with self.store.writing() as tx:
            return answers.undo(tx, op or f"op {next(self.numbers)}", self.people[who], NOW)

    def redo(self, who: str, op: str | None = None) -> Receipt | None:
        """Press redo."""
        with self.store.writing() as tx:
            return answers.redo(tx, op or f"op {next(self.numbers)}", self.people[who], NOW)

    def label(self, image_id: int, category_id: int) -> PairLabel:
        """Return the label of a pair."""
        with self.store.reading() as tx:
            rows = answers.labels_of(tx, [image_id]).get(image_id, [])
        unknown = PairLabel(image_id=image_id, category_id=category_id, state=None)
        return next((x for x in rows if x.category_id == category_id), unknown)

    def states(self, image_id: int = 1) -> dict[int, State | None]:
        """Return the labels of an image by category; conflicts are None."""
        with self.store.reading() as tx:
            return {x.category_id: x.state for x in answers.labels_of(tx, [image_id])[image_id]}


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> Path:
    """Return the file of a database without rows."""
    return Path(shutil.copy(empty_database, tmp_path / "labels.db"))


@pytest.fixture
def url(database: Path) -> str:
    """Return the URL of a database without rows."""
    return f"sqlite:///{database}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Return an open store without rows."""
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    """Return a store with people, pictures and categories."""
    return Desk(store)
