"""Projects on disk, made with the store's own functions, and a clock that is set by hand."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from annotator.arrays.features import FeatureFiles
from annotator.domain import Change, Operation, OperationKind, Source, State
from annotator.settings import Project, Settings, save_project
from annotator.store import Store, annotators, answers, categories, images
from annotator.store.categories import NewCategory
from annotator.store.images import FoundImage


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Made:
    """A project with its open store, and short ways to fill it."""

    def __init__(self, path: Path) -> None:
        self.project = Project(path, Settings(roots={"main": "pictures"}))
        save_project(self.project)
        self.store = Store.open(self.project.database_url)
        self.clock = FakeClock()

    def change(self, settings: Settings) -> None:
        self.project = replace(self.project, settings=settings)
        save_project(self.project)

    def add_categories(self, *names: str) -> list[int]:
        with self.store.writing() as tx:
            return [c.id for c in categories.add(tx, [NewCategory(name=n) for n in names])]

    def add_images(self, names: Iterable[str], fold: Callable[[int], int] = lambda i: i % 10):
        found = []
        for number, name in enumerate(names):
            digest = hashlib.sha256(name.encode()).hexdigest()
            start = int(digest[:15], 16) // 10 * 10 + fold(number)
            content = f"{start:016x}{digest[16:]}"
            found.append(FoundImage(name, content, 8, 8, "PNG", 100, 1))
        with self.store.writing() as tx:
            images.add(tx, "main", found, [])
            return {i.ordinal: i.id for i in images.every(tx)}

    def answer(
        self,
        pairs: Iterable[tuple[int, int, State]],
        *,
        source: Source = Source.HUMAN,
        by: str = "ada",
        kind: OperationKind = OperationKind.ANSWER,
    ) -> None:
        """Record `(image id, category id, state)` as one operation."""
        with self.store.writing() as tx:
            operation = Operation(
                client_id=uuid.uuid4().hex,
                annotator_id=annotators.named(tx, by, self.clock()).id,
                kind=kind,
                changes=tuple(
                    Change(image_id=i, category_id=c, state=s, source=source) for i, c, s in pairs
                ),
                happened_at=self.clock(),
            )
            answers.record(tx, operation, self.clock())

    def add_features(self, pooled: np.ndarray) -> FeatureFiles:
        """Write features by hand; the tokens are four copies of each vector's first values."""
        count, width = pooled.shape
        files = FeatureFiles.create(
            self.project.features_path,
            backbone=self.project.settings.backbone,
            pooled_dim=width,
            positions=4,
            token_dim=min(width, 8),
            rows=count,
        )
        search = np.zeros((count, 128), np.float32)
        search[:, :width] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        tokens = np.repeat(pooled[:, None, :8], 4, axis=1)
        files.write(np.arange(count), pooled, tokens, search)
        return files


@pytest.fixture(scope="session")
def open_made(empty_database: Path) -> Callable[[Path], Made]:
    """Return a function that opens the copy of a project, or a new one in a folder to be made."""

    def open_made(path: Path) -> Made:
        if not path.exists():
            path.mkdir()
            shutil.copy(empty_database, path / "labels.db")
        return Made(path)

    return open_made


@pytest.fixture
def made(tmp_path: Path, open_made: Callable[[Path], Made]) -> Iterator[Made]:
    project = open_made(tmp_path / "project")
    yield project
    project.store.close()
