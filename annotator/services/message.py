"""What a service answers with where one sentence says it all, and how it counts."""

from __future__ import annotations

from typing_extensions import TypedDict


class Message(TypedDict):
    """What came of something that was asked for."""

    message: str


def counted(number: int, what: str) -> str:
    """Return a number with its noun, as in `1 image` and `2 images`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
