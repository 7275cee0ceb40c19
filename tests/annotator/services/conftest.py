"""A small project with real files, a store and a clock that tests set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from annotator.services.app import Services
from annotator.services.creation import create_project
from annotator.store import Store

NAMES = ("cat", "dog", "bird")


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (40 + number, 30), (number * 40, 90, 120)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def services(tmp_path: Path, pictures: Path, clock: FakeClock) -> Iterator[Services]:
    made = create_project(tmp_path / "project", pictures, names=NAMES)
    opened = Services(made.project, Store.open(made.project.database_url), clock)
    yield opened
    opened.close()
