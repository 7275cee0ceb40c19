"""The Verify page: many images of one category."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from annotator.wire.image_list import FilterText, SortText
from annotator.wire.label import Start
from annotator.wire.recording import Agreement, Decision, Operation, Said, SaveRequest
from annotator.wire.request import Id, Request, TabName, Whole


class Mode(StrEnum):
    """What a page of the grid is for."""

    CONFIRM = "confirm"
    SWEEP = "sweep"
    UNCERTAIN = "uncertain"
    LIKE = "like"


class PageRequest(Request):
    """The next images of one category."""

    category: Id
    mode: Mode
    tab: TabName = ""
    count: Whole = 12
    like: Id | None = None
    """The image that they shall be like."""
    shown: tuple[Id, ...] = ()
    """Images that the tab has on pages already."""
    unheld: tuple[Id, ...] = ()
    """Those of `shown` that it got without a lease, attention checks left out."""
    exclude: tuple[Id, ...] = ()
    """Others to leave out."""
    hold: bool = True
    """False to look ahead: nothing is leased."""
    within: FilterText = ""
    """Filter of the images that come at all, as the Images page has it."""
    sort: SortText = ""
    """Their order there: one by likeness to some images goes before the examples in `LIKE`."""


class PageChange(Said):
    """What is said about one image of a page; where `seen` is set, it was an attention check."""

    image: Id


class SavePageRequest(Operation):
    """One page of the grid, saved as one operation."""

    category: Id
    mode: Mode
    changes: Annotated[tuple[PageChange, ...], Field(min_length=1)]


def read_save(data: object) -> SaveRequest | SavePageRequest:
    """Return what is to be saved; a page of the grid names its mode.

    Raises:
        AnnotatorError: As `Request.read`.
    """
    is_page = isinstance(data, dict) and "mode" in data
    return SavePageRequest.read(data) if is_page else SaveRequest.read(data)


class GridItem(TypedDict):
    """One image of a page."""

    id: int
    name: str
    width: int
    height: int
    guess: Decision | None
    score: float | None
    answer: int | None
    """The answer that is its label, if it has one: it is asked again as an attention check, drawn
    like the others. None for open ones."""


class GridPage(TypedDict):
    """The next images, leased to the tab."""

    category: int
    mode: Annotated[str, WithJsonSchema({"tsType": "Mode"})]
    version: int | None
    basis: str
    """What the order goes by: `scores`, `likeness`, `selection` (likeness to the images that the
    order of a selection names), `predictors`, `diversity` or `files`."""
    bulk: bool
    """Items that nobody touches are recorded."""
    elsewhere: int
    """Images left out because others have them on the screen."""
    gone: list[int]
    """Those of `unheld` that others answered or have on the screen."""
    items: list[GridItem]


class CategoryCounts(TypedDict):
    """What is open in a category; `suggested` and `uncertain` are None while they are counted."""

    open: int
    present: int
    answered: int
    rare: bool
    """Few of the answers are present ones; likeness would find more."""
    suggested: int | None
    uncertain: int | None
    taught: bool
    """The model knows the category."""
    calibrated: bool
    """The model may say how sure it is."""


CountsById = dict[str, CategoryCounts]
"""By category id."""


class Counts(TypedDict):
    """What is open in each category."""

    counts: CountsById


class VerifyStart(Start):
    """What the page needs once."""

    counts: CountsById
    agreement: Agreement
