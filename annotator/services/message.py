"""Sentences of services: what they answer with where one says it all, and numbers in them."""

from __future__ import annotations

from typing_extensions import TypedDict


class Message(TypedDict):
    """What came of something that was asked for."""

    message: str


def span(seconds: float) -> str:
    """Return a length of time, rounded as a person would.

    >>> span(100), span(4000), span(10800)
    ('2 minutes', '67 minutes', '3 hours')
    """
    if seconds < 90:
        return "1 minute"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:,.0f} hours"


def counted(number: int, what: str, plural: str = "") -> str:
    """Return a number with its noun, which takes an s in the plural if no other is given.

    >>> counted(1, "pair"), counted(2000, "pair"), counted(2, "box", "boxes")
    ('1 pair', '2,000 pairs', '2 boxes')
    """
    return f"{number:,} {what if number == 1 else plural or what + 's'}"
