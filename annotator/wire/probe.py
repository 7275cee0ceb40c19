"""Cards of probes."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from annotator.wire.recording import StateName
from annotator.wire.request import ClientId, Id, Milliseconds, QueuedRequest, Request


class ProbeDueRequest(Request):
    """Whether a card is due."""

    after: Id | None = None
    """`newest` of the reply that brought the card which was put off."""


class ProbeCardRequest(Request):
    """The questions of a card; a new id gets a new card."""

    card: ClientId


class ProbeAnswerRequest(QueuedRequest):
    """What somebody says to a question."""

    probe: Id
    card: ClientId
    state: Literal["present", "absent", "unsure"]
    ms: Milliseconds | None = None


class ProbeReleaseRequest(Request):
    """A card is on no screen any more."""

    card: ClientId


class ProbeDue(TypedDict):
    """Whether somebody has made enough decisions for another card."""

    due: bool
    newest: int
    """Id of the newest operation."""


class ProbeCategory(TypedDict):
    """What a card says about a category."""

    name: str
    description: str
    supercategory: str
    examples: list[int]


class ProbeQuestion(TypedDict):
    """Nothing in it tells what the model or anybody else thinks."""

    probe: int
    image: int
    width: int
    height: int
    category: ProbeCategory
    said: StateName | None
    """One's own answer."""
    problem: str | None
    """Why the picture cannot be shown."""


class ProbeCard(TypedDict):
    """A card."""

    card: str
    questions: list[ProbeQuestion]


class ProbeAnswered(TypedDict):
    """Where somebody else was faster, theirs stands, and it is `late`."""

    probe: int
    late: bool


class ProbesOfPerson(TypedDict):
    """How many questions somebody has answered."""

    name: str
    answered: int


class ProbeReport(TypedDict):
    """How much was asked; no figure that could sway anybody."""

    answered: int
    waiting: int
    """Drawn and not answered."""
    people: list[ProbesOfPerson]
    every: int | None
    """Decisions between two cards; None where cards are off."""
