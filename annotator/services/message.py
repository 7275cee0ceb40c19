"""What a service answers with where one sentence says it all."""

from __future__ import annotations

from typing_extensions import TypedDict


class Message(TypedDict):
    """What came of something that was asked for."""

    message: str
