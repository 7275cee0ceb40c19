"""What the library shows to the outside is a list, and the list is kept."""

from __future__ import annotations

import mlrpl


def test_every_public_name_can_be_reached() -> None:
    assert {name for name in mlrpl.__all__ if not hasattr(mlrpl, name)} == set()


def test_the_list_is_sorted_and_short() -> None:
    assert list(mlrpl.__all__) == sorted(mlrpl.__all__, key=str.casefold)
    assert len(mlrpl.__all__) <= 25
