"""How many letters name a category on the Label page, as `key_presses.py` counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

AT_FIRST = 7
"""Rows behind the slash before anything is marked."""


def letters_for(name: str, names: Sequence[str]) -> int:
    """Return how many letters have to be typed until the finder means a name.

    The finder takes the first name that begins with the text, else the first with a word that does.
    """
    for count in range(1, len(name) + 1):
        text = name[:count].lower()
        if min(names, key=lambda other: _rank(other, text)) == name:
            return count
    return len(name) + 1  # and an arrow key


def _rank(name: str, text: str) -> int:
    at = f" {name.lower()}".find(f" {text}")
    return 2 if at < 0 else min(at, 1)


def letters_here(
    item: Mapping[str, Any], letters: Mapping[int, int], names: Mapping[int, str]
) -> dict[int, int]:
    """Return how many letters stand between the slash and the last key, by category id.

    None where a digit of the rows behind the slash does; one where the category is the likeliest of
    those that begin with it; two where they are the initials of its words and begin no name.
    """
    behind = [c for c in item["likely"] if c not in item["ask"]][:AT_FIRST]
    fewest = dict(letters)
    for category, name in names.items():
        initials = "".join(word[0] for word in name.lower().split())[:2]
        if len(initials) == 2 and not any(n.lower().startswith(initials) for n in names.values()):
            fewest[category] = min(fewest[category], 2)
    for category in reversed(item["likely"]):
        fewest |= {c: max(n, 2) for c, n in fewest.items() if names[c][0] == names[category][0]}
        fewest[category] = 1
    return fewest | dict.fromkeys(behind, 0)
