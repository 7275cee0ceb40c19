"""Fixtures that every test may use."""

from __future__ import annotations

import atexit
import gc
import importlib.util
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep what is collected, which all stays, out of every later look for garbage.

    Otherwise a quarter of the collection, and a tenth of each process while tests run, goes into
    looking through the same million objects.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(gc.unfreeze)  # or libraries say at the end that their objects were left


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that all workers end at about the same time."""
    first = (ROOT / "tests" / "test_architecture.py", ROOT / "tests" / "end_to_end")
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        if any(item.path.is_relative_to(path) for path in first):
            return 0
        return 1 if item.path in slow else 2

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries under test may read the global generator


@pytest.fixture(scope="session")
def statements_compiled_once() -> Iterator[None]:
    """Compile each SQL statement once in this process, not for the database of every test.

    SQLAlchemy keeps what it compiled with an engine, under its dialect. Those of SQLite are all
    made in the same way here, so that what one has compiled is what another would.
    """
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
    from sqlalchemy.util import LRUCache

    from annotator.store import connection  # late: the library is tested without a database

    compiled: LRUCache[Any, Any] = LRUCache(5000)
    make_engine = connection._engine

    def engine(*words: Any) -> Any:
        made = make_engine(*words)
        if isinstance(made.dialect, SQLiteDialect_pysqlite):
            made._compiled_cache = compiled
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda one: hash(type(one)))
        patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda one, two: type(one) is type(two))
        patch.setattr(connection, "_engine", engine)
        yield


@pytest.fixture(scope="session")
def load_module() -> Callable[[Path], ModuleType]:
    """Return a function that loads a module of the tests, which are no package, from its file."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data beside the project, or skip."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the folder shared/data beside the project")
    return folder
