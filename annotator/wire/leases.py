"""What a tab gives back when it is closed."""

from __future__ import annotations

from typing_extensions import TypedDict

from annotator.wire.request import Request, TabName


class ReleaseRequest(Request):
    """The tab holds its images no longer."""

    tab: TabName


class Released(TypedDict):
    """Nothing is said."""
