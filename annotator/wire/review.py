"""The Review page: answered pairs, and what was said about them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator
from typing_extensions import TypedDict

from annotator.domain import Source
from annotator.wire.label import Flag, PairRequest, Start
from annotator.wire.recording import Label, SourceName, StateName
from annotator.wire.request import Id, Request, Typed, Whole


class Filters(Request):
    """Which pairs are looked for; None and empty mean any."""

    show: Literal["errors", "all", "conflicts", "checks", "flags"] = "all"
    """Labels the model disagrees with, all, conflicts, those that an attention check differs from,
    those of flagged images."""
    category: Id | None = None
    annotator: Id | None = None
    version: Id | None = None
    """0: answered without a version."""
    state: Literal["present", "absent", "unsure", "conflict"] | None = None
    source: Source | None = None
    name: Annotated[Typed, AfterValidator(lambda name: name.strip()[:200])] = ""
    """Part of a file name."""


class SearchRequest(Request):
    """The next pairs that fit."""

    filters: Filters | None = None
    after: tuple[float, Id, Id] | None = None
    """`next` of the answer before; None begins."""
    count: Whole = 60


class RowsRequest(Request):
    """Pairs as they stand now."""

    pairs: tuple[PairRequest, ...] = ()


class ImageRequest(Request):
    """One image and what is known of it."""

    image: Id


class Person(TypedDict):
    """An annotator."""

    id: int
    name: str


class ReviewChoices(TypedDict):
    """What the filters offer."""

    reviewer: bool
    annotators: list[Person]
    sources: list[SourceName]
    versions: list[int]
    flagged: int


class ReviewStart(Start, ReviewChoices):
    """What the page needs once."""


class ReviewOpinion(TypedDict):
    """What one person says about a pair."""

    by: str
    mine: bool
    state: StateName
    source: SourceName
    rank: int
    """2 decides, 1 counts, 0 is imported."""


class VersionView(TypedDict):
    """What the current version says about a pair."""

    score: float | None
    ranked: bool
    disagreement: float
    """How strongly it speaks against the label; 0: it does not."""


class ReviewRow(Label, VersionView):
    """A pair; an unknown one has no state."""

    image: int
    category: int | None
    """None: about the whole image."""
    name: str
    opinions: list[ReviewOpinion]
    flags: list[Flag]


class ReviewRows(TypedDict):
    """Pairs as they stand now."""

    pairs: list[ReviewRow]


class ReviewFound(ReviewRows):
    """Pairs that fit; `conflicts`, `checks` and `flagged` are those of the whole project."""

    next: tuple[float, int, int] | None
    """None at the end."""
    total: int
    conflicts: int
    checks: int
    """Pairs whose label and a later attention check differ."""
    flagged: int
    version: int | None


class HistorySentence(TypedDict):
    """One answer about a pair, in a sentence."""

    by: str
    at: str
    state: StateName
    source: SourceName
    text: str
    remark: str
    """Why it does not count, or empty."""
    undone: str | None
    """When, if it was."""
    late: bool
    stands: bool
    """It makes the label."""


class HistoryInSentences(TypedDict):
    """Every answer about a pair, newest first."""

    answers: list[HistorySentence]
