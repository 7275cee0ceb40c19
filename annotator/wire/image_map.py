"""The map of the Images page: where each image lies, and in which colour."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from annotator.wire.request import Id, Request

MapSubject = Literal["category", "answered", "doubt"]
"""What the colours are about."""


class MapPlaces(TypedDict):
    """The images in use that have a place, by ordinal; both texts are Base64."""

    ids: str
    """Their ids: 32 bits each, lowest byte first."""
    places: str
    """Two numbers each, of 16 bits, lowest byte first: right and up, from 0 to 65,535."""
    of: int
    """Another number for other images or other places."""
    without: int
    """Images in use that have no place yet."""


class MapColoursRequest(Request):
    """The colours of the same images, in the same order."""

    by: MapSubject
    category: Id | None = None
    """The one that they are about, where they are about a category."""


class MapColours(TypedDict):
    """A number of 8 bits for each image, in Base64.

    About a category: 0 open, 1 present, 2 absent, 3 somebody cannot tell, 4 people disagree, 5
    open and suggested. About what is answered: 0 untouched, 1 partly known, 2 done. About doubt:
    open categories that the model is not sure about, 255 at most.
    """

    codes: str
    of: int
    """As `MapPlaces` has it; if it is another one, the places have to be asked for again."""
