"""Saving, undoing and redoing on any page; visits; labels as all pages know them."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, Self

from pydantic import Field, WithJsonSchema, model_validator
from typing_extensions import TypedDict

from annotator.domain import Source, State
from annotator.wire.request import (
    AnswerId,
    ClientId,
    Id,
    Milliseconds,
    Moment,
    Probability,
    QueuedRequest,
    Request,
    Text,
)

Decision = Annotated[str, WithJsonSchema({"tsType": "Decision"})]
StateName = Annotated[str, WithJsonSchema({"tsType": "State"})]
SourceName = Annotated[str, WithJsonSchema({"tsType": "Source"})]
"""Texts of replies whose few values the pages' scripts know by these types."""


class Said(Request):
    """What somebody said about one pair."""

    state: State
    source: Source = Source.HUMAN
    score: Probability | None = None
    """What was shown beside the pair."""
    seen: AnswerId | None = None
    """The answer that was seen as the label."""
    after: Text | None = None
    """Client id of an own operation on the pair that is on its way."""


class Change(Said):
    """What an operation says about one pair."""

    category: Id
    image: Id | None = None
    """None: that of the operation."""
    expected: State | None = None
    """What the label says, where a pair is asked again as an attention check."""


class Operation(QueuedRequest):
    """One thing that somebody did."""

    op: ClientId
    at: Moment = None
    ms: Milliseconds | None = None
    """How long the person took."""
    version: Id | None = None
    """The version whose suggestions were on the screen."""


class SaveRequest(Operation):
    """One operation on the pairs of an image, or of several."""

    kind: Literal["answer", "named", "accept_all", "sweep", "page"]
    """`named`: an answer to a category that was found by its name."""
    changes: Annotated[tuple[Change, ...], Field(min_length=1)]
    image: Id | None = None
    """The one that all changes are about which name none."""
    step: ClientId | None = None
    """Shared by the operations of one answer to many images, which undo takes back together."""

    @model_validator(mode="after")
    def _names_images(self) -> Self:
        if self.image is None and any(change.image is None for change in self.changes):
            raise ValueError("names no image")
        return self


class Label(TypedDict):
    """A label; there is none of an unknown pair."""

    state: Decision | None
    """`present` or `absent`; None in conflict."""
    answer: int | None
    source: Annotated[str, WithJsonSchema({"tsType": "Source | ''"})]
    by: str
    mine: bool
    conflict: bool


Touched = dict[str, dict[str, Label | None]]
"""By image id and category id; None where a pair is unknown."""


class Opinion(TypedDict):
    """How the categories of an image stand, given what is known of it by now."""

    version: int | None
    scores: dict[str, float]
    ranked: list[int]
    """Categories whose score is a rank among all images, no probability."""
    suggested: list[int]
    """Open categories at or above their threshold."""
    likely: list[int]
    """Open categories that are worth a row of a list, the likeliest first."""
    sources: NotRequired[dict[str, str]]
    """Names of the predictors, by category that the version does not know and they suggest."""
    rankings: NotRequired[int]
    """Of how many categories all images are ranked by likeness."""


class Agreement(TypedDict):
    """How many of somebody's newest attention checks there are, at most `most`."""

    checks: int
    agreed: int
    """Those that agree with the labels."""
    most: int


class Saved(TypedDict):
    """The touched pairs as they stand now."""

    op: str
    repeated: bool
    images: Touched
    late: list[tuple[int, int]]
    """Pairs of image and category to which somebody else was faster."""
    left_out: list[tuple[int, str]]
    """Images without a usable file, and why."""
    archived: list[tuple[int, str]]
    """Categories that are archived, whose changes are left out, and what to do."""
    merged: list[str]
    """For each category that has been merged, a sentence that says where its answers count."""
    opinion: NotRequired[Opinion]
    """On the other categories, where the operation was about one image."""
    agreement: NotRequired[Agreement]
    """After a page of the grid."""


class BackRequest(QueuedRequest):
    """An undo or a redo."""

    op: ClientId
    target: Text | None = None
    """Client id of the operation that is meant; nothing else is taken back or brought back."""


class TakenBack(TypedDict):
    """What an undo or a redo touched."""

    op: str
    nothing: bool
    image: int | None
    images: Touched


class LastStepRequest(Request):
    """What the next undo, or the next redo, would be about."""

    call: Literal["undo", "redo"] = "undo"


class Step(TypedDict):
    """What this person did with one key, as a question about it names it."""

    op: str
    """The operation that is taken back, or brought back, first."""
    parts: list[str]
    """All its operations in that order, `op` among them."""
    seconds: int
    """Since it was recorded; since it was taken back, for a redo."""
    answers: int
    images: int
    image: int | None
    """The one that all its answers are about."""
    name: str
    """Of that image."""
    category: str
    """The one that all its answers are about."""
    state: Annotated[str, WithJsonSchema({"tsType": "State | ''"})]
    """That all its answers say."""


class LastStep(TypedDict):
    """What the next undo or redo would be about; None if there is nothing."""

    step: Step | None


class VisitRequest(QueuedRequest):
    """An image was on the screen."""

    op: ClientId
    image: Id
    shown: tuple[Id, ...] = ()
    """Categories that were drawn beside it."""
    opened_at: Moment = None
    closed_at: Moment = None


class Visited(TypedDict):
    """A visit is noted."""
