"""Tests of the throttled cache itself throttle it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_throttling() -> None:
    """Leave it as it is."""
