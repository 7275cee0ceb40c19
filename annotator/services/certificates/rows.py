"""The types of what the Certify page and `certify --json` get about plans and certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

from typing_extensions import TypedDict

from mlrpl.decision.fill_plan import Over

Side = Literal["present", "absent"]
"""Pairs that are filled in as present, which may be wrong, and as absent, which may be lost."""


class PlanOptions(TypedDict):
    """What a plan is asked for; None leaves it to the open pilot, else to the defaults."""

    max_error: float | None
    """Wrong ones among the pairs filled in as present, at most, 0 to 1."""
    max_lost: float | None
    """Present pairs filled in as absent, at most, as a share of `over`."""
    confidence: float | None
    over: str | None
    """`pool` or `dataset`."""


class ChosenOptions(TypedDict):
    """What a plan is made with, without anything left open but `over`: None is the cheaper one."""

    max_error: float
    max_lost: float
    confidence: float
    over: str | None


class PilotRow(TypedDict):
    """How far the pilot of a plan is."""

    asked: int
    answered: int
    present: int
    """Answered present."""


class PilotState(PilotRow):
    """How far the pilot of a certificate is."""

    open: bool
    done: bool


class ForecastRow(TypedDict):
    """One way to fill in a pool, and what it would take; see `Forecast`."""

    fill_absent: int
    fill_present: int
    probes: int
    people: int
    lost_share: float


class OfferedForecast(ForecastRow):
    """One way, with what its lost share is taken of."""

    over: Over


Aim = Literal["strict", "usual", "lenient"]
"""Promises to choose from."""


class Offer(ForecastRow):
    """One of the promises to choose from, with the cheapest way to keep it."""

    aim: Aim
    max_error: float
    max_lost: float
    refused: str
    """Why it would not pay, or an empty text."""


class PromiseRow(TypedDict):
    """The numbers of a promise by the names of the options."""

    max_error: float
    max_lost: float
    confidence: float
    over: Over
    known_present: int


class PlanRow(TypedDict):
    """What could be filled in, and what that would cost."""

    certificate: int | None
    """Its number once it is begun."""
    version: int
    pool: int
    """Open pairs that could be filled in."""
    categories: list[str]
    suggest_only: list[str]
    """Categories with too few answers, which are not filled in."""
    known_present: int
    over: Over
    promise: PromiseRow
    plan_of_the_project: int
    forecasts: list[OfferedForecast]
    """The cheapest first."""
    best: ForecastRow
    offers: list[Offer]
    """The promises to choose from, where they were asked for."""
    pilot: PilotRow | None
    """None without one."""
    refused: str
    """Why it cannot begin, or an empty text."""


class ZoneRow(TypedDict):
    """The pairs of one zone of a plan, and what was asked there."""

    zone: str
    """`present`, `middle` or `absent`."""
    pairs: int
    at_most_asked: int
    answered: int
    waiting: int
    present: int
    against: int
    """Answers that speak against the fill."""
    second_looks: int
    """Answers that are asked again."""


class BoundRow(TypedDict):
    """How far one side is proven, and the bound of the step that is tested."""

    side: Side
    certified_steps: int
    steps: int
    pairs: int
    asked: int
    against: int
    against_allowed: float
    at_most: float | None
    """Largest share, wrong or lost, that the answers leave possible; None before there are any."""
    promised: float
    risk: float
    worth_asking: bool


class ClosingPoint(TypedDict):
    """The bounds of both sides after so many answers."""

    answers: int
    present: float | None
    absent: float | None


class Fill(TypedDict):
    """Pairs to be filled in, or that were."""

    present: int
    absent: int


class StandingFill(TypedDict):
    """What became of the pairs that were filled in as present."""

    answered: int
    corrected: int
    in_changed_categories: int
    on_unused_images: int
    left: int
    at_most_wrong: int
    promised: float
    holds: bool


class Standing(TypedDict):
    """Whether the promise of a fill still holds."""

    holds: bool
    present: StandingFill
    sentence: str


class OwnPromise(TypedDict):
    """Which groups of categories keep the promise about lost pairs on their own."""

    risk: float
    promised: list[str]
    no_promise_of_its_own: list[str]
    sentence: str


class ListedCertificate(TypedDict):
    """A certificate in the list of all."""

    certificate: int
    state: str
    version: int
    created_at: str
    pairs: int
    filled: int
    promise: str
    """`holds` or `stale`, or an empty text where nothing is filled in."""


class StatusHead(TypedDict):
    """What is said with every status of a certificate."""

    certificates: list[ListedCertificate]
    """All of the project."""
    changed_categories: list[str]
    """Those that were changed since the plan."""


class _Status(StatusHead):
    certificate: int
    state: str
    standing: Standing | None
    """None where nothing is filled in."""
    version: int
    created_at: str
    pool: int
    fill: Fill
    answers: int
    """Blind ones that count."""
    zones: list[ZoneRow]
    """Empty before a plan is frozen, as are `bounds` and `closing`."""
    bounds: list[BoundRow]
    closing: list[ClosingPoint]
    sentences: list[str]
    super_categories: OwnPromise | None
    categories: OwnPromise | None


@final
class NoStatus(TypedDict):
    """There is no certificate."""

    certificate: None
    certificates: list[ListedCertificate]
    """None at all."""


@final
class PilotStatus(_Status):
    """Where a certificate stands while its pilot is asked and nothing is frozen yet."""

    pilot: PilotState
    wishes: ChosenOptions


@final
class ProofStatus(_Status):
    """Where a certificate stands once its plan is frozen."""

    pilot: Mapping[str, Any] | None
    """What the plan keeps of it."""
    promise: PromiseRow
    project_confidence: float
    questions_expected: int
    """Until the next step of both sides."""
    statement: Mapping[str, Any]
    """See `mlrpl.decision.certifier.statement`."""
    suggest_only: list[str]
    sha256: str
    seed: int


Status = NoStatus | PilotStatus | ProofStatus


class Kept(TypedDict):
    """What never goes away again once it is proven."""

    certified: Mapping[str, float]
    p_values: Mapping[str, float]
    """By name of the group of categories and rung."""


class FillRow(TypedDict):
    """What applying a certificate fills in."""

    certificate: int
    applied: bool
    """It has been done."""
    present: int
    absent: int
    present_left_out: bool
    """Some likely present pairs stay open, because people answered many others."""


class EndedRow(TypedDict):
    """A certificate that was ended."""

    certificate: int
    state: str


class RolledBackRow(EndedRow):
    """A certificate that was rolled back."""

    pairs: int
    """That are open again."""
