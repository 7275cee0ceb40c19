"""The Label page: where one left off, images and what is known of them, flags and keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from annotator.wire.recording import Decision, Label, Opinion, SourceName, StateName
from annotator.wire.request import Id, Request, TabName, Text, Typed, Whole


class NextImagesRequest(Request):
    """The images most worth labelling next."""

    tab: TabName = ""
    count: Whole = 10
    exclude: tuple[Id, ...] = ()
    """Those the tab has."""
    among: Annotated[tuple[Id, ...], Field(max_length=200)] = ()
    """The next images of a selection; empty: any image of the project."""


class NextImages(TypedDict):
    """They are leased to the tab."""

    images: list[int]
    done: bool
    """Every image has been visited."""


class ItemsRequest(Request):
    """What the page shows of some images."""

    ids: tuple[Id, ...] = ()


class ImageMarksRequest(Request):
    """How far some images are."""

    ids: tuple[Id, ...] = ()


class FindImagesRequest(Request):
    """Images by number or by part of a name; without one, those that one has bookmarked."""

    text: Annotated[Typed, AfterValidator(lambda text: text[:200])] = ""


class PairRequest(Request):
    """Something about one pair."""

    image: Id
    category: Id


class HotkeyRequest(Request):
    """A key of one's own for a category; none if it is empty."""

    category: Id
    key: Annotated[Text, AfterValidator(lambda key: key[:20])] = ""


class FlagRequest(Request):
    """A note to be pinned to an image."""

    image: Id
    note: Typed = ""


class ResolveFlagRequest(Request):
    """A flag to be taken off."""

    flag: Id


class BookmarkRequest(Request):
    """An image that one wants to find again, or no more."""

    image: Id
    on: bool = True


class Category(TypedDict):
    """A category with this person's key."""

    id: int
    name: str
    supercategory: str
    ordinal: int
    aliases: list[str]
    description: str
    key: str


class Implies(TypedDict):
    """The categories that have the same state as one where that is present, or absent."""

    present: list[int]
    absent: list[int]


class Project(TypedDict):
    """Which project this is."""

    name: str
    description: str
    key: str
    ancestors: list[str]
    grey_range: str
    """Setting of that name; images made with another one have other addresses."""


class CategoryList(TypedDict):
    """The categories in the order of the pages; a page asks again when they have changed."""

    categories: list[Category]
    implies: dict[str, Implies]
    """By category id."""
    merged: dict[str, str]
    """By id of each merged category, the name of the one that took it over."""
    categories_revision: str
    """Another one as soon as any of this changes; `state` tells the present one."""


class Labelling(TypedDict):
    """How the keys of the pages answer."""

    enter: Annotated[str, WithJsonSchema({"tsType": "'complete' | 'next'"})]
    commit_delay_ms: int
    """From when an image or a page of images is drawn until a key saves many answers at once."""


class Start(CategoryList):
    """What a page needs once."""

    annotator: str
    """The present name of whoever came under a name of the past."""
    said: str
    """The name that was given."""
    former: list[str]
    """Names of the past, under which a browser may hold answers."""
    project: Project
    version: int | None
    total: int
    resume: int | None
    """The image where this annotator left off."""
    ordered: bool
    """As in `ProjectState`."""
    labelling: Labelling


class RareCategory(TypedDict):
    """A category with few present answers among many."""

    id: int
    present: int
    answered: int


class RareCategories(TypedDict):
    """The categories that could be looked for by likeness, the rarest first."""

    rare: list[RareCategory]


class Flag(TypedDict):
    """A note on an image."""

    id: int
    note: str
    by: str
    at: str


class FlagsOfImage(TypedDict):
    """All unresolved flags of an image."""

    image: int
    flags: list[Flag]


class Bookmarked(TypedDict):
    """Whether one wants to find an image again."""

    image: int
    bookmarked: bool


class Fill(TypedDict):
    """A label that is filled in under a certificate."""

    state: Decision
    certificate: int


AskedBy = Literal["version", "likeness", "counts", "order"]
"""What the ten categories most worth asking were chosen by: the version in use, likeness to images
that people answered, how often a category was found, or the project's own order."""


class ItemData(Opinion):
    """An image and what is known of it."""

    id: int
    name: str
    width: int
    height: int
    problem: str | None
    """Why it cannot be shown."""
    labels: dict[str, Label]
    unsure: list[int]
    filled: dict[str, Fill]
    flags: list[Flag]
    bookmarked: bool
    """By whoever asks."""
    ask: list[int]
    """The ten categories most worth asking about, most worth first."""
    asked_by: AskedBy
    worth: list[int]
    """Those of `ask` whose row is expected to save time; the others hardly are there."""


class Items(TypedDict):
    """Unknown images are left out."""

    items: list[ItemData]


class ImageMark(TypedDict):
    """How far an image is."""

    image: int
    standing: Literal["done", "partly", "untouched"]
    """No category is open, those aside of which this person cannot tell; some are known; none."""
    mine: bool
    """Any of it is this person's answer."""


class ImageMarks(TypedDict):
    """Unknown images are left out."""

    marks: list[ImageMark]


class Finished(TypedDict):
    """What there is once every image has been visited."""

    images: int
    answered: int
    filled: int
    open: int
    doubtful: int
    """Labels that the model speaks against."""
    conflicts: int
    flagged: int


class CertificatePrice(TypedDict):
    """What a certificate would ask and promise; empty where that is not known."""

    message: str


class FoundImage(TypedDict):
    """An image that was looked for."""

    id: int
    number: int
    """From 1, in the order of the project."""
    name: str
    bookmarked: bool


class FoundImages(TypedDict):
    """Images that were found."""

    images: list[FoundImage]


class HistoryRow(TypedDict):
    """One answer about a pair."""

    by: str
    state: StateName
    source: SourceName
    at: str
    late: bool
    check: bool
    """Given to an attention check."""
    cancelled: bool
    score: float | None
    version: int | None


class History(TypedDict):
    """Every answer about a pair, newest first."""

    answers: list[HistoryRow]


class HotkeysOfPerson(TypedDict):
    """All keys of a person by category id."""

    keys: dict[str, str]
