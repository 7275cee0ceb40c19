"""The Images page: all images by filter and order, and the selections that other pages work on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from annotator.wire.label import Start
from annotator.wire.recording import StateName
from annotator.wire.request import Id, Request, Text

FilterText = Annotated[Text, Field(max_length=1_000_000)]
SortText = Annotated[Text, Field(max_length=100_000)]
"""Names a category, or the images that others are compared with."""

MOST_ROWS = 200
"""Images that a page asks to show at once."""


class ListRequest(Request):
    """The images that fit a filter, in an order."""

    filter: FilterText = ""
    sort: SortText = ""


class ListedImages(TypedDict):
    """All that fit, as one text: a page scrolls through them without asking again."""

    ids: str
    """Ids of images in their order: 32 bits each, lowest byte first, in Base64."""
    total: int
    """Images of the project."""
    category: int | None
    """The first category that the filter or the order names."""
    version: int | None


class ListRowsRequest(Request):
    """What a list shows of some images."""

    ids: Annotated[tuple[Id, ...], Field(max_length=MOST_ROWS)] = ()
    category: Id | None = None
    """The category that the list is about."""


Standing = Literal["done", "partly", "untouched"]


class ListRow(TypedDict):
    """One image."""

    id: int
    name: str
    width: int
    height: int
    labels: int
    present: list[int]
    """The categories that are present."""
    open: int
    standing: Standing
    mine: bool
    """One has answered something about it."""
    doubt: int
    by: list[str]
    """Who has answered any category of it."""
    answered: str | None
    """When the newest label was recorded."""
    flags: list[str]
    """The notes of unresolved flags."""
    group: int | None
    """Number of the group of near duplicates that it is in; None if it is in none."""
    state: StateName | Literal["unknown", "conflict"] | None
    """Of the category that the list is about; None without one."""
    suggested: bool
    score: float | None
    """A probability, or where `ranked` the share of images that are less alike."""
    ranked: bool


class ListRows(TypedDict):
    """Images as they stand now; those that are not in use any more are left out."""

    rows: list[ListRow]


class BulkRequest(Request):
    """An answer that somebody is about to give to many images."""

    category: Id
    state: Literal["present", "absent", "cleared"]
    ids: Annotated[tuple[Id, ...], Field(max_length=100_000_000)]


class BulkPlan(TypedDict):
    """What the answer would change."""

    images: list[int]
    """Ids of those whose label changes, or about which people would disagree."""
    seen: dict[str, int]
    """The answers that are the labels now, by image id; unknown ones are left out."""
    fresh: int
    """Images that are unknown now."""
    changed: int
    """Those where the own answer says something else now, or is removed."""
    disputed: int
    """Those that others have answered otherwise."""
    same: int
    """Those that the answer would not change."""


class FilterField(TypedDict):
    """A field of the filter language."""

    name: str
    kind: str
    text: str
    choices: list[str]


class Order(TypedDict):
    """What a list can be sorted by."""

    name: str
    text: str


class ListChoices(TypedDict):
    """What filters offer."""

    fields: list[FilterField]
    sorts: list[Order]
    people: list[str]
    folders: list[str]


class ListStart(Start, ListChoices):
    """What the page needs once."""
