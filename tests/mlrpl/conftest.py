"""Gives the tests of the library its oracle: the formulas, written out with whole tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def oracle(load_module: Callable[[Path], ModuleType]) -> ModuleType:
    """Return the module `oracle.py` beside this file."""
    return load_module(Path(__file__).with_name("oracle.py"))


@pytest.fixture(scope="session")
def reference(shared: Path, load_module: Callable[[Path], ModuleType]) -> ModuleType:
    """Return the reference implementation of certificates, or skip."""
    return load_module(shared / "reference" / "certificates_reference.py")
