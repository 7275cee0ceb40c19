"""What all tests of the app share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from annotator.services.background import throttled_cache
from annotator.store import Store


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once(statements_compiled_once: None) -> None: ...


@pytest.fixture(autouse=True)
def no_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count figures anew at every change, however long counting takes on a busy machine."""
    monkeypatch.setattr(throttled_cache, "QUICK", float("inf"))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a database without rows, to be copied."""
    file = tmp_path_factory.mktemp("empty") / "labels.db"
    Store.create(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def oracle(load_module: Callable[[Path], ModuleType]) -> ModuleType:
    """Return the module `oracle.py`: a project with a good model, and somebody who answers."""
    return load_module(Path(__file__).with_name("services") / "oracle.py")
