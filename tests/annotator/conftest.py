"""What all tests of the app share."""

from __future__ import annotations

import pytest

from annotator.services.background import throttled_cache


@pytest.fixture(autouse=True)
def no_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count figures anew at every change, however long counting takes on a busy machine."""
    monkeypatch.setattr(throttled_cache, "QUICK", float("inf"))
